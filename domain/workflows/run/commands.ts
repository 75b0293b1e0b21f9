/**
 * What the engine has to do. Commands are read off the state: what is outstanding after an event and was not
 * before is new. So a crash between deciding and doing loses nothing: `outstanding` gives the same commands with
 * the same keys again, and doing one twice must be one effect (idempotency key, id of the timer, task or child).
 */
import type { StepOf } from "../../../schema/workflow-step.ts";
import { type Plan, stepOf } from "./plan.ts";
import {
  type Await,
  type Json,
  openRecords,
  type RunEnd,
  type RunState,
  type StepError,
  type StepRecord,
  type Task,
  type TaskEnd,
  type Undo,
} from "./state.ts";
import { attemptTimeoutMs, childTimeoutMs } from "./timing.ts";

/** `key` is unique within the run and the same each time. */
export type Command =
  | {
      readonly is: "run_action";
      readonly key: string;
      /** Key of the execution: answer with it and `attempt`. */
      readonly step: string;
      readonly id: string;
      readonly attempt: number;
      readonly action: string;
      /** Secrets are references still. */
      readonly input: Json;
      readonly timeoutMs: number;
      /** `<run>/<stepId>/<round>`, the same in every attempt. */
      readonly idempotencyKey: string;
    }
  | {
      readonly is: "compensate";
      readonly key: string;
      /** Key of the execution that is undone: answer with it and `attempt`. */
      readonly step: string;
      /** Id of the step that undoes it. */
      readonly id: string;
      readonly attempt: number;
      readonly action: string;
      readonly input: Json;
      readonly timeoutMs: number;
      readonly idempotencyKey: string;
    }
  | { readonly is: "start_timer"; readonly key: string; readonly id: string; readonly atMs: number }
  | { readonly is: "cancel_timer"; readonly key: string; readonly id: string }
  | {
      readonly is: "open_task";
      readonly key: string;
      readonly task: string;
      /** As it is now. */
      readonly details: Task;
    }
  | {
      readonly is: "remind_task";
      readonly key: string;
      readonly task: string;
      /** As it is now. */
      readonly details: Task;
    }
  | {
      readonly is: "escalate_task";
      readonly key: string;
      readonly task: string;
      /** As it is now. */
      readonly details: Task;
    }
  | {
      readonly is: "reassign_task";
      readonly key: string;
      readonly task: string;
      /** As it is now. */
      readonly details: Task;
    }
  | {
      readonly is: "close_task";
      readonly key: string;
      readonly task: string;
      /** As it was last. */
      readonly details: Task;
      /** Absent: it was called off. */
      readonly end?: TaskEnd;
    }
  | {
      readonly is: "start_child";
      readonly key: string;
      readonly step: string;
      readonly attempt: number;
      readonly workflow: string;
      readonly version?: string;
      readonly input: Json;
      readonly detached: boolean;
      readonly timeoutMs: number;
      /** Two starts with it are one child; another attempt is another child. */
      readonly idempotencyKey: string;
    }
  /** Also where nobody waits for it any longer. */
  | {
      readonly is: "cancel_child";
      readonly key: string;
      readonly step: string;
      readonly attempt: number;
      readonly idempotencyKey: string;
    }
  /** The run takes such an event from now on; those from before are not lost if they were handed over. */
  | {
      readonly is: "await_event";
      readonly key: string;
      readonly step: string;
      readonly awaits: Await;
    }
  | { readonly is: "ignore_event"; readonly key: string; readonly step: string }
  | {
      readonly is: "finished";
      readonly key: string;
      readonly outcome: RunEnd;
      readonly output?: Json;
      readonly error?: StepError;
    };

/** Everything the engine must be doing for this state. */
export function outstanding(plan: Plan, state: RunState): readonly Command[] {
  const timers = Object.values(state.timers).map(({ id, atMs }) => {
    return { is: "start_timer", key: `timer ${id} ${atMs}`, id, atMs } as const;
  });
  return [
    ...openRecords(state).flatMap((record) => ofStep(plan, state, record)),
    ...state.undos.flatMap((undo) => ofUndo(plan, undo)),
    ...timers,
    ...ofEnd(state),
  ];
}

/** What is to be done beyond what was: new commands, and the end of what is outstanding no longer. `fired`: a timer's id. */
export function commandsBetween(
  plan: Plan,
  before: RunState | undefined,
  after: RunState,
  fired?: string,
): readonly Command[] {
  const old = before ? outstanding(plan, before) : [];
  const current = outstanding(plan, after);
  const had = new Set(old.map(({ key }) => key));
  const has = new Set(current.map(({ key }) => key));
  return [
    ...old
      .filter((one) => !has.has(one.key) && !isTimer(one, fired))
      .flatMap((one) => endOf(one, after)),
    ...current.filter(({ key }) => !had.has(key)),
  ];
}

function isTimer(command: Command, id: string | undefined): boolean {
  return command.is === "start_timer" && command.id === id;
}

