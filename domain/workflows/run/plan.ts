/** A definition with its steps by id: built once for a version and shared by all its runs. */
import type { WorkflowDefinition } from "../../../schema/workflow.ts";
import type { WorkflowStepDefinition } from "../../../schema/workflow-step.ts";
import { topicIndex } from "../../events/topic.ts";
import type { Await } from "./state.ts";

export interface Plan {
  readonly definition: WorkflowDefinition;
  readonly steps: ReadonlyMap<string, WorkflowStepDefinition>;
  /** Undo step by the step it undoes. */
  readonly undos: ReadonlyMap<string, string>;
}

/** Expects a definition that was checked; a step that is not there fails the run that comes to it, nothing else. */
export function planOf(definition: WorkflowDefinition): Plan {
  return {
    definition,
    steps: new Map(definition.steps.map((step) => [step.id, step])),
    undos: new Map(Object.entries(definition.compensation ?? {})),
  };
}

export function stepOf(plan: Plan, id: string): WorkflowStepDefinition | undefined {
  return plan.steps.get(id);
}

/** Where flow goes on behind a step that has no choice of its own: `join` of a parallel step, `next` of others. */
export function nextOf(step: WorkflowStepDefinition): string | undefined {
  if (step.type === "parallel") return step.join;
  if (step.type === "decision" || step.type === "switch") return undefined;
  return step.next;
}

/** Whether any step of the definition could take it. */
export function isEverAwaited(plan: Plan, arrival: Await): boolean {
  return plan.definition.steps.some(
    (step) =>
      step.type === "event" &&
      (arrival.signal === undefined
        ? typeMatches(step.event?.type, arrival.event)
        : step.signal === arrival.signal),
  );
}

/** `*` stands for one word, `#` for any number. */
export function typeMatches(pattern: string | undefined, type: string | undefined): boolean {
  if (pattern === undefined || type === undefined) return false;
  return (
    topicIndex([{ binding: { kind: "topic", key: pattern }, target: true }]).match(type).length > 0
  );
}
