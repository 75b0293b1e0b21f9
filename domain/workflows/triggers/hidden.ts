/**
 * The subscriptions that a tenant's workflows keep by themselves: one for each workflow whose triggers want events or
 * messages, and one for the events that runs wait for. Their ids begin with `$`, which no id of the API does.
 */
import { BINDINGS_MAX, type Binding, type Subscription } from "../../../schema/subscription.ts";
import type { WorkflowDefinition } from "../../../schema/workflow.ts";
import { MESSAGE_EVENT } from "./start.ts";

/** Bound to every type that some run waits for, or may. */
export const AWAITED_SUBSCRIPTION = "$await";
const TRIGGERED = "$wf:";

/** The subscription that the triggers of a workflow stand for. */
export function triggeredId(workflow: string): string {
  return `${TRIGGERED}${workflow}`;
}

/** True for a subscription that the triggers of a definition stand for. */
export function isTriggered(subscription: string): boolean {
  return subscription.startsWith(TRIGGERED);
}

/** Undefined where no trigger of the definition wants events. */
export function triggeredSubscription({
  id,
  name,
  triggers = [],
}: Pick<WorkflowDefinition, "id" | "name" | "triggers">): Subscription | undefined {
  const types = triggers.flatMap((trigger) => {
    if (trigger.type === "event") return [trigger.event];
    return trigger.type === "message" ? [MESSAGE_EVENT] : [];
  });
  if (types.length === 0) return undefined;
  return {
    id: triggeredId(id),
    name,
    bindings: bindingsOf(types),
    target: { kind: "workflow", workflow: id },
    ordered: false,
  };
}

/** Undefined where nobody waits for anything. */
export function awaitedSubscription(types: readonly string[]): Subscription | undefined {
  if (types.length === 0) return undefined;
  return {
    id: AWAITED_SUBSCRIPTION,
    name: "Events that runs wait for",
    bindings: bindingsOf(types),
    target: { kind: "workflow", workflow: AWAITED_SUBSCRIPTION },
    ordered: false,
  };
}

/** Types of the events that runs of a definition may come to wait for. */
export function awaitableTypes({ steps }: Pick<WorkflowDefinition, "steps">): readonly string[] {
  const types = steps.flatMap((step) =>
    step.type === "event" && step.event ? [step.event.type] : [],
  );
  return [...new Set(types)];
}

/** More types than a subscription may have bindings: everything comes, and is looked at one by one. */
function bindingsOf(types: readonly string[]): Binding[] {
  const keys = [...new Set(types)].sort();
  if (keys.length > BINDINGS_MAX) return [{ kind: "fanout" }];
  return keys.map((key) => ({ kind: "topic", key }));
}
