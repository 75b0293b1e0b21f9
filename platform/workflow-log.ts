/**
 * What one decision leaves in a run's log besides its entry: the trail, and what became of tasks. Everything that is
 * told to others later, the database and the bus, is made of these rows, so that none of it can be lost.
 */
import type { AuditEntry } from "../domain/workflows/run/audit.ts";
import type { Command } from "../domain/workflows/run/commands.ts";
import type { Decision, LogEntry } from "../domain/workflows/run/decide.ts";
import { type Plan, stepOf } from "../domain/workflows/run/plan.ts";
import type { Json, RunState, Task, TaskEnd } from "../domain/workflows/run/state.ts";

/** A task as people see it: what the run keeps, and what its definition says. */
export interface TaskDetails extends Task {
  /** Key of the step's execution. */
  readonly step: string;
  /** Id of the step. */
  readonly stepId: string;
  /** JSON Schema of what is asked for with the answer. */
  readonly form?: Readonly<Record<string, Json>>;
  /** Once it has ended; absent where it was called off. */
  readonly end?: TaskEnd & { readonly comment?: string; readonly form?: Json };
}

export type TaskChange =
  | {
      readonly is: "open";
      readonly why: "opened" | "reminded" | "escalated" | "reassigned" | "commented";
      readonly details: TaskDetails;
    }
  | {
      readonly is: "close";
      readonly task: string;
      readonly how: "answered" | "expired" | "closed";
      readonly details: TaskDetails;
    };

/** One row of a run's log. */
export interface LogRow {
  readonly entry: LogEntry;
  readonly audit: readonly AuditEntry[];
  readonly tasks: readonly TaskChange[];
}

export function logRowOf(plan: Plan, { entry, audit, commands, state }: Decision): LogRow {
  const tasks = commands.flatMap((command): TaskChange[] => {
    switch (command.is) {
      case "open_task":
      case "remind_task":
      case "escalate_task":
      case "reassign_task":
        return [{ is: "open", why: WHY[command.is], details: detailsOf(plan, command.details) }];
      case "close_task":
        return [closed(plan, command, entry)];
      default:
        return [];
    }
  });
  return { entry, audit, tasks: [...tasks, ...commented(plan, entry, state)] };
}

const WHY = {
  open_task: "opened",
  remind_task: "reminded",
  escalate_task: "escalated",
  reassign_task: "reassigned",
} as const;

function commented(plan: Plan, { event }: LogEntry, { steps }: RunState): readonly TaskChange[] {
  if (event.is !== "task_commented") return [];
  const task = steps[askerOf(event.task).step]?.task;
  return task ? [{ is: "open", why: "commented", details: detailsOf(plan, task) }] : [];
}

/** The key of the step that asks, and the step's id. */
export function askerOf(task: string): { readonly step: string; readonly stepId: string } {
  const step = task.slice(0, Math.max(task.lastIndexOf("@"), 0));
  return { step, stepId: step.split(/[[#]/, 1)[0] ?? "" };
}

export function detailsOf(plan: Plan, task: Task): TaskDetails {
  const asker = askerOf(task.id);
  const definition = stepOf(plan, asker.stepId);
  const form = definition?.type === "approval" ? definition.form : undefined;
  return { ...task, ...asker, ...(form === undefined ? {} : { form }) };
}

function closed(
  plan: Plan,
  { task, details, end }: Extract<Command, { is: "close_task" }>,
  { event }: LogEntry,
): TaskChange {
  const shown = detailsOf(plan, details);
  if (!end) return { is: "close", task, how: "closed", details: shown };
  const said = event.is === "task_answered" && event.task === task ? event : undefined;
  const comment = said?.comment === undefined ? {} : { comment: said.comment };
  const form = said?.form === undefined ? {} : { form: said.form };
  return {
    ...{ is: "close", task, how: end.how },
    details: { ...shown, end: { ...end, ...comment, ...form } },
  };
}
