/**
 * Takes messages in: deduplicates, numbers, stores, and decides who will have a turn. The answer may only
 * go out after the writes are committed (guarantee G1); a duplicate writes nothing and rings nobody.
 */
import type {
  Accepted,
  AcceptReply,
  AcceptRequest,
  Dropped,
  InboxItem,
} from "../../schema/conversation.ts";
import type { ParsedMessage } from "../../schema/parsed.ts";
import { carried } from "../events/chain.ts";
import { mintId } from "../messaging/message-id.ts";
import { fail, ok } from "../result.ts";
import { applyChange, interruptTurn, makeRoom, pauseUntil } from "./arrivals.ts";
import { isTaskAnswer } from "./asks.ts";
import { shouldRing } from "./due.ts";
import { DEDUP_WINDOW_MS } from "./limits.ts";
import {
  type ConversationState,
  nextSeq,
  type Step,
  turnRuns,
  type Write,
  waitingItems,
} from "./state.ts";
import { policyOf } from "./turns.ts";

/** `known` maps every event key of the request that the tables still hold to its message id. */
export function accept(
  before: ConversationState,
  request: AcceptRequest,
  known: ReadonlyMap<string, string>,
  random: () => number,
): Step<AcceptReply> {
  const fresh = freshMessages(request.messages, known);
  const full = fresh.length > 0 && before.inbox.length + fresh.length > request.config.backlogMax;
  if (full) {
    const failure = {
      reason: "backlog_full",
      pending: before.inbox.length,
      retryAfterSeconds: 5,
    } as const;
    return { state: before, writes: [], reply: fail(failure) };
  }
  let draft: Draft = { state: before, writes: [], dropped: [] };
  if (fresh.length > 0) draft = rotate(configure(draft, request), request.nowMs);
  const ids = new Map(known);
  for (const message of fresh) {
    draft = take(draft, message, request, random);
    ids.set(message.eventKey, draft.state.inbox.at(-1)?.id ?? "");
  }
  return finish(draft, request, before, ids, known);
}

interface Draft {
  readonly state: ConversationState;
  readonly writes: readonly Write[];
  readonly dropped: readonly Dropped[];
}

function freshMessages(messages: readonly ParsedMessage[], known: ReadonlyMap<string, string>) {
  const seen = new Set<string>();
  return messages.filter((message) => {
    if (known.has(message.eventKey) || seen.has(message.eventKey)) return false;
    seen.add(message.eventKey);
    return true;
  });
}

function configure(draft: Draft, request: AcceptRequest): Draft {
  if (JSON.stringify(draft.state.config) === JSON.stringify(request.config)) return draft;
  const state = { ...draft.state, config: request.config };
  return { ...draft, state, writes: [...draft.writes, { put: "config", config: request.config }] };
}

/** Starts a new pair of tables once a day; what the older pair still owes moves along. */
function rotate(draft: Draft, nowMs: number): Draft {
  const { flow, inbox, outbox } = draft.state;
  if (nowMs - flow.generation.startedMs < DEDUP_WINDOW_MS) return draft;
  const index = flow.generation.index === 0 ? 1 : 0;
  const next = { ...flow, generation: { index, startedMs: nowMs } } as const;
  const writes: Write[] = [
    { rotate: index, inbox, outbox },
    { put: "flow", flow: next },
  ];
  return { ...draft, state: { ...draft.state, flow: next }, writes: [...draft.writes, ...writes] };
}

