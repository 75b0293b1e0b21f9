/** Parallel and map steps. */
import { describe, expect, test } from "vitest";
import { action, begin, commandOf, done, failed, now, running, statuses, tick } from "./play.ts";

describe("parallel", () => {
  const steps = (more: object = {}) => [
    { id: "p", type: "parallel", next: ["x", "y"], join: "end", ...more },
    action("x", { next: "x2" }),
    action("x2"),
    action("y"),
    action("end"),
  ];

  test("runs all branches and joins when all have settled; output by head", () => {
    const game = begin(steps());
    expect(running(game)).toEqual(["x", "y"]);
    done(game, "y", "Y");
    done(game, "x");
    expect(running(game)).toEqual(["x2"]);
    done(game, "x2", "X2");
    expect(running(game)).toEqual(["end"]);
    expect(now(game).steps.p?.output).toEqual({ x: "X2", y: "Y" });
  });

  test("a branch that fails lets its siblings settle, to the end of their chains", () => {
    const game = begin(steps());
    failed(game, "y", "boom");
    done(game, "x");
    expect(running(game)).toEqual(["x2"]);
    done(game, "x2");
    expect(now(game)).toMatchObject({
      status: "failed",
      ending: { error: { reason: "branch_failed", message: "y: boom" } },
    });
  });

  test("its own onError takes the failure of a branch", () => {
    const game = begin([...steps({ onError: "fix" }), action("fix", { next: "end" })]);
    failed(game, "y");
    done(game, "x");
    done(game, "x2");
    expect(running(game)).toEqual(["fix"]);
  });

  test("any: the first success goes on; the others end at their next step, and are still waited for", () => {
    const game = begin(steps({ require: "any" }));
    done(game, "y", "Y");
    expect(now(game).steps.p?.output).toEqual({ y: "Y" });
    expect(running(game).toSorted()).toEqual(["end", "x"]);
    done(game, "end");
    expect(now(game).status).toBe("running");
    done(game, "x");
    expect(statuses(game)).toEqual({
      p: "succeeded",
      x: "succeeded",
      y: "succeeded",
      end: "succeeded",
    });
    expect(now(game).status).toBe("completed");
  });

  test("any: what the others still do leads nowhere", () => {
    const game = begin(steps({ require: "any" }));
    done(game, "y");
    done(game, "x");
    expect(running(game)).toEqual(["end"]);
  });

  test("any: one failure decides nothing, all of them do", () => {
    const game = begin(steps({ require: "any" }));
    failed(game, "x");
    expect(now(game).status).toBe("running");
    failed(game, "y");
    expect(now(game)).toMatchObject({
      status: "failed",
      ending: { error: { reason: "branch_failed" } },
    });
  });

  test("its own time is over: what runs settles, then it fails with timeout", () => {
    const game = begin(steps({ timeout: "1m" }));
    expect(tick(game)).toBe("timeout p 1");
    expect(now(game).status).toBe("running");
    done(game, "x");
    done(game, "y");
    expect(statuses(game).x2).toBeUndefined();
    expect(now(game)).toMatchObject({ status: "failed", ending: { error: { reason: "timeout" } } });
  });
});

describe("map", () => {
  const steps = (more: object = {}) => [
    {
      id: "m",
      type: "map",
      each: "input.list",
      do: "one",
      maxConcurrency: 2,
      next: "end",
      ...more,
    },
    action("one", { with: { it: "{{ item }}", at: "{{ index }}" }, next: "two" }),
    action("two", { with: { before: "{{ steps.one.output }}" } }),
    action("end", { with: { all: "{{ steps.m.output }}" } }),
  ];
  const list = ["a", "b", "c"];

  test("bounded, with item and index; each body sees its own results; output in order of the items", () => {
    const game = begin(steps(), { input: { list } });
    expect(running(game)).toEqual(["one[0]", "one[1]"]);
    done(game, "one[1]", "B");
    expect(commandOf(game, "run_action").at(-1)).toMatchObject({
      step: "two[1]",
      input: { before: "B" },
      idempotencyKey: "r1/two/1",
    });
    done(game, "two[1]", "B2");
    expect(running(game)).toEqual(["one[0]", "one[2]"]);
    for (const at of [2, 0]) {
      done(game, `one[${at}]`, at);
      done(game, `two[${at}]`, `${at} done`);
    }
    expect(commandOf(game, "run_action").at(-1)?.input).toEqual({
      all: ["0 done", "B2", "2 done"],
    });
    expect(commandOf(game, "run_action").map(({ input }) => input)).toContainEqual({
      it: "c",
      at: 2,
    });
  });

  test("nothing to do is done at once", () => {
    const game = begin(steps(), { input: { list: [] } });
    expect(running(game)).toEqual(["end"]);
    expect(now(game).steps.m?.output).toEqual([]);
  });

  test.each([[5], [Array.from({ length: 1001 }, () => 0)]])(
    "refuses what is no list, or too long",
    (bad) => {
      const game = begin(steps(), { input: { list: bad } });
      expect(now(game).status).toBe("failed");
    },
  );

  test("fail: no further item begins, those begun settle, then item_failed", () => {
    const game = begin(steps(), { input: { list } });
    failed(game, "one[0]");
    expect(running(game)).toEqual(["one[1]"]);
    done(game, "one[1]");
    done(game, "two[1]");
    expect(now(game)).toMatchObject({
      status: "failed",
      ending: { error: { reason: "item_failed", message: "0: boom" } },
    });
    expect(statuses(game)["one[2]"]).toBeUndefined();
  });

  test("collect: a failed item is null and the others go on", () => {
    const game = begin(steps({ itemError: "collect" }), { input: { list } });
    failed(game, "one[0]");
    for (const at of [1, 2]) {
      done(game, `one[${at}]`);
      done(game, `two[${at}]`, at);
    }
    expect(now(game).steps.m?.output).toEqual([null, 1, 2]);
  });

  test("maps in maps have keys of their own, and inner items", () => {
    const game = begin(
      [
        { id: "m", type: "map", each: "input.rows", do: "n" },
        { id: "n", type: "map", each: "item", do: "one" },
        action("one", { with: { it: "{{ item }}" } }),
      ],
      { input: { rows: [[1], [2, 3]] } },
    );
    expect(running(game)).toEqual(["one[0][0]", "one[1][0]", "one[1][1]"]);
    expect(commandOf(game, "run_action").map((one) => [one.input, one.idempotencyKey])).toEqual([
      [{ it: 1 }, "r1/one/0.0"],
      [{ it: 2 }, "r1/one/1.0"],
      [{ it: 3 }, "r1/one/1.1"],
    ]);
    for (const key of running(game)) done(game, key, key);
    expect(now(game)).toMatchObject({
      status: "completed",
      ending: { output: [["one[0][0]"], ["one[1][0]", "one[1][1]"]] },
    });
  });

  test("a body that is over keeps nothing but what an undo needs", () => {
    const game = begin(steps(), { input: { list: ["a"] } });
    done(game, "one[0]", "big");
    done(game, "two[0]", "last");
    expect(now(game).steps["one[0]"]).not.toHaveProperty("output");
    expect(now(game).steps.m?.output).toEqual(["last"]);
  });
});
