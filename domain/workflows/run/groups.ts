/** Parallel, map and loop steps: how their members begin, and what follows when one ends. */
import type { StepOf, WorkflowStepDefinition } from "../../../schema/workflow-step.ts";
import {
  LOOP_ROUNDS_DEFAULT,
  MAP_CONCURRENCY_DEFAULT,
  MAP_ITEMS_MAX,
} from "../../../schema/workflow-step.ts";
import { cancelStep, endFrame, failStep, succeed } from "./advance.ts";
import { type Draft, type FrameOutcome, patchStep, release, setTimer, take } from "./draft.ts";
import { nextOf, stepOf } from "./plan.ts";
import { frameScope, truthOf, valueAt } from "./scope.ts";
import type { Frame, Group, Json, StepRecord } from "./state.ts";
import { stopFrame } from "./stop.ts";
import { checkedMs } from "./timing.ts";

type GroupStep = StepOf<"parallel"> | StepOf<"map"> | StepOf<"loop">;

/** Where a loop keeps its output. */
const LAST = "last";

/** Begins the members of a step that was just entered. */
export function beginGroup(d: Draft, frame: Frame, record: StepRecord, step: GroupStep): undefined {
  const timeoutMs = checkedMs(step.timeout);
  if (timeoutMs !== undefined)
    setTimer(d, "timeout", d.nowMs + timeoutMs, record.key, record.attempt);
  if (step.type === "map") return beginMap(d, frame, record, step);
  patchGroup(d, record.key, { begun: 0, outputs: {}, failures: 0 });
  if (step.type === "loop") return beginRound(d, record.key);
  for (const [at, head] of step.next.entries()) addBranch(d, record.key, head, at);
  patchGroup(d, record.key, { begun: step.next.length });
}

function beginMap(d: Draft, frame: Frame, record: StepRecord, step: StepOf<"map">): undefined {
  const items = valueAt(d, step.each, frameScope(d, frame), "each");
  if (!items.ok) return failStep(d, record.key, items.failure);
  if (!Array.isArray(items.value))
    return failStep(d, record.key, { reason: "expression", message: "each: gives no list" });
  if (items.value.length > MAP_ITEMS_MAX)
    return failStep(d, record.key, { reason: "too_many_items" });
  if (!take(d, items.value)) return failStep(d, record.key, { reason: "run_too_large" });
  patchGroup(d, record.key, { begun: 0, items: items.value, outputs: {}, failures: 0 });
  fillMap(d, record.key, step);
}

/** One member came to its end. A step that has ended itself (`require: any`) is told nothing. */
export function memberEnded(d: Draft, frame: Frame, outcome: FrameOutcome): undefined {
  const record = frame.parent === undefined ? undefined : d.state.steps[frame.parent];
  const step = record && stepOf(d.plan, record.id);
  if (!record?.group || record.ended !== undefined || !isGroup(step)) return;
  count(d, record.key, frame.member ?? "", outcome, step);
  if (outcome.is === "done" && step.type === "map") releaseBody(d, frame.scope);
  settle(d, record.key, step, outcome);
}

function isGroup(step: WorkflowStepDefinition | undefined): step is GroupStep {
  return step?.type === "parallel" || step?.type === "map" || step?.type === "loop";
}

function count(
  d: Draft,
  key: string,
  member: string,
  outcome: FrameOutcome,
  step: GroupStep,
): undefined {
  const group = d.state.steps[key]?.group;
  if (!group || outcome.is === "stopped") return;
  if (outcome.is === "done") return countOutput(d, key, group, member, outcome.output, step);
  const failures = group.failures + 1;
  if (step.type === "map" && step.itemError === "collect") {
    patchGroup(d, key, { failures });
    return countOutput(d, key, { ...group, failures }, member, null, step);
  }
  const reason = step.type === "map" ? "item_failed" : "branch_failed";
  const error = { reason, message: `${member}: ${outcome.error.reason}` };
  // Of branches one success may be enough, so a failed one decides nothing yet.
  patchGroup(d, key, { failures, error: group.error ?? error });
}

/** A loop keeps the last output alone. */
function countOutput(
  d: Draft,
  key: string,
  group: Group,
  member: string,
  output: Json,
  step: GroupStep,
): undefined {
  const loop = step.type === "loop";
  if (loop) for (const old of Object.values(group.outputs)) release(d, old);
  const others = loop ? {} : group.outputs;
  const outputs = { ...others, [loop ? LAST : member]: output };
  patchGroup(d, key, take(d, output) ? { outputs } : tooLarge(group));
}

function tooLarge(group: Group): Partial<Group> {
  return { failures: group.failures + 1, error: group.error ?? { reason: "run_too_large" } };
}

function settle(d: Draft, key: string, step: GroupStep, outcome: FrameOutcome): undefined {
  const record = d.state.steps[key];
  const frame = record && d.state.frames[record.frame];
  if (!record?.group || !frame) return;
  if (
    !frame.stopping &&
    step.type === "parallel" &&
    step.require === "any" &&
    outcome.is === "done"
  )
    return firstOf(d, record, step);
  if (!frame.stopping && step.type === "map") fillMap(d, key, step);
  if (membersOf(d, key).length > 0) return;
  settled(d, key, step);
}

/** The others end at their next step, as threads of nobody; what they do until then is undone if the run fails. */
function firstOf(d: Draft, record: StepRecord, step: StepOf<"parallel">): undefined {
  const { outputs } = record.group ?? { outputs: {} };
  const others = membersOf(d, record.key);
  succeed(d, record.key, { ...outputs }, nextOf(step));
  for (const { id } of others) stopFrame(d, id);
}

