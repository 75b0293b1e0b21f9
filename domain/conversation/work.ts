/**
 * One worker at a time works on a conversation: it leases what is due, reports what came of it, and gets
 * the next send in the same answer. A worker whose lease is gone is fenced off; what it sent still counts.
 */
import type {
  CommitRequest,
  LeaseReply,
  OutboxItem,
  TurnVerdict,
  WorkReply,
} from "../../schema/conversation.ts";
import type { StepResponse } from "../../schema/outbound.ts";
import { dueSend, nextDueMs, persistable } from "./due.ts";
import { LEASE_MARGIN_MS, LEASE_MS, MEDIA_SEND_WINDOW_MS, SEND_WINDOW_MS } from "./limits.ts";
import { applyReport } from "./sends.ts";
import {
  type ConversationState,
  leased,
  putOutbox,
  type Step,
  trimmed,
  type Write,
} from "./state.ts";
import { applyTurnResult, recoverHanded } from "./turn-results.ts";
import { formTurn } from "./turns.ts";

/** Hands out everything that is due, or "idle". `token` is fresh and unguessable. */
export function lease(
  before: ConversationState,
  nowMs: number,
  token: string,
  random: () => number,
): Step<LeaseReply> {
  const idle: Step<LeaseReply> = {
    state: { ...before, tokenUntilMs: 0 },
    writes: [],
    reply: { is: "idle" },
  };
  if (!before.config || leased(before, nowMs)) return idle;
  const recovered = recoverHanded(before, nowMs, random);
  const persist = persistable(recovered.state);
  const turn = formTurn(recovered.state, nowMs);
  const { deads, config, flow } = recovered.state;
  const held = { token, untilMs: nowMs + LEASE_MS, ...(turn ? { turnId: turn.id } : {}) };
  const started = startSend({ ...recovered.state, lease: held, tokenUntilMs: 0 }, nowMs);
  const nothing = persist.length === 0 && !turn && !started.send && deads.length === 0;
  if (nothing || !config)
    return { ...idle, state: { ...recovered.state, tokenUntilMs: 0 }, writes: recovered.writes };
  const reply: LeaseReply = {
    is: "leased",
    token,
    config,
    override: flow.override,
    unregistered: !flow.registered,
    persist,
    ...(turn ? { turn } : {}),
    ...(started.send ? { send: started.send } : {}),
    deads,
    ownPlatformIds: before.ownPlatformIds,
  };
  return { state: started.state, writes: [...recovered.writes, ...started.writes], reply };
}

/**
 * Takes in what a worker did: sends that ended, messages and letters now in D1, how the leased turn came
 * out. A turn's replies are stored here before any is sent. Reports of a fenced worker are taken too:
 * what the platform has, it has.
 */
export function commit(
  before: ConversationState,
  request: CommitRequest,
  random: () => number,
): Step<WorkReply> {
  const reported = applyReports(before, request, random);
  const projected = dropProjected(reported.state, request.projected ?? []);
  const writes = [...reported.writes, ...projected.writes];
  if (before.lease?.token !== request.token) {
    return { state: trimmed(projected.state), writes, reply: { is: "fenced" } };
  }
  const noted = notePersisted(projected.state, request);
  const { turn, nowMs } = request;
  if (!turn) return proceed(noted, writes, nowMs, undefined, before);
  if (before.lease.turnId !== turn.id) return proceed(noted, writes, nowMs, "interrupted", before);
  const applied = applyTurnResult(noted, turn, nowMs, random);
  return proceed(applied.state, [...writes, ...applied.writes], nowMs, applied.reply, before);
}

/** Keeps what a send of several steps has done so far, and holds the conversation for the next step. */
export function progress(
  before: ConversationState,
  request: {
    readonly token: string;
    readonly seq: number;
    readonly attempt: number;
    readonly steps: readonly StepResponse[];
  },
  nowMs: number,
): Step<boolean> {
  const item = before.outbox.find((other) => other.seq === request.seq);
  const ours = before.lease?.token === request.token && item?.attempt === request.attempt;
  if (!item || !ours || item.state.is !== "sending")
    return { state: before, writes: [], reply: false };
  const untilMs = nowMs + windowOf(item);
  const moved: OutboxItem = {
    ...item,
    steps: request.steps,
    state: { is: "sending", untilMs, maybe: false },
  };
  const outbox = before.outbox.map((other) => (other.seq === item.seq ? moved : other));
  return {
    state: { ...holding(before, untilMs), outbox },
    writes: [putOutbox(before, moved)],
    reply: true,
  };
}

/** Lets go without having got on: the alarm comes back, later with each ring that moved nothing. */
export function giveUp(before: ConversationState, token: string): Step<undefined> {
  if (before.lease?.token !== token) return { state: before, writes: [], reply: undefined };
  return { state: released(before), writes: [], reply: undefined };
}

