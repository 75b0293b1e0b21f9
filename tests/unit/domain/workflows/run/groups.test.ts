/** Parallel, map, loop, and children. */
import { describe, expect, test } from "vitest";
import {
  action,
  begin,
  commandOf,
  done,
  failed,
  now,
  running,
  send,
  statuses,
  tick,
} from "./play.ts";

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
    expect(now(game).steps["p"]?.output).toEqual({ x: "X2", y: "Y" });
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
    expect(now(game).steps["p"]?.output).toEqual({ y: "Y" });
    expect(running(game)).toEqual(["x", "end"]);
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
    expect(statuses(game)["x2"]).toBeUndefined();
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
    expect(now(game).steps["m"]?.output).toEqual([]);
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
    expect(now(game).steps["m"]?.output).toEqual([null, 1, 2]);
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
    expect(now(game).steps["m"]?.output).toEqual(["last"]);
  });
});

describe("loop", () => {
  const steps = (more: object) => [
    { id: "l", type: "loop", do: "poll", next: "end", ...more },
    action("poll", { with: { at: "{{ index }}" } }),
    action("end"),
  ];

  test.each([
    [{ times: 3 }, 3],
    [{ while: "index < 2" }, 2],
    [{ while: "true", times: 2 }, 2],
    [{ while: "false" }, 0],
  ])("%j runs %i rounds", (more, rounds) => {
    const game = begin(steps(more));
    for (let at = 0; at < rounds; at++) done(game, `poll[${at}]`, at);
    expect(running(game)).toEqual(["end"]);
    expect(now(game).steps["l"]?.output).toBe(rounds === 0 ? null : rounds - 1);
  });

  test("while sees what the last round made", () => {
    const game = begin(steps({ while: 'index == 0 || steps.poll.output != "ready"' }));
    done(game, "poll[0]", "not yet");
    done(game, "poll[1]", "ready");
    expect(running(game)).toEqual(["end"]);
  });

  test("too many rounds fail with loop_limit", () => {
    const game = begin(steps({ while: "true", maxRounds: 2 }));
    done(game, "poll[0]");
    done(game, "poll[1]");
    expect(now(game)).toMatchObject({
      status: "failed",
      ending: { error: { reason: "loop_limit" } },
    });
  });

  test("waits between rounds", () => {
    const game = begin(steps({ times: 2, every: "30s" }));
    done(game, "poll[0]");
    expect(running(game)).toEqual([]);
    expect(tick(game)).toBe("round l 1");
    expect(running(game)).toEqual(["poll[1]"]);
  });

  test("a round that fails fails it", () => {
    const game = begin(steps({ times: 2 }));
    failed(game, "poll[0]");
    expect(now(game)).toMatchObject({
      status: "failed",
      ending: { error: { reason: "branch_failed" } },
    });
  });

  test("a cycle of steps makes new visits with keys of their own", () => {
    const game = begin([
      action("a", { next: "again" }),
      { id: "again", type: "decision", condition: "steps.a.output < 3.0", next: "a" },
    ]);
    done(game, "a", 1);
    done(game, "a#2", 2);
    done(game, "a#3", 3);
    expect(commandOf(game, "run_action").map((one) => one.idempotencyKey)).toEqual([
      "r1/a/0",
      "r1/a/0#2",
      "r1/a/0#3",
    ]);
    expect(now(game).status).toBe("completed");
  });

  test("a cycle that never ends is ended", () => {
    const game = begin([
      { id: "a", type: "set", values: { n: 1 }, next: "b" },
      { id: "b", type: "set", values: { n: 2 }, next: "a" },
    ]);
    expect(now(game)).toMatchObject({
      status: "failed",
      begun: 2000,
      ending: { error: { reason: "too_many_steps" } },
    });
  });
});

describe("child workflows", () => {
  const steps = (more: object = {}) => [
    {
      id: "w",
      type: "workflow",
      workflow: "other",
      version: "2.0.0",
      with: { n: 1 },
      next: "end",
      ...more,
    },
    action("end"),
  ];

  test("started with its key; its output is the step's", () => {
    const game = begin(steps());
    expect(commandOf(game, "start_child")).toEqual([
      expect.objectContaining({
        workflow: "other",
        version: "2.0.0",
        input: { n: 1 },
        detached: false,
        idempotencyKey: "r1/w/0@1",
      }),
    ]);
    send(game, { is: "child_ended", step: "w", attempt: 1, outcome: "completed", output: "out" });
    expect(now(game).steps["w"]?.output).toBe("out");
    expect(commandOf(game, "cancel_child")).toEqual([]);
  });

  test("a child that failed is child_failed; another attempt is another child", () => {
    const game = begin(steps({ retry: { attempts: 2, backoff: 100, jitter: "none" } }));
    const end = {
      is: "child_ended",
      step: "w",
      outcome: "failed",
      error: { reason: "deep" },
    } as const;
    send(game, { ...end, attempt: 1 });
    tick(game);
    expect(commandOf(game, "start_child").at(-1)?.idempotencyKey).toBe("r1/w/0@2");
    send(game, { ...end, attempt: 2 });
    expect(now(game)).toMatchObject({
      status: "failed",
      ending: { error: { reason: "child_failed", message: "deep" } },
    });
  });

  test("detached: done as soon as it runs", () => {
    const game = begin(steps({ detached: true }));
    send(game, { is: "child_started", step: "w", attempt: 1, child: "r2" });
    expect(now(game).steps["w"]?.output).toEqual({ run: "r2" });
    expect(running(game)).toEqual(["end"]);
  });

  test("cancelled with the run, and waited for; one that is too slow is cancelled", () => {
    const game = begin(steps());
    send(game, { is: "cancel" });
    expect(commandOf(game, "cancel_child")).toHaveLength(1);
    expect(now(game).status).toBe("running");
    send(game, { is: "child_ended", step: "w", attempt: 1, outcome: "failed" });
    expect(now(game).status).toBe("cancelled");
    const slow = begin(steps({ timeout: "1s" }));
    tick(slow);
    expect(commandOf(slow, "cancel_child")).toHaveLength(1);
    expect(now(slow)).toMatchObject({ status: "failed", ending: { error: { reason: "timeout" } } });
  });
});
