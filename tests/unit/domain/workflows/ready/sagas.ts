/** The ready sagas as tests go through them: an input of each, what it makes, and its calls in order. */
import { AGENT_ONBOARDING } from "../../../../../domain/workflows/ready/agent-onboarding.ts";
import { BOOKING_BILLING } from "../../../../../domain/workflows/ready/booking-billing.ts";
import type { Json } from "../../../../../domain/workflows/run/state.ts";
import type { WorkflowDefinition } from "../../../../../schema/workflow.ts";

export interface SagaCase {
  readonly name: string;
  readonly definition: WorkflowDefinition;
  readonly input: Json;
  /** What the services make where all goes well, in order. */
  readonly made: readonly string[];
  /** Template of the message where it did not. */
  readonly sorry: string;
  readonly checks: readonly string[];
  /** Step, its action, and its undo's; in the order in which they complete. */
  readonly effects: readonly (readonly [step: string, action: string, undo: string])[];
}

export const BOOKING: SagaCase = {
  name: "booking and billing",
  definition: BOOKING_BILLING,
  input: {
    person: "per_3f9a",
    service: "srv_physio",
    slot: "slot_0912",
    amount: { minor: 4500, currency: "EUR" },
  },
  made: ["made authorization", "made reservation", "made invoice", "sent booking.confirmed"],
  sorry: "sent booking.failed",
  checks: [],
  effects: [
    ["verify", "coverage.verify", "coverage.withdraw"],
    ["reserve", "reservations.reserve", "reservations.release"],
    ["bill", "billing.charge", "billing.refund"],
  ],
};

export const ONBOARDING: SagaCase = {
  name: "onboarding of an agent",
  definition: AGENT_ONBOARDING,
  input: { application: "app_77e1", owner: "per_3f9a", channel: "whatsapp" },
  made: ["made agent", "made key", "made connection", "made space", "sent agent.ready"],
  sorry: "sent agent.failed",
  checks: ["agents.validate"],
  effects: [
    ["create", "agents.create", "agents.remove"],
    ["issue-key", "keys.issue", "keys.revoke"],
    ["connect-channel", "channels.connect", "channels.disconnect"],
    ["open-knowledge", "knowledge.open", "knowledge.close"],
  ],
};

export const SAGAS: readonly SagaCase[] = [BOOKING, ONBOARDING];

/** Every action that goes forward. */
export function forward({ checks, effects }: SagaCase): readonly string[] {
  return [...checks, ...effects.map(([, action]) => action), "notifications.send"];
}
