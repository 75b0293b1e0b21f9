/**
 * A run that ended badly goes on from a step. A step that failed is tried again under its key; one that succeeded is a new
 * visit, with an idempotency key of its own. Of a parallel, map or loop step the members that failed are tried again.
 */
import { moveOn, succeed } from "./advance.ts";
import { type Draft, release, releaseRest, setTimer, tell, without } from "./draft.ts";
import type { Refusal, RunEvent } from "./events.ts";
import { addBranch, addRound, membersOf } from "./groups.ts";
import { armRun } from "./phases.ts";
import { nextOf, stepOf } from "./plan.ts";
import { MAIN_FRAME, type StepRecord, type Undo } from "./state.ts";
import { checkedMs } from "./timing.ts";

type Retry = Extract<RunEvent, { is: "retry_from" }>;

export function retryFrom(d: Draft, event: Retry): Refusal | undefined {
  const { status, phase } = d.state;
  if (phase !== "over") return { reason: "run_not_finished", status };
  if (status === "completed") return { reason: "nothing_to_retry" };
  const record = d.state.steps[event.step];
  const top = record && topOf(d, record);
  if (!record || top?.frame !== MAIN_FRAME) return { reason: "unknown_step", step: event.step };
  if (!fits(d, event, record, top)) return { reason: "wrong_kind", step: event.step };
  const reopened = isReopened(d, top);
  const kept = keptBeside(d, top, reopened);
  const undone = d.state.undos.filter(isUndone).filter(({ key }) => kept.has(key));
  if (undone.length > 0) return { reason: "steps_undone", steps: undone.map(({ key }) => key) };
  restart(d, event.step);
  for (const one of Object.values(d.state.steps)) if (!kept.has(one.key)) forget(d, one, top);
  resumeAt(d, top, event, reopened);
  return undefined;
}

/** A member of a step that succeeded is over; and of what has no `next` of its own nobody knows where to go on. */
function fits(d: Draft, { output }: Retry, record: StepRecord, top: StepRecord): boolean {
  if (record.key !== top.key && top.status === "succeeded") return false;
  if (output === undefined) return true;
  const type = stepOf(d.plan, record.id)?.type;
  return record.key === top.key && type !== "decision" && type !== "switch";
}

function topOf(d: Draft, record: StepRecord): StepRecord {
  const owner = record.parent === undefined ? undefined : d.state.steps[record.parent];
  return owner ? topOf(d, owner) : record;
}

function isUndone({ status, reason }: Undo): boolean {
  return status === "succeeded" || status === "failed" || reason === "already_run";
}

/** It goes on where it stood, unless what its members did has been undone. */
function isReopened(d: Draft, top: StepRecord): boolean {
  if (!top.group || top.status !== "failed") return false;
  return !d.state.undos.some((undo) => isUndone(undo) && isWithin(d, undo.key, top.key));
}

function isWithin(d: Draft, key: string, top: string): boolean {
  const parent = d.state.steps[key]?.parent;
  return parent !== undefined && (parent === top || isWithin(d, parent, top));
}

/** What came before, and of a step that is reopened its members. */
function keptBeside(d: Draft, top: StepRecord, reopened: boolean): ReadonlySet<string> {
  const records = Object.values(d.state.steps).filter(
    ({ key, begun }) => begun < top.begun || (reopened && isWithin(d, key, top.key)),
  );
  return new Set(records.map(({ key }) => key));
}

function restart(d: Draft, step: string): undefined {
  delete d.state.ending;
  delete d.state.endedAtMs;
  delete d.state.expired;
  d.state.paused = false;
  d.state.status = "running";
  d.state.phase = "main";
  for (const { error } of d.state.undos) release(d, error?.message);
  d.state.undos = [];
  tell(d, "run_retried", { step });
  armRun(d);
}

/** Its place is remembered, so that another visit has another key. The one that is retried stays. */
function forget(d: Draft, record: StepRecord, top: StepRecord): undefined {
  if (record.key === top.key && isTriedAgain(top)) return;
  const [place = "", visit = "1"] = record.key.split("#");
  d.state.visits[place] = Math.max(d.state.visits[place] ?? 1, Number(visit));
  releaseRest(d, record);
  release(d, record.output);
  delete d.state.steps[record.key];
}

