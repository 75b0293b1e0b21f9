/** Loops, cycles, and child workflows. */
import { describe, expect, test } from "vitest";
import { action, begin, commandOf, done, failed, now, running, send, tick } from "./play.ts";

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
    expect(now(game).steps.l?.output).toBe(rounds === 0 ? null : rounds - 1);
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
    expect(now(game).steps.w?.output).toBe("out");
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
    expect(now(game).steps.w?.output).toEqual({ run: "r2" });
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
