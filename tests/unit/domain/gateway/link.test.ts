import { describe, expect, it } from "vitest";
import { encode } from "../../../../domain/gateway/frames.ts";
import { closeVerdict, IDENTIFIES_PER_DAY_MAX } from "../../../../domain/gateway/protocol.ts";
import { aBot, aReadyBot, did, sent } from "./harness.ts";

describe("connecting", () => {
  it("asks for the public address, greets back with an identify, and is ready", () => {
    const bot = aBot();
    expect(bot.wake()).toEqual([{ do: "connect" }]);
    expect(bot.open()).toEqual([]);
    expect(did(bot.hello())).toEqual(["send", "persist"]);
    expect(sent(bot.log)).toEqual([{ is: "identify" }]);
    expect(did(bot.ready())).toContain("persist");
    expect(bot.state()).toMatchObject({
      link: { is: "ready" },
      session: { id: "sess-1", resumeUrl: "wss://resume.test" },
      botUserId: "7",
    });
  });

  it("gives up on a server that does not greet, and comes back", () => {
    const bot = aBot();
    bot.wake();
    expect(bot.wake()).toEqual([{ do: "close", code: 4000 }]);
    expect(bot.state().link.is).toBe("backoff");
    expect(bot.wake()).toEqual([{ do: "connect" }]);
  });

  it("gives up on a server that does not become ready", () => {
    const bot = aBot();
    bot.wake();
    bot.hello(120_000);
    bot.pass(30_000);
    expect(did(bot.feed({ is: "tick" }))).toContain("close");
  });

  it("waits longer after every failure, up to five minutes", () => {
    const bot = aBot();
    const waits: number[] = [];
    for (let n = 0; n < 14; n++) {
      bot.wake();
      const at = bot.nowMs();
      bot.close(1006);
      waits.push(bot.wakeAtMs() - at);
    }
    expect(waits.slice(0, 4)).toEqual([1500, 3000, 6000, 12_000]);
    expect(Math.max(...waits)).toBe(225_000);
    expect(waits.at(-1)).toBe(225_000);
  });

  it("writes a token only into the frame on the wire", () => {
    const frame = JSON.parse(encode({ is: "identify" }, "secret"));
    expect(frame).toMatchObject({ op: 2, d: { token: "secret", intents: 46_593 } });
    expect(encode({ is: "resume", sessionId: "s", seq: 4 }, "secret")).toBe(
      '{"op":6,"d":{"token":"secret","session_id":"s","seq":4}}',
    );
    expect(JSON.stringify(aReadyBot().saved())).not.toContain("secret");
  });
});

describe("identifying", () => {
  it("keeps five seconds between two identifies", () => {
    const bot = aBot();
    bot.wake();
    bot.hello();
    bot.frame({ op: 9, d: false });
    bot.wake();
    expect(sent(bot.hello())).toEqual([]);
    expect(bot.state().link.is).toBe("hello");
    const before = bot.nowMs();
    const actions = bot.wake();
    expect(sent(actions)).toEqual([{ is: "identify" }]);
    expect(bot.nowMs() - before).toBeGreaterThan(0);
    expect(bot.state().budget.used).toBe(2);
  });

  it("stops for the day before the thousandth, and goes on the next day", () => {
    const bot = aBot();
    const saved = bot.saved();
    const spent = {
      ...saved,
      budget: { ...saved.budget, windowStartMs: bot.nowMs(), used: IDENTIFIES_PER_DAY_MAX },
    };
    const tired = aBot(spent);
    tired.wake();
    expect(did(tired.hello())).toEqual(["close"]);
    expect(tired.wakeAtMs() - tired.nowMs()).toBe(86_400_000);
    tired.wake();
    expect(sent(tired.hello())).toEqual([{ is: "identify" }]);
    expect(tired.state().budget.used).toBe(1);
  });

  it("believes the server that none are left", () => {
    const bot = aBot();
    bot.wake();
    bot.feed({ is: "limits", remaining: 0, resetAfterMs: 3_600_000 });
    expect(did(bot.hello())).toEqual(["close"]);
    expect(bot.wakeAtMs() - bot.nowMs()).toBe(3_600_000);
  });
});

