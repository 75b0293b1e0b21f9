/** Which steps a run can come to. */
import type { WorkflowStepDefinition } from "../../../schema/workflow-step.ts";

/** Ids of all steps that flow comes to from `first`. */
export function reachedFrom(
  first: string | undefined,
  steps: readonly WorkflowStepDefinition[],
): ReadonlySet<string> {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const reached = new Set<string>();
  const open = first === undefined ? [] : [first];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const step = byId.get(id);
    if (step === undefined || reached.has(id)) continue;
    reached.add(id);
    open.push(...waysOf(step));
  }
  return reached;
}

/** Every id that a step names as a way on; only the members that an import makes. */
function waysOf(step: WorkflowStepDefinition): readonly string[] {
  const { onError } = step;
  const own = step.type === "switch" ? switchWays(step) : [step.next ?? []].flat();
  const more = step.type === "parallel" ? [step.join] : step.type === "map" ? [step.do] : [];
  return [onError, ...own, ...more].filter((id) => id !== undefined);
}

function switchWays(step: Extract<WorkflowStepDefinition, { type: "switch" }>) {
  return [step.default, ...step.cases.map(({ next }) => next)];
}
