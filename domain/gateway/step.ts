/**
 * The Gateway client of one bot as a pure machine: `step(state, event, nowMs, random)` says what is so now and
 * what to do. It sends nothing and keeps no clock; the driver carries out the actions and comes back with their
 * results as events, and with a `tick` no later than the last `schedule` asked for.
 */

import type { IncomingFrame } from "./frames.ts";
import { decode, objectOf, textOf } from "./frames.ts";
import { fetchGaps, gapsFetched, openGaps } from "./gaps.ts";
import { accepted, enqueue, handOver, refused } from "./hand-over.ts";
import {
  acknowledge,
  askedBeat,
  beat,
  closed,
  connect,
  greet,
  identify,
  invalidated,
  lose,
} from "./link.ts";
import {
  CLOSE_RESUMABLE,
  HANDED_EVENTS,
  OP,
  OWN_ROLES_MAX,
  SAVE_FRAMES,
  SAVE_MS,
  WAITING_REOPEN_BELOW,
} from "./protocol.ts";
import type { BotState, GatewayAction, GatewayEvent, Stepped } from "./state.ts";
import { lowWater } from "./state.ts";

type Random = () => number;

/** `random` yields numbers in [0, 1). The last action is always `schedule`, but for a fatal link. */
export function step(state: BotState, event: GatewayEvent, nowMs: number, random: Random): Stepped {
  const chain = [
    (now: BotState) => react(now, event, nowMs, random),
    (now: BotState) => fetchGaps(now, nowMs),
    (now: BotState) => handOver(now, nowMs),
    (now: BotState) => save(now, nowMs),
  ];
  let current = state;
  const actions: GatewayAction[] = [];
  for (const link of chain) {
    const next = link(current);
    current = next.state;
    actions.push(...next.actions);
  }
  const ended = settled(current, actions, nowMs);
  const atMs = wakeAt(ended, nowMs);
  return {
    state: ended,
    actions: atMs === undefined ? actions : [...actions, { do: "schedule", atMs }],
  };
}

function react(state: BotState, event: GatewayEvent, nowMs: number, random: Random): Stepped {
  switch (event.is) {
    case "open":
      return { state, actions: [] };
    case "frame":
      return onFrame(state, decode(event.text), nowMs, random);
    case "close":
      return closed(state, event.code, nowMs, random);
    case "tick":
      return onTick(state, nowMs, random);
    case "limits": {
      const blockedUntilMs = event.remaining > 0 ? 0 : nowMs + Math.max(0, event.resetAfterMs);
      return { state: { ...state, budget: { ...state.budget, blockedUntilMs } }, actions: [] };
    }
    case "accepted":
      return accepted(state, event.count, nowMs, random);
    case "refused":
      return refused(state, nowMs, random);
    case "backfilled":
      return gapsFetched(state, event.left, nowMs);
  }
}

/** What is no frame at all means a broken stream: closed and resumed. A given-up socket says nothing more. */
function onFrame(
  state: BotState,
  frame: IncomingFrame | undefined,
  nowMs: number,
  random: Random,
): Stepped {
  const { is } = state.link;
  if (is === "idle" || is === "backoff" || is === "fatal") return { state, actions: [] };
  if (!frame) return lose(state, nowMs, random, CLOSE_RESUMABLE);
  switch (frame.op) {
    case OP.dispatch:
      return onDispatch(state, frame, nowMs, random);
    case OP.heartbeat:
      return askedBeat(state, nowMs);
    case OP.reconnect:
      return lose(state, nowMs, random, CLOSE_RESUMABLE);
    case OP.invalidSession:
      return invalidated(state, frame.d, nowMs, random);
    case OP.hello:
      return greet(state, frame.d, nowMs, random);
    case OP.heartbeatAck:
      return acknowledge(state);
    default:
      return { state, actions: [] };
  }
}

/** Sequences only rise; a frame at or below the mark has been taken already. */
function onDispatch(state: BotState, frame: IncomingFrame, nowMs: number, random: Random): Stepped {
  const { s, t } = frame;
  if (state.link.is !== "ready" && state.link.is !== "identifying") return { state, actions: [] };
  if (s === undefined || t === undefined || s <= state.receivedSeq) {
    return t === "RESUMED" ? { state: resumed(state, nowMs), actions: [] } : { state, actions: [] };
  }
  if (HANDED_EVENTS.includes(t)) return enqueue(state, { ...frame, s }, nowMs, random);
  const moved = { ...state, receivedSeq: s };
  if (t === "READY") return ready(moved, frame.d, nowMs);
  if (t === "RESUMED") return { state: resumed(moved, nowMs), actions: [] };
  return { state: t === "GUILD_CREATE" ? withOwnRole(moved, frame.d) : moved, actions: [] };
}

