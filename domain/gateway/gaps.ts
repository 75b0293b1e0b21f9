/**
 * What may be missing after a session that could not be resumed: every known channel since its last accepted
 * message. Fetched over REST before the new session's frames are handed over; what cannot be fetched is tried
 * again later without holding anything up, and given up (counted) after ten attempts.
 */
import { GAP_ATTEMPTS_MAX, GAP_RETRY_MS, SEEN_CHANNELS_MAX } from "./protocol.ts";
import type { BotState, Gap, Stepped } from "./state.ts";

/** A new session began: all known channels become gaps, older gaps of a channel keep their start. */
export function openGaps(state: BotState): BotState {
  const open = new Set(state.gaps.map(({ channel }) => channel));
  const fresh = state.seen
    .filter(({ channel }) => !open.has(channel))
    .map(({ channel, guild, last }) => ({
      channel,
      after: last,
      attempts: 0,
      ...(guild !== undefined && { guild }),
    }));
  const gaps = [...state.gaps, ...fresh].slice(-SEEN_CHANNELS_MAX);
  const { running } = state.backfill;
  const backfill = { running, hold: gaps.length > 0, again: running, notBeforeMs: 0 };
  return { ...state, gaps, backfill };
}

/** Starts fetching, where there is something to fetch and the bot is connected. */
export function fetchGaps(state: BotState, nowMs: number): Stepped {
  const { running, notBeforeMs } = state.backfill;
  if (running || state.gaps.length === 0 || nowMs < notBeforeMs || state.link.is !== "ready") {
    return { state, actions: [] };
  }
  return {
    state: { ...state, backfill: { ...state.backfill, running: true } },
    actions: [{ do: "backfill", gaps: state.gaps }],
  };
}

/** Fetched, but for what is `left`. Live frames flow from here on, unless all has to be fetched again. */
export function gapsFetched(state: BotState, left: readonly Gap[], nowMs: number): Stepped {
  const idle = { running: false, again: false };
  if (state.backfill.again) {
    return { state: { ...state, backfill: { ...state.backfill, ...idle } }, actions: [] };
  }
  const tried = left.map((gap) => ({ ...gap, attempts: gap.attempts + 1 }));
  const gaps = tried.filter(({ attempts }) => attempts < GAP_ATTEMPTS_MAX);
  return {
    state: {
      ...state,
      gaps,
      gapsDropped: state.gapsDropped + tried.length - gaps.length,
      backfill: { ...idle, hold: false, notBeforeMs: nowMs + GAP_RETRY_MS },
    },
    actions: [{ do: "persist" }],
  };
}
