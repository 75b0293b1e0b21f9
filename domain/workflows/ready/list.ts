/** The workflows that come with the product, and what a tenant has to have before one of them can be installed. */
import type { WorkflowDefinition } from "../../../schema/workflow.ts";
import { namedSecrets } from "../secrets/named.ts";
import { AGENT_ONBOARDING } from "./agent-onboarding.ts";
import { BOOKING_BILLING } from "./booking-billing.ts";

export const READY_WORKFLOWS: readonly WorkflowDefinition[] = [AGENT_ONBOARDING, BOOKING_BILLING];

/** Names of the actions that it calls, each once, in the order of its steps. */
export function actionsOf({ steps }: WorkflowDefinition): readonly string[] {
  return [...new Set(steps.flatMap((step) => (step.type === "action" ? [step.action] : [])))];
}

/** Names of the tenant's secrets that its calls carry. */
export function secretsOf({ steps }: WorkflowDefinition): readonly string[] {
  const inputs = steps.flatMap((step) => (step.type === "action" ? [step.with ?? null] : []));
  return [...new Set(inputs.flatMap((one) => namedSecrets(one).map(({ name }) => name)))];
}