function applyReports(
  before: ConversationState,
  request: CommitRequest,
  random: () => number,
): Step<undefined> {
  let state = before;
  const writes: Write[] = [];
  for (const report of request.reports ?? []) {
    const step = applyReport(state, report, request.nowMs, random);
    state = step.state;
    writes.push(...step.writes);
  }
  return { state, writes, reply: undefined };
}

function notePersisted(state: ConversationState, request: CommitRequest): ConversationState {
  const persistedSeq = Math.max(state.flow.persistedSeq, request.persistedSeq ?? 0);
  const registered = state.flow.registered || request.registered === true;
  if (persistedSeq === state.flow.persistedSeq && registered === state.flow.registered)
    return state;
  return { ...state, flow: { ...state.flow, persistedSeq, registered } };
}

/** Starts the next send if one is due, keeps the lease for it, and otherwise lets go. */
function proceed(
  state: ConversationState,
  writes: readonly Write[],
  nowMs: number,
  turn: TurnVerdict | undefined,
  before: ConversationState,
): Step<WorkReply> {
  const token = state.lease?.token ?? "";
  const started = startSend(
    { ...state, lease: { token, untilMs: nowMs + LEASE_MS }, rings: 0 },
    nowMs,
  );
  const after = started.send ? started.state : released(started.state);
  const all = withFlow([...writes, ...started.writes], before, after);
  const dueMs = nextDueMs({ ...after, deads: [] });
  const more = !started.send && dueMs !== undefined && dueMs <= nowMs;
  const reply: WorkReply = {
    is: "ok",
    ...(started.send ? { send: started.send } : {}),
    deads: after.deads,
    more: more || (!started.send && after.deads.length > 0),
    ...(turn ? { turn } : {}),
  };
  return { state: trimmed(after), writes: all, reply };
}

function released(state: ConversationState): ConversationState {
  const { lease: _, ...rest } = state;
  return rest;
}

/** Marks the due send as in flight, before it is: a crash from here on leaves proof that it may have gone out. */
function startSend(
  state: ConversationState,
  nowMs: number,
): {
  readonly state: ConversationState;
  readonly writes: readonly Write[];
  readonly send?: OutboxItem;
} {
  const item = dueSend(state, nowMs);
  if (!item) return { state, writes: [] };
  if (item.state.is === "recording" || item.state.is === "uncertain")
    return { state, writes: [], send: item };
  const untilMs = nowMs + windowOf(item);
  const maybe = item.state.is === "sending";
  const started: OutboxItem = {
    ...item,
    attempt: item.attempt + 1,
    state: { is: "sending", untilMs, maybe },
  };
  const outbox = state.outbox.map((other) => (other.seq === item.seq ? started : other));
  return {
    state: { ...holding(state, untilMs), outbox },
    writes: [putOutbox(state, started)],
    send: started,
  };
}

function windowOf(item: OutboxItem): number {
  const slow = item.content.type === "media" || item.content.type === "typing";
  return slow ? MEDIA_SEND_WINDOW_MS : SEND_WINDOW_MS;
}

/** A lease never ends before the send made under it. */
function holding(state: ConversationState, untilMs: number): ConversationState {
  if (!state.lease || state.lease.untilMs > untilMs) return state;
  return { ...state, lease: { ...state.lease, untilMs: untilMs + LEASE_MARGIN_MS } };
}

function dropProjected(
  state: ConversationState,
  ids: readonly string[],
): { readonly state: ConversationState; readonly writes: readonly Write[] } {
  const gone = state.deads.filter((item) => ids.includes(item.id));
  if (gone.length === 0) return { state, writes: [] };
  const deads = state.deads.filter((item) => !ids.includes(item.id));
  return {
    state: { ...state, deads },
    writes: gone.map((item) => ({ drop: "dead", id: item.id })),
  };
}

/** Collapses repeated rows of one decision, and writes the flow row only if outbox rows do not say it already. */
function withFlow(
  writes: readonly Write[],
  before: ConversationState,
  after: ConversationState,
): readonly Write[] {
  const last = new Map<number, Write>();
  for (const write of writes)
    if ("put" in write && write.put === "outbox") last.set(write.item.seq, write);
  const { persistedSeq, settledSeq } = after.flow;
  const rows = writes
    .filter(
      (write) => !("put" in write) || write.put !== "outbox" || last.get(write.item.seq) === write,
    )
    .map((write) =>
      "put" in write && write.put === "outbox" ? { ...write, persistedSeq, settledSeq } : write,
    );
  const carried = last.size > 0;
  return flowMoved(before, after, carried) ? [...rows, { put: "flow", flow: after.flow }] : rows;
}

function flowMoved(before: ConversationState, after: ConversationState, carried: boolean): boolean {
  const a = before.flow;
  const b = after.flow;
  const marks = a.persistedSeq !== b.persistedSeq || a.settledSeq !== b.settledSeq;
  const rest = a.turn !== b.turn || a.fence !== b.fence || a.registered !== b.registered;
  return rest || (marks && !carried);
}
