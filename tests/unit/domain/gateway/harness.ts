/** A bot on a scripted server: feeds events, keeps the clock, collects what the machine wants done. */
import type { OutgoingFrame } from "../../../../domain/gateway/frames.ts";
import type { GatewayAction, GatewayEvent, SavedBot } from "../../../../domain/gateway/state.ts";
import { restore, savedOf } from "../../../../domain/gateway/state.ts";
import { step } from "../../../../domain/gateway/step.ts";

const START_MS = Date.UTC(2026, 2, 1);

export function aBot(saved?: SavedBot, random = 0.5) {
  let state = restore(saved);
  let nowMs = START_MS;
  let wakeAtMs = START_MS;
  const log: GatewayAction[] = [];
  const feed = (event: GatewayEvent): GatewayAction[] => {
    const stepped = step(state, event, nowMs, () => random);
    state = stepped.state;
    const due = stepped.actions.find((action) => action.do === "schedule");
    wakeAtMs = due?.do === "schedule" ? due.atMs : Number.POSITIVE_INFINITY;
    const actions = stepped.actions.filter((action) => action.do !== "schedule");
    log.push(...actions);
    return actions;
  };
  const frame = (body: object) => feed({ is: "frame", text: JSON.stringify(body) });
  return {
    feed,
    frame,
    log,
    state: () => state,
    saved: () => savedOf(state),
    nowMs: () => nowMs,
    wakeAtMs: () => wakeAtMs,
    pass: (ms: number) => {
      nowMs += ms;
    },
    /** Lets the time come for which the machine asked, and ticks. */
    wake: () => {
      nowMs = Math.max(nowMs, wakeAtMs);
      return feed({ is: "tick" });
    },
    open: () => feed({ is: "open" }),
    hello: (intervalMs = 40_000) => frame({ op: 10, d: { heartbeat_interval: intervalMs } }),
    ack: () => frame({ op: 11 }),
    close: (code: number) => feed({ is: "close", code }),
    ready: (s = 1, session = "sess-1") =>
      frame({
        op: 0,
        t: "READY",
        s,
        d: { session_id: session, resume_gateway_url: "wss://resume.test", user: { id: "7" } },
      }),
    resumed: (s: number) => frame({ op: 0, t: "RESUMED", s, d: {} }),
    message: (s: number, channel = "20") =>
      frame({
        op: 0,
        t: "MESSAGE_CREATE",
        s,
        d: { id: String(1000 + s), channel_id: channel, guild_id: "30", content: "x" },
      }),
    accept: (count: number) => feed({ is: "accepted", count }),
  };
}

export type Bot = ReturnType<typeof aBot>;

/** A bot connected in its first session. */
export function aReadyBot(): Bot {
  const bot = aBot();
  bot.wake();
  bot.open();
  bot.hello();
  bot.ready();
  bot.log.length = 0;
  return bot;
}

export function sent(actions: readonly GatewayAction[]): OutgoingFrame[] {
  return actions.flatMap((action) => (action.do === "send" ? [action.frame] : []));
}

/** Sequence numbers of the frames handed over. */
export function handed(actions: readonly GatewayAction[]): number[] {
  return actions.flatMap((action) =>
    action.do === "accept" ? action.frames.map((text) => JSON.parse(text).s as number) : [],
  );
}

export function did(actions: readonly GatewayAction[]): string[] {
  return actions.map((action) => action.do);
}