/** A new session: written at once, since without it a restart could not resume. */
function ready(state: BotState, d: unknown, nowMs: number): Stepped {
  const data = objectOf(d);
  const id = textOf(data?.session_id, 128);
  const resumeUrl = textOf(data?.resume_gateway_url, 512);
  const botUserId = textOf(objectOf(data?.user)?.id);
  if (state.link.is !== "identifying") return { state, actions: [] };
  const link = { is: "ready", heart: state.link.heart, sinceMs: nowMs } as const;
  const { session: _before, ...rest } = state;
  return {
    state: openGaps({
      ...rest,
      link,
      ...(id && resumeUrl && { session: { id, resumeUrl } }),
      ...(botUserId && { botUserId }),
    }),
    actions: [{ do: "persist" }],
  };
}

/** All missed frames of the session have been replayed. */
function resumed(state: BotState, nowMs: number): BotState {
  if (state.link.is !== "identifying") return state;
  return { ...state, link: { is: "ready", heart: state.link.heart, sinceMs: nowMs } };
}

/** People often pick the bot's managed role when they mean the bot: GUILD_CREATE says which one that is. */
function withOwnRole(state: BotState, d: unknown): BotState {
  const data = objectOf(d);
  const guild = textOf(data?.id);
  const roles = Array.isArray(data?.roles) ? data.roles.map(objectOf) : [];
  const own = roles.find((role) => {
    const bot = textOf(objectOf(role?.tags)?.bot_id);
    return bot !== undefined && bot === state.botUserId;
  });
  const role = textOf(own?.id);
  if (!guild || !role) return state;
  const others = state.ownRoles.filter((entry) => entry.guild !== guild);
  return { ...state, ownRoles: [...others, { guild, role }].slice(-OWN_ROLES_MAX) };
}

function onTick(state: BotState, nowMs: number, random: Random): Stepped {
  const { link } = state;
  switch (link.is) {
    case "idle":
      return connect(state, nowMs);
    case "backoff": {
      const wait = nowMs < link.untilMs || state.waiting.length > WAITING_REOPEN_BELOW;
      return wait ? { state, actions: [] } : connect(state, nowMs);
    }
    case "connecting":
      return nowMs < link.untilMs
        ? { state, actions: [] }
        : lose(state, nowMs, random, CLOSE_RESUMABLE);
    case "hello":
      return nowMs < link.identifyAtMs
        ? beat(state, link, nowMs, random)
        : identify(state, link.heart, nowMs, random);
    case "identifying":
      return nowMs < link.untilMs
        ? beat(state, link, nowMs, random)
        : lose(state, nowMs, random, CLOSE_RESUMABLE);
    case "ready":
      return beat(state, link, nowMs, random);
    case "fatal":
      return { state, actions: [] };
  }
}

/** Writes the low-water mark in batches: each write is a row, and a replay from an older mark does no harm. */
function save(state: BotState, nowMs: number): Stepped {
  const ahead = lowWater(state) - state.saved.seq;
  const due = ahead >= SAVE_FRAMES || (ahead !== 0 && nowMs - state.saved.atMs >= SAVE_MS);
  return { state, actions: due && state.session ? [{ do: "persist" }] : [] };
}

function settled(state: BotState, actions: readonly GatewayAction[], nowMs: number): BotState {
  const persisted = actions.some((action) => action.do === "persist");
  return persisted ? { ...state, saved: { seq: lowWater(state), atMs: nowMs } } : state;
}

/**
 * When the machine wants its next tick; undefined where only another event can bring it on (or nothing, for a
 * fatal link). What waits for an answer asks for no tick: it would be woken again and again for nothing.
 */
function wakeAt(state: BotState, nowMs: number): number | undefined {
  const moments = [...linkMoments(state, nowMs), ...workMoments(state)];
  return moments.length === 0 ? undefined : Math.max(nowMs, Math.min(...moments));
}

function linkMoments({ link }: BotState, nowMs: number): number[] {
  switch (link.is) {
    case "idle":
      return [nowMs];
    case "backoff":
      return [Math.max(link.untilMs, nowMs + 1000)];
    case "connecting":
      return [link.untilMs];
    case "hello":
      return [link.identifyAtMs, link.heart.dueAtMs];
    case "identifying":
      return [link.untilMs, link.heart.dueAtMs];
    case "ready":
      return [link.heart.dueAtMs];
    case "fatal":
      return [];
  }
}

function workMoments(state: BotState): number[] {
  const {
    backfill,
    gaps,
    handOver: { notBeforeMs },
    inFlight,
    link,
    saved,
    session,
    waiting,
  } = state;
  const moments: number[] = [];
  if (waiting.length > 0 && inFlight === 0 && !backfill.hold) moments.push(notBeforeMs);
  if (gaps.length > 0 && !backfill.running && link.is === "ready")
    moments.push(backfill.notBeforeMs);
  if (lowWater(state) !== saved.seq && session) moments.push(saved.atMs + SAVE_MS);
  return moments;
}
