/**
 * Counters, gauges and histograms as plain series, and how batches of them merge. A series is named by
 * its metric and label values; label values are judged here, so that none can carry what a log may not.
 * The number of series is bounded: what is beyond counts in one series labelled "overflow".
 */
import {
  CATALOGUE,
  isMetricName,
  LATENCY_BUCKETS,
  type LabelsOf,
  type MetricName,
} from "./catalogue.ts";
import { isSafeText, REDACTED } from "./safe-value.ts";

const SEPARATOR = "|";
const OVERFLOW = "overflow";
const NONE = "none";
/** Label values that stand for no tenant, or for many: never a tenant's own. */
const NOBODY: readonly string[] = [OVERFLOW, NONE, REDACTED];
const LABEL_CHARS_MAX = 64;

/** `metric|value|value`, values in the order of the catalogue's labels. */
export type SeriesKey = string;

/** Observations per bucket (the last is +Inf), not cumulative. */
export interface Distribution {
  readonly buckets: readonly number[];
  readonly sum: number;
}

/** A batch on its way, or a whole snapshot, by series key: plain data that survives RPC and JSON. */
export interface Delta {
  readonly counters: Readonly<Record<SeriesKey, number>>;
  readonly gauges: Readonly<Record<SeriesKey, number>>;
  readonly histograms: Readonly<Record<SeriesKey, Distribution>>;
}

/** What one holder has counted. Changed in place by the functions below only. */
export interface Tally {
  /** Most series per metric; the next ones overflow. */
  readonly seriesMax: number;
  readonly counters: Map<SeriesKey, number>;
  readonly gauges: Map<SeriesKey, number>;
  readonly histograms: Map<SeriesKey, Distribution>;
  /** Series per metric. */
  readonly sizes: Map<string, number>;
}

export function newTally(seriesMax: number): Tally {
  return {
    seriesMax,
    counters: new Map(),
    gauges: new Map(),
    histograms: new Map(),
    sizes: new Map(),
  };
}

/** The key of a series. Refused label values become "[redacted]". */
export function seriesKey<Name extends MetricName>(name: Name, labels: LabelsOf<Name>): SeriesKey {
  const given: Readonly<Record<string, string>> = labels;
  const values = CATALOGUE[name].labels.map((label) => labelValue(given[label]));
  return [name, ...values].join(SEPARATOR);
}

function labelValue(value: unknown): string {
  if (value === "" || value === undefined) return NONE;
  const safe = typeof value === "string" && value.length <= LABEL_CHARS_MAX && isSafeText(value);
  return safe ? value : REDACTED;
}

/** Metric and label values of a key; undefined for one that the catalogue (no longer) knows. */
export function readKey(
  key: SeriesKey,
):
  | { readonly name: MetricName; readonly labels: readonly (readonly [string, string])[] }
  | undefined {
  const [name = "", ...values] = key.split(SEPARATOR);
  if (!isMetricName(name)) return undefined;
  const names = CATALOGUE[name].labels;
  if (names.length !== values.length) return undefined;
  return { name, labels: names.map((label, at) => [label, values[at] ?? ""] as const) };
}

export function addTo(tally: Tally, key: SeriesKey, by: number): void {
  if (!Number.isFinite(by) || by < 0) return;
  const slot = slotFor(tally, tally.counters, key);
  tally.counters.set(slot, (tally.counters.get(slot) ?? 0) + by);
}

export function setIn(tally: Tally, key: SeriesKey, value: number): void {
  if (Number.isFinite(value)) tally.gauges.set(slotFor(tally, tally.gauges, key), value);
}

/** One observation, in the unit of the metric's name. */
export function observeIn(tally: Tally, key: SeriesKey, value: number): void {
  if (!Number.isFinite(value)) return;
  const found = LATENCY_BUCKETS.findIndex((bound) => value <= bound);
  const at = found < 0 ? LATENCY_BUCKETS.length : found;
  const buckets = Array.from({ length: LATENCY_BUCKETS.length + 1 }, (_, n) => (n === at ? 1 : 0));
  merge(tally, key, { buckets, sum: value });
}

/** Takes a batch in. Series the catalogue does not know are left out. */
export function addDelta(tally: Tally, delta: Delta): void {
  for (const [key, by] of knownOf(delta.counters)) addTo(tally, key, by);
  for (const [key, value] of knownOf(delta.gauges)) setIn(tally, key, value);
  for (const [key, distribution] of knownOf(delta.histograms)) merge(tally, key, distribution);
}

function knownOf<T>(series: Readonly<Record<SeriesKey, T>>): [SeriesKey, T][] {
  return Object.entries(series).filter(([key]) => readKey(key) !== undefined);
}

/** Everything counted so far; with `tenant` only the series labelled with it. */
export function deltaOf(tally: Tally, tenant?: string): Delta {
  return {
    counters: shownOf(tally.counters, tenant),
    gauges: shownOf(tally.gauges, tenant),
    histograms: shownOf(tally.histograms, tenant),
  };
}

function shownOf<T>(series: ReadonlyMap<SeriesKey, T>, tenant?: string): Record<SeriesKey, T> {
  const shown = [...series].filter(([key]) => tenant === undefined || belongsTo(key, tenant));
  return Object.fromEntries(shown);
}

/** Whether a series is one tenant's own. */
export function belongsTo(key: SeriesKey, tenant: string): boolean {
  if (NOBODY.includes(tenant)) return false;
  return (
    readKey(key)?.labels.some(([name, value]) => name === "tenant" && value === tenant) ?? false
  );
}

export function isEmpty(tally: Tally): boolean {
  return tally.counters.size + tally.gauges.size + tally.histograms.size === 0;
}

export function clear(tally: Tally): void {
  for (const map of [tally.counters, tally.gauges, tally.histograms, tally.sizes]) map.clear();
}

function merge(tally: Tally, key: SeriesKey, more: Distribution): void {
  const slot = slotFor(tally, tally.histograms, key);
  const before = tally.histograms.get(slot);
  const buckets = more.buckets.map((count, at) => count + (before?.buckets[at] ?? 0));
  tally.histograms.set(slot, { buckets, sum: more.sum + (before?.sum ?? 0) });
}

/** The key itself while its metric has room, else its overflow series. */
function slotFor(tally: Tally, series: ReadonlyMap<SeriesKey, unknown>, key: SeriesKey): SeriesKey {
  if (series.has(key)) return key;
  const [name = "", ...values] = key.split(SEPARATOR);
  const size = tally.sizes.get(name) ?? 0;
  if (size >= tally.seriesMax) return [name, ...values.map(() => OVERFLOW)].join(SEPARATOR);
  tally.sizes.set(name, size + 1);
  return key;
}
