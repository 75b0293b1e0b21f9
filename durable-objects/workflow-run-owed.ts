/**
 * What a decision owes to others, once: children, tasks on a channel, events to be awaited, the parent's answer. It
 * is written down with the decision and stays until it is done. Actions and undos are not among it: the state itself
 * says that they are outstanding.
 */
import type { Command } from "../domain/workflows/run/commands.ts";
import type { Decision } from "../domain/workflows/run/decide.ts";
import { type Plan, stepOf } from "../domain/workflows/run/plan.ts";
import { isOver, type RunState } from "../domain/workflows/run/state.ts";
import { askerOf } from "../platform/workflow-log.ts";
import type { HandCommand } from "../platform/workflow-runs.ts";

/** Carried out by the run's Workflows instance. */
export interface HandsOwed {
  readonly by: "hands";
  /** Effects on one subject are made one after the other. */
  readonly subject: string;
  readonly command: HandCommand;
}

/** Carried out by the object itself. */
export type OwnOwed = { readonly by: "object"; readonly subject: string } & (
  | {
      readonly is: "await";
      readonly step: string;
      readonly type: string;
      readonly correlationId?: string;
    }
  | { readonly is: "ignore"; readonly step: string }
  /** The parent gets to know how this run has ended. */
  | { readonly is: "answer" }
);

export type Owed = HandsOwed | OwnOwed;

export function owedOf(plan: Plan, { state, commands, entry }: Decision): readonly Owed[] {
  const begins = entry.event.is === "started" || entry.event.is === "retry_from";
  return [
    ...(begins ? earlyAwaits(plan, state) : []),
    ...commands.flatMap((command) => owedBy(plan, state, command)),
    ...(isOver(state) ? earlyEvents(plan).map(({ id }) => ignore(id)) : []),
  ];
}

function owedBy(plan: Plan, state: RunState, command: Command): readonly Owed[] {
  switch (command.is) {
    case "start_child":
    case "cancel_child":
      return [{ by: "hands", subject: `child ${command.idempotencyKey}`, command }];
    case "open_task":
    case "remind_task":
    case "escalate_task":
    case "reassign_task":
    case "close_task":
      if (!asksOnChannel(plan, command.task)) return [];
      return [{ by: "hands", subject: `task ${command.task}`, command }];
    case "await_event":
      return awaitOf(plan, command);
    case "ignore_event":
      return isAwaited(plan, command.step) ? [ignore(command.step)] : [];
    case "finished":
      return state.parent ? [{ by: "object", subject: "parent", is: "answer" }] : [];
    default:
      return [];
  }
}

function asksOnChannel(plan: Plan, task: string): boolean {
  const step = stepOf(plan, askerOf(task).stepId);
  return step?.type === "approval" && step.channel !== undefined;
}

function awaitOf(
  plan: Plan,
  { step, awaits }: Extract<Command, { is: "await_event" }>,
): readonly OwnOwed[] {
  if (awaits.event === undefined || isEarly(plan, step)) return [];
  const { event: type, correlationId } = awaits;
  const own = correlationId === undefined ? {} : { correlationId };
  return [{ by: "object", subject: `event ${step}`, is: "await", step, type, ...own }];
}

function ignore(step: string): OwnOwed {
  return { by: "object", subject: `event ${step}`, is: "ignore", step };
}

/** Steps that take events by the run's own correlation id: they are awaited from the start, for what comes early counts. */
function earlyEvents(plan: Plan) {
  return plan.definition.steps.flatMap((step) =>
    step.type === "event" && step.event && step.event.correlation === undefined
      ? [{ id: step.id, type: step.event.type }]
      : [],
  );
}

/** Signals come to the run itself, and what is awaited from the start is until the end. */
function isAwaited(plan: Plan, key: string): boolean {
  const step = stepOf(plan, key.split(/[[#]/, 1)[0] ?? "");
  return step?.type === "event" && step.event !== undefined && !isEarly(plan, key);
}

function isEarly(plan: Plan, key: string): boolean {
  const id = key.split(/[[#]/, 1)[0];
  return earlyEvents(plan).some((one) => one.id === id);
}

function earlyAwaits(plan: Plan, { correlationId }: RunState): readonly OwnOwed[] {
  const own = correlationId === undefined ? {} : { correlationId };
  return earlyEvents(plan).map(({ id: step, type }) => {
    return { by: "object", subject: `event ${step}`, is: "await", step, type, ...own };
  });
}

/** What the hands may do now: of each subject the first, so that nothing is called off before it was begun. */
export function handsPlaces<T extends { readonly subject: string; readonly owed: Owed }>(
  places: readonly T[],
): readonly (T & { readonly owed: HandsOwed })[] {
  const subjects = new Set<string>();
  return places.filter((place): place is T & { owed: HandsOwed } => {
    if (place.owed.by !== "hands" || subjects.has(place.subject)) return false;
    subjects.add(place.subject);
    return true;
  });
}
