/** What a report says of a sample, as JSON and as a table. */
import { describe, expect, test } from "vitest";
import { WorkflowReport } from "../../../schema/api/workflow-report.ts";
import {
  type ReportSample,
  type ReportSpan,
  reportOf,
  windowCount,
} from "../../../workers/operations/workflow-report.ts";
import { reportCsv } from "../../../workers/operations/workflow-report-csv.ts";

const DAY = Date.parse("2026-03-01T00:00:00Z");
const HOUR = 3_600_000;
const SPAN: ReportSpan = { tenant: "acme", workflow: "pay", sinceMs: DAY, untilMs: DAY + 3 * HOUR };

const run = (id: string, status: string, at: number, ms: number | null) => ({
  ...{ id, status, started_at: DAY + at },
  ended_at: ms === null ? null : DAY + at + ms,
});
const step = (run_id: string, step_id: string, ms: number | null, more = {}) => ({
  ...{ run_id, step_id, type: "action", status: "succeeded", attempts: 1, reason: null },
  ...{ started_at: DAY, ended_at: ms === null ? null : DAY + ms, ...more },
});

const SAMPLE: ReportSample = {
  runs: [
    run("r5", "waiting", 2 * HOUR, null),
    run("r4", "cancelled", HOUR, 10),
    run("r3", "compensation_failed", HOUR, 300),
    run("r2", "failed", 5, 200),
    run("r1", "completed", 0, 100),
  ],
  steps: [
    step("r1", "charge", 60),
    step("r1", "ask", 5000, { type: "approval" }),
    step("r1", "both", 90, { type: "parallel" }),
    step("r2", "charge", 140, { status: "failed", attempts: 3, reason: "timeout" }),
    step("r3", "charge", 20),
    step("r3", "never", null, { status: "skipped" }),
    step("r5", "ask", null, { type: "approval", status: "waiting" }),
    step("r3", "refund", 40, { type: "undo", status: "failed", reason: "http.503" }),
  ],
  complete: true,
};

describe("a report", () => {
  const report = reportOf({ ...SPAN, window: "hour" }, SAMPLE);

  test("is of its published shape", () => {
    expect(WorkflowReport.parse(report)).toEqual(report);
  });

  test("counts runs, and rates those that are decided", () => {
    expect(report).toMatchObject({
      by_status: { completed: 1, failed: 1, compensation_failed: 1, cancelled: 1, waiting: 1 },
      ...{ open: 1, succeeded: 1, failed: 2, cancelled: 1, retries: 2 },
      success_rate: 1 / 3,
      failure_rate: 2 / 3,
      duration: { count: 4, p50_ms: 100, p95_ms: 300, max_ms: 300 },
    });
  });

  test("blames steps that work, not people, clocks, or steps that hold others", () => {
    expect([report.slowest_step, report.bottleneck]).toEqual(["charge", "charge"]);
    const shares = Object.fromEntries(report.steps.map((one) => [one.step, one.work_share]));
    expect(shares).toEqual({ ask: null, both: null, charge: 220 / 260, refund: 40 / 260 });
    expect(report.steps.find((one) => one.step === "charge")).toMatchObject({
      ...{ executions: 3, succeeded: 2, failed: 1, retries: 2 },
      duration: { count: 3, p50_ms: 60, p95_ms: 140 },
    });
    expect(report.errors).toEqual([
      { reason: "http.503", count: 1 },
      { reason: "timeout", count: 1 },
    ]);
  });

  test("shows every window, the empty ones too", () => {
    const told = report.windows.map(({ since, runs, success_rate }) => [since, runs, success_rate]);
    expect(told).toEqual([
      ["2026-03-01T00:00:00.000Z", 2, 0.5],
      ["2026-03-01T01:00:00.000Z", 2, 0],
      ["2026-03-01T02:00:00.000Z", 1, null],
    ]);
  });

  test("of nothing has no rate and no duration, rather than zeros", () => {
    const empty = reportOf(SPAN, { runs: [], steps: [], complete: true });
    expect(empty).toMatchObject({
      ...{ success_rate: null, failure_rate: null, duration: null, slowest_step: null },
      ...{ steps: [], windows: [] },
    });
  });

  test("is a table with one row for the runs, one per window, one per step", () => {
    const lines = reportCsv(report).trimEnd().split("\r\n");
    expect(lines).toHaveLength(1 + 1 + 3 + 4);
    expect(lines[0]).toBe(
      "kind,step,since,until,executions,succeeded,failed,retries,success_rate,p50_ms,p95_ms,max_ms,mean_ms,work_share",
    );
    expect(lines.find((line) => line.startsWith("step,charge,"))).toBe(
      `step,charge,,,3,2,1,2,,60,140,140,73,${220 / 260}`,
    );
    for (const line of lines) expect(line.split(",")).toHaveLength(14);
  });
});

test.each([
  [0, 0, "day", 0],
  [0, 1, "day", 1],
  [HOUR - 1, HOUR + 1, "hour", 2],
  [0, 24 * HOUR, "hour", 24],
  [0, 24 * HOUR, "day", 1],
  [0, 24 * HOUR, undefined, 0],
] as const)(
  "from %i until %i there are so many windows of a %s: %i",
  (sinceMs, untilMs, window, count) => {
    expect(windowCount({ ...SPAN, sinceMs, untilMs, window })).toBe(count);
  },
);
