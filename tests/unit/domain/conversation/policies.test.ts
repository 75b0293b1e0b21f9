/** The table "Turn policies" of the architecture, row by row. */
import { describe, expect, test } from "vitest";
import type { TurnResult } from "../../../../schema/conversation.ts";
import { aMessage, CONFIG, conversation } from "../../../support/conversation.ts";
import { end, leased, say, start, texts } from "../../../support/turns.ts";

describe("serial", () => {
  test("one turn for each message, in order", () => {
    const machine = start({ kind: "serial" });
    say(machine, "a", "b", "c");
    const turns = ["a", "b", "c"].map(() => {
      const work = leased(machine);
      end(machine, work);
      return texts(work);
    });
    expect(turns).toEqual([["a"], ["b"], ["c"]]);
    expect(machine.lease().is).toBe("idle");
  });
});

describe("burst", () => {
  test("a turn at once; all that wait join the next one", () => {
    const machine = start({ kind: "burst" });
    say(machine, "a");
    const first = leased(machine);
    say(machine, "b");
    say(machine, "c");
    expect(texts(first)).toEqual(["a"]);
    expect(end(machine, first)).toMatchObject({ is: "ok", more: true, turn: "committed" });
    expect(texts(leased(machine))).toEqual(["b", "c"]);
  });
});

describe.each(["burst", "interrupt"] as const)("%s with gestures", (kind) => {
  test("each has a turn of its own: its way back takes one answer", () => {
    const machine = start({ kind });
    const gesture = (eventKey: string) =>
      aMessage({
        eventKey,
        kind: "command",
        responder: {
          via: "slack_response_url",
          url: "https://hooks.slack.com/x",
          expiresAtMs: 1e15,
        },
      });
    machine.accept([
      aMessage({ eventKey: "a" }),
      aMessage({ eventKey: "b" }),
      gesture("/one"),
      gesture("/two"),
      aMessage({ eventKey: "c" }),
    ]);
    const turns = Array.from({ length: 4 }, () => {
      const work = leased(machine);
      end(machine, work);
      return texts(work);
    });
    expect(turns).toEqual([["a", "b"], ["/one"], ["/two"], ["c"]]);
    expect(machine.lease().is).toBe("idle");
  });
});

describe("debounce", () => {
  test("waits for quiet, and not beyond 30 s", () => {
    const machine = start({ kind: "debounce", quietMs: 2000 });
    expect(say(machine, "a").ring).toBe(true);
    end(machine, leased(machine));
    expect(machine.lease().is).toBe("idle");
    machine.wait(1500);
    say(machine, "b");
    end(machine, leased(machine));
    machine.wait(1500);
    expect(machine.lease().is).toBe("idle");
    machine.wait(500);
    expect(texts(leased(machine))).toEqual(["a", "b"]);
  });

  test("a person who never stops gets a turn after 30 s all the same", () => {
    const machine = start({ kind: "debounce", quietMs: 2000 });
    for (let n = 0; n < 25; n++) {
      say(machine, `m${n}`);
      end(machine, leased(machine));
      machine.wait(1200);
    }
    const work = leased(machine);
    expect(texts(work)).toHaveLength(25);
  });
});

describe("queue", () => {
  test("at most max wait; the oldest gives way and is named", () => {
    const machine = start({ kind: "queue", max: 2 });
    say(machine, "a");
    const running = leased(machine);
    say(machine, "b");
    say(machine, "c");
    const { dropped } = say(machine, "d");
    expect(dropped).toMatchObject([{ reason: "queue_full" }]);
    end(machine, running);
    const next = leased(machine);
    end(machine, next);
    expect([texts(next), texts(leased(machine))]).toEqual([["c"], ["d"]]);
  });
});

describe("drop", () => {
  test("what comes while a turn runs is stored without a turn", () => {
    const machine = start({ kind: "drop" });
    say(machine, "a");
    const running = leased(machine);
    expect(say(machine, "b").dropped).toMatchObject([{ reason: "busy" }]);
    end(machine, running);
    const after = leased(machine);
    expect([after.persist.length, texts(after)]).toEqual([1, []]);
    end(machine, after);
    expect(say(machine, "c").dropped).toEqual([]);
  });
});

describe("interrupt", () => {
  test("an uncommitted result is refused; the next turn takes all", () => {
    const machine = start({ kind: "interrupt" });
    say(machine, "a");
    const running = leased(machine);
    say(machine, "b");
    const late = end(machine, running, {
      replies: [{ content: { type: "text", text: "old" }, answers: [] }],
    } as Partial<TurnResult>);
    expect(late).toMatchObject({ is: "ok", turn: "interrupted", more: true });
    expect(late).not.toHaveProperty("send");
    expect(texts(leased(machine))).toEqual(["a", "b"]);
  });

  test("a turn on the turns queue is fenced off too", () => {
    const machine = start({ kind: "interrupt" });
    say(machine, "a");
    const work = leased(machine);
    end(machine, work, { is: "handed" } as Partial<TurnResult>);
    const taken = machine.takeTurn();
    if (taken.is !== "taken") throw new Error("expected the turn");
    say(machine, "b");
    const late = machine.finishTurn(taken.fence, {
      id: taken.turn.id,
      is: "committed",
      replies: [],
    });
    expect(late.is).toBe("fenced");
    expect(texts(leased(machine))).toEqual(["a", "b"]);
  });
});

