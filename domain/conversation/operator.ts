/** What operators and API clients add to a conversation: sends, and dead letters taken back in. */

import type { InboxItem, OutboxItem } from "../../schema/conversation.ts";
import type { EnqueueRequest, ReplayRequest } from "../../schema/conversation-operator.ts";
import { carried } from "../events/chain.ts";
import { pauseUntil } from "./arrivals.ts";
import { shouldRing } from "./due.ts";
import { enqueueItem } from "./sends.ts";
import { type ConversationState, nextSeq, type Step, type Write } from "./state.ts";

/** Puts an API send behind everything already to be sent. A known id is a repetition and changes nothing. */
export function enqueue(
  before: ConversationState,
  request: EnqueueRequest,
  known: boolean,
): Step<{ readonly ring: boolean; readonly duplicate: boolean }> {
  if (known) return { state: before, writes: [], reply: { ring: false, duplicate: true } };
  const item: OutboxItem = {
    ...request.draft,
    answers: [],
    seq: nextSeq(before.lastSeq, request.nowMs),
    id: request.id,
    group: request.group,
    createdAtMs: request.nowMs,
    attempt: 0,
    steps: [],
    state: { is: "ready" },
    history: [],
    ...(request.traceparent ? { traceparent: request.traceparent } : {}),
    ...carried(request.depth),
  };
  const added = enqueueItem({ ...before, config: before.config ?? request.config }, item);
  const config: readonly Write[] = before.config ? [] : [{ put: "config", config: request.config }];
  const rung = ring(added.state, request.nowMs);
  return {
    state: rung.state,
    writes: [...config, ...added.writes],
    reply: { ring: rung.ring, duplicate: false },
  };
}

/** What the tables still hold of what is replayed: its newest outbox row, the numbers of its messages. */
export interface ReplayTraces {
  readonly send?: OutboxItem | undefined;
  readonly seqs?: readonly number[];
}

/**
 * A replayed turn is a turn of its own behind what waits; a replayed send goes to the end of the queue. A
 * letter that was replayed already (the answer to that call was lost) changes nothing.
 */
export function replay(
  before: ConversationState,
  request: ReplayRequest,
  traces: ReplayTraces = {},
): Step<{ readonly ring: boolean }> {
  if (isReplayed(request, traces)) {
    const rung = ring(before, request.nowMs);
    return { state: rung.state, writes: [], reply: { ring: rung.ring } };
  }
  const known = { ...before, config: before.config ?? request.config };
  const config: readonly Write[] = before.config ? [] : [{ put: "config", config: request.config }];
  const added =
    request.stage === "send"
      ? replaySend(known, request.item, request.nowMs)
      : replayTurn(known, request.items, request.nowMs);
  const rung = ring(added.state, request.nowMs);
  return { state: rung.state, writes: [...config, ...added.writes], reply: { ring: rung.ring } };
}

/** A replay gives messages new numbers, and a send a new row. */
/** Hands the conversation to a person until then (a time not after now: back to the bot). */
export function pause(before: ConversationState, untilMs: number, nowMs: number): Step<undefined> {
  const { pausedUntilMs: _, ...flow } = before.flow;
  const state = untilMs > nowMs ? pauseUntil(before, untilMs).state : { ...before, flow };
  return { state, writes: [{ put: "flow", flow: state.flow }], reply: undefined };
}

function isReplayed(request: ReplayRequest, { send, seqs = [] }: ReplayTraces): boolean {
  if (request.stage === "turn") {
    const newest = Math.max(...request.items.map((item) => item.seq));
    return seqs.some((seq) => seq > newest);
  }
  return send !== undefined && (send.state.is !== "done" || send.state.end.status === "sent");
}

function replaySend(state: ConversationState, dead: OutboxItem, nowMs: number): Step<undefined> {
  const seq = nextSeq(state.lastSeq, nowMs);
  const already = state.outbox.some((item) => item.id === dead.id);
  if (already) return { state, writes: [], reply: undefined };
  return enqueueItem(state, {
    ...dead,
    seq,
    attempt: 0,
    createdAtMs: nowMs,
    state: { is: "ready" },
  });
}

function replayTurn(
  state: ConversationState,
  dead: readonly InboxItem[],
  nowMs: number,
): Step<undefined> {
  let seq = state.lastSeq;
  const items = dead.map((item): InboxItem => {
    seq = nextSeq(seq, nowMs);
    return { ...item, seq, wantsTurn: true };
  });
  const known = new Set(items.map((item) => item.id));
  const inbox = [...state.inbox.filter((item) => !known.has(item.id)), ...items];
  const next = { ...state, inbox, lastSeq: seq, lastAtMs: nowMs };
  return {
    state: next,
    writes: items.map((item) => ({ put: "inbox", item, fresh: false })),
    reply: undefined,
  };
}

function ring(
  state: ConversationState,
  nowMs: number,
): { readonly state: ConversationState; readonly ring: boolean } {
  if (!shouldRing(state, nowMs)) return { state, ring: false };
  const tokenUntilMs = nowMs + (state.config?.ringAfterMs ?? 0);
  return { state: { ...state, tokenUntilMs, rings: 0 }, ring: true };
}
