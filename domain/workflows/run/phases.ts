/** How a run goes from its threads to its undos, to its `onFailure` chain, to its end; and the loop that drives it there. */
import { nextAttempt } from "./attempts.ts";
import {
  charsOf,
  type Draft,
  type FrameOutcome,
  patchStep,
  setTimer,
  take,
  tell,
  without,
} from "./draft.ts";
import { enter } from "./enter.ts";
import { beginRound, memberEnded } from "./groups.ts";
import { STEP_OUTPUT_CHARS_MAX } from "./limits.ts";
import { mappingOf, scopeOf } from "./scope.ts";
import {
  type Ending,
  FAILURE_FRAME,
  type Frame,
  type Json,
  MAIN_FRAME,
  openRecords,
  type RunEnd,
} from "./state.ts";
import { stopAll } from "./stop.ts";
import { checkedMs } from "./timing.ts";
import { nextUndo, undosOf } from "./undo.ts";

/** Does everything that can be done without a further event. */
export function drive(d: Draft): undefined {
  if (!d.state.paused) beginDue(d);
  while (step(d));
}

/** One thing; false where there is nothing. */
function step(d: Draft): boolean {
  const ended = d.ended.shift();
  if (ended) {
    if (ended.frame.parent === undefined) branchEnded(d, ended.frame, ended.outcome);
    else memberEnded(d, ended.frame, ended.outcome);
    return true;
  }
  const ready = Object.values(d.state.frames).find((frame) => frame.ready !== undefined);
  if (ready && !d.state.paused) {
    enter(d, ready);
    return true;
  }
  return Object.keys(d.state.frames).length === 0 && nextPhase(d);
}

/** What fell due while the run was paused, or just now. */
function beginDue(d: Draft): undefined {
  for (const record of openRecords(d.state)) {
    if (record.status === "retrying" && record.due) nextAttempt(d, record);
    if (!record.group?.due) continue;
    patchStep(d, record.key, { group: without(record.group, "due") });
    beginRound(d, record.key);
  }
}

/** The main branch, or the `onFailure` chain, which changes no outcome. */
function branchEnded(d: Draft, frame: Frame, outcome: FrameOutcome): undefined {
  if (frame.id !== MAIN_FRAME || d.state.ending) return;
  if (outcome.is === "failed") return endAs(d, { is: "failed", error: outcome.error });
  const last = outcome.is === "done" ? outcome.output : null;
  endAs(d, completedWith(d, last));
}

function completedWith(d: Draft, last: Json): Ending {
  const template = d.plan.definition.output;
  if (template === undefined) return { is: "completed", output: last };
  const output = mappingOf(d, template, scopeOf(d, { scope: "" }, { output: last }), "output");
  if (!output.ok) return { is: "failed", error: output.failure };
  const fits = charsOf(output.value) <= STEP_OUTPUT_CHARS_MAX && take(d, output.value);
  if (!fits) return { is: "failed", error: { reason: "output_too_large" } };
  return { is: "completed", output: output.value };
}

/** What the run comes to is decided once; what goes on settles first. */
export function endAs(d: Draft, ending: Ending): undefined {
  if (d.state.ending) return;
  d.state.ending = ending;
  if (ending.is !== "completed" || Object.keys(d.state.frames).length > 0) stopAll(d);
}

/** No thread is left; false where the run waits for an undo, or is over. */
function nextPhase(d: Draft): boolean {
  const { ending, phase, paused } = d.state;
  if (!ending || phase === "over") return false;
  if (ending.is === "completed" || phase === "failure") return over(d);
  if (paused) return false;
  if (phase === "main") return beginUndoing(d, ending);
  if (nextUndo(d)) return true;
  return d.state.undos.every(isSettled) && afterUndoing(d, ending);
}

function isSettled({ status }: { readonly status: string }): boolean {
  return status === "succeeded" || status === "skipped" || status === "failed";
}

function beginUndoing(d: Draft, ending: Exclude<Ending, { is: "completed" }>): boolean {
  const wanted = ending.is === "failed" || ending.compensate;
  d.state.phase = "undo";
  d.state.undos = wanted ? undosOf(d.plan, d.state) : [];
  dropAll(d);
  for (const { key, status, reason } of d.state.undos)
    if (status === "skipped") tell(d, "compensation_skipped", { step: key, reason });
  if (d.state.undos.some(({ status }) => status === "pending")) d.state.status = "compensating";
  return true;
}

function dropAll(d: Draft): undefined {
  for (const id of Object.keys(d.state.timers)) delete d.state.timers[id];
}

/** `onFailure` is for failures, once. */
function afterUndoing(d: Draft, ending: Ending): boolean {
  const first = d.plan.definition.onFailure;
  const retried = d.state.undos.some(({ attemptsBefore }) => attemptsBefore > 0);
  if (first === undefined || ending.is !== "failed" || retried) return over(d);
  d.state.phase = "failure";
  d.state.frames[FAILURE_FRAME] = { id: FAILURE_FRAME, scope: "", round: "", ready: first };
  return true;
}

function over(d: Draft): boolean {
  const outcome = outcomeOf(d);
  dropAll(d);
  d.state.phase = "over";
  d.state.status = outcome;
  d.state.endedAtMs = d.nowMs;
  const { ending } = d.state;
  const reason = ending && ending.is !== "completed" ? ending.error.reason : undefined;
  tell(d, outcome === "completed" ? "saga_completed" : "saga_failed", { outcome, reason });
  return true;
}

function outcomeOf({ state: { ending, undos } }: Draft): RunEnd {
  if (ending?.is === "completed") return "completed";
  if (undos.some(({ status }) => status === "failed")) return "compensation_failed";
  if (ending?.is === "cancelled") return "cancelled";
  const undone = undos.some(
    ({ status, reason }) => status === "succeeded" || reason === "already_run",
  );
  return undone ? "compensated" : "failed";
}

/** The run's own time, from now on. */
export function armRun(d: Draft): undefined {
  const timeoutMs = checkedMs(d.plan.definition.timeout);
  if (timeoutMs !== undefined) setTimer(d, "run", d.nowMs + timeoutMs);
}
