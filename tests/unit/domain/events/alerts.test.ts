import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AlertState, evaluateRule, QUIET } from "../../../../domain/events/alerts.ts";
import type { Gauges } from "../../../../domain/events/shard/due.ts";
import { ALERT_METRICS, type AlertRuleInput } from "../../../../schema/api/alert-rules.ts";

const NOW_MS = Date.UTC(2026, 10, 21);

function aRule(over: Partial<AlertRuleInput> = {}): AlertRuleInput {
  return {
    name: "behind",
    metric: "depth",
    threshold: 10,
    evaluations: 3,
    severity: "warning",
    ...over,
  };
}

function aGauge(depth: number, over: Partial<Gauges> = {}): Gauges {
  return {
    subscription: "sub",
    paused: false,
    depth: { ready: [depth], delayed: [0], waiting: [0], blocked: [0] },
    inFlight: 0,
    consumers: 0,
    blockedGroups: 0,
    oldestAgeMs: 0,
    oldestReadyAgeMs: 0,
    totals: { published: 0, acked: 0, retried: 0, dead: 0, expired: 0, skipped: 0 },
    ...over,
  };
}

/** The changes that a row of values brings, `-` where there is none. */
function changesOf(rule: AlertRuleInput, values: readonly number[]): string {
  let state: AlertState = QUIET;
  return values
    .map((value, n) => {
      const step = evaluateRule(rule, state, [aGauge(value)], NOW_MS + n * 60_000);
      state = step.state;
      return step.change?.[0] ?? "-";
    })
    .join("");
}

describe("a rule is raised and cleared once per transition", () => {
  test.each([
    ["three in a row raise it", aRule(), [11, 11, 11, 11, 11], "--r--"],
    ["one good one begins anew", aRule(), [11, 11, 10, 11, 11, 11], "-----r"],
    ["the threshold itself is no alert", aRule(), [10, 10, 10, 10], "----"],
    ["three in a row clear it", aRule(), [11, 11, 11, 10, 10, 10, 10], "--r--c-"],
    [
      "hysteresis: between the two it stays as it is",
      aRule({ clear_at: 2, evaluations: 1 }),
      [11, 5, 3, 11, 2, 5],
      "r---c-",
    ],
    [
      "one evaluation is enough where one is asked for",
      aRule({ evaluations: 1 }),
      [11, 0, 11],
      "rcr",
    ],
  ])("%s", (_, rule, values, changes) => {
    expect(changesOf(rule, values)).toBe(changes);
  });

  test("never two alike in a row, and each change is counted", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 100 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 10 }),
        (values, evaluations, clear_at) => {
          const told = changesOf(aRule({ evaluations, clear_at }), values).replaceAll("-", "");
          expect("rcrcrcrcrcrcrcrcrcrc".repeat(5).startsWith(told)).toBe(true);
        },
      ),
    );
  });
});

describe("what a rule reads", () => {
  const shards = [
    aGauge(3, { oldestAgeMs: 9000, oldestReadyAgeMs: 2000, blockedGroups: 1, inFlight: 2 }),
    aGauge(4, { oldestAgeMs: 5000, oldestReadyAgeMs: 4000, blockedGroups: 2, inFlight: 1 }),
    aGauge(100, { subscription: "other", oldestAgeMs: 1000 }),
  ];

  test.each([
    ["depth", 7],
    ["ready_depth", 7],
    ["oldest_age_seconds", 9],
    ["oldest_ready_age_seconds", 4],
    ["blocked_groups", 3],
    ["in_flight", 3],
  ] as const)(
    "%s adds up, or takes the oldest of, all shards of its subscription",
    (metric, value) => {
      const { state } = evaluateRule(aRule({ metric, subscription: "sub" }), QUIET, shards, NOW_MS);
      expect(state.value).toBe(value);
    },
  );

  test("without a subscription the worst one counts", () => {
    expect(evaluateRule(aRule(), QUIET, shards, NOW_MS).state.value).toBe(100);
    expect(evaluateRule(aRule(), QUIET, [], NOW_MS).state.value).toBe(0);
  });

  test("rates are what has come since the evaluation before, never below zero", () => {
    const rule = aRule({ metric: "dead_per_minute" });
    const at = (dead: number) => {
      const none = { published: 0, acked: 0, retried: 0, dead, expired: 0, skipped: 0 };
      return [aGauge(0, { totals: none })];
    };
    let { state } = evaluateRule(rule, QUIET, at(40), NOW_MS);
    expect(state.value).toBe(0);
    state = evaluateRule(rule, state, at(45), NOW_MS).state;
    expect(state.value).toBe(5);
    state = evaluateRule(rule, state, at(3), NOW_MS).state;
    expect(state.value).toBe(0);
  });

  test("every metric reads a number", () => {
    for (const metric of ALERT_METRICS)
      expect(
        evaluateRule(aRule({ metric }), QUIET, shards, NOW_MS).state.value,
      ).toBeGreaterThanOrEqual(0);
  });
});
