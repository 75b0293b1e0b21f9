import { describe, expect, it } from "vitest";
import { WAITING_FRAMES_MAX } from "../../../../domain/gateway/protocol.ts";
import { lowWater } from "../../../../domain/gateway/state.ts";
import { aBot, aReadyBot, did, handed, sent } from "./harness.ts";

describe("frames on their way to the hub", () => {
  it("go in order, one batch at a time, with their session and the bot's own role", () => {
    const bot = aReadyBot();
    bot.frame({
      op: 0,
      t: "GUILD_CREATE",
      s: 2,
      d: {
        id: "30",
        roles: [
          { id: "60", tags: { bot_id: "7" } },
          { id: "61", tags: { bot_id: "8" } },
        ],
      },
    });
    const [first] = bot.message(3);
    expect(first?.do === "accept" && JSON.parse(first.frames[0] ?? "")).toEqual({
      op: 0,
      t: "MESSAGE_CREATE",
      s: 3,
      d: { id: "1003", channel_id: "20", guild_id: "30", content: "x" },
      session: "sess-1",
      own_roles: ["60"],
    });
    expect(bot.message(4)).toEqual([]);
    expect(bot.message(5)).toEqual([]);
    expect(handed(bot.accept(1))).toEqual([4, 5]);
    expect(handed(bot.accept(2))).toEqual([]);
  });

  it("are only messages and reactions; other events move the mark alone", () => {
    const bot = aReadyBot();
    expect(bot.frame({ op: 0, t: "TYPING_START", s: 2, d: {} })).toEqual([]);
    expect(lowWater(bot.state())).toBe(2);
    for (const [n, t] of [
      "MESSAGE_UPDATE",
      "MESSAGE_DELETE",
      "MESSAGE_DELETE_BULK",
      "MESSAGE_REACTION_ADD",
      "MESSAGE_REACTION_REMOVE",
    ].entries()) {
      expect(handed(bot.frame({ op: 0, t, s: 3 + n, d: {} }))).toEqual([3 + n]);
      bot.accept(1);
    }
  });

  it("count as accepted only when the hub has them", () => {
    const bot = aReadyBot();
    bot.message(2);
    bot.message(3);
    expect(lowWater(bot.state())).toBe(1);
    expect(bot.saved().seq).toBe(1);
    expect(handed(bot.accept(1))).toEqual([3]);
    expect(lowWater(bot.state())).toBe(2);
  });

  it("that were accepted in part are offered again from there", () => {
    const bot = aReadyBot();
    bot.message(2);
    bot.message(3);
    bot.message(4);
    bot.accept(1);
    expect(handed(bot.accept(1))).toEqual([4]);
  });

  it("that the hub refuses come again, later each time, and nothing is lost", () => {
    const bot = aReadyBot();
    bot.message(2);
    bot.feed({ is: "refused" });
    expect(bot.message(3)).toEqual([]);
    const first = bot.wakeAtMs() - bot.nowMs();
    expect(handed(bot.wake())).toEqual([2, 3]);
    bot.accept(0);
    expect(bot.wakeAtMs() - bot.nowMs()).toBeGreaterThan(first);
    expect(handed(bot.wake())).toEqual([2, 3]);
    bot.accept(2);
    expect(lowWater(bot.state())).toBe(3);
  });

  it("seen before are not taken twice", () => {
    const bot = aReadyBot();
    bot.message(2);
    bot.accept(1);
    expect(bot.message(2)).toEqual([]);
    expect(bot.state().waiting).toEqual([]);
  });

  it("survive a lost socket in memory: the resume asks for what comes after them", () => {
    const bot = aReadyBot();
    bot.message(2);
    bot.message(3);
    bot.close(1006);
    bot.wake();
    expect(sent(bot.hello())).toEqual([{ is: "resume", sessionId: "sess-1", seq: 3 }]);
    expect(handed(bot.accept(1))).toEqual([3]);
  });

  it("are asked for again after a restart, from the lowest not accepted", () => {
    const bot = aReadyBot();
    for (let s = 2; s <= 6; s++) bot.message(s);
    bot.accept(1);
    const restarted = aBot(bot.saved());
    expect(restarted.wake()).toEqual([{ do: "connect", url: "wss://resume.test" }]);
    expect(sent(restarted.hello())).toEqual([{ is: "resume", sessionId: "sess-1", seq: 2 }]);
    expect(handed(restarted.message(3))).toEqual([3]);
  });

  it("close the socket when they become too many, and none is skipped afterwards", () => {
    const bot = aReadyBot();
    bot.message(2);
    bot.feed({ is: "refused" });
    for (let s = 3; s <= WAITING_FRAMES_MAX + 1; s++) bot.message(s);
    expect(did(bot.message(WAITING_FRAMES_MAX + 2))).toContain("close");
    expect(bot.state().receivedSeq).toBe(WAITING_FRAMES_MAX + 1);
    bot.pass(3600_000);
    expect(did(bot.feed({ is: "tick" }))).not.toContain("connect");
    while (bot.state().waiting.length > 500) bot.accept(50);
    expect(did(bot.wake())).toContain("connect");
    expect(sent(bot.hello())).toEqual([
      { is: "resume", sessionId: "sess-1", seq: WAITING_FRAMES_MAX + 1 },
    ]);
  });

  it("of a session that is over are still handed over, and do not mark the next one", () => {
    const bot = aReadyBot();
    bot.message(2);
    bot.feed({ is: "refused" });
    bot.pass(10_000);
    bot.frame({ op: 9, d: false });
    expect(handed(bot.log)).toEqual([2, 2]);
    bot.feed({ is: "refused" });
    bot.wake();
    while (bot.state().link.is !== "connecting") bot.wake();
    bot.feed({ is: "refused" });
    bot.hello();
    bot.ready(1, "sess-2");
    expect(bot.saved()).toMatchObject({ seq: 1, session: { id: "sess-2" } });
    bot.message(2);
    expect(bot.saved().seq).toBe(1);
    expect(bot.state().waiting.map(({ text }) => JSON.parse(text).session)).toEqual([
      "sess-1",
      "sess-2",
    ]);
  });
});

