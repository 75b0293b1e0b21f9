/** What happens when a moment comes that a run waits for. */
import { failStep, succeed } from "./advance.ts";
import { attemptFailed } from "./attempts.ts";
import { type Draft, patchStep, patchUndo } from "./draft.ts";
import type { Refusal } from "./events.ts";
import { patchGroup, timeOutGroup } from "./groups.ts";
import { endAs } from "./phases.ts";
import { nextOf, stepOf } from "./plan.ts";
import type { StepRecord, Timer } from "./state.ts";
import { escalate, remind, timeOutTask } from "./tasks.ts";
import { undoFailed } from "./undo.ts";

/** A timer fires once; one that was cancelled, or fires before its time, is refused. */
export function fireTimer(d: Draft, id: string): Refusal | undefined {
  const timer = d.state.timers[id];
  if (!timer) return { reason: "stale_timer", id };
  if (d.nowMs < timer.atMs) return { reason: "too_early", id, atMs: timer.atMs };
  delete d.state.timers[id];
  if (timer.kind === "run") runExpired(d);
  else if (timer.kind === "undo_timeout" || timer.kind === "undo_retry") undoTimer(d, timer);
  else stepTimer(d, timer);
  return undefined;
}

/** A paused run is given its chance: it expires when it is resumed. */
export function runExpired(d: Draft): undefined {
  if (d.state.paused) d.state.expired = true;
  else
    endAs(d, {
      is: "failed",
      error: { reason: "timeout", message: "the run has taken longer than its timeout" },
    });
}

function undoTimer(d: Draft, { kind, step: key = "" }: Timer): undefined {
  const undo = d.state.undos.find((one) => one.key === key);
  if (!undo) return;
  if (kind === "undo_retry") return patchUndo(d, key, { due: true });
  undoFailed(d, undo, { reason: "timeout", message: ATTEMPT_OVER });
}

function stepTimer(d: Draft, timer: Timer): undefined {
  const record = d.state.steps[timer.step ?? ""];
  const step = record && stepOf(d.plan, record.id);
  if (!record || !step || record.ended !== undefined) return;
  switch (timer.kind) {
    case "wait":
      return succeed(d, record.key, null, nextOf(step));
    case "retry":
      return patchStep(d, record.key, { due: true });
    case "round":
      return patchGroup(d, record.key, { due: true });
    case "reminder":
      return remind(d, record);
    case "escalation":
      return step.type === "approval" ? escalate(d, record, step, timer) : undefined;
    case "timeout":
      return timeOut(d, record);
    case "run":
    case "undo_timeout":
    case "undo_retry":
      return undefined;
  }
}

/** Of an action, an undo or a child. */
const ATTEMPT_OVER = "the attempt has not ended within its timeout";

function timeOut(d: Draft, record: StepRecord): undefined {
  const step = stepOf(d.plan, record.id);
  if (record.group) return timeOutGroup(d, record.key);
  if (step?.type === "approval") return timeOutTask(d, record, step);
  if (step?.type !== "event")
    return attemptFailed(d, record, { reason: "timeout", message: ATTEMPT_OVER });
  if (step.onTimeout === undefined)
    return failStep(d, record.key, {
      reason: "timeout",
      message: "nothing it waits for came in time",
    });
  succeed(d, record.key, null, step.onTimeout);
}
