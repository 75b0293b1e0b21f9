/** What an arriving message does to those already there: makes room, interrupts, edits or deletes a waiting one. */
import type { Dropped, InboxItem } from "../../schema/conversation.ts";
import { type ConversationState, type Write, waitingItems } from "./state.ts";
import { policyOf } from "./turns.ts";

export interface Effects {
  readonly state: ConversationState;
  readonly writes: readonly Write[];
  readonly dropped: readonly Dropped[];
}

/** Policy `queue{max}`: the oldest waiting message gives way, counted as `queue_full`. */
export function makeRoom(state: ConversationState, arriving: InboxItem): Effects {
  const policy = policyOf(state);
  if (policy.kind !== "queue" || !arriving.wantsTurn) return { state, writes: [], dropped: [] };
  const running = state.flow.turn?.lastSeq ?? 0;
  const waiting = waitingItems(state).filter(
    (item) => item.seq > running && !isLeased(state, item),
  );
  const excess = waiting.slice(0, Math.max(0, waiting.length + 1 - policy.max));
  return replaceItems(
    state,
    excess.map((item) => ({ ...item, wantsTurn: false })),
    excess.map((item) => ({ id: item.id, reason: "queue_full" as const })),
  );
}

/** Policy `interrupt`: the running turn's result will be refused; its messages join the next turn. */
export function interruptTurn(state: ConversationState, arriving: InboxItem): ConversationState {
  if (policyOf(state).kind !== "interrupt" || !arriving.wantsTurn) return state;
  const lease = state.lease
    ? { token: state.lease.token, untilMs: state.lease.untilMs }
    : undefined;
  if (!state.flow.turn) return { ...state, ...(lease ? { lease } : {}) };
  const flow = { ...state.flow, fence: state.flow.fence + 1 };
  delete flow.turn;
  return { ...state, flow, ...(lease ? { lease } : {}) };
}

/** A person has the conversation until then: what waits is theirs, and the running turn's result is refused. */
export function pauseUntil(state: ConversationState, pausedUntilMs: number): Effects {
  const waiting = waitingItems(state);
  const settledSeq = Math.max(state.flow.settledSeq, waiting.at(-1)?.seq ?? 0);
  const fence = state.flow.fence + 1;
  const { turn: _, ...flow } = { ...state.flow, pausedUntilMs, settledSeq, fence };
  const lease = state.lease
    ? { token: state.lease.token, untilMs: state.lease.untilMs }
    : undefined;
  const dropped = waiting.map((item) => ({ id: item.id, reason: "paused" as const }));
  return { state: { ...state, flow, ...(lease ? { lease } : {}) }, writes: [], dropped };
}

/** An edit or delete of a message that still waits changes it in place. */
export function applyChange(state: ConversationState, arriving: InboxItem): Effects {
  const { kind, targetId } = arriving.message;
  if ((kind !== "edit" && kind !== "delete") || targetId === undefined)
    return { state, writes: [], dropped: [] };
  const target = waitingItems(state).find(
    (item) => item.message.platformId === targetId && !inTurn(state, item),
  );
  if (!target) return { state, writes: [], dropped: [] };
  if (kind === "delete") {
    const gone = { ...target, wantsTurn: false };
    return replaceItems(state, [gone], [{ id: target.id, reason: "deleted" }]);
  }
  const content = { ...target.message.content, text: arriving.message.content.text };
  return replaceItems(state, [{ ...target, message: { ...target.message, content } }], []);
}

function replaceItems(
  state: ConversationState,
  items: readonly InboxItem[],
  dropped: readonly Dropped[],
): Effects {
  if (items.length === 0) return { state, writes: [], dropped };
  const bySeq = new Map(items.map((item) => [item.seq, item]));
  const inbox = state.inbox.map((item) => bySeq.get(item.seq) ?? item);
  return {
    state: { ...state, inbox },
    writes: items.map((item) => ({ put: "inbox", item, fresh: false })),
    dropped,
  };
}

function inTurn(state: ConversationState, item: InboxItem): boolean {
  const frozen = state.flow.turn;
  return isLeased(state, item) || (frozen !== undefined && item.seq <= frozen.lastSeq);
}

/** A quick turn under way covers what waited when it was leased: its id ends in its last sequence number. */
function isLeased(state: ConversationState, item: InboxItem): boolean {
  const lastSeq = Number.parseInt(state.lease?.turnId?.split("_").at(-1) ?? "", 36);
  return Number.isFinite(lastSeq) && item.seq <= lastSeq;
}
