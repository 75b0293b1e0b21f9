/** The report on a workflow: a sample of its runs and steps is read, the rest is arithmetic. */
import {
  type RunFacts,
  type RunStatistics,
  runStatistics,
  type Spread,
  type StepFacts,
  type StepStatistics,
} from "../../domain/workflows/run/statistics.ts";
import {
  type SampledRun,
  type SampledStep,
  type SampleQuery,
  sampleRuns,
  sampleSteps,
} from "../../platform/repositories/workflow-insight.ts";
import type { SpreadView, WorkflowReport } from "../../schema/api/workflow-report.ts";

export interface ReportSpan extends SampleQuery {
  readonly window?: "hour" | "day" | undefined;
}

export interface ReportSample {
  readonly runs: readonly SampledRun[];
  readonly steps: readonly SampledStep[];
  readonly complete: boolean;
}

const HOUR_MS = 3_600_000;
const WINDOW_MS = { hour: HOUR_MS, day: 24 * HOUR_MS } as const;

/** At most 2,000 runs and 20,000 steps of them, the newest. Rejects as D1 does. */
export async function readSample(db: D1Database, span: SampleQuery): Promise<ReportSample> {
  const { runs, complete } = await sampleRuns(db, span);
  const ids = runs.map(({ id }) => id);
  const read = await sampleSteps(db, span.tenant, ids);
  return { runs, steps: read.steps, complete: complete && read.complete };
}

export function reportOf(
  span: ReportSpan,
  { runs, steps, complete }: ReportSample,
): WorkflowReport {
  const facts = factsOf(runs, steps);
  const statistics = runStatistics(facts);
  return {
    workflow: span.workflow,
    version: span.version ?? null,
    since: new Date(span.sinceMs).toISOString(),
    until: new Date(span.untilMs).toISOString(),
    sample: { runs: runs.length, steps: steps.length, complete },
    by_status: countsOf(runs),
    ...totalsOf(statistics),
    steps: statistics.steps.map(stepView),
    windows: windowsOf(span, facts),
  };
}

function totalsOf(statistics: RunStatistics) {
  const { open, succeeded, failed, cancelled, retries, errors } = statistics;
  return {
    ...{ open, succeeded, failed, cancelled, retries, ...ratesOf(statistics) },
    duration: spreadView(statistics.duration),
    slowest_step: statistics.slowestStep ?? null,
    bottleneck: statistics.bottleneck ?? null,
    errors: [...errors],
  };
}

function ratesOf({ successRate, failureRate }: RunStatistics) {
  return { success_rate: successRate ?? null, failure_rate: failureRate ?? null };
}

function countsOf(runs: readonly SampledRun[]): Record<string, number> {
  const groups = [...Map.groupBy(runs, ({ status }) => status)];
  return Object.fromEntries(groups.map(([status, group]) => [status, group.length]));
}

function factsOf(runs: readonly SampledRun[], steps: readonly SampledStep[]): readonly RunFacts[] {
  const byRun = Map.groupBy(steps, ({ run_id }) => run_id);
  return runs.map(({ id, status, started_at: startedAtMs, ended_at }) => ({
    outcome: runOutcome(status),
    startedAtMs,
    ...(ended_at === null ? {} : { endedAtMs: ended_at }),
    steps: (byRun.get(id) ?? []).filter(({ status: step }) => step !== "skipped").map(stepFacts),
  }));
}

function runOutcome(status: string): RunFacts["outcome"] {
  if (status === "completed") return "succeeded";
  if (status === "cancelled") return "cancelled";
  const bad = ["failed", "compensated", "compensation_failed"];
  return bad.includes(status) ? "failed" : "open";
}

/** People, time and signals; and steps that only hold others, whose work is counted there. */
const WAITING_TYPES: ReadonlySet<string> = new Set([
  ...["approval", "event", "wait"],
  ...["loop", "map", "parallel"],
]);

function stepFacts(step: SampledStep): StepFacts {
  const { step_id: id, type, status, attempts, reason, started_at: startedAtMs, ended_at } = step;
  const known = status === "succeeded" || status === "failed" || status === "cancelled";
  return {
    ...{ id, attempts, startedAtMs, outcome: known ? status : "open" },
    ...(ended_at === null ? {} : { endedAtMs: ended_at }),
    ...(WAITING_TYPES.has(type) ? { waits: true } : {}),
    ...(reason === null ? {} : { reason }),
  };
}

function stepView({ id: step, duration, workShare, ...counts }: StepStatistics) {
  return { step, ...counts, duration: spreadView(duration), work_share: workShare ?? null };
}

function spreadView(spread: Spread | undefined): SpreadView | null {
  if (!spread) return null;
  const { count, p50Ms, p95Ms, maxMs, meanMs } = spread;
  return { count, p50_ms: p50Ms, p95_ms: p95Ms, max_ms: maxMs, mean_ms: meanMs };
}

/** How many windows a span has. */
export function windowCount({ sinceMs, untilMs, window }: ReportSpan): number {
  if (!window || untilMs <= sinceMs) return 0;
  const size = WINDOW_MS[window];
  return Math.ceil(untilMs / size) - Math.floor(sinceMs / size);
}

function windowsOf(span: ReportSpan, runs: readonly RunFacts[]): WorkflowReport["windows"] {
  const size = WINDOW_MS[span.window ?? "hour"];
  const first = Math.floor(span.sinceMs / size);
  const groups = Map.groupBy(runs, ({ startedAtMs }) => Math.floor(startedAtMs / size));
  return Array.from({ length: windowCount(span) }, (_, index) => {
    const at = first + index;
    const facts = (groups.get(at) ?? []).map((run) => ({ ...run, steps: [] }));
    const statistics = runStatistics(facts);
    const { runs: count, succeeded, failed, duration } = statistics;
    return {
      since: new Date(Math.max(at * size, span.sinceMs)).toISOString(),
      until: new Date(Math.min((at + 1) * size, span.untilMs)).toISOString(),
      ...{ runs: count, succeeded, failed, ...ratesOf(statistics) },
      duration: spreadView(duration),
    };
  });
}
