/**
 * The planner of runs: an event and a state give the next state, what the engine has to do, and the trail. Pure: the
 * same definition, state, event, time and number always give the same. An event that means nothing any more is
 * refused and changes nothing.
 */
import { fail, ok, type Result } from "../../result.ts";
import { failStep, succeed } from "./advance.ts";
import { arrive } from "./arrivals.ts";
import { attemptFailed } from "./attempts.ts";
import type { AuditEntry } from "./audit.ts";
import { type Command, commandsBetween } from "./commands.ts";
import { charsOf, type Draft, openDraft, tell } from "./draft.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Refusal, RunEvent } from "./events.ts";
import { RUN_LOG_ENTRIES_MAX } from "./limits.ts";
import { drive, endAs } from "./phases.ts";
import { nextOf, type Plan, stepOf } from "./plan.ts";
import { retryFrom } from "./retry.ts";
import { start } from "./start.ts";
import { isOver, RUN_STATE_VERSION, type RunState, type StepRecord, type Undo } from "./state.ts";
import { noteTask } from "./task-notes.ts";
import { answerTask } from "./tasks.ts";
import { fireTimer, runExpired } from "./timers.ts";
import { retryUndos, undoFailed, undoSucceeded } from "./undo.ts";

/** `random` yields numbers in [0, 1); it is asked once. */
export interface Surroundings {
  readonly nowMs: number;
  readonly random: () => number;
  readonly evaluator: Evaluator;
}

/** One accepted event with all that made its result: folding the entries gives the state again. */
export interface LogEntry {
  readonly seq: number;
  readonly atMs: number;
  readonly roll: number;
  readonly event: RunEvent;
}

export interface Decision {
  readonly state: RunState;
  /** To be kept with the state, and then carried out; `outstanding` gives them again after a crash. */
  readonly commands: readonly Command[];
  readonly audit: readonly AuditEntry[];
  /** To be appended to the run's log. */
  readonly entry: LogEntry;
}

/** `state` is absent before the run has started. */
export function decide(
  plan: Plan,
  state: RunState | undefined,
  event: RunEvent,
  { nowMs, random, evaluator }: Surroundings,
): Result<Decision, Refusal> {
  const roll = random();
  const facts = { plan, evaluator, nowMs, random: () => roll };
  const opened = open(plan, state, event, facts);
  if (!opened.ok) return opened;
  const d = opened.value;
  d.state.seq += 1;
  const refused = event.is === "started" ? start(d) : apply(d, event);
  if (refused) return fail(refused);
  drive(d);
  keepLogShort(d);
  const after: RunState = { ...d.state };
  const fired = event.is === "timer" ? event.id : undefined;
  return ok({
    state: after,
    commands: commandsBetween(plan, state, after, fired),
    audit: d.audit,
    entry: { seq: after.seq, atMs: nowMs, roll, event },
  });
}

function open(
  plan: Plan,
  state: RunState | undefined,
  event: RunEvent,
  facts: Pick<Draft, "plan" | "evaluator" | "nowMs" | "random">,
): Result<Draft, Refusal> {
  const { id: workflow, version } = plan.definition;
  if (event.is === "started")
    return state ? fail({ reason: "already_started" }) : ok(openDraft(blank(event, facts), facts));
  if (!state) return fail({ reason: "not_started" });
  const own =
    state.v === RUN_STATE_VERSION && state.workflow === workflow && state.version === version;
  if (!own)
    return fail({ reason: "wrong_definition", workflow: state.workflow, version: state.version });
  const late = event.is !== "retry_from" && event.is !== "retry_compensation" && isOver(state);
  if (late) return fail({ reason: "run_finished", status: state.status });
  return ok(openDraft(state, facts));
}

function blank(
  {
    run,
    tenant,
    input,
    correlationId,
    trigger,
    parent,
    depth,
  }: Extract<RunEvent, { is: "started" }>,
  { plan, nowMs }: Pick<Draft, "plan" | "nowMs">,
): RunState {
  return {
    v: RUN_STATE_VERSION,
    run,
    tenant,
    workflow: plan.definition.id,
    version: plan.definition.version,
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(trigger === undefined ? {} : { trigger }),
    ...(parent === undefined ? {} : { parent }),
    ...(depth === undefined ? {} : { depth }),
    status: "running",
    paused: false,
    phase: "main",
    seq: 0,
    order: 0,
    begun: 0,
    chars: charsOf(input) + charsOf({}),
    startedAtMs: nowMs,
    input,
    vars: {},
    steps: {},
    frames: {},
    visits: {},
    timers: {},
    arrivals: [],
    arrivalIds: [],
    undos: [],
  };
}

/** A refusal leaves the draft to be thrown away. */
function apply(d: Draft, event: Exclude<RunEvent, { is: "started" }>): Refusal | undefined {
  switch (event.is) {
    case "step_succeeded":
    case "step_failed":
    case "child_started":
    case "child_ended":
      return report(d, event);
    case "timer":
      return fireTimer(d, event.id);
    case "signal":
    case "event":
      return arrival(d, event);
    case "task_answered":
      return answerTask(d, event);
    case "task_commented":
    case "task_reassigned":
      return noteTask(d, event);
    case "compensation_succeeded":
    case "compensation_failed":
      return undoReport(d, event);
    case "pause":
    case "resume":
    case "cancel":
      return operate(d, event);
    case "retry_from":
      return retryFrom(d, event);
    case "retry_compensation":
      return retryCompensation(d);
  }
}

