import { describe, expect, test } from "vitest";
import {
  allowance,
  type Breaker,
  CLOSED,
  settle,
  type Verdict,
  wake,
} from "../../../../domain/resilience/circuit-breaker.ts";

const LIMITS = { threshold: 5, recoveryMs: 60_000, probes: 3 };

function settled(breaker: Breaker, verdicts: Verdict[], probe = false, nowMs = 0): Breaker {
  return verdicts.reduce(
    (state, verdict) => settle(state, { verdict, probe }, LIMITS, nowMs),
    breaker,
  );
}

const OPEN: Breaker = { is: "open", openedAtMs: 0 };
const HALF_OPEN: Breaker = { is: "half_open", sinceMs: 60_000, successes: 0 };
const fails = (count: number): Verdict[] => new Array(count).fill("failure");

describe("closed", () => {
  test("opens at the fifth failure in a row, not at the fourth", () => {
    expect(settled(CLOSED, fails(4))).toEqual({ is: "closed", failures: 4 });
    expect(settled(CLOSED, fails(5), false, 77)).toEqual({ is: "open", openedAtMs: 77 });
  });

  test("a success starts the count again, a neutral end does not", () => {
    expect(settled(CLOSED, [...fails(4), "success", ...fails(4)]).is).toBe("closed");
    expect(settled(CLOSED, [...fails(4), "neutral", "failure"]).is).toBe("open");
  });

  test("lets everything pass", () => {
    expect(allowance(CLOSED, LIMITS, 0)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("open", () => {
  test("lets nothing pass before the recovery time, then wakes half-open", () => {
    expect(allowance(OPEN, LIMITS, 0)).toBe(0);
    expect(wake(OPEN, LIMITS, 59_999)).toEqual(OPEN);
    expect(wake(OPEN, LIMITS, 60_000)).toEqual(HALF_OPEN);
  });

  test("late outcomes of earlier calls change nothing", () => {
    expect(settled(OPEN, ["success", "failure"], false, 5000)).toEqual(OPEN);
  });
});

describe("half-open", () => {
  test.each([
    [0, 3],
    [1, 2],
    [3, 0],
    [9, 0],
  ])("with %i probes under way lets %i more pass", (probing, more) => {
    expect(allowance(HALF_OPEN, LIMITS, probing)).toBe(more);
  });

  test("does not close at the first success, closes when all probes have succeeded", () => {
    const one = settled(HALF_OPEN, ["success"], true);
    expect(one).toEqual({ ...HALF_OPEN, successes: 1 });
    expect(allowance(one, LIMITS, 2)).toBe(0);
    expect(settled(HALF_OPEN, ["success", "success", "success"], true)).toEqual(CLOSED);
  });

  test("opens again at the first failure, for a whole recovery time", () => {
    const again = settled(HALF_OPEN, ["success", "success", "failure"], true, 61_000);
    expect(again).toEqual({ is: "open", openedAtMs: 61_000 });
    expect(wake(again, LIMITS, 120_999).is).toBe("open");
  });

  test("calls begun before it opened neither close nor open it", () => {
    expect(settled(HALF_OPEN, ["success", "success", "success", "failure"], false)).toEqual(
      HALF_OPEN,
    );
  });
});
