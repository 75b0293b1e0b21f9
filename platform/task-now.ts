/** A task as its run's state has it, while it is open and after it has ended. */
import { type Plan, stepOf } from "../domain/workflows/run/plan.ts";
import type { RunState, StepRecord, Task } from "../domain/workflows/run/state.ts";
import { choicesOf } from "../domain/workflows/run/waiting.ts";
import { taskTag } from "../domain/workflows/tasks/tag.ts";
import { detailsOf } from "./workflow-log.ts";
import type { TaskNow } from "./workflow-runs.ts";

/** By id or tag; undefined where the run has none such, or has called it off. */
export function taskNow(plan: Plan, state: RunState, name: string): TaskNow | undefined {
  for (const record of Object.values(state.steps)) {
    const found = openTask(plan, record, name) ?? endedTask(record, name);
    if (found) return { ...found, choices: choicesIn(plan, record) };
  }
  return undefined;
}

function openTask(plan: Plan, { task }: StepRecord, name: string) {
  if (!task || !isNamed(task.id, name)) return undefined;
  return { id: task.id, state: "open", details: detailsOf(plan, task) } as const;
}

function endedTask({ answered }: StepRecord, name: string) {
  if (!answered || !isNamed(answered.task, name)) return undefined;
  return { id: answered.task, state: answered.how, end: answered };
}

function isNamed(id: string, name: string): boolean {
  return id === name || taskTag(id) === name;
}

function choicesIn(plan: Plan, { id }: StepRecord): Task["choices"] {
  const step = stepOf(plan, id);
  return step?.type === "approval" ? choicesOf(step) : [];
}