type Report = Extract<
  RunEvent,
  { is: "step_succeeded" | "step_failed" | "child_started" | "child_ended" }
>;

function report(d: Draft, event: Report): Refusal | undefined {
  const { step: key, attempt } = event;
  const record = d.state.steps[key];
  if (!record) return { reason: "unknown_step", step: key };
  const step = stepOf(d.plan, record.id);
  const wanted = event.is.startsWith("child_") ? "workflow" : "action";
  const detached = step?.type === "workflow" && step.detached === true;
  const known = !step || step.type !== wanted || (event.is === "child_started" && !detached);
  if (known) return { reason: "wrong_kind", step: key };
  if (record.status !== "running" || record.attempt !== attempt)
    return { reason: "stale_step", step: key, attempt };
  reported(d, record, event, step && nextOf(step));
  return undefined;
}

function reported(
  d: Draft,
  record: StepRecord,
  event: Report,
  next: string | undefined,
): undefined {
  if (event.is === "step_succeeded") return succeeded(d, record, event, next);
  if (event.is === "child_started") return succeed(d, record.key, { run: event.child }, next);
  if (event.is === "step_failed") return attemptFailed(d, record, event.error);
  if (event.outcome === "completed") return succeed(d, record.key, event.output ?? null, next);
  const { retryable, reason } = event.error ?? {};
  const message = reason === undefined ? {} : { message: reason };
  const error = { reason: "child_failed", ...message };
  attemptFailed(d, record, retryable === undefined ? error : { ...error, retryable });
}

function succeeded(
  d: Draft,
  { key }: StepRecord,
  { output, mapped, lost }: Extract<Report, { is: "step_succeeded" }>,
  next: string | undefined,
): undefined {
  if (lost) return failStep(d, key, lost, { effected: true });
  succeed(d, key, output, next, { mapped: mapped === true });
}

function arrival(
  d: Draft,
  event: Extract<RunEvent, { is: "signal" | "event" }>,
): Refusal | undefined {
  if (d.state.ending) return { reason: "already_ending" };
  const { id, payload: data } = event;
  const atMs = d.nowMs;
  if (event.is === "signal") return arrive(d, { id, signal: event.name, data, atMs });
  const { type, correlationId } = event;
  const own = correlationId === undefined ? {} : { correlationId };
  return arrive(d, { id, event: type, ...own, data, atMs });
}

function undoReport(
  d: Draft,
  event: Extract<RunEvent, { is: "compensation_succeeded" | "compensation_failed" }>,
): Refusal | undefined {
  const { step, attempt } = event;
  const undo = d.state.undos.find(({ key }) => key === step);
  if (!undo) return { reason: "unknown_step", step };
  if (!isAt(undo, attempt)) return { reason: "stale_step", step, attempt };
  if (event.is === "compensation_succeeded") undoSucceeded(d, undo);
  else undoFailed(d, undo, event.error);
  return undefined;
}

function isAt(undo: Undo, attempt: number): boolean {
  return undo.status === "running" && undo.attempt === attempt;
}

function operate(
  d: Draft,
  event: Extract<RunEvent, { is: "pause" | "resume" | "cancel" }>,
): Refusal | undefined {
  if (event.is === "cancel") return cancel(d, event);
  const pause = event.is === "pause";
  if (d.state.paused === pause) return { reason: pause ? "already_paused" : "not_paused" };
  d.state.paused = pause;
  tell(d, pause ? "run_paused" : "run_resumed");
  if (pause || !d.state.expired) return undefined;
  delete d.state.expired;
  runExpired(d);
  return undefined;
}

/** A paused run is resumed by it: what goes on settles, then everything is undone. */
function cancel(d: Draft, event: Extract<RunEvent, { is: "cancel" }>): Refusal | undefined {
  if (d.state.ending) return { reason: "already_ending" };
  d.state.paused = false;
  const message = event.reason === undefined ? {} : { message: event.reason };
  const error = { reason: "cancelled", ...message };
  tell(d, "run_cancelling");
  endAs(d, { is: "cancelled", error, compensate: event.compensate !== false });
  return undefined;
}

function retryCompensation(d: Draft): Refusal | undefined {
  const { phase, status } = d.state;
  if (phase !== "over") return { reason: "run_not_finished", status };
  if (!retryUndos(d)) return { reason: "nothing_to_retry" };
  d.state.phase = "undo";
  d.state.status = "compensating";
  delete d.state.endedAtMs;
  tell(d, "run_retried");
  return undefined;
}

function keepLogShort(d: Draft): undefined {
  if (d.state.seq < RUN_LOG_ENTRIES_MAX || d.state.ending) return;
  endAs(d, { is: "failed", error: { reason: "log_full" } });
  drive(d);
}