/** A step that failed or was cancelled may have had its effect: the same key makes it one effect. */
function isTriedAgain({ status, effected }: StepRecord): boolean {
  return (status === "failed" || status === "cancelled") && !effected;
}

function resumeAt(d: Draft, top: StepRecord, { output }: Retry, reopened: boolean): undefined {
  const frame = { id: MAIN_FRAME, scope: "", round: "" };
  if (output !== undefined) {
    d.state.frames[MAIN_FRAME] = { ...frame, at: top.key };
    d.state.steps[top.key] = without(reopenedRecord(d, top), "group");
    const step = stepOf(d.plan, top.id);
    return succeed(d, top.key, output, step && nextOf(step));
  }
  d.state.frames[MAIN_FRAME] = { ...frame, at: top.key, ready: top.id };
  if (reopened) return reopen(d, top);
  const stays = d.state.steps[top.key];
  if (stays) d.state.steps[top.key] = { ...stays, due: true };
}

function reopenedRecord(d: Draft, record: StepRecord): StepRecord {
  release(d, record.error?.message);
  const rest = without(record, "ended", "endedAtMs", "error", "due");
  return {
    ...rest,
    status: "running",
    attempt: record.attempt + 1,
    attemptsBefore: record.attempt,
  };
}

/** The step stands in its thread as before, and so do the members that did not end well. */
function reopen(d: Draft, record: StepRecord): undefined {
  const frame = d.state.frames[record.frame];
  if (!frame || !record.group) return;
  const group = { ...without(record.group, "error", "due"), failures: 0 };
  const again = { ...reopenedRecord(d, record), group };
  d.state.frames[frame.id] = without(frame, "ready");
  d.state.steps[record.key] = again;
  const step = stepOf(d.plan, record.id);
  const timeoutMs = step && "timeout" in step ? checkedMs(step.timeout) : undefined;
  if (timeoutMs !== undefined)
    setTimer(d, "timeout", d.nowMs + timeoutMs, record.key, again.attempt);
  addMembers(d, again);
  for (const member of membersOf(d, record.key)) takeUp(d, member.id);
  if (step?.type === "loop" && group.begun === 0) enterAnew(d, record);
}

/** Those without an output. */
function addMembers(d: Draft, { id, key, group }: StepRecord): undefined {
  const step = stepOf(d.plan, id);
  const has = (member: string) => Object.hasOwn(group?.outputs ?? {}, member);
  if (step?.type === "parallel")
    for (const [at, head] of step.next.entries()) if (!has(head)) addBranch(d, key, head, at);
  if (step?.type !== "map" && step?.type !== "loop") return;
  const begun = group?.begun ?? 0;
  const first = step.type === "loop" ? begun - 1 : 0;
  for (let at = Math.max(first, 0); at < begun; at++)
    if (!has(String(at))) addRound(d, key, step.do, at);
}

/** A loop that failed before its first round is entered anew. */
function enterAnew(d: Draft, record: StepRecord): undefined {
  const frame = d.state.frames[record.frame];
  if (frame) d.state.frames[frame.id] = { ...frame, ready: record.id };
  d.state.steps[record.key] = { ...record, due: true };
}

/** At the last step that did not end well; else behind the last one that did; else at its first. */
function takeUp(d: Draft, id: string): undefined {
  const frame = d.state.frames[id];
  const own = Object.values(d.state.steps).filter((record) => record.frame === id);
  own.sort((one, other) => one.begun - other.begun);
  const failed = own.findLast(isTriedAgain);
  const last = own.at(-1);
  if (!frame || !last) return;
  if (!failed) return takeUpBehind(d, last);
  for (const later of own) if (later.begun > failed.begun) forget(d, later, failed);
  d.state.frames[id] = { ...frame, at: failed.key, ready: failed.id };
  if (failed.group) return reopen(d, failed);
  d.state.steps[failed.key] = { ...failed, due: true };
}

function takeUpBehind(d: Draft, last: StepRecord): undefined {
  const frame = d.state.frames[last.frame];
  const step = stepOf(d.plan, last.id);
  if (!frame || !step || step.type === "decision" || step.type === "switch" || last.effected)
    return;
  d.state.frames[frame.id] = { ...without(frame, "ready"), at: last.key, last: last.key };
  moveOn(d, frame.id, nextOf(step));
}
