/** Where flow goes: order, conditions, decisions, switches, variables, onError, inputs and outputs. */
import { describe, expect, test } from "vitest";
import { action, begin, commandOf, done, failed, now, running, statuses } from "./play.ts";

describe("sequence", () => {
  test("the first step of the list starts, next leads on, order in the list means nothing", () => {
    const game = begin([action("a", { next: "c" }), action("b"), action("c")]);
    done(game, "a");
    expect(running(game)).toEqual(["c"]);
    done(game, "c", "end");
    expect(statuses(game)).toEqual({ a: "succeeded", c: "succeeded" });
    expect(now(game)).toMatchObject({ status: "completed", ending: { output: "end" } });
  });

  test("inputs and outputs are mapped; secrets stay references; without `with` the run's input is taken", () => {
    const steps = [
      action("make-it", {
        with: { n: "{{ input.n + 1 }}", key: { $secret: "k" }, v: { $ref: "vars.v" } },
        output: { made: "{{ output.id }}" },
        next: "use",
      }),
      action("use", { with: { id: '{{ steps["make-it"].output.made }}' }, next: "last" }),
      action("last"),
    ];
    const more = {
      vars: { v: "{{ input.n }}" },
      output: { id: { $ref: "steps.make-it.output.made" } },
    };
    const game = begin(steps, { more, input: { n: 1 } });
    done(game, "make-it", { id: "x7", noise: true });
    done(game, "use");
    const [first, second, third] = commandOf(game, "run_action");
    expect(first?.input).toEqual({ n: 2, key: { $secret: "k" }, v: 1 });
    expect(second?.input).toEqual({ id: "x7" });
    expect(third?.input).toEqual({ n: 1 });
    done(game, "last");
    expect(commandOf(game, "finished")).toEqual([
      expect.objectContaining({ outcome: "completed", output: { id: "x7" } }),
    ]);
  });

  test("a condition that is false skips the step and goes on at next", () => {
    const game = begin([action("a", { condition: "input.go", next: "b" }), action("b")], {
      input: { go: false },
    });
    expect(statuses(game)).toEqual({ a: "skipped", b: "running" });
    expect(running(game)).toEqual(["b"]);
  });

  test("an expression that fails fails its step, never the planner", () => {
    const game = begin([action("a", { with: { x: "{{ nowhere.at.all }}" } })]);
    expect(statuses(game)).toEqual({ a: "failed" });
    expect(now(game)).toMatchObject({
      status: "failed",
      ending: { error: { reason: "expression" } },
    });
  });

  test.each([["throws"], ["fails"]])("an evaluator that %s fails the step", (how) => {
    const broken = () => {
      if (how === "throws") throw new Error("no");
      return { ok: false as const, failure: { reason: "type" } };
    };
    const game = begin([action("a", { with: {} })], {
      evaluator: { value: broken, mapping: broken },
    });
    expect(now(game)).toMatchObject({
      status: "failed",
      ending: { error: { reason: "expression" } },
    });
  });
});

describe("decision", () => {
  const steps = (next: unknown) => [
    { id: "d", type: "decision", condition: "input.yes", next },
    action("a"),
    action("b"),
  ];
  test.each([
    [true, ["a", "b"], ["a"]],
    [false, ["a", "b"], ["b"]],
    [true, ["a"], ["a"]],
    [false, ["a"], []],
    [true, "a", ["a"]],
    [false, "a", []],
  ])("%j with next %j goes to %j", (yes, next, expected) => {
    const game = begin(steps(next), { input: { yes } });
    expect(running(game)).toEqual(expected);
    expect(now(game).steps.d?.output).toBe(yes);
    expect(now(game).status).toBe(expected.length === 0 ? "completed" : "running");
  });

  test("what is no bool fails it; onError takes over", () => {
    const game = begin(
      [
        { id: "d", type: "decision", condition: "input.yes", next: ["a"], onError: "b" },
        action("a"),
        action("b", { next: "c" }),
        action("c"),
      ],
      { input: { yes: "maybe" } },
    );
    expect(running(game)).toEqual(["b"]);
  });
});

describe("switch", () => {
  const steps = (more: object) => [
    {
      id: "s",
      type: "switch",
      cases: [
        { when: "input.n > 10.0", next: "big" },
        { when: "input.n > 5.0", next: "middle" },
      ],
      ...more,
    },
    action("big"),
    action("middle"),
    action("small"),
  ];
  test.each([
    [11, {}, ["big"], 0],
    [7, {}, ["middle"], 1],
    [1, { default: "small" }, ["small"], null],
    [1, {}, [], null],
  ])("%j %j goes to %j with output %j", (n, more, expected, output) => {
    const game = begin(steps(more), { input: { n } });
    expect(running(game)).toEqual(expected);
    expect(now(game).steps.s?.output).toBe(output);
  });
});

describe("set and fail", () => {
  test("values are written all at once: none sees another", () => {
    const steps = [
      { id: "s", type: "set", values: { a: "{{ vars.b }}", b: "{{ vars.a }}" }, next: "f" },
      { id: "f", type: "fail", code: "swapped", message: "a is {{ vars.a }}" },
    ];
    const game = begin(steps, { more: { vars: { a: 1, b: 2 } } });
    expect(now(game)).toMatchObject({
      vars: { a: 2, b: 1 },
      status: "failed",
      ending: { error: { reason: "swapped", message: "a is 2" } },
    });
  });
});

describe("onError", () => {
  test("with a next the error is handled and the chain sees it", () => {
    const game = begin([
      action("a", { onError: "fix" }),
      action("fix", { with: { all: "{{ error }}", of: "{{ steps.a.error.code }}" }, next: "on" }),
      action("on"),
    ]);
    failed(game, "a", "broken");
    expect(commandOf(game, "run_action").at(-1)?.input).toEqual({
      all: { step: "a", code: "broken", message: "broken" },
      of: "broken",
    });
    done(game, "fix");
    done(game, "on");
    expect(now(game).status).toBe("completed");
  });

  test("without one the branch fails with the first error, also where the target fails", () => {
    for (const ends of [done, failed]) {
      const game = begin([action("a", { onError: "fix" }), action("fix")]);
      failed(game, "a", "first");
      ends(game, "fix");
      expect(now(game)).toMatchObject({ status: "failed", ending: { error: { reason: "first" } } });
    }
  });

  test("a step of the definition may be called like a member of every object", () => {
    const game = begin([
      action("constructor", { onError: "__proto__" }),
      action("__proto__", { next: "toString" }),
      action("toString"),
    ]);
    failed(game, "constructor");
    done(game, "__proto__", 1);
    done(game, "toString", 2);
    expect(now(game)).toMatchObject({ status: "completed", ending: { output: 2 } });
  });
});