/** No member is left. */
function settled(d: Draft, key: string, step: GroupStep): undefined {
  const record = d.state.steps[key];
  const frame = record && d.state.frames[record.frame];
  if (!record?.group || record.ended !== undefined || !frame) return;
  const { group } = record;
  if (frame.stopping) {
    cancelStep(d, record);
    return endFrame(d, frame, { is: "stopped" });
  }
  if (group.error) return failStep(d, key, group.error);
  if (step.type === "loop") return afterRound(d, key, step);
  const output: Json =
    step.type === "parallel"
      ? { ...group.outputs }
      : (group.items ?? []).map((_, at) => group.outputs[String(at)] ?? null);
  succeed(d, key, output, nextOf(step));
}

/** The step's own time is over: its members settle, then it fails. */
export function timeOutGroup(d: Draft, key: string): undefined {
  const step = stepOf(d.plan, d.state.steps[key]?.id ?? "");
  if (!isGroup(step)) return;
  patchGroup(d, key, {
    error: { reason: "timeout", message: "not all has ended within its timeout" },
  });
  const members = membersOf(d, key);
  for (const { id } of members) stopFrame(d, id);
  if (members.length === 0) settled(d, key, step);
}

/** Begins items as far as `maxConcurrency` allows; after a failure no further one. */
export function fillMap(d: Draft, key: string, step: StepOf<"map">): undefined {
  const group = d.state.steps[key]?.group;
  if (!group) return;
  const total = group.items?.length ?? 0;
  const room = (step.maxConcurrency ?? MAP_CONCURRENCY_DEFAULT) - membersOf(d, key).length;
  const until = group.error ? group.begun : Math.min(total, group.begun + room);
  for (let at = group.begun; at < until; at++) addRound(d, key, step.do, at);
  patchGroup(d, key, { begun: Math.max(until, group.begun) });
  if (total === 0) settled(d, key, step);
}

function afterRound(d: Draft, key: string, step: StepOf<"loop">): undefined {
  const waitMs = checkedMs(step.every);
  if (waitMs === undefined || waitMs === 0) return beginRound(d, key);
  const rounds = d.state.steps[key]?.group?.begun ?? 0;
  setTimer(d, "round", d.nowMs + waitMs, key, rounds);
}

/** Asks whether there is a further round. `while` sees what the last round made. */
export function beginRound(d: Draft, key: string): undefined {
  const record = d.state.steps[key];
  const frame = record && d.state.frames[record.frame];
  const step = record && stepOf(d.plan, record.id);
  if (!record?.group || !frame || step?.type !== "loop") return;
  const round = record.group.begun;
  const last = bodyScope(frame, key, round - 1);
  const asked = asksFor(d, frame, step, round, round > 0 ? last : frame.scope);
  if (!asked.ok) return failStep(d, key, asked.failure);
  if (!asked.value) return succeed(d, key, record.group.outputs[LAST] ?? null, nextOf(step));
  if (round >= (step.maxRounds ?? step.times ?? LOOP_ROUNDS_DEFAULT))
    return failStep(d, key, { reason: "loop_limit" });
  if (round > 0) releaseBody(d, last);
  addRound(d, key, step.do, round);
  patchGroup(d, key, { begun: round + 1 });
}

function asksFor(d: Draft, frame: Frame, step: StepOf<"loop">, index: number, scope: string) {
  if (step.times !== undefined && index >= step.times) return { ok: true, value: false } as const;
  if (step.while === undefined) return { ok: true, value: true } as const;
  const seen = frameScope(d, { ...frame, scope });
  return truthOf(d, step.while, { ...seen, facts: { ...seen.facts, index } }, "while");
}

export function addBranch(d: Draft, key: string, head: string, at: number): undefined {
  const record = d.state.steps[key];
  const frame = record && d.state.frames[record.frame];
  if (!frame) return;
  const id = branchId(key, at);
  const { scope, round } = frame;
  d.state.frames[id] = { id, parent: key, member: head, scope, round, ready: head };
}

export function addRound(d: Draft, key: string, first: string, at: number): undefined {
  const record = d.state.steps[key];
  const frame = record && d.state.frames[record.frame];
  if (!frame) return;
  const id = `${key}[${at}]`;
  const round = `${frame.round}[${at}]`;
  const scope = bodyScope(frame, key, at);
  d.state.frames[id] = { id, parent: key, member: String(at), scope, round, ready: first };
}

function branchId(key: string, at: number): string {
  return `${key}/${at}`;
}

function bodyScope(frame: Frame, key: string, at: number): string {
  return `${frame.scope}${key}[${at}]/`;
}

export function membersOf(d: Draft, key: string): readonly Frame[] {
  return Object.values(d.state.frames).filter(({ parent }) => parent === key);
}

export function patchGroup(d: Draft, key: string, patch: Partial<Group>): undefined {
  const group = d.state.steps[key]?.group ?? { begun: 0, outputs: {}, failures: 0 };
  patchStep(d, key, { group: { ...group, ...patch } });
}

/** Nobody sees into a body that is over: only what an undo needs is kept. */
function releaseBody(d: Draft, scope: string): undefined {
  for (const record of Object.values(d.state.steps)) {
    if (!record.scope.startsWith(scope) || d.plan.undos.has(record.id)) continue;
    if (record.output === undefined) continue;
    release(d, record.output);
    const { output: _, ...rest } = record;
    d.state.steps[record.key] = rest;
  }
}
