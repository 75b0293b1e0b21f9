/** Every limit on what a run may take: kept at the limit, ended or refused one above it with the documented reason. */
import { describe, expect, test } from "vitest";
import { evaluateExpression } from "../../../../domain/workflows/expression/evaluate.ts";
import {
  EVALUATION_COST_MAX,
  RESULT_CHARS_MAX,
} from "../../../../domain/workflows/expression/limits.ts";
import { evaluateMapping } from "../../../../domain/workflows/expression/mapping.ts";
import {
  ARRIVALS_MAX,
  ATTEMPT_TIMEOUT_MS_DEFAULT,
  RUN_DATA_CHARS_MAX,
  RUN_LOG_ENTRIES_MAX,
  RUN_STEPS_MAX,
  STEP_OUTPUT_CHARS_MAX,
} from "../../../../domain/workflows/run/limits.ts";
import { readAnswer } from "../../../../domain/workflows/tasks/answer.ts";
import { MAP_ITEMS_MAX } from "../../../../schema/workflow-step.ts";
import { action, begin, commandOf, done, type Game, now, offer, send } from "./run/play.ts";

const text = (chars: number) => "x".repeat(chars - 2);
const reasonOf = (game: Game) => {
  const { ending } = now(game);
  return ending && ending.is !== "completed" ? ending.error.reason : ending?.is;
};

/** Plays a run that needs `n` of what is bounded; what it came to. */
const CASES: readonly (readonly [string, number, (n: number) => string | undefined, string])[] = [
  [
    "MAP_ITEMS_MAX",
    MAP_ITEMS_MAX,
    (n) => {
      const body = { id: "b", type: "set", values: { last: "{{ index }}" } };
      const items = Array.from({ length: n }, () => 0);
      return reasonOf(
        begin([{ id: "m", type: "map", each: "input", do: "b" }, body], { input: items }),
      );
    },
    "too_many_items",
  ],
  [
    "RUN_STEPS_MAX",
    RUN_STEPS_MAX,
    (n) => {
      const steps = [
        { id: "a", type: "set", values: { n: "{{ vars.n + 1 }}" }, next: "again" },
        {
          id: "again",
          type: "decision",
          condition: `vars.n < ${Math.ceil(n / 2)}`,
          next: n % 2 ? ["a", "last"] : "a",
        },
        ...(n % 2 ? [{ id: "last", type: "set", values: { done: true } }] : []),
      ];
      // One step more than pairs of two: the odd one is the last.
      const pairs = Math.floor(n / 2);
      const [first, again, ...rest] = steps;
      const exact = [first, { ...again, condition: `vars.n < ${pairs}` }, ...rest] as typeof steps;
      return reasonOf(begin(exact, { more: { vars: { n: 0 } } }));
    },
    "too_many_steps",
  ],
  [
    "STEP_OUTPUT_CHARS_MAX",
    STEP_OUTPUT_CHARS_MAX,
    (n) => {
      const game = begin([action("a")]);
      done(game, "a", text(n));
      return reasonOf(game);
    },
    "output_too_large",
  ],
  [
    "RUN_DATA_CHARS_MAX",
    RUN_DATA_CHARS_MAX,
    (n) => {
      const steps = [action("a", { next: "b" }), action("b", { next: "c" }), action("c")];
      const game = begin(steps, { input: null });
      done(game, "a", text(200_000));
      done(game, "b", text(200_000));
      done(game, "c", text(n - now(game).chars));
      return reasonOf(game);
    },
    "run_too_large",
  ],
  [
    "RUN_LOG_ENTRIES_MAX",
    RUN_LOG_ENTRIES_MAX,
    (n) => {
      const game = begin([action("a", { next: "b" }), action("b")]);
      // So many entries were made before; two more come, and the run needs all of them.
      game.state = { ...now(game), seq: n - 2 };
      done(game, "a");
      if (reasonOf(game) === undefined) done(game, "b");
      return reasonOf(game);
    },
    "log_full",
  ],
];

