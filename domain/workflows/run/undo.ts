/**
 * Compensation: completed steps are undone one after the other, the last completed first, whatever branch or item they
 * belong to. An undo that fails is kept as failed and the older ones go on.
 */
import {
  type Draft,
  dropTimers,
  keptError,
  patchUndo,
  release,
  setTimer,
  take,
  tell,
  without,
} from "./draft.ts";
import type { ReportedError } from "./events.ts";
import { type Plan, stepOf } from "./plan.ts";
import { mappingOf, scopeOf, shownError, truthOf } from "./scope.ts";
import type { Json, RunState, StepError, StepRecord, Undo } from "./state.ts";
import { attemptTimeoutMs, mayRetry, retryDelayMs } from "./timing.ts";

/** Everything that is to be undone, in the order in which it is. Steps of unknown outcome are listed, and left to people. */
export function undosOf(plan: Plan, state: Pick<RunState, "run" | "steps">): readonly Undo[] {
  const records = Object.values(state.steps);
  return records
    .filter((record) => plan.undos.has(record.id) && (isDone(record) || isUnknown(record)))
    .sort((one, other) => (other.ended ?? 0) - (one.ended ?? 0))
    .map((record) => undoOf(state.run, record, plan.undos.get(record.id) ?? "", records));
}

function isDone({ status, effected }: StepRecord): boolean {
  return status === "succeeded" || effected === true;
}

/** Nobody knows whether its effect was made. */
function isUnknown({ status, error }: StepRecord): boolean {
  return status === "failed" && error?.reason === "timeout";
}

function undoOf(run: string, record: StepRecord, undo: string, all: readonly StepRecord[]): Undo {
  const { key, id } = record;
  const why = isUnknown(record) ? "outcome_unknown" : wasRescued(record, undo, all);
  return {
    key,
    step: id,
    undo,
    attempt: 0,
    attemptsBefore: 0,
    idempotencyKey: `${run}/${undo}/undo:${key}`,
    ...(why === undefined ? { status: "pending" } : { status: "skipped", reason: why }),
  };
}

/** The same undo ran as an `onError` target since. */
function wasRescued(done: StepRecord, undo: string, all: readonly StepRecord[]) {
  const ran = all.some(
    ({ id, rescues, status, scope, begun }) =>
      id === undo &&
      rescues &&
      status === "succeeded" &&
      scope === done.scope &&
      begun > (done.ended ?? 0),
  );
  return ran ? "already_run" : undefined;
}

/** Begins the next one; false where none is left or one goes on. */
export function nextUndo(d: Draft): boolean {
  if (d.state.undos.some(({ status }) => status === "running")) return false;
  const due = d.state.undos.find((undo) => undo.status === "retrying");
  const next = due ?? d.state.undos.find(({ status }) => status === "pending");
  if (!next || (due && !due.due)) return false;
  beginUndo(d, next);
  return true;
}

function beginUndo(d: Draft, undo: Undo): undefined {
  const prepared = undo.attempt > undo.attemptsBefore ? { is: "again" as const } : prepare(d, undo);
  if (prepared.is === "skip") return skipUndo(d, undo.key, "condition");
  if (prepared.is === "fail") return endUndo(d, undo, prepared.error);
  const step = stepOf(d.plan, undo.undo);
  if (step?.type !== "action") return endUndo(d, undo, { reason: "undo_is_no_action" });
  const attempt = undo.attempt + 1;
  const input = prepared.is === "first" ? { input: prepared.input } : {};
  const fresh = { ...without(undo, "due", "error"), status: "running", attempt, ...input } as const;
  const startedAtMs = undo.startedAtMs ?? d.nowMs;
  d.state.undos = d.state.undos.map((one) =>
    one.key === undo.key ? { ...fresh, startedAtMs } : one,
  );
  tell(d, "compensation_started", { step: undo.key, attempt });
  setTimer(d, "undo_timeout", d.nowMs + attemptTimeoutMs(step), undo.key, attempt);
}