function take(
  draft: Draft,
  message: ParsedMessage,
  request: AcceptRequest,
  random: () => number,
): Draft {
  const seq = nextSeq(draft.state.lastSeq, request.nowMs);
  const paused = pauseFor(draft, message, request);
  const session = sessionFor(paused, request, seq);
  const drop = dropReason(session.state, message, request);
  const item: InboxItem = {
    seq,
    id: mintId("msg", seq, random),
    atMs: request.nowMs,
    wantsTurn: wantsTurn(message, request) && drop === undefined,
    session: session.state.flow.session ?? "",
    message,
    ...(request.traceparent ? { traceparent: request.traceparent } : {}),
    ...carried(request.depth),
  };
  const room = makeRoom(session.state, item);
  const changed = applyChange(interruptTurn(room.state, item), item);
  const state = {
    ...changed.state,
    inbox: [...changed.state.inbox, item],
    lastSeq: seq,
    lastAtMs: request.nowMs,
  };
  const dropped: readonly Dropped[] = drop ? [{ id: item.id, reason: drop }] : [];
  return {
    state,
    writes: [
      ...session.writes,
      ...room.writes,
      ...changed.writes,
      { put: "inbox", item, fresh: true },
    ],
    dropped: [...session.dropped, ...room.dropped, ...changed.dropped, ...dropped],
  };
}

/** A person typing on the connected phone takes over: the bot is silent for a while. */
function pauseFor(draft: Draft, message: ParsedMessage, request: AcceptRequest): Draft {
  const { humanPauseMs } = request.config;
  if (message.origin !== "phone" || message.kind !== "message" || humanPauseMs === 0) return draft;
  const paused = pauseUntil(draft.state, request.nowMs + humanPauseMs);
  return { ...draft, state: paused.state, dropped: [...draft.dropped, ...paused.dropped] };
}

function sessionFor(draft: Draft, request: AcceptRequest, seq: number): Draft {
  const { flow, lastAtMs } = draft.state;
  const idle = request.nowMs - lastAtMs > request.config.sessionIdleMs;
  if (flow.session && !idle) return draft;
  return {
    ...draft,
    state: { ...draft.state, flow: { ...flow, session: sessionId(request, seq) } },
  };
}

function wantsTurn(message: ParsedMessage, request: AcceptRequest): boolean {
  if (message.origin !== "contact") return false;
  switch (message.kind) {
    case "message":
    case "command":
    case "interaction":
      return true;
    case "edit":
      return request.config.editTurns;
    case "delete":
    case "reaction":
      return false;
  }
}

function dropReason(
  state: ConversationState,
  message: ParsedMessage,
  request: AcceptRequest,
): "paused" | "busy" | undefined {
  if (!wantsTurn(message, request) || isTaskAnswer(state, message)) return undefined;
  if ((state.flow.pausedUntilMs ?? 0) > request.nowMs) return "paused";
  const busy = turnRuns(state, request.nowMs) || waitingItems(state).length > 0;
  return policyOf(state).kind === "drop" && busy ? "busy" : undefined;
}

function finish(
  draft: Draft,
  request: AcceptRequest,
  before: ConversationState,
  ids: ReadonlyMap<string, string>,
  known: ReadonlyMap<string, string>,
): Step<AcceptReply> {
  const ring = shouldRing(draft.state, request.nowMs);
  const tokenUntilMs = ring ? request.nowMs + request.config.ringAfterMs : draft.state.tokenUntilMs;
  const seen = new Set(known.keys());
  const accepted: Accepted[] = request.messages.map(({ eventKey }) => {
    const duplicate = seen.has(eventKey);
    seen.add(eventKey);
    return { eventKey, id: ids.get(eventKey) ?? "", duplicate };
  });
  const flowChanged =
    draft.state.flow !== before.flow &&
    !draft.writes.some(
      (write) => "put" in write && write.put === "flow" && write.flow === draft.state.flow,
    );
  const writes: readonly Write[] = flowChanged
    ? [...draft.writes, { put: "flow", flow: draft.state.flow }]
    : draft.writes;
  const state = { ...draft.state, tokenUntilMs, rings: draft.state === before ? before.rings : 0 };
  return { state, writes, reply: ok({ accepted, ring, dropped: draft.dropped }) };
}

function sessionId(request: AcceptRequest, seq: number): string {
  return `ses_${request.config.conversation.replace(/^cnv_/, "")}_${seq.toString(36)}`;
}
