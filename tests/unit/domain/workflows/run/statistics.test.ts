/** The fold for the report, against numbers worked out by hand. */
import { expect, test } from "vitest";
import {
  type RunFacts,
  runStatistics,
  type StepFacts,
} from "../../../../../domain/workflows/run/statistics.ts";

const step = (id: string, ms: number | undefined, more: Partial<StepFacts> = {}): StepFacts => ({
  id,
  outcome: ms === undefined ? "open" : "succeeded",
  attempts: 1,
  startedAtMs: 1000,
  ...(ms === undefined ? {} : { endedAtMs: 1000 + ms }),
  ...more,
});
const run = (
  ms: number | undefined,
  outcome: RunFacts["outcome"],
  steps: StepFacts[] = [],
): RunFacts => ({
  outcome,
  startedAtMs: 0,
  ...(ms === undefined ? {} : { endedAtMs: ms }),
  steps,
});

test("nothing gives no rates and no durations", () => {
  expect(runStatistics([])).toEqual({
    runs: 0,
    open: 0,
    succeeded: 0,
    failed: 0,
    cancelled: 0,
    retries: 0,
    steps: [],
    errors: [],
  });
});

test("counts, rates, nearest-rank percentiles, retries, the slowest step and the bottleneck", () => {
  const runs = [
    run(100, "succeeded", [step("slow", 90), step("often", 60), step("ask", 900, { waits: true })]),
    run(300, "succeeded", [step("often", 60, { attempts: 3 })]),
    run(200, "failed", [
      step("often", 10, { outcome: "failed", reason: "timeout" }),
      step("slow", undefined),
    ]),
    run(50, "cancelled"),
    run(undefined, "open"),
  ];
  const report = runStatistics(runs);
  expect(report).toMatchObject({
    runs: 5,
    open: 1,
    succeeded: 2,
    failed: 1,
    cancelled: 1,
    successRate: 2 / 3,
    failureRate: 1 / 3,
    duration: { count: 4, p50Ms: 100, p95Ms: 300, maxMs: 300, meanMs: 163 },
    retries: 2,
    slowestStep: "slow",
    bottleneck: "often",
    errors: [{ reason: "timeout", count: 1 }],
  });
  expect(
    report.steps.map(({ id, executions, failed, retries }) => [id, executions, failed, retries]),
  ).toEqual([
    ["ask", 1, 0, 0],
    ["often", 3, 1, 2],
    ["slow", 2, 0, 0],
  ]);
  expect(report.steps[1]).toMatchObject({
    workShare: 130 / 220,
    duration: { p50Ms: 60, p95Ms: 60 },
  });
  expect(report.steps[0]).not.toHaveProperty("workShare");
});

test("a percentile of a hundred is the ninety-fifth, and a clock that went back is no time", () => {
  const runs = Array.from({ length: 100 }, (_, at) => run(at + 1, "succeeded"));
  expect(runStatistics(runs).duration).toMatchObject({ p50Ms: 50, p95Ms: 95, maxMs: 100 });
  expect(runStatistics([run(-5, "succeeded")]).duration?.maxMs).toBe(0);
});
