/**
 * Counts in the isolate's memory, for nothing, and hands the batch to the one METRICS object at most once
 * a second. What an isolate had not handed over when it died is lost, what was handed over without an
 * answer may count twice: metrics are not the ledger, the tables are. Nothing here throws or waits on a hot path.
 */
import type {
  CounterName,
  GaugeName,
  HistogramName,
  LabelsOf,
} from "../domain/observability/catalogue.ts";
import {
  addDelta,
  addTo,
  clear,
  type Delta,
  deltaOf,
  isEmpty,
  newTally,
  observeIn,
  seriesKey,
  setIn,
} from "../domain/observability/tally.ts";

/** Name of the one object that adds up all isolates. */
export const METRICS_OBJECT = "hub";
const SERIES_PER_METRIC_MAX = 1000;
const FLUSH_INTERVAL_MS = 1000;

const tally = newTally(SERIES_PER_METRIC_MAX);
let flushedAtMs = 0;

/** Adds to a counter. */
export function count<Name extends CounterName>(name: Name, labels: LabelsOf<Name>, by = 1): void {
  addTo(tally, seriesKey(name, labels), by);
}

/** Sets a gauge; the last isolate to report wins. */
export function gauge<Name extends GaugeName>(
  name: Name,
  labels: LabelsOf<Name>,
  value: number,
): void {
  setIn(tally, seriesKey(name, labels), value);
}

/** One observation of a histogram, in seconds. */
export function observe<Name extends HistogramName>(
  name: Name,
  labels: LabelsOf<Name>,
  seconds: number,
): void {
  observeIn(tally, seriesKey(name, labels), seconds);
}

/** Takes the batch out; undefined when there is nothing. */
export function takeDelta(): Delta | undefined {
  if (isEmpty(tally)) return undefined;
  const delta = deltaOf(tally);
  clear(tally);
  return delta;
}

/** Sends the batch unless one went less than `minIntervalMs` ago. Never rejects: what can't go waits for the next. */
export async function flushMetrics(
  env: Pick<Env, "METRICS">,
  nowMs: number,
  minIntervalMs = FLUSH_INTERVAL_MS,
): Promise<void> {
  if (nowMs - flushedAtMs < minIntervalMs) return;
  flushedAtMs = nowMs;
  const delta = takeDelta();
  if (!delta) return;
  try {
    await env.METRICS.getByName(METRICS_OBJECT).add(delta, nowMs);
  } catch {
    addDelta(tally, delta);
    count("metrics_flush_failures_total", {});
  }
}
