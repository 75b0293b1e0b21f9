/** Turns on the turns queue: frozen, fenced, alive or recovered, and dead in the end. */
import { describe, expect, test } from "vitest";
import type { TurnResult } from "../../../../schema/conversation.ts";
import { end, leased, say, start, texts } from "../../../support/turns.ts";

describe("handed turns", () => {
  test("are frozen: one worker, one id over every attempt, whatever arrives meanwhile", () => {
    const machine = start({ kind: "burst" });
    say(machine, "a", "b");
    const work = leased(machine);
    end(machine, work, { is: "handed" } as Partial<TurnResult>);
    const first = machine.takeTurn();
    expect(machine.takeTurn().is).toBe("none");
    say(machine, "c");
    machine.crash();
    machine.wait(16_000);
    end(machine, leased(machine));
    machine.wait(10_000);
    const again = leased(machine);
    if (first.is !== "taken") throw new Error("expected the turn");
    expect(again.turn?.id).toBe(first.turn.id);
    expect([texts(again), again.turn?.attempt]).toEqual([["a", "b"], 2]);
  });

  test("stay with a worker that says it is alive, and with no other", () => {
    const machine = start({ kind: "burst" });
    say(machine, "a");
    end(machine, leased(machine), { is: "handed" } as Partial<TurnResult>);
    const taken = machine.takeTurn();
    if (taken.is !== "taken") throw new Error("expected the turn");
    for (let n = 0; n < 30; n++) {
      machine.wait(5000);
      expect(machine.beat(taken.fence)).toBe(true);
      expect(machine.lease().is).toBe("idle");
    }
    const done = machine.finishTurn(taken.fence, {
      id: taken.turn.id,
      is: "committed",
      replies: [],
    });
    expect(done).toMatchObject({ is: "ok", turn: "committed" });
  });

  test("whose token was lost are handed over again, without using up an attempt", () => {
    const machine = start({ kind: "burst" });
    say(machine, "a");
    end(machine, leased(machine), { is: "handed" } as Partial<TurnResult>);
    for (let n = 0; n < 20; n++) {
      machine.wait(21_000);
      machine.lease();
      machine.wait(1500);
      const again = leased(machine);
      expect(again.turn?.attempt).toBe(1);
      end(machine, again, { is: "handed" } as Partial<TurnResult>);
    }
    expect(machine.takeTurn().is).toBe("taken");
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