describe("the heart", () => {
  it("beats first at a random moment, then at the interval, with the low-water mark", () => {
    const bot = aReadyBot();
    expect(bot.wakeAtMs() - bot.nowMs()).toBe(20_000);
    expect(sent(bot.wake())).toEqual([{ is: "heartbeat", seq: 1 }]);
    bot.ack();
    expect(bot.wakeAtMs() - bot.nowMs()).toBe(40_000);
    bot.message(2);
    bot.message(3);
    expect(sent(bot.wake())).toEqual([{ is: "heartbeat", seq: 1 }]);
    bot.ack();
    bot.accept(1);
    bot.accept(1);
    expect(sent(bot.wake())).toEqual([]);
    bot.pass(60_000);
    expect(sent(bot.feed({ is: "tick" }))).toEqual([{ is: "heartbeat", seq: 3 }]);
  });

  it("closes resumably when an answer does not come, and resumes at the session's address", () => {
    const bot = aReadyBot();
    bot.wake();
    expect(bot.wake()).toEqual([{ do: "close", code: 4000 }]);
    expect(bot.wake()).toEqual([{ do: "connect", url: "wss://resume.test" }]);
    bot.open();
    expect(sent(bot.hello())).toEqual([{ is: "resume", sessionId: "sess-1", seq: 1 }]);
    bot.resumed(2);
    expect(bot.state().link.is).toBe("ready");
    expect(sent(bot.wake())).toEqual([{ is: "heartbeat", seq: 2 }]);
  });

  it("answers the server's own request, but no flood of them", () => {
    const bot = aReadyBot();
    expect(sent(bot.frame({ op: 1, d: null }))).toEqual([{ is: "heartbeat", seq: 1 }]);
    expect(sent(bot.frame({ op: 1, d: null }))).toEqual([]);
    bot.pass(1000);
    expect(sent(bot.frame({ op: 1, d: null }))).toHaveLength(1);
  });
});

describe("the end of a connection", () => {
  it.each([4000, 4001, 4002, 4003, 4005, 4008, 1001, 1006])("by %i is resumed", (code) => {
    const bot = aReadyBot();
    bot.close(code);
    bot.wake();
    expect(sent(bot.hello())).toEqual([{ is: "resume", sessionId: "sess-1", seq: 1 }]);
  });

  it.each([4007, 4009])("by %i begins a new session", (code) => {
    const bot = aReadyBot();
    bot.pass(10_000);
    bot.close(code);
    bot.wake();
    expect(sent(bot.hello())).toEqual([{ is: "identify" }]);
  });

  it.each([4004, 4010, 4011, 4012, 4013, 4014])("by %i is final, also after a restart", (code) => {
    const bot = aReadyBot();
    expect(did(bot.close(code))).toEqual(["persist"]);
    expect(bot.state().link).toEqual({ is: "fatal", code });
    expect(closeVerdict(code)).toBe("never");
    expect(bot.wakeAtMs()).toBe(Number.POSITIVE_INFINITY);
    const again = aBot(bot.saved());
    expect(again.feed({ is: "tick" })).toEqual([]);
  });

  it("by op 7 is a resumable close and a return", () => {
    const bot = aReadyBot();
    expect(bot.frame({ op: 7, d: null })).toEqual([{ do: "close", code: 4000 }]);
    expect(bot.wake()).toEqual([{ do: "connect", url: "wss://resume.test" }]);
  });

  it("by op 9 is resumed where the server says so, and begins anew where not", () => {
    const kept = aReadyBot();
    expect(kept.frame({ op: 9, d: true })[0]).toEqual({ do: "close", code: 4000 });
    expect(kept.wakeAtMs() - kept.nowMs()).toBe(3000);
    kept.wake();
    expect(sent(kept.hello())[0]).toMatchObject({ is: "resume" });
    const lost = aReadyBot();
    lost.pass(10_000);
    expect(lost.frame({ op: 9, d: false })[0]).toEqual({ do: "close", code: 1000 });
    lost.wake();
    expect(sent(lost.hello())).toEqual([{ is: "identify" }]);
  });

  it("gives the session's own address up after three failures, not the session", () => {
    const bot = aReadyBot();
    bot.close(1006);
    const urls: unknown[] = [];
    for (let n = 0; n < 4; n++) {
      urls.push(bot.wake()[0]);
      bot.close(1006);
    }
    expect(urls).toEqual([
      { do: "connect", url: "wss://resume.test" },
      { do: "connect", url: "wss://resume.test" },
      { do: "connect" },
      { do: "connect" },
    ]);
    bot.wake();
    expect(sent(bot.hello())[0]).toMatchObject({ is: "resume" });
  });

  it("starts its failures again from zero only after a connection that held", () => {
    const bot = aReadyBot();
    bot.close(1006);
    expect(bot.state().failures).toBe(1);
    bot.wake();
    bot.hello();
    bot.resumed(2);
    bot.close(1006);
    expect(bot.state().failures).toBe(2);
    bot.wake();
    bot.hello();
    bot.resumed(3);
    bot.pass(30_000);
    bot.close(1006);
    expect(bot.state().failures).toBe(0);
  });

  it("is not heard twice, nor anything after it", () => {
    const bot = aReadyBot();
    bot.close(1006);
    expect(bot.close(4004)).toEqual([]);
    expect(bot.hello()).toEqual([]);
    expect(bot.message(9)).toEqual([]);
    expect(bot.state().receivedSeq).toBe(1);
  });

  it("comes for a stream that sends no frames", () => {
    for (const text of ["", "{", "[]", '{"op":"0"}']) {
      expect(did(aReadyBot().feed({ is: "frame", text }))).toEqual(["close"]);
    }
  });
});
