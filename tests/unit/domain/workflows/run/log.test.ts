/** The log gives every state again, commands survive a crash, the trail names nobody. */
import { describe, expect, test } from "vitest";
import { codeOf } from "../../../../../domain/workflows/run/audit.ts";
import { outstanding } from "../../../../../domain/workflows/run/commands.ts";
import { decide } from "../../../../../domain/workflows/run/decide.ts";
import { expressionEvaluator } from "../../../../../domain/workflows/run/evaluator.ts";
import { foldLog } from "../../../../../domain/workflows/run/fold.ts";
import { planOf } from "../../../../../domain/workflows/run/plan.ts";
import type { RunState } from "../../../../../domain/workflows/run/state.ts";
import {
  action,
  begin,
  defined,
  done,
  failed,
  type Game,
  now,
  send,
  tick,
  undone,
} from "./play.ts";

const STEPS = [
  action("a", { next: "p", retry: { attempts: 3 } }),
  { id: "p", type: "parallel", next: ["ask", "m"], join: "end" },
  { id: "ask", type: "approval", title: "Pay {{ input.who }}?" },
  { id: "m", type: "map", each: "[1, 2]", do: "i" },
  action("i"),
  action("end"),
  action("u"),
];

/** A run with a bit of everything; `see` is called after each event. */
function whole(see: (game: Game) => void = () => undefined): Game {
  const game = begin(STEPS, {
    more: { compensation: { a: "u", i: "u" } },
    input: { who: "Ana Example" },
  });
  const steps = [
    () => failed(game, "a", "boom", { message: "Ana Example is unknown" }),
    () => tick(game),
    () => done(game, "a", { phone: "5511900000002" }),
    () => done(game, "i[1]", { phone: "5511900000002" }),
    () =>
      send(game, {
        is: "task_answered",
        task: "ask@1",
        choice: "approve",
        by: "ana@example.org",
        comment: "for Ana",
      }),
    () => done(game, "i[0]"),
    () => failed(game, "end", "Ana Example is unknown"),
    () => undone(game, "i[0]"),
    () => undone(game, "i[1]"),
    () => undone(game, "a"),
  ];
  see(game);
  for (const step of steps) {
    game.roll = (game.roll + 0.37) % 1;
    step();
    see(game);
  }
  return game;
}

describe("the log", () => {
  test("every prefix gives the snapshot of that moment, jitter included", () => {
    const snapshots: RunState[] = [];
    const game = whole((at) => snapshots.push(now(at)));
    expect(now(game).status).toBe("compensated");
    expect(snapshots).toHaveLength(game.log.length);
    const stored = JSON.parse(JSON.stringify(game.log)) as typeof game.log;
    for (const [at, snapshot] of snapshots.entries())
      expect(foldLog(game.plan, stored.slice(0, at + 1), expressionEvaluator)).toEqual({
        ok: true,
        value: snapshot,
      });
    expect(foldLog(game.plan, [], expressionEvaluator)).toEqual({ ok: true, value: undefined });
  });

  test("a log with a gap, or of another definition, is said to be broken", () => {
    const { plan, log } = whole();
    const gap = log.filter(({ seq }) => seq !== 3);
    expect(foldLog(plan, gap, expressionEvaluator)).toMatchObject({
      failure: { reason: "broken_log", seq: 3 },
    });
    const other = planOf(defined([action("z")]));
    expect(foldLog(other, log, expressionEvaluator)).toMatchObject({
      failure: { reason: "broken_log", seq: 2, refusal: { reason: "unknown_step" } },
    });
  });

  test("a state of another definition or interpreter is refused", () => {
    const { state } = whole();
    const facts = { nowMs: 0, random: () => 0, evaluator: expressionEvaluator };
    const other = planOf(defined(STEPS, { version: "2.0.0" }));
    expect(decide(other, state, { is: "pause" }, facts)).toMatchObject({
      failure: { reason: "wrong_definition" },
    });
    const unread = decide(other, undefined, { is: "pause" }, facts);
    expect(unread).toMatchObject({ failure: { reason: "not_started" } });
  });

  test("a log that is full ends the run", () => {
    const game = begin([action("a")]);
    game.state = { ...now(game), seq: 9_998 };
    send(game, { is: "pause" });
    expect(now(game).ending).toBeUndefined();
    send(game, { is: "resume" });
    done(game, "a");
    expect(now(game)).toMatchObject({
      status: "failed",
      ending: { error: { reason: "log_full" } },
    });
  });
});

describe("commands", () => {
  test("are outstanding after a crash, the very same, until they are answered", () => {
    whole((game) => {
      const fresh = game.commands.filter(({ is }) => is === "run_action" || is === "compensate");
      const open = outstanding(game.plan, now(game));
      for (const command of open.filter(({ is }) => is === "run_action" || is === "compensate"))
        expect(fresh).toContainEqual(command);
      expect(new Set(open.map(({ key }) => key)).size).toBe(open.length);
      expect(outstanding(game.plan, now(game))).toEqual(open);
    });
  });

  test("no key is given out twice with other contents", () => {
    const { commands } = whole();
    const byKey = Map.groupBy(commands, ({ key }) => key);
    for (const [, same] of byKey) for (const one of same) expect(one).toEqual(same[0]);
  });

  test("every timer that is started is fired or cancelled", () => {
    const { commands, log } = whole();
    const started = commands.flatMap((one) => (one.is === "start_timer" ? [one.id] : []));
    const cancelled = commands.flatMap((one) => (one.is === "cancel_timer" ? [one.id] : []));
    const fired = log.flatMap(({ event }) => (event.is === "timer" ? [event.id] : []));
    expect([...cancelled, ...fired].sort()).toEqual([...started].sort());
  });
});

describe("the trail", () => {
  test("one entry for each transition, in order", () => {
    const game = begin([action("a", { next: "b" }), action("b"), action("u")], {
      more: { compensation: { a: "u" } },
    });
    done(game, "a");
    failed(game, "b", "http.503");
    undone(game, "a");
    expect(
      game.audit.map(({ what, step, reason, outcome }) => [what, step, reason ?? outcome]),
    ).toEqual([
      ["run_started", undefined, undefined],
      ["step_started", "a", undefined],
      ["step_completed", "a", undefined],
      ["step_started", "b", undefined],
      ["step_failed", "b", "http.503"],
      ["compensation_started", "a", undefined],
      ["compensation_completed", "a", undefined],
      ["saga_failed", undefined, "http.503"],
    ]);
    expect(game.audit.at(-1)).toMatchObject({
      outcome: "compensated",
      run: "r1",
      tenant: "t1",
      seq: 4,
    });
  });

  test("holds nothing of what people wrote or services answered", () => {
    const { audit } = whole();
    expect(JSON.stringify(audit)).not.toMatch(/Ana|ana@|phone|5511|unknown/);
    expect(audit.find(({ step, what }) => step === "end" && what === "step_failed")?.reason).toBe(
      "unclassified",
    );
  });

  test.each([
    ["http.503", "http.503"],
    ["not a code", "unclassified"],
    ["x5511900000002", "unclassified"],
    ["a".repeat(65), "unclassified"],
    ["", "unclassified"],
  ])("%j reads as %j", (reason, code) => {
    expect(codeOf(reason)).toBe(code);
  });
});
