/** What a conversation still owes, and when: decides rings and alarms. */
import type { InboxItem, OutboxItem } from "../../schema/conversation.ts";
import { PERSIST_CHARS_MAX, PERSIST_ITEMS_MAX, RING_CAP_MS } from "./limits.ts";
import { type ConversationState, leased } from "./state.ts";
import { turnDueMs } from "./turns.ts";

/** The earliest moment at which work is due, or undefined while nothing is owed. Leases are not considered. */
export function nextDueMs(state: ConversationState): number | undefined {
  const sends = sendCandidates(state).map((item) => sendDueMs(item));
  const moments = [turnDueMs(state), ...sends, persistable(state).length > 0 ? 0 : undefined];
  if (state.deads.length > 0) moments.push(0);
  const known = moments.filter((moment) => moment !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** True where a worker should come now: something is due and nobody is on it or on the way. */
export function shouldRing(state: ConversationState, nowMs: number): boolean {
  const dueMs = nextDueMs(state);
  return (
    dueMs !== undefined && dueMs <= nowMs && !leased(state, nowMs) && state.tokenUntilMs <= nowMs
  );
}

/** When the alarm must fire next, or undefined where it need not. Doubles with every ring that moved nothing. */
export function alarmAtMs(state: ConversationState, nowMs: number): number | undefined {
  const dueMs = nextDueMs(state);
  if (dueMs === undefined) return undefined;
  const waitMs = Math.min(
    (state.config?.ringAfterMs ?? 5000) * 2 ** Math.min(state.rings, 16),
    RING_CAP_MS,
  );
  return dueMs > nowMs ? dueMs : nowMs + waitMs;
}

/** The oldest items not yet in D1, as many as one lease may carry. */
export function persistable(state: ConversationState): readonly InboxItem[] {
  const sendInFlight = state.outbox.some((item) => inFlight(item));
  const items: InboxItem[] = [];
  let chars = 0;
  for (const item of state.inbox) {
    if (item.seq <= state.flow.persistedSeq) continue;
    // The echo of a send can come before the send's own answer: it waits until its id is known.
    if (item.message.origin === "api" && sendInFlight) break;
    chars += item.message.content.text.length + 1000;
    if (items.length >= PERSIST_ITEMS_MAX || (items.length > 0 && chars > PERSIST_CHARS_MAX)) break;
    items.push(item);
  }
  return items;
}

/** The send that may be worked on now: an end still to be recorded, else the head of the queue. */
export function dueSend(state: ConversationState, nowMs: number): OutboxItem | undefined {
  return sendCandidates(state).find((item) => sendDueMs(item) <= nowMs);
}

/** Recording blocks nobody: it was sent. Every other item waits for the ones before it. */
function sendCandidates(state: ConversationState): readonly OutboxItem[] {
  const recording = state.outbox.find((item) => item.state.is === "recording");
  const head = state.outbox.find(
    (item) => item.state.is !== "done" && item.state.is !== "recording",
  );
  return [recording, head].filter((item) => item !== undefined);
}

function sendDueMs(item: OutboxItem): number {
  switch (item.state.is) {
    case "ready":
      return 0;
    case "sending":
      return item.state.untilMs;
    case "waiting":
    case "uncertain":
    case "recording":
      return item.state.dueMs;
    case "done":
      return Number.POSITIVE_INFINITY;
  }
}

function inFlight(item: OutboxItem): boolean {
  return (
    item.state.is === "sending" || item.state.is === "uncertain" || item.state.is === "recording"
  );
}
