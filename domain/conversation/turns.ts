/** Forms turns out of waiting messages, as the conversation's policy says (architecture: "Turn policies"). */
import type { InboxItem, Turn } from "../../schema/conversation.ts";
import type { TurnPolicy } from "../../schema/policy.ts";
import { DEFAULT_POLICY } from "../../schema/tenant-defaults.ts";
import { seqOfId } from "../messaging/message-id.ts";
import { DEBOUNCE_MS_MAX, TURN_ITEMS_MAX } from "./limits.ts";
import { type ConversationState, waitingItems } from "./state.ts";

/** The policy in force: the conversation's own, else its connection's. */
export function policyOf(state: ConversationState): TurnPolicy {
  return state.flow.override.policy ?? state.config?.policy ?? DEFAULT_POLICY;
}

/** When the next turn may start, in ms since the epoch; undefined while nothing waits. */
export function turnDueMs(state: ConversationState): number | undefined {
  const frozen = state.flow.turn;
  if (frozen) return frozen.phase.is === "retry" ? frozen.phase.dueMs : frozen.phase.untilMs;
  const waiting = waitingItems(state);
  const first = waiting[0];
  const last = waiting[waiting.length - 1];
  if (!first || !last) return undefined;
  const policy = policyOf(state);
  if (policy.kind !== "debounce") return first.atMs;
  return Math.min(last.atMs + policy.quietMs, first.atMs + DEBOUNCE_MS_MAX);
}

/** The turn that may start now, with its messages; a frozen one comes back as it was. */
export function formTurn(state: ConversationState, nowMs: number): Turn | undefined {
  const dueMs = turnDueMs(state);
  if (dueMs === undefined || dueMs > nowMs) return undefined;
  const items = turnItems(state);
  const first = items[0];
  const last = items[items.length - 1];
  if (!first || !last) return undefined;
  return {
    id: state.flow.turn?.id ?? turnId(state, first.seq, last.seq),
    firstSeq: first.seq,
    lastSeq: last.seq,
    attempt: (state.flow.turn?.attempt ?? 0) + 1,
    session: last.session,
    items,
  };
}

/**
 * The idempotency key of calls made for a turn: its own id, but for replays, whose messages have new numbers.
 * Message ids keep the numbers they were accepted under, so the key stays what it was.
 */
export function turnKey(turn: Turn): string {
  const first = seqOfId(turn.items[0]?.id ?? "") ?? turn.firstSeq;
  const last = seqOfId(turn.items.at(-1)?.id ?? "") ?? turn.lastSeq;
  const [prefix, conversation] = turn.id.split("_");
  return `${prefix}_${conversation}_${first.toString(36)}_${last.toString(36)}`;
}

function turnItems(state: ConversationState): readonly InboxItem[] {
  const waiting = waitingItems(state);
  const frozen = state.flow.turn;
  if (frozen)
    return waiting.filter((item) => item.seq >= frozen.firstSeq && item.seq <= frozen.lastSeq);
  switch (policyOf(state).kind) {
    case "serial":
    case "queue":
    case "drop":
      return waiting.slice(0, 1);
    case "burst":
    case "debounce":
    case "interrupt":
      return waiting.slice(0, Math.min(TURN_ITEMS_MAX, sharing(waiting)));
  }
}

/**
 * How many of these may share a turn. A gesture waits for an answer of its own (a deferred command shows
 * "thinking" until it comes, and its way back takes one answer), so it never shares one.
 */
function sharing(waiting: readonly InboxItem[]): number {
  const gesture = waiting.findIndex(({ message }) => message.responder !== undefined);
  return gesture < 0 ? waiting.length : Math.max(1, gesture);
}

/** Names the very range it covers: the idempotency key of every call made for this turn. */
function turnId(state: ConversationState, firstSeq: number, lastSeq: number): string {
  const conversation = (state.config?.conversation ?? "").replace(/^cnv_/, "");
  return `trn_${conversation}_${firstSeq.toString(36)}_${lastSeq.toString(36)}`;
}
