/**
 * Received frames on their way to the hub, in order, at most one batch at a time. Nothing is dropped: a hub that
 * refuses is asked again, later each time; a queue that grows too long closes the socket, and the session resumes
 * behind the last frame kept.
 */
import type { IncomingFrame } from "./frames.ts";
import { objectOf, textOf } from "./frames.ts";
import { lose } from "./link.ts";
import {
  CLOSE_RESUMABLE,
  HAND_OVER_FRAMES_MAX,
  RECONNECT_MS,
  SEEN_CHANNELS_MAX,
  WAITING_CHARS_MAX,
  WAITING_FRAMES_MAX,
} from "./protocol.ts";
import type { BotState, Seen, Stepped, Waiting } from "./state.ts";

/** Takes one event into the queue, or closes the socket before it. */
export function enqueue(
  state: BotState,
  frame: IncomingFrame & { readonly s: number },
  nowMs: number,
  random: () => number,
): Stepped {
  const item = waitingOf(state, frame);
  const chars = state.waiting.reduce((sum, { text }) => sum + text.length, item.text.length);
  const full = state.waiting.length >= WAITING_FRAMES_MAX || chars > WAITING_CHARS_MAX;
  if (full && state.waiting.length > 0) return lose(state, nowMs, random, CLOSE_RESUMABLE);
  return {
    state: { ...state, receivedSeq: frame.s, waiting: [...state.waiting, item] },
    actions: [],
  };
}

/** Discord's frame with the session it came in and, for a guild, the role that stands for the bot. */
function waitingOf(state: BotState, frame: IncomingFrame & { readonly s: number }): Waiting {
  const d = objectOf(frame.d);
  const guild = textOf(d?.guild_id);
  const roles = state.ownRoles.filter((own) => own.guild === guild).map(({ role }) => role);
  const text = JSON.stringify({
    op: 0,
    t: frame.t,
    s: frame.s,
    d: frame.d,
    ...(state.session && { session: state.session.id }),
    ...(roles.length > 0 && { own_roles: roles }),
  });
  const channel = textOf(d?.channel_id);
  const last = textOf(d?.id);
  if (frame.t !== "MESSAGE_CREATE" || !channel || !last) return { seq: frame.s, text };
  return { seq: frame.s, text, mark: { channel, last, ...(guild && { guild }) } };
}

/** The next batch, where nothing is under way and nothing holds it back. */
export function handOver(state: BotState, nowMs: number): Stepped {
  const held = state.inFlight > 0 || state.backfill.hold || nowMs < state.handOver.notBeforeMs;
  if (held || state.waiting.length === 0) return { state, actions: [] };
  const frames = state.waiting.slice(0, HAND_OVER_FRAMES_MAX).map(({ text }) => text);
  return { state: { ...state, inFlight: frames.length }, actions: [{ do: "accept", frames }] };
}

/** The hub has the first `count` of the batch; the rest is offered again. */
export function accepted(
  state: BotState,
  count: number,
  nowMs: number,
  random: () => number,
): Stepped {
  const taken = Math.min(Math.max(0, Math.floor(count)), state.inFlight);
  if (taken === 0 || !Number.isFinite(count)) return refused(state, nowMs, random);
  const marks = state.waiting.slice(0, taken).flatMap(({ mark }) => (mark ? [mark] : []));
  return {
    state: {
      ...state,
      waiting: state.waiting.slice(taken),
      inFlight: 0,
      handOver: { failures: 0, notBeforeMs: 0 },
      seen: marks.reduce(remember, state.seen),
    },
    actions: [],
  };
}

/** Most recently used last; above the limit the least recent goes. */
function remember(seen: readonly Seen[], mark: Seen): Seen[] {
  const others = seen.filter(({ channel }) => channel !== mark.channel);
  return [...others, mark].slice(-SEEN_CHANNELS_MAX);
}

/** The hub could not take the batch: the same frames again, after a while. */
export function refused(state: BotState, nowMs: number, random: () => number): Stepped {
  const failures = state.handOver.failures + 1;
  const ceilingMs = Math.min(RECONNECT_MS.max, RECONNECT_MS.base * 2 ** Math.min(failures - 1, 16));
  const notBeforeMs = nowMs + Math.floor(ceilingMs * (0.5 + random() / 2));
  return { state: { ...state, inFlight: 0, handOver: { failures, notBeforeMs } }, actions: [] };
}
