/** Retries, backoff, timeouts, and reports that come too late. */
import { describe, expect, test } from "vitest";
import { durationMs, mayRetry, retryDelayMs } from "../../../../../domain/workflows/run/timing.ts";
import type { RetryRule } from "../../../../../schema/workflow-value.ts";
import {
  action,
  begin,
  commandOf,
  done,
  failed,
  now,
  offer,
  running,
  send,
  statuses,
  tick,
} from "./play.ts";

describe("waits between attempts", () => {
  test.each([
    [{ strategy: "constant", jitter: "none" }, 0, [1000, 1000, 1000]],
    [{ strategy: "linear", jitter: "none" }, 0, [1000, 2000, 3000]],
    [{ jitter: "none" }, 0, [1000, 2000, 4000]],
    [{ backoff: "2s", maxDelay: "5s", jitter: "none" }, 0, [2000, 4000, 5000]],
    [{}, 0, [1000, 2000, 4000]],
    [{}, 0.5, [1500, 3000, 6000]],
    [{ jitter: "half" }, 0.5, [1250, 2500, 5000]],
    [{ maxDelay: 1200 }, 0.9, [1200, 1200, 1200]],
    [{ backoff: 0 }, 0.9, [0, 0, 0]],
  ] as const)("%j with %f", (more, random, expected) => {
    const rule: RetryRule = { attempts: 9, ...more };
    const waits = [1, 2, 3].map((made) => retryDelayMs(rule, made, { reason: "x" }, () => random));
    expect(waits).toEqual(expected);
  });

  test("the default cap is five minutes; a downstream's wish counts within it", () => {
    const rule: RetryRule = { attempts: 20, jitter: "none" };
    expect(retryDelayMs(rule, 19, { reason: "x" }, () => 0)).toBe(300_000);
    expect(retryDelayMs(rule, 1, { reason: "x", retryAfterMs: 7000 }, () => 0)).toBe(7000);
    expect(retryDelayMs(rule, 1, { reason: "x", retryAfterMs: 7_000_000 }, () => 0)).toBe(300_000);
  });

  test.each([
    [{ attempts: 3 }, 2, { reason: "x" }, true],
    [{ attempts: 3 }, 3, { reason: "x" }, false],
    [{ attempts: 3 }, 1, { reason: "x", retryable: false }, false],
    [{ attempts: 3, nonRetryable: ["x"] }, 1, { reason: "x" }, false],
    [{ attempts: 3, retryOn: ["y"] }, 1, { reason: "x" }, false],
    [{ attempts: 3, retryOn: ["x"] }, 1, { reason: "x" }, true],
    [{ attempts: 3, retryOn: ["x"] }, 1, { reason: "x", retryable: false }, true],
    [{ attempts: 3, retryOn: ["y"] }, 1, { reason: "x", retryable: false }, false],
    [{ attempts: 3, retryOn: ["x"], nonRetryable: ["x"] }, 1, { reason: "x" }, false],
    [undefined, 1, { reason: "x" }, false],
  ])("%j after %i attempts and %j: %j", (rule, made, error, expected) => {
    expect(mayRetry(rule, made, error)).toBe(expected);
  });

  test.each([
    [5, 5],
    ["1.5s", 1500],
    ["2d", 172_800_000],
    ["P1DT12H", 129_600_000],
    ["P2W", 1_209_600_000],
    ["P", undefined],
    ["PT", undefined],
    ["-1s", undefined],
    [-1, undefined],
    ["366d", undefined],
    [null, undefined],
    ["soon", undefined],
  ])("%j is %j ms", (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });
});

