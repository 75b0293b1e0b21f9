/**
 * The life of the socket: connecting, identifying or resuming, heartbeats, loss and return. Knows nothing of
 * messages. An acknowledgement that does not come means a dead connection: closed with 4000, then resumed.
 */
import { objectOf } from "./frames.ts";
import {
  CLOSE_NORMAL,
  CLOSE_RESUMABLE,
  closeVerdict,
  DAY_MS,
  HEARTBEAT_MS,
  HEARTBEAT_SPACING_MS,
  HELLO_TIMEOUT_MS,
  IDENTIFIES_PER_DAY_MAX,
  IDENTIFY_SPACING_MS,
  INVALID_SESSION_WAIT_MS,
  READY_TIMEOUT_MS,
  RECONNECT_MS,
  RESUME_URL_FAILURES_MAX,
  STABLE_AFTER_MS,
} from "./protocol.ts";
import type { BotState, Heart, Link, Stepped } from "./state.ts";
import { lowWater, PAST_SESSION } from "./state.ts";

type Random = () => number;

/** Opens a socket: at the session's own address to resume, at the public one otherwise. */
export function connect(state: BotState, nowMs: number): Stepped {
  const own = state.failures < RESUME_URL_FAILURES_MAX ? state.session?.resumeUrl : undefined;
  return {
    state: { ...state, link: { is: "connecting", untilMs: nowMs + HELLO_TIMEOUT_MS } },
    actions: [{ do: "connect", ...(own !== undefined && { url: own }) }],
  };
}

/** HELLO: the heart starts (its first beat at a random moment), then resume or identify. */
export function greet(state: BotState, d: unknown, nowMs: number, random: Random): Stepped {
  if (state.link.is !== "connecting") return { state, actions: [] };
  const intervalMs = intervalOf(objectOf(d)?.heartbeat_interval);
  const dueAtMs = nowMs + Math.floor(intervalMs * random());
  const heart: Heart = { intervalMs, dueAtMs, sentAtMs: 0, acked: true };
  if (!state.session) return identify(state, heart, nowMs, random);
  const { id: sessionId } = state.session;
  return {
    state: { ...state, link: identifying(heart, true, nowMs) },
    actions: [{ do: "send", frame: { is: "resume", sessionId, seq: state.receivedSeq } }],
  };
}

function intervalOf(value: unknown): number {
  const usable =
    typeof value === "number" && value >= HEARTBEAT_MS.min && value <= HEARTBEAT_MS.max;
  return usable ? value : HEARTBEAT_MS.fallback;
}

function identifying(heart: Heart, resuming: boolean, nowMs: number): Link {
  return { is: "identifying", heart, resuming, untilMs: nowMs + READY_TIMEOUT_MS };
}

/** Identifies now, at the next allowed moment, or, with the day's budget spent, after the reset. */
export function identify(state: BotState, heart: Heart, nowMs: number, random: Random): Stepped {
  const expired = nowMs - state.budget.windowStartMs >= DAY_MS;
  const budget = expired ? { ...state.budget, windowStartMs: nowMs, used: 0 } : state.budget;
  const spent = budget.used >= IDENTIFIES_PER_DAY_MAX ? budget.windowStartMs + DAY_MS : 0;
  const blockedUntilMs = Math.max(budget.blockedUntilMs, spent);
  if (blockedUntilMs > nowMs) {
    const lost = lose({ ...state, budget }, nowMs, random, CLOSE_NORMAL);
    return { ...lost, state: { ...lost.state, link: { is: "backoff", untilMs: blockedUntilMs } } };
  }
  const identifyAtMs = budget.lastAtMs + IDENTIFY_SPACING_MS;
  if (identifyAtMs > nowMs) {
    return { state: { ...state, budget, link: { is: "hello", heart, identifyAtMs } }, actions: [] };
  }
  const used = { ...budget, used: budget.used + 1, lastAtMs: nowMs };
  return {
    state: {
      ...state,
      budget: used,
      receivedSeq: 0,
      waiting: state.waiting.map((item) => ({ ...item, seq: PAST_SESSION })),
      link: identifying(heart, false, nowMs),
    },
    actions: [{ do: "send", frame: { is: "identify" } }, { do: "persist" }],
  };
}

