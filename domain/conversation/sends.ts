/** How a send ends, or goes on: every report moves exactly one outbox item, and only the attempt it speaks of. */
import type {
  AttemptNote,
  DeadItem,
  OutboxItem,
  SendEnd,
  SendReport,
} from "../../schema/conversation.ts";
import { mintId } from "../messaging/message-id.ts";
import { judgeFailure } from "./failure.ts";
import {
  BACKOFF_BASE_MS,
  HISTORY_MAX,
  OWN_IDS_MAX,
  UNCERTAIN_ASK_MS,
  UNCERTAIN_HOLD_MS,
} from "./limits.ts";
import { type ConversationState, putOutbox, type Step } from "./state.ts";

/** A report about an attempt that is no longer the current one changes nothing. */
export function applyReport(
  state: ConversationState,
  report: SendReport,
  nowMs: number,
  random: () => number,
): Step<undefined> {
  const item = state.outbox.find((other) => other.seq === report.seq);
  if (!item || item.attempt !== report.attempt || item.state.is === "done") return unchanged(state);
  const stepped = { ...item, steps: report.steps };
  const { result } = report;
  switch (result.is) {
    case "ended":
      return end(state, stepped, result.end, result.recorded, nowMs);
    case "failed":
      return bury(state, stepped, result.reason, result.detail, nowMs, random);
    case "retry":
      return retry(state, stepped, result, nowMs, random);
    case "uncertain":
      return hold(state, stepped, result.reason, nowMs);
    case "absent":
      return replace(
        state,
        note({ ...stepped, state: { is: "ready" } }, nowMs, "absent_at_platform"),
      );
    case "unrecorded":
      return postpone(state, stepped, nowMs);
  }
}

/** Adds one to send (API sends, replays): behind everything already there. */
export function enqueueItem(state: ConversationState, item: OutboxItem): Step<undefined> {
  const outbox = [...state.outbox, item];
  const next = { ...state, outbox, lastSeq: item.seq, lastAtMs: item.createdAtMs };
  return { state: next, writes: [putOutbox(next, item)], reply: undefined };
}

function end(
  state: ConversationState,
  item: OutboxItem,
  how: SendEnd,
  recorded: boolean,
  nowMs: number,
): Step<undefined> {
  const ids = how.status === "sent" ? platformIds(item, how) : [];
  const ownPlatformIds = [...state.ownPlatformIds, ...ids].slice(-OWN_IDS_MAX);
  const done: OutboxItem = recorded
    ? { ...item, state: { is: "done", end: how } }
    : { ...item, state: { is: "recording", end: how, dueMs: nowMs } };
  return replace({ ...state, ownPlatformIds }, done);
}

/** Every part of a split message is an own message at the platform. */
function platformIds(item: OutboxItem, how: SendEnd): readonly string[] {
  const last = how.status === "sent" ? how.platformId : undefined;
  const ids = [...item.steps.map((step) => step.platformId), last].filter((id) => id !== undefined);
  return [...new Set(ids)];
}

function retry(
  state: ConversationState,
  item: OutboxItem,
  result: Extract<SendReport["result"], { is: "retry" }>,
  nowMs: number,
  random: () => number,
): Step<undefined> {
  const facts = {
    stage: "send" as const,
    attempt: item.attempt,
    retryable: true,
    counts: result.counts,
    ageMs: nowMs - item.createdAtMs,
    attemptsMax: state.config?.attemptsMax,
    ...(result.afterMs !== undefined ? { afterMs: result.afterMs } : {}),
  };
  const verdict = judgeFailure(facts, random);
  if (verdict.is === "dead") {
    const reason = verdict.because === "expired" ? "expired" : result.reason;
    return bury(state, item, reason, result.detail, nowMs, random);
  }
  const attempt = result.counts ? item.attempt : item.attempt - 1;
  const waiting = {
    ...item,
    attempt,
    state: { is: "waiting", dueMs: nowMs + verdict.afterMs },
  } as const;
  return replace(state, note(waiting, nowMs, result.reason, result.detail));
}

function hold(
  state: ConversationState,
  item: OutboxItem,
  reason: string,
  nowMs: number,
): Step<undefined> {
  const holdMs = state.config?.uncertainHoldMs ?? UNCERTAIN_HOLD_MS;
  const giveUpMs = item.state.is === "uncertain" ? item.state.giveUpMs : nowMs + holdMs;
  if (nowMs >= giveUpMs)
    return end(state, item, { status: "uncertain", reason, atMs: nowMs }, false, nowMs);
  const dueMs = Math.min(nowMs + UNCERTAIN_ASK_MS, giveUpMs);
  return replace(state, { ...item, state: { is: "uncertain", dueMs, giveUpMs, reason } });
}

function bury(
  state: ConversationState,
  item: OutboxItem,
  reason: string,
  detail: string | undefined,
  nowMs: number,
  random: () => number,
): Step<undefined> {
  const noted = note(item, nowMs, reason, detail);
  const dead: DeadItem = {
    id: mintId("dl", nowMs, random),
    stage: "send",
    reason,
    messageId: item.id,
    payload: JSON.stringify({ ...noted, state: { is: "ready" } }),
    history: noted.history,
    createdAtMs: nowMs,
  };
  const ended = end(state, noted, { status: "failed", reason, atMs: nowMs }, false, nowMs);
  const next = { ...ended.state, deads: [...ended.state.deads, dead] };
  return { state: next, writes: [...ended.writes, { put: "dead", item: dead }], reply: undefined };
}

function postpone(state: ConversationState, item: OutboxItem, nowMs: number): Step<undefined> {
  if (item.state.is !== "recording") return unchanged(state);
  return replace(state, { ...item, state: { ...item.state, dueMs: nowMs + BACKOFF_BASE_MS } });
}

function note(item: OutboxItem, nowMs: number, reason: string, detail?: string): OutboxItem {
  const entry: AttemptNote = {
    atMs: nowMs,
    attempt: item.attempt,
    reason,
    ...(detail ? { detail } : {}),
  };
  return { ...item, history: [...item.history, entry].slice(-HISTORY_MAX) };
}

function replace(state: ConversationState, item: OutboxItem): Step<undefined> {
  const outbox = state.outbox.map((other) => (other.seq === item.seq ? item : other));
  const next = { ...state, outbox };
  return { state: next, writes: [putOutbox(next, item)], reply: undefined };
}

function unchanged(state: ConversationState): Step<undefined> {
  return { state, writes: [], reply: undefined };
}