function ofStep(plan: Plan, state: RunState, record: StepRecord): readonly Command[] {
  const step = stepOf(plan, record.id);
  if (!step || record.status === "retrying") return [];
  if (step.type === "action") return [actionCommand(step, state, record)];
  if (step.type === "workflow") return childCommands(step, state, record);
  if (record.task) return taskCommands(record.task);
  if (!record.awaits) return [];
  const { key, attempt, awaits } = record;
  return [{ is: "await_event", key: `await ${key} ${attempt}`, step: key, awaits }];
}

/** Without `with` the input is the run's, and not kept twice. */
function actionCommand(step: StepOf<"action">, state: RunState, record: StepRecord): Command {
  const { key, id, attempt, idempotencyKey } = record;
  return {
    is: "run_action",
    key: `action ${key} ${attempt}`,
    step: key,
    id,
    attempt,
    action: step.action,
    input: record.input === undefined ? state.input : record.input,
    timeoutMs: attemptTimeoutMs(step),
    idempotencyKey,
  };
}

function childCommands(
  step: StepOf<"workflow">,
  state: RunState,
  record: StepRecord,
): readonly Command[] {
  const { key, attempt } = record;
  const idempotencyKey = `${record.idempotencyKey}@${attempt}`;
  const start: Command = {
    is: "start_child",
    key: `child ${key} ${attempt}`,
    step: key,
    attempt,
    workflow: step.workflow,
    ...(step.version === undefined ? {} : { version: step.version }),
    input: record.input === undefined ? state.input : record.input,
    detached: step.detached === true,
    timeoutMs: childTimeoutMs(step),
    idempotencyKey,
  };
  const stopping = state.frames[record.frame]?.stopping === true;
  if (!stopping) return [start];
  const end = { key: `cancel child ${key} ${attempt}`, step: key, attempt, idempotencyKey };
  return [start, { is: "cancel_child", ...end }];
}

function taskCommands(details: Task): readonly Command[] {
  const { id: task, reminders, escalations } = details;
  const commands: Command[] = [{ is: "open_task", key: `task ${task}`, task, details }];
  const reminded = { key: `remind ${task} ${reminders}`, task, details };
  const escalated = { key: `escalate ${task} ${escalations}`, task, details };
  if (reminders > 0) commands.push({ is: "remind_task", ...reminded });
  if (escalations > 0) commands.push({ is: "escalate_task", ...escalated });
  const moves = (details.notes ?? []).filter(({ is }) => is === "reassigned").length;
  if (moves > 0)
    commands.push({ is: "reassign_task", key: `reassign ${task} ${moves}`, task, details });
  return commands;
}

function ofUndo(plan: Plan, undo: Undo): readonly Command[] {
  if (undo.status !== "running") return [];
  const step = stepOf(plan, undo.undo);
  if (step?.type !== "action") return [];
  const { key, attempt, idempotencyKey } = undo;
  return [
    {
      is: "compensate",
      key: `undo ${key} ${attempt}`,
      step: key,
      id: undo.undo,
      attempt,
      action: step.action,
      input: undo.input ?? null,
      timeoutMs: attemptTimeoutMs(step),
      idempotencyKey,
    },
  ];
}

function ofEnd(state: RunState): readonly Command[] {
  const { status, ending, phase } = state;
  if (phase !== "over" || !ending || status === "running" || status === "compensating") return [];
  const what = ending.is === "completed" ? { output: ending.output } : { error: ending.error };
  return [{ is: "finished", key: `finished ${state.seq}`, outcome: status, ...what }];
}

/** Actions cannot be called back: their answers are refused as stale. */
function endOf(command: Command, after: RunState): readonly Command[] {
  if (command.is === "start_timer") {
    const { id } = command;
    const moved = Object.hasOwn(after.timers, id);
    return moved ? [] : [{ is: "cancel_timer", key: `cancel ${command.key}`, id }];
  }
  if (command.is === "open_task") return [closeOf(command, after)];
  if (command.is === "await_event")
    return [{ is: "ignore_event", key: `ignore ${command.key}`, step: command.step }];
  if (command.is !== "start_child" || command.detached) return [];
  return lostChild(command, after);
}

function closeOf(
  { key, task, details }: Extract<Command, { is: "open_task" }>,
  { steps }: RunState,
): Command {
  const end = steps[task.slice(0, Math.max(task.lastIndexOf("@"), 0))]?.answered;
  const own = end?.task === task ? { end } : {};
  return { is: "close_task", key: `close ${key}`, task, details, ...own };
}

/** A child that ended by itself needs no cancelling; one whose attempt timed out does. */
function lostChild(
  { step, attempt, idempotencyKey }: Extract<Command, { is: "start_child" }>,
  after: RunState,
): readonly Command[] {
  const record = after.steps[step];
  if (record?.error?.reason !== "timeout") return [];
  const key = `cancel child ${step} ${attempt}`;
  return [{ is: "cancel_child", key, step, attempt, idempotencyKey }];
}