describe("a person on the phone", () => {
  test("takes over what waits, and the bot is silent until the pause is over", () => {
    const machine = start({ kind: "burst" });
    say(machine, "a");
    const reply = machine.accept([aMessage({ eventKey: "human", origin: "phone" })]);
    expect(reply.ok && reply.value.dropped).toMatchObject([{ reason: "paused" }]);
    const stored = leased(machine);
    expect([stored.persist.length, stored.turn]).toEqual([2, undefined]);
    end(machine, stored);
    expect(say(machine, "b").dropped).toMatchObject([{ reason: "paused" }]);
    machine.wait(CONFIG.humanPauseMs + 1);
    expect(say(machine, "c").dropped).toEqual([]);
    expect(texts(leased(machine))).toEqual(["c"]);
  });
});

describe("an operator's pause", () => {
  test("takes what waits, refuses the turn that runs, and ends when told", () => {
    const machine = start({ kind: "serial" });
    say(machine, "a", "b");
    const running = leased(machine);
    machine.pause(machine.nowMs + 3_600_000);
    expect(end(machine, running)).toMatchObject({ is: "ok", turn: "interrupted", more: false });
    expect(say(machine, "c").dropped).toMatchObject([{ reason: "paused" }]);
    machine.crash();
    machine.pause(0);
    expect(say(machine, "d").dropped).toEqual([]);
    expect(texts(leased(machine))).toEqual(["d"]);
  });
});

describe("changes to a message that still waits", () => {
  test("an edit changes it in place, without a turn of its own", () => {
    const machine = start({ kind: "serial" });
    say(machine, "a", "b");
    const content = { text: "b, corrected", media: [], metadata: {} };
    machine.accept([aMessage({ eventKey: "b:edit", kind: "edit", targetId: "b", content })]);
    end(machine, leased(machine));
    machine.crash();
    const second = leased(machine);
    expect(texts(second)).toEqual(["b, corrected"]);
    end(machine, second);
    expect(machine.lease().is).toBe("idle");
  });

  test("a delete takes its turn away, with a reason", () => {
    const machine = start({ kind: "serial" });
    say(machine, "a", "b");
    const reply = machine.accept([
      aMessage({ eventKey: "b:delete", kind: "delete", targetId: "b" }),
    ]);
    expect(reply.ok && reply.value.dropped).toMatchObject([{ reason: "deleted" }]);
    const first = leased(machine);
    expect(texts(first)).toEqual(["a"]);
    end(machine, first);
    expect(machine.lease().is).toBe("idle");
  });
});

describe("bounds", () => {
  test("a full conversation refuses, and says when to come back; duplicates still pass", () => {
    const machine = conversation({ ...CONFIG, backlogMax: 2 });
    say(machine, "a", "b");
    expect(machine.accept([aMessage({ eventKey: "c" })])).toMatchObject({
      ok: false,
      failure: { reason: "backlog_full" },
    });
    expect(machine.accept([aMessage({ eventKey: "a" })])).toMatchObject({ ok: true });
  });

  test("a duplicate writes no row", () => {
    const machine = start({ kind: "burst" });
    say(machine, "a");
    const before = machine.written;
    expect(say(machine, "a")).toMatchObject({ accepted: [{ duplicate: true }], ring: false });
    expect(machine.written).toBe(before);
  });

  test("the key of a message is known for 24 h and over a change of tables", () => {
    const machine = start({ kind: "burst" });
    say(machine, "a");
    end(machine, leased(machine));
    for (let hours = 0; hours < 23; hours++) {
      machine.wait(3_600_000);
      say(machine, `h${hours}`);
      end(machine, leased(machine));
      machine.crash();
    }
    expect(say(machine, "a").accepted[0]?.duplicate).toBe(true);
  });
});

describe("settings of the hub", () => {
  test("attempts of a turn and of a send end where they say", () => {
    const machine = conversation({ ...CONFIG, attemptsMax: 2 });
    say(machine, "a");
    for (const verdict of ["retry", "dead"]) {
      machine.wait(10_000);
      const { token, turn } = leased(machine);
      const failed = {
        id: turn?.id ?? "",
        is: "failed",
        reason: "upstream_error",
        retryable: true,
      };
      const reply = machine.commit({ token, persistedSeq: turn?.lastSeq, turn: failed as never });
      expect(reply).toMatchObject({ turn: verdict });
    }
    machine.enqueue({
      id: "msg_1",
      draft: { content: { type: "text", text: "hi" } },
      group: false,
    });
    for (let attempt = 1; attempt <= 2; attempt++) {
      machine.wait(10_000);
      const { token, send } = leased(machine);
      const result = { is: "retry", reason: "status_503", counts: true } as const;
      machine.commit({ token, reports: [{ seq: send?.seq ?? 0, attempt, steps: [], result }] });
    }
    expect(machine.state.deads.map((dead) => dead.stage)).toEqual(["turn", "send"]);
  });

  test("an object that lost its memory under a lease is rung for soon, not when the lease would have ended", () => {
    const machine = conversation(CONFIG);
    say(machine, "a");
    leased(machine);
    expect(machine.alarmAtMs()).toBeLessThanOrEqual(machine.nowMs + CONFIG.ringAfterMs);
  });

  test("a worker that gives up is rung for after the usual wait; only rings make it longer", () => {
    const machine = conversation(CONFIG);
    say(machine, "a");
    for (let n = 0; n < 3; n++) machine.giveUp(leased(machine).token);
    expect(machine.alarmAtMs()).toBe(machine.nowMs + CONFIG.ringAfterMs);
  });
});
