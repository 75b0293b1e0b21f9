/** The table "Turn policies" of the architecture, row by row. */
import { describe, expect, test } from "vitest";
import type { LeaseReply, TurnResult } from "../../../../schema/conversation.ts";
import type { TurnPolicy } from "../../../../schema/policy.ts";
import { aMessage, CONFIG, conversation } from "../../../support/conversation.ts";

type Machine = ReturnType<typeof conversation>;

function start(policy: TurnPolicy): Machine {
  return conversation({ ...CONFIG, policy });
}

function say(machine: Machine, ...keys: string[]) {
  const reply = machine.accept(keys.map((eventKey) => aMessage({ eventKey })));
  if (!reply.ok) throw new Error(reply.failure.reason);
  return reply.value;
}

function leased(machine: Machine): Extract<LeaseReply, { is: "leased" }> {
  const reply = machine.lease();
  if (reply.is !== "leased") throw new Error("expected work");
  return reply;
}

function texts(reply: Extract<LeaseReply, { is: "leased" }>): readonly string[] {
  return reply.turn?.items.map((item) => item.message.content.text) ?? [];
}

function end(
  machine: Machine,
  reply: Extract<LeaseReply, { is: "leased" }>,
  over: Partial<TurnResult> = {},
) {
  const persistedSeq = reply.persist.at(-1)?.seq;
  const turn = { id: reply.turn?.id ?? "", is: "committed", replies: [], ...over } as TurnResult;
  return machine.commit({
    token: reply.token,
    ...(persistedSeq ? { persistedSeq } : {}),
    ...(reply.turn ? { turn } : {}),
  });
}

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
    end(machine, work, { is: "handed", leaseMs: 60_000 } as Partial<TurnResult>);
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

describe("handed turns", () => {
  test("are frozen: one worker, one id over every attempt, whatever arrives meanwhile", () => {
    const machine = start({ kind: "burst" });
    say(machine, "a", "b");
    const work = leased(machine);
    end(machine, work, { is: "handed", leaseMs: 60_000 } as Partial<TurnResult>);
    const first = machine.takeTurn();
    expect(machine.takeTurn().is).toBe("none");
    say(machine, "c");
    machine.crash();
    machine.wait(61_000);
    end(machine, leased(machine));
    machine.wait(10_000);
    const again = leased(machine);
    if (first.is !== "taken") throw new Error("expected the turn");
    expect(again.turn?.id).toBe(first.turn.id);
    expect([texts(again), again.turn?.attempt]).toEqual([["a", "b"], 2]);
  });

  test("that keep failing become a dead letter with payload and history, and the conversation goes on", () => {
    const machine = start({ kind: "serial" });
    say(machine, "a", "b");
    let verdict: string | undefined;
    for (let n = 0; verdict !== "dead"; n++) {
      if (n > 50) throw new Error("never died");
      const reply = machine.lease();
      if (reply.is === "leased" && reply.turn) {
        const failed = {
          is: "failed",
          reason: "status_500",
          retryable: true,
        } as Partial<TurnResult>;
        const done = end(machine, reply, failed);
        verdict = done.is === "ok" ? done.turn : undefined;
      }
      if (verdict !== "dead") machine.wait(301_000);
    }
    machine.crash();
    const next = leased(machine);
    expect(next.deads).toHaveLength(1);
    expect(next.deads[0]?.history).toHaveLength(8);
    expect(JSON.parse(next.deads[0]?.payload ?? "{}").items[0].message.content.text).toBe("a");
    expect(texts(next)).toEqual(["b"]);
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