describe("writing the mark", () => {
  it("happens after 5 seconds or 50 numbers, not for every frame", () => {
    const bot = aReadyBot();
    let writes = 0;
    for (let s = 2; s <= 140; s++) {
      bot.message(s);
      writes += did(bot.accept(1)).filter((action) => action === "persist").length;
    }
    expect(writes).toBe(2);
    bot.pass(5000);
    expect(did(bot.feed({ is: "tick" }))).toContain("persist");
    expect(did(bot.feed({ is: "tick" }))).not.toContain("persist");
  });

  it("is asked for by a wake, also when nothing else comes", () => {
    const bot = aReadyBot();
    bot.message(2);
    bot.accept(1);
    expect(bot.wakeAtMs() - bot.nowMs()).toBe(5000);
    expect(did(bot.wake())).toEqual(["persist"]);
  });
});

describe("messages missed while no session could be resumed", () => {
  function afterNewSession() {
    const bot = aReadyBot();
    for (let s = 2; s <= 4; s++) {
      bot.message(s, s === 3 ? "21" : "20");
      bot.accept(1);
    }
    bot.pass(10_000);
    bot.close(4009);
    bot.wake();
    bot.hello();
    return bot;
  }
  const gap = (channel: string, after: string) => ({ channel, guild: "30", after, attempts: 0 });

  it("are fetched for every known channel before live frames are handed over", () => {
    const bot = afterNewSession();
    const actions = bot.ready(1, "sess-2");
    expect(actions).toContainEqual({
      do: "backfill",
      gaps: [gap("21", "1003"), gap("20", "1004")],
    });
    expect(handed(bot.message(2))).toEqual([]);
    expect(bot.wakeAtMs()).toBeGreaterThan(bot.nowMs());
    expect(handed(bot.feed({ is: "backfilled", left: [] }))).toEqual([2]);
    expect(bot.state().gaps).toEqual([]);
  });

  it("that cannot be fetched are tried again later, kept over a restart, then given up and counted", () => {
    const bot = afterNewSession();
    bot.ready(1, "sess-2");
    bot.feed({ is: "backfilled", left: [gap("20", "1004")] });
    expect(bot.saved().gaps).toEqual([{ ...gap("20", "1004"), attempts: 1 }]);
    expect(handed(bot.message(2))).toEqual([2]);
    bot.accept(1);
    for (let n = 0; n < 9; n++) {
      bot.pass(60_000);
      const actions = bot.feed({ is: "tick" });
      bot.ack();
      expect(did(actions)).toContain("backfill");
      bot.feed({ is: "backfilled", left: bot.state().gaps });
    }
    expect(bot.state().gaps).toEqual([]);
    expect(bot.state().gapsDropped).toBe(1);
  });

  it("are fetched all over when another session begins meanwhile", () => {
    const bot = afterNewSession();
    bot.ready(1, "sess-2");
    bot.pass(10_000);
    bot.close(4009);
    bot.wake();
    bot.hello();
    bot.ready(1, "sess-3");
    const again = bot.feed({ is: "backfilled", left: [] });
    expect(did(again)).toContain("backfill");
    bot.feed({ is: "backfilled", left: [] });
    expect(bot.state().gaps).toEqual([]);
  });

  it("do not exist after a resume, nor for a bot that knows no channel", () => {
    expect(did(aReadyBot().log)).not.toContain("backfill");
    const bot = aReadyBot();
    bot.message(2);
    bot.accept(1);
    bot.close(1006);
    bot.wake();
    bot.hello();
    expect(did(bot.resumed(3))).not.toContain("backfill");
  });

  it("are remembered for the 200 channels used last", () => {
    const bot = aReadyBot();
    for (let s = 2; s <= 252; s++) {
      bot.message(s, `c${s}`);
      bot.accept(1);
    }
    const { seen } = bot.saved();
    expect(seen).toHaveLength(200);
    expect([seen[0]?.channel, seen.at(-1)?.channel]).toEqual(["c53", "c252"]);
  });
});