type Prepared =
  | { readonly is: "first"; readonly input: Json }
  | { readonly is: "skip" }
  | { readonly is: "fail"; readonly error: StepError };

function prepare(d: Draft, undo: Undo): Prepared {
  const record = d.state.steps[undo.key];
  const step = stepOf(d.plan, undo.undo);
  if (!record || step?.type !== "action")
    return { is: "fail", error: { reason: "undo_is_no_action" } };
  const facts = factsOf(d.state, record);
  const scope = scopeOf(d, record, { undo: facts });
  if (step.condition !== undefined) {
    const wanted = truthOf(d, step.condition, scope, "condition");
    if (!wanted.ok) return { is: "fail", error: wanted.failure };
    if (!wanted.value) return { is: "skip" };
  }
  if (step.with === undefined) return { is: "first", input: facts };
  const input = mappingOf(d, step.with, scope, "with");
  return input.ok ? { is: "first", input: input.value } : { is: "fail", error: input.failure };
}

/** What an undo is told of the step that it undoes. */
function factsOf(state: Draft["state"], record: StepRecord): Json {
  const { ending } = state;
  const error = ending && ending.is !== "completed" ? { ...shownError(ending.error) } : null;
  const input = record.type === "action" || record.type === "workflow" ? state.input : null;
  return {
    step: record.id,
    input: record.input === undefined ? input : record.input,
    output: record.output ?? null,
    error,
  };
}

function skipUndo(d: Draft, key: string, reason: string): undefined {
  patchUndo(d, key, { status: "skipped", reason, endedAtMs: d.nowMs });
  tell(d, "compensation_skipped", { step: key, reason });
}

export function undoSucceeded(d: Draft, undo: Undo): undefined {
  endUndo(d, undo);
}

/** Tried again as its rule says; then it stays failed, for people. */
export function undoFailed(d: Draft, undo: Undo, error: ReportedError): undefined {
  const step = stepOf(d.plan, undo.undo);
  const rule = step?.type === "action" ? step.retry : undefined;
  const made = undo.attempt - undo.attemptsBefore;
  if (!rule || !mayRetry(rule, made, error)) return endUndo(d, undo, error);
  const { reason } = keptError(error);
  dropTimers(d, undo.key, "undo_timeout");
  patchUndo(d, undo.key, { status: "retrying", error: { reason } });
  tell(d, "compensation_retrying", { step: undo.key, attempt: undo.attempt, reason });
  const delayMs = retryDelayMs(rule, made, error, d.random);
  setTimer(d, "undo_retry", d.nowMs + delayMs, undo.key, undo.attempt + 1);
}

function endUndo(d: Draft, undo: Undo, error?: StepError): undefined {
  dropTimers(d, undo.key, "undo_timeout", "undo_retry");
  const kept = error && keptError(error);
  const room = take(d, kept?.message);
  const shown = kept && (room ? kept : { reason: kept.reason });
  const status = shown ? "failed" : "succeeded";
  const ended = { status, endedAtMs: d.nowMs, ...(shown ? { error: shown } : {}) } as const;
  d.state.undos = d.state.undos.map((one) =>
    one.key === undo.key ? { ...without(one, "input", "error", "due"), ...ended } : one,
  );
  const facts = { step: undo.key, attempt: undo.attempt, reason: shown?.reason };
  tell(d, shown ? "compensation_failed" : "compensation_completed", facts);
}

/** Failed undos begin once more; false where none has failed. */
export function retryUndos(d: Draft): boolean {
  const failed = d.state.undos.filter(({ status }) => status === "failed");
  if (failed.length === 0) return false;
  for (const { error } of failed) release(d, error?.message);
  d.state.undos = d.state.undos.map((undo) =>
    undo.status === "failed"
      ? { ...without(undo, "error", "endedAtMs"), status: "pending", attemptsBefore: undo.attempt }
      : undo,
  );
  return true;
}
