/** What one attempt at a webhook means for its delivery, the log, and the endpoint's breaker and record. */
import { describe, expect, test } from "vitest";
import {
  FAILING_FROM,
  FAILING_MS_MAX,
  HEALTHY,
  STANDARD_SCHEDULE,
  THROTTLED_WAIT_MS_MIN,
  type Verdict,
} from "../../../domain/events/delivery.ts";
import type { DeliveryAnswer } from "../../../platform/webhook-delivery.ts";
import {
  judgeDelivery,
  postponed,
  tooLate,
} from "../../../workers/consumers/events/webhook-judgement.ts";
import { foldHealth } from "../../../workers/operations/endpoint-health.ts";

const NOW_MS = Date.UTC(2026, 10, 21);
const MIDDLE = () => 0.5;

function answered(status: number, over: Partial<DeliveryAnswer> = {}): DeliveryAnswer {
  return {
    is: "answered",
    status,
    retryAfter: null,
    control: null,
    body: "",
    ...over,
  } as DeliveryAnswer;
}

function judged(answer: DeliveryAnswer, over: object = {}) {
  const delivery = { seq: 7, attempt: 1, schedule: STANDARD_SCHEDULE, nowMs: NOW_MS, ...over };
  return judgeDelivery(answer, delivery, MIDDLE);
}

describe("an attempt", () => {
  const retry = (afterMs: number, reason: string) => ({ seq: 7, is: "retry", afterMs, reason });
  const dead = (reason: string) => ({ seq: 7, is: "dead", reason });
  test.each<[string, DeliveryAnswer, object, string, string]>([
    ["200", answered(200), { seq: 7, is: "ack" }, "success", "success"],
    ["299", answered(299), { seq: 7, is: "ack" }, "success", "success"],
    ["302", answered(302), retry(5000, "http_302"), "failure", "neutral"],
    ["404", answered(404), retry(5000, "http_404"), "failure", "neutral"],
    ["408", answered(408), retry(5000, "http_408"), "failure", "failure"],
    ["429", answered(429), retry(60_000, "http_429"), "failure", "neutral"],
    ["500", answered(500), retry(5000, "http_500"), "failure", "failure"],
    ["504", answered(504), retry(60_000, "http_504"), "failure", "failure"],
    ["410", answered(410), dead("gone"), "gone", "neutral"],
    [
      "abort",
      answered(500, { control: "abort-message" } as never),
      dead("aborted"),
      "aborted",
      "failure",
    ],
    ["422 terminal", answered(422), dead("rejected"), "rejected", "neutral"],
    [
      "timeout",
      { is: "unanswered", error: "timeout", reason: "timeout" },
      retry(60_000, "timeout"),
      "failure",
      "failure",
    ],
    [
      "no address",
      { is: "unanswered", error: "dns_error", reason: "unresolvable" },
      retry(5000, "unresolvable"),
      "failure",
      "failure",
    ],
    [
      "a private address",
      { is: "refused", reason: "private_address" },
      dead("refused_private_address"),
      "rejected",
      "neutral",
    ],
  ])("%s", (_, answer, settlement, outcome, breaker) => {
    const judgement = judged(answer, { terminalStatuses: [422] });
    expect(judgement.settlement).toEqual(settlement);
    expect([judgement.ended?.outcome, judgement.breaker]).toEqual([outcome, breaker]);
    expect(judgement.verdict?.outcome).toBe(outcome);
    const { afterMs } = settlement as { afterMs?: number };
    expect(judgement.ended?.nextAtMs).toBe(afterMs === undefined ? null : NOW_MS + afterMs);
  });

  test("the last one goes to the shard as a failure like the others, and has no next", () => {
    const { settlement, ended } = judged(answered(500), { attempt: 8 });
    expect(settlement).toMatchObject({ is: "retry", reason: "http_500" });
    expect(ended).toMatchObject({ outcome: "failure", nextAtMs: null });
  });

  test("a next one after the event's time is none", () => {
    expect(judged(answered(500), { expiresMs: NOW_MS + 4999 }).ended?.nextAtMs).toBeNull();
    expect(judged(answered(500), { expiresMs: NOW_MS + 5000 }).ended?.nextAtMs).toBe(NOW_MS + 5000);
  });

  test("429 leaves the whole endpoint alone for as long as it says", () => {
    expect(judged(answered(429)).pauseMs).toBe(THROTTLED_WAIT_MS_MIN);
    expect(judged(answered(429, { retryAfter: "7" } as never)).pauseMs).toBe(7000);
    expect(judged(answered(503, { retryAfter: "7" } as never)).pauseMs).toBeUndefined();
    const long = judged(answered(429, { retryAfter: "100" } as never)).settlement;
    expect(long).toMatchObject({ is: "retry", afterMs: 100_000 });
  });

  test("that was none costs none and says nothing of the endpoint", () => {
    const unknown = judged({ is: "unknown", reason: "lookup_failed" });
    expect(unknown).toEqual(postponed(7, 30_000));
    expect(unknown.settlement).toMatchObject({ is: "later", rests: true });
    expect(unknown.verdict).toBeUndefined();
    const late = tooLate(7);
    expect(late).toMatchObject({ settlement: { is: "later" }, ended: { outcome: "skipped" } });
    expect(late.verdict).toBeUndefined();
  });
});

describe("the record of an endpoint", () => {
  const failure: Verdict = { outcome: "failure", throttles: false };
  const success: Verdict = { outcome: "success" };

  test("is failing from the fourth failure in a row, said once, and well after one success", () => {
    const first = foldHealth(HEALTHY, [failure, failure, failure], NOW_MS);
    expect(first.change).toBeUndefined();
    const fourth = foldHealth(first.health, [failure], NOW_MS + 1000);
    expect(fourth).toEqual({
      health: { failures: FAILING_FROM, failingSinceMs: NOW_MS },
      change: "failing",
    });
    const fifth = foldHealth(fourth.health, [failure, failure], NOW_MS + 2000);
    expect(fifth.change).toBeUndefined();
    expect(foldHealth(fifth.health, [success], NOW_MS)).toEqual({
      health: HEALTHY,
      change: "recovered",
    });
  });

  test("is switched off after five days of nothing but failures, not a moment before", () => {
    let { health } = foldHealth(HEALTHY, [failure], NOW_MS);
    for (let hour = 1; hour < 120; hour++) {
      const step = foldHealth(health, [failure], NOW_MS + hour * 3_600_000);
      expect(step.change).toBe(hour === 3 ? "failing" : undefined);
      health = step.health;
    }
    expect(foldHealth(health, [failure], NOW_MS + FAILING_MS_MAX - 1).change).toBeUndefined();
    expect(foldHealth(health, [failure], NOW_MS + FAILING_MS_MAX).change).toBe("disabled");
    expect(foldHealth(health, [success, failure], NOW_MS + FAILING_MS_MAX).change).toBe(
      "recovered",
    );
  });

  test("is switched off at once when it says it is gone, whatever else came with it", () => {
    expect(foldHealth(HEALTHY, [{ outcome: "gone" }, success], NOW_MS).change).toBe("disabled");
  });
});