/** A beat that is due, or a dead connection found by the missing answer to the last one. */
export function beat(
  state: BotState,
  link: Extract<Link, { heart: Heart }>,
  nowMs: number,
  random: Random,
): Stepped {
  if (link.heart.dueAtMs > nowMs) return { state, actions: [] };
  return link.heart.acked
    ? sendBeat(state, link, nowMs)
    : lose(state, nowMs, random, CLOSE_RESUMABLE);
}

/** A heartbeat the server asked for. */
export function askedBeat(state: BotState, nowMs: number): Stepped {
  const { link } = state;
  if (!("heart" in link) || nowMs - link.heart.sentAtMs < HEARTBEAT_SPACING_MS) {
    return { state, actions: [] };
  }
  return sendBeat(state, link, nowMs);
}

/**
 * The beat carries the low-water mark, not the last sequence received: so the server keeps what the hub has
 * not accepted yet, and a resume from storage can still replay it.
 */
function sendBeat(state: BotState, link: Extract<Link, { heart: Heart }>, nowMs: number): Stepped {
  const { intervalMs } = link.heart;
  const heart = { intervalMs, dueAtMs: nowMs + intervalMs, sentAtMs: nowMs, acked: false };
  const seq = lowWater(state) || null;
  return {
    state: { ...state, link: { ...link, heart } },
    actions: [{ do: "send", frame: { is: "heartbeat", seq } }],
  };
}

/** The answer to a heartbeat. */
export function acknowledge(state: BotState): Stepped {
  const { link } = state;
  if (!("heart" in link)) return { state, actions: [] };
  return {
    state: { ...state, link: { ...link, heart: { ...link.heart, acked: true } } },
    actions: [],
  };
}

/** Gives the socket up and comes back after a while: longer each time, up to five minutes. */
export function lose(state: BotState, nowMs: number, random: Random, code?: number): Stepped {
  const { link } = state;
  const stable = link.is === "ready" && nowMs - link.sinceMs >= STABLE_AFTER_MS;
  const failures = stable ? 0 : state.failures + 1;
  const ceilingMs = Math.min(RECONNECT_MS.max, RECONNECT_MS.base * 2 ** Math.min(failures, 16));
  const untilMs = nowMs + Math.floor(ceilingMs * (0.5 + random() / 2));
  return {
    state: { ...state, failures, link: { is: "backoff", untilMs } },
    actions: code === undefined ? [] : [{ do: "close", code }],
  };
}

/** The server closed, or the socket broke. */
export function closed(state: BotState, code: number, nowMs: number, random: Random): Stepped {
  const { is } = state.link;
  if (is === "idle" || is === "backoff" || is === "fatal") return { state, actions: [] };
  const verdict = closeVerdict(code);
  if (verdict === "never") {
    return { state: { ...state, link: { is: "fatal", code } }, actions: [{ do: "persist" }] };
  }
  return lose(verdict === "identify" ? withoutSession(state) : state, nowMs, random);
}

/** INVALID_SESSION: `d` true may be resumed, false is lost; either after 1 to 5 seconds. */
export function invalidated(state: BotState, d: unknown, nowMs: number, random: Random): Stepped {
  const kept = d === true ? state : withoutSession(state);
  const { min, span } = INVALID_SESSION_WAIT_MS;
  const untilMs = nowMs + min + Math.floor(span * random());
  return {
    state: { ...kept, failures: state.failures + 1, link: { is: "backoff", untilMs } },
    actions: [
      { do: "close", code: d === true ? CLOSE_RESUMABLE : CLOSE_NORMAL },
      { do: "persist" },
    ],
  };
}

/** Frames already received still wait for the hub: their session is over, they are not. */
function withoutSession(state: BotState): BotState {
  const { session: _over, ...rest } = state;
  return rest;
}
