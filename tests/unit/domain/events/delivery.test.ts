import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AttemptOutcome,
  afterAttempt,
  FAILING_FROM,
  FAILING_MS_MAX,
  HEALTHY,
  judge,
  STANDARD_SCHEDULE,
  settleHealth,
  THROTTLED_WAIT_MS_MIN,
  waitMs,
} from "../../../../domain/events/delivery.ts";

const NOW_MS = Date.UTC(2026, 10, 21);
const answer = (status: number, retryAfter: string | null = null): AttemptOutcome => {
  return { is: "answered", status, retryAfter, control: null };
};

describe("after one attempt", () => {
  test("a delivery that always fails is tried eight times over more than a day, then dead", () => {
    let atMs = NOW_MS;
    const steps: string[] = [];
    for (let attempt = 1; attempt <= 8; attempt++) {
      const step = stepAfter(answer(500), attempt);
      steps.push(step.is);
      if (step.is === "retry") atMs += step.afterMs;
      else expect(step).toEqual({ is: "dead", reason: "exhausted" });
    }
    expect(steps).toEqual([...new Array(7).fill("retry"), "dead"]);
    expect(atMs - NOW_MS).toBe(99_305_000);
  });

  test("statuses that an endpoint calls terminal end the delivery", () => {
    const facts = {
      attempt: 1,
      schedule: STANDARD_SCHEDULE,
      terminalStatuses: [422],
      nowMs: NOW_MS,
    };
    const step = (status: number) => afterAttempt({ ...facts, outcome: answer(status) }, () => 0.5);
    expect(step(422)).toEqual({ is: "dead", reason: "rejected" });
    expect(step(400).is).toBe("retry");
  });

  test("a receiver's date is obeyed within bounds", () => {
    const date = new Date(NOW_MS + 450_000).toUTCString();
    expect(stepAfter(answer(503, date), 2)).toMatchObject({ is: "retry", afterMs: 450_000 });
    expect(stepAfter(answer(503, "nonsense"), 2)).toMatchObject({ afterMs: 300_000 });
  });

  test("waits stay within their spread and never fall below what was granted", () => {
    const wait = fc.record({
      scheduledMs: fc.integer({ min: 0, max: 36_000_000 }),
      askedMs: fc.option(fc.integer({ min: 0, max: 100_000_000 }), { nil: undefined }),
      throttles: fc.boolean(),
    });
    fc.assert(
      fc.property(wait, fc.double({ min: 0, max: 0.999, noNaN: true }), (one, random) => {
        const baseMs = one.throttles
          ? Math.max(one.scheduledMs, THROTTLED_WAIT_MS_MIN)
          : one.scheduledMs;
        const waited = waitMs(one, () => random);
        expect(waited).toBeGreaterThanOrEqual(Math.floor(baseMs * 0.8));
        expect(waited).toBeGreaterThanOrEqual(Math.min(one.askedMs ?? 0, baseMs * 2));
        expect(waited).toBeLessThanOrEqual(Math.ceil(baseMs * 2 * 1.2));
      }),
    );
  });

  test("every status is judged, and only 2xx is success", () => {
    for (let status = 100; status < 600; status++) {
      const success = status >= 200 && status < 300;
      expect(judge(answer(status)).outcome === "success").toBe(success);
    }
  });

  test("an abort does not undo a success", () => {
    const outcome = { ...answer(200), control: "abort-message" };
    expect(judge(outcome)).toEqual({ outcome: "success" });
  });
});

describe("an endpoint's health", () => {
  const failure = { outcome: "failure", throttles: false } as const;

  test("is told once when it begins to fail, once when it recovers", () => {
    let health = HEALTHY;
    const told: (string | undefined)[] = [];
    for (let n = 0; n < FAILING_FROM + 2; n++) {
      const step = settleHealth(health, failure, NOW_MS + n);
      health = step.health;
      told.push(step.change);
    }
    expect(told.filter((change) => change)).toEqual(["failing"]);
    expect(settleHealth(health, { outcome: "success" }, NOW_MS)).toEqual({
      health: HEALTHY,
      change: "recovered",
    });
    expect(settleHealth(HEALTHY, { outcome: "success" }, NOW_MS)).toEqual({ health: HEALTHY });
  });

  test("five days of nothing but failures switch it off; one success in between does not", () => {
    const first = settleHealth(HEALTHY, failure, NOW_MS).health;
    const almost = settleHealth(first, failure, NOW_MS + FAILING_MS_MAX - 1);
    expect(almost.change).toBeUndefined();
    expect(settleHealth(first, failure, NOW_MS + FAILING_MS_MAX).change).toBe("disabled");
    const cleared = settleHealth(first, { outcome: "success" }, NOW_MS + 1).health;
    expect(settleHealth(cleared, failure, NOW_MS + FAILING_MS_MAX).change).toBeUndefined();
  });

  test("410 switches it off at once", () => {
    expect(settleHealth(HEALTHY, judge(answer(410)), NOW_MS).change).toBe("disabled");
  });
});

function stepAfter(outcome: AttemptOutcome, attempt: number) {
  return afterAttempt({ attempt, outcome, schedule: STANDARD_SCHEDULE, nowMs: NOW_MS }, () => 0.5);
}