describe("attempts of a step", () => {
  const retry = { attempts: 3, backoff: 1000, jitter: "none" };

  test("the same idempotency key and input each time, another attempt and command key", () => {
    const game = begin([action("a", { retry, with: { n: 1 } })]);
    failed(game, "a");
    expect(running(game)).toEqual([]);
    expect(tick(game)).toBe("retry a 2");
    failed(game, "a");
    tick(game);
    done(game, "a", "third");
    const runs = commandOf(game, "run_action");
    expect(runs.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(new Set(runs.map(({ key }) => key)).size).toBe(3);
    expect(new Set(runs.map((run) => JSON.stringify([run.idempotencyKey, run.input]))).size).toBe(
      1,
    );
    expect(now(game).status).toBe("completed");
    expect(now(game).steps.a).not.toHaveProperty("error");
  });

  test("an attempt that is not answered in time is tried again; its late answer is refused", () => {
    const game = begin([action("a", { retry, timeout: "10s" })]);
    expect(tick(game)).toBe("timeout a 1");
    const late = { is: "step_succeeded", step: "a", attempt: 1, output: 1 } as const;
    expect(offer(game, late)).toEqual({ reason: "stale_step", step: "a", attempt: 1 });
    tick(game);
    expect(offer(game, late)).toEqual({ reason: "stale_step", step: "a", attempt: 1 });
    send(game, { ...late, attempt: 2 });
    expect(offer(game, { ...late, attempt: 2 })).toEqual({
      reason: "run_finished",
      status: "completed",
    });
  });

  test("the last attempt's error is the run's", () => {
    const game = begin([action("a", { retry: { ...retry, attempts: 2 } })]);
    failed(game, "a", "one");
    tick(game);
    failed(game, "a", "two");
    expect(now(game)).toMatchObject({ status: "failed", ending: { error: { reason: "two" } } });
  });

  test.each([
    [{ is: "step_succeeded", step: "zz", attempt: 1, output: null }, "unknown_step"],
    [{ is: "step_succeeded", step: "a", attempt: 2, output: null }, "stale_step"],
    [{ is: "step_failed", step: "b", attempt: 1, error: { reason: "x" } }, "unknown_step"],
    [{ is: "child_started", step: "a", attempt: 1, child: "r2" }, "wrong_kind"],
    [{ is: "child_ended", step: "a", attempt: 1, outcome: "completed" }, "wrong_kind"],
    [{ is: "timer", id: "nothing" }, "stale_timer"],
    [{ is: "timer", id: "timeout a 1" }, "too_early"],
    [{ is: "task_answered", task: "a@1", choice: "approve" }, "unknown_task"],
    [{ is: "compensation_succeeded", step: "a", attempt: 1 }, "unknown_step"],
    [{ is: "signal", id: "s", name: "x", payload: null }, "not_awaited"],
    [{ is: "resume" }, "not_paused"],
    [{ is: "retry_from", step: "a" }, "run_not_finished"],
    [{ is: "retry_compensation" }, "run_not_finished"],
    [{ is: "started", run: "r1", tenant: "t1", input: null }, "already_started"],
  ] as const)("%j is refused as %s and changes nothing", (event, reason) => {
    const game = begin([action("a", { next: "b" }), action("b")]);
    const before = JSON.stringify(now(game));
    expect(offer(game, event)?.reason).toBe(reason);
    expect(JSON.stringify(now(game))).toBe(before);
    expect(game.log).toHaveLength(1);
  });

  test("every event to a finished run is refused", () => {
    const game = begin([action("a")]);
    done(game, "a");
    for (const event of [
      { is: "signal", id: "s", name: "x", payload: null },
      { is: "cancel" },
      { is: "pause" },
      { is: "timer", id: "timeout a 1" },
    ] as const)
      expect(offer(game, event)).toEqual({ reason: "run_finished", status: "completed" });
  });

  test("a run without time left settles, then fails with timeout", () => {
    const game = begin([action("a", { next: "b" }), action("b")], { more: { timeout: "1m" } });
    expect(tick(game)).toBe("run");
    expect(now(game).status).toBe("running");
    done(game, "a");
    expect(statuses(game)).toEqual({ a: "succeeded" });
    expect(now(game)).toMatchObject({ status: "failed", ending: { error: { reason: "timeout" } } });
  });
});

describe("bounds", () => {
  test("an output that is too large fails its step, whose effect is undone all the same", () => {
    const game = begin([action("a"), action("undo-a")], {
      more: { compensation: { a: "undo-a" } },
    });
    done(game, "a", "x".repeat(262_144));
    expect(now(game).steps.a).toMatchObject({
      status: "failed",
      error: { reason: "output_too_large" },
    });
    expect(running(game)).toEqual(["undo a"]);
  });

  test("a run that holds too much fails", () => {
    const game = begin([action("a", { next: "b" }), action("b", { next: "c" }), action("c")]);
    const half = "x".repeat(262_000);
    done(game, "a", half);
    done(game, "b", half);
    done(game, "c", half);
    expect(now(game).ending).toMatchObject({ error: { reason: "run_too_large" } });
    expect(now(game).chars).toBeLessThanOrEqual(524_288);
  });

  test("an input that is too large is refused; codes that are no codes are unclassified", () => {
    const game = begin([action("a")]);
    failed(game, "a", "Ana Example, +55 11 90000-0002");
    expect(now(game).ending).toMatchObject({ error: { reason: "unclassified" } });
    const fresh = begin([action("a")]);
    fresh.state = undefined;
    const input = "x".repeat(524_289);
    expect(offer(fresh, { is: "started", run: "r", tenant: "t", input })?.reason).toBe("too_large");
  });
});
