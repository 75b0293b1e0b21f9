/**
 * What one decision leaves in a run's log besides its entry: the trail, and what became of tasks. Everything that is
 * told to others later, the database and the bus, is made of these rows, so that none of it can be lost.
 */
import type { AuditEntry } from "../domain/workflows/run/audit.ts";
import type { Decision, LogEntry } from "../domain/workflows/run/decide.ts";
import { type Plan, stepOf } from "../domain/workflows/run/plan.ts";
import type { Json, Task } from "../domain/workflows/run/state.ts";

/** A task as people see it: what the run keeps, and what its definition says. */
export interface TaskDetails extends Task {
  /** Key of the step's execution. */
  readonly step: string;
  /** Id of the step. */
  readonly stepId: string;
  /** JSON Schema of what is asked for with the answer. */
  readonly form?: Readonly<Record<string, Json>>;
}

export type TaskChange =
  | { readonly is: "open"; readonly details: TaskDetails }
  | {
      readonly is: "close";
      readonly task: string;
      readonly how: "answered" | "expired" | "closed";
      readonly choice?: string;
      readonly by?: string;
    };

/** One row of a run's log. */
export interface LogRow {
  readonly entry: LogEntry;
  readonly audit: readonly AuditEntry[];
  readonly tasks: readonly TaskChange[];
}

export function logRowOf(plan: Plan, { entry, audit, commands }: Decision): LogRow {
  const tasks = commands.flatMap((command): TaskChange[] => {
    switch (command.is) {
      case "open_task":
      case "remind_task":
      case "escalate_task":
        return [{ is: "open", details: detailsOf(plan, command.details) }];
      case "close_task":
        return [closed(command.task, entry, audit)];
      default:
        return [];
    }
  });
  return { entry, audit, tasks };
}

/** The key of the step that asks, and the step's id. */
export function askerOf(task: string): { readonly step: string; readonly stepId: string } {
  const step = task.slice(0, Math.max(task.lastIndexOf("@"), 0));
  return { step, stepId: step.split(/[[#]/, 1)[0] ?? "" };
}

function detailsOf(plan: Plan, task: Task): TaskDetails {
  const asker = askerOf(task.id);
  const definition = stepOf(plan, asker.stepId);
  const form = definition?.type === "approval" ? definition.form : undefined;
  return { ...task, ...asker, ...(form === undefined ? {} : { form }) };
}

function closed(task: string, { event }: LogEntry, audit: readonly AuditEntry[]): TaskChange {
  const { step } = askerOf(task);
  const told = audit.find((one) => one.what === "task_answered" && one.step === step);
  if (told?.outcome !== undefined) {
    const by = event.is === "task_answered" && event.task === task ? event.by : undefined;
    const choice = { choice: told.outcome, ...(by === undefined ? {} : { by }) };
    return { is: "close", task, how: "answered", ...choice };
  }
  const failed = audit.find((one) => one.what === "step_failed" && one.step === step);
  const expired = (told ?? failed)?.reason === "timeout";
  return { is: "close", task, how: expired ? "expired" : "closed" };
}