describe("a run", () => {
  test.each(CASES)("at %s goes on, one above it fails", (_, max, play, reason) => {
    expect(play(max)).toBe("completed");
    expect(play(max + 1)).toBe(reason);
  });

  test("takes an input of RUN_DATA_CHARS_MAX, and none above it", () => {
    const start = (n: number) => {
      const game = begin([action("a")]);
      game.state = undefined;
      return offer(game, { is: "started", run: "r1", tenant: "t1", input: text(n) })?.reason;
    };
    const empty = begin([action("a")], { input: "" });
    const own = now(empty).chars - 2;
    expect(start(RUN_DATA_CHARS_MAX - own)).toBeUndefined();
    expect(start(RUN_DATA_CHARS_MAX + 1)).toBe("too_large");
  });

  test("holds ARRIVALS_MAX signals that nobody takes, and no more", () => {
    const game = begin([
      action("a", { next: "paid" }),
      { id: "paid", type: "event", signal: "paid" },
    ]);
    const signal = (n: number) =>
      ({ is: "signal", id: `s${n}`, name: "paid", payload: null }) as const;
    for (let n = 0; n < ARRIVALS_MAX; n++) send(game, signal(n));
    expect(offer(game, signal(ARRIVALS_MAX))).toEqual({
      reason: "too_many_arrivals",
      max: ARRIVALS_MAX,
    });
  });

  test("gives an attempt ATTEMPT_TIMEOUT_MS_DEFAULT where its step says nothing", () => {
    const game = begin([action("a"), action("b")]);
    expect(commandOf(game, "run_action")[0]?.timeoutMs).toBe(ATTEMPT_TIMEOUT_MS_DEFAULT);
  });
});

describe("an expression", () => {
  // Each value counts as eight characters besides its own.
  test("gives RESULT_CHARS_MAX, and no character more", () => {
    const facts = (n: number) => ({ input: { a: "x".repeat(n - 8 - 4), b: "four" } });
    const texts = (n: number) => evaluateExpression("input.a + input.b", facts(n));
    const whole = (n: number) => evaluateMapping({ $ref: "input" }, { input: "x".repeat(n - 8) });
    for (const give of [texts, whole]) {
      expect(give(RESULT_CHARS_MAX).ok).toBe(true);
      expect(give(RESULT_CHARS_MAX + 1)).toMatchObject({ failure: { reason: "too_large" } });
    }
  });

  test("costs EVALUATION_COST_MAX at most", () => {
    const cost = (items: number) => {
      const input = Array.from({ length: items }, () => 1);
      const given = evaluateExpression("input.all(i, i == 1.0)", { input });
      return given.ok ? "ok" : given.failure.reason;
    };
    // The largest list that is still looked through: one element more is too much.
    let [fits, beyond] = [1, EVALUATION_COST_MAX];
    while (beyond - fits > 1) {
      const middle = Math.floor((fits + beyond) / 2);
      if (cost(middle) === "ok") fits = middle;
      else beyond = middle;
    }
    expect([cost(fits), cost(fits + 1)]).toEqual(["ok", "too_slow"]);
    expect(fits).toBeGreaterThan(EVALUATION_COST_MAX / 20);
  });
});

describe("a text", () => {
  // ANSWER_CHARS_MAX of `domain/workflows/tasks/answer.ts`, which docs/limits.md names.
  test("of 2,300 characters may answer a task, one of 2,301 goes its usual way", () => {
    const ask = {
      ...{ task: "r:ask@1", run: "r", choices: [{ id: "approve", label: "Approve" }] },
      ...{ title: "Pay?", messages: [] },
    };
    const message = (n: number) => ({
      ...{ kind: "message", metadata: {}, names: ["ana"] },
      text: `approve: ${"x".repeat(n - 9)}`,
    });
    const read = (n: number) => readAnswer(message(n), [ask])?.is;
    expect([read(2300), read(2301)]).toEqual(["reply", undefined]);
  });
});
