/**
 * Where time goes and how often runs fail, from the records of runs: a pure fold for the report. A rate without
 * a denominator is absent, never zero. Percentiles are nearest rank, so each is a duration that really was.
 */

/** One step of one run, as the projection keeps it. `waits` marks people, timers and signals: time nobody works. */
export interface StepFacts {
  readonly id: string;
  readonly outcome: "open" | "succeeded" | "failed" | "cancelled";
  /** Attempts made, the first included. */
  readonly attempts: number;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  readonly waits?: boolean;
  /** Code of its last error. */
  readonly reason?: string;
}

export interface RunFacts {
  readonly outcome: "open" | "succeeded" | "failed" | "cancelled";
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  readonly steps: readonly StepFacts[];
}

/** Durations in ms. */
export interface Spread {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
  readonly meanMs: number;
}

export interface StepStatistics {
  readonly id: string;
  readonly executions: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Attempts beyond the first of each execution. */
  readonly retries: number;
  readonly duration?: Spread;
  /** Share of the time of all steps that do not wait, 0 to 1. */
  readonly workShare?: number;
}

export interface RunStatistics {
  readonly runs: number;
  readonly open: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Of the runs that succeeded or failed, 0 to 1. */
  readonly successRate?: number;
  readonly failureRate?: number;
  readonly duration?: Spread;
  readonly retries: number;
  /** By step id. */
  readonly steps: readonly StepStatistics[];
  /** Highest p95 of the steps that do not wait. */
  readonly slowestStep?: string;
  /** The step that takes the largest share of working time. */
  readonly bottleneck?: string;
  /** Codes of failed steps, most frequent first. */
  readonly errors: readonly { readonly reason: string; readonly count: number }[];
}

export function runStatistics(runs: readonly RunFacts[]): RunStatistics {
  const steps = runs.flatMap((run) => run.steps);
  const count = (outcome: RunFacts["outcome"]) =>
    runs.filter((run) => run.outcome === outcome).length;
  const succeeded = count("succeeded");
  const failed = count("failed");
  const judged = succeeded + failed;
  const duration = spread(durations(runs));
  const byStep = stepStatistics(steps);
  return {
    runs: runs.length,
    open: count("open"),
    succeeded,
    failed,
    cancelled: count("cancelled"),
    ...(judged > 0 ? { successRate: succeeded / judged, failureRate: failed / judged } : {}),
    ...(duration ? { duration } : {}),
    retries: byStep.reduce((sum, step) => sum + step.retries, 0),
    steps: byStep,
    ...slowest(byStep),
    errors: errorCounts(steps),
  };
}

function stepStatistics(steps: readonly StepFacts[]): readonly StepStatistics[] {
  const groups = Map.groupBy(steps, ({ id }) => id);
  const working = sum(durations(steps.filter(({ waits }) => !waits)));
  const sorted = [...groups].sort(([one], [other]) => compare(one, other));
  return sorted.map(([id, group]) => oneStep(id, group, working));
}

function oneStep(id: string, group: readonly StepFacts[], workingMs: number): StepStatistics {
  const duration = spread(durations(group));
  const workMs = sum(durations(group.filter(({ waits }) => !waits)));
  const works = workMs > 0 && workingMs > 0;
  return {
    id,
    executions: group.length,
    succeeded: group.filter(({ outcome }) => outcome === "succeeded").length,
    failed: group.filter(({ outcome }) => outcome === "failed").length,
    retries: sum(group.map(({ attempts }) => Math.max(attempts - 1, 0))),
    ...(duration ? { duration } : {}),
    ...(works ? { workShare: workMs / workingMs } : {}),
  };
}

function slowest(steps: readonly StepStatistics[]) {
  const works = steps.filter(({ workShare }) => workShare !== undefined);
  const slowestStep = highest(works, ({ duration }) => duration?.p95Ms ?? 0);
  const bottleneck = highest(works, ({ workShare }) => workShare ?? 0);
  return {
    ...(slowestStep ? { slowestStep: slowestStep.id } : {}),
    ...(bottleneck ? { bottleneck: bottleneck.id } : {}),
  };
}

function highest<T>(all: readonly T[], of: (one: T) => number): T | undefined {
  return all.reduce<T | undefined>(
    (best, one) => (best === undefined || of(one) > of(best) ? one : best),
    undefined,
  );
}

function errorCounts(steps: readonly StepFacts[]): RunStatistics["errors"] {
  const failed = steps.filter(({ outcome }) => outcome === "failed");
  const groups = Map.groupBy(failed, ({ reason }) => reason ?? "unknown");
  return [...groups]
    .map(([reason, group]) => ({ reason, count: group.length }))
    .sort((one, other) => other.count - one.count || compare(one.reason, other.reason));
}

/** Of what has ended; a clock that went back counts as no time. */
function durations(all: readonly { startedAtMs: number; endedAtMs?: number }[]): readonly number[] {
  return all.flatMap(({ startedAtMs, endedAtMs }) =>
    endedAtMs === undefined ? [] : [Math.max(endedAtMs - startedAtMs, 0)],
  );
}

function spread(all: readonly number[]): Spread | undefined {
  if (all.length === 0) return undefined;
  const sorted = all.toSorted((one, other) => one - other);
  return {
    count: sorted.length,
    p50Ms: nearestRank(sorted, 0.5),
    p95Ms: nearestRank(sorted, 0.95),
    maxMs: sorted.at(-1) ?? 0,
    meanMs: Math.round(sum(sorted) / sorted.length),
  };
}

function nearestRank(sorted: readonly number[], share: number): number {
  return sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)] ?? 0;
}

function sum(all: readonly number[]): number {
  return all.reduce((total, one) => total + one, 0);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
