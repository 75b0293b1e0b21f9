/**
 * Renders a snapshot in the Prometheus text format 0.0.4 (prometheus.io, "Exposition formats"): HELP and
 * TYPE once per metric, then its series. With a tenant: that tenant's series and nothing else.
 */
import { CATALOGUE, LATENCY_BUCKETS, type MetricName } from "./catalogue.ts";
import { belongsTo, type Delta, type Distribution, readKey } from "./tally.ts";

/** The content type that goes with it. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labels = readonly (readonly [string, string])[];

/** Text that ends with a line feed; "" for an empty snapshot. */
export function renderPrometheus(snapshot: Delta, tenant?: string): string {
  const lines = new Map<MetricName, string[]>();
  const entries = <T>(series: Readonly<Record<string, T>>) =>
    Object.entries(series).filter(([key]) => tenant === undefined || belongsTo(key, tenant));
  for (const [key, value] of entries(snapshot.counters)) put(lines, key, value, sample);
  for (const [key, value] of entries(snapshot.gauges)) put(lines, key, value, sample);
  for (const [key, value] of entries(snapshot.histograms)) put(lines, key, value, samples);
  if (tenant === undefined) putHitRatios(lines, snapshot.counters);
  return [...lines].map(([name, found]) => `${header(name)}${found.sort().join("")}`).join("");
}

function put<T>(
  lines: Map<MetricName, string[]>,
  key: string,
  value: T,
  write: (name: MetricName, labels: Labels, value: T) => string,
): void {
  const series = readKey(key);
  if (!series) return;
  const found = lines.get(series.name) ?? [];
  found.push(write(series.name, series.labels, value));
  lines.set(series.name, found);
}

function header(name: MetricName): string {
  const { help, type } = CATALOGUE[name];
  return `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n`;
}

function sample(name: string, labels: Labels, value: number): string {
  return `${name}${labelsText(labels)} ${value}\n`;
}

/** Cumulative buckets, sum and count of one histogram series. */
function samples(name: string, labels: Labels, { buckets, sum }: Distribution): string {
  let count = 0;
  let text = "";
  for (const [at, bucket] of buckets.entries()) {
    count += bucket;
    const bound = LATENCY_BUCKETS[at];
    const le = bound === undefined ? "+Inf" : String(bound);
    text += sample(`${name}_bucket`, [...labels, ["le", le]], count);
  }
  return text + sample(`${name}_sum`, labels, sum) + sample(`${name}_count`, labels, count);
}

/** Hits of all look-ups per cache: a ratio can't be added up over isolates, so it is computed here. */
function putHitRatios(lines: Map<MetricName, string[]>, counters: Delta["counters"]): void {
  const caches = new Map<string, { hits: number; all: number }>();
  for (const [key, value] of Object.entries(counters)) {
    const series = readKey(key);
    if (series?.name !== "cache_requests_total") continue;
    const [[, cache] = ["", ""], [, outcome] = ["", ""]] = series.labels;
    const seen = caches.get(cache) ?? { hits: 0, all: 0 };
    seen.all += value;
    if (outcome === "hit") seen.hits += value;
    caches.set(cache, seen);
  }
  const found = [...caches].map(([cache, { hits, all }]) =>
    sample("cache_hit_ratio", [["cache", cache]], all > 0 ? hits / all : 0),
  );
  if (found.length > 0) lines.set("cache_hit_ratio", found);
}

function labelsText(labels: Labels): string {
  if (labels.length === 0) return "";
  return `{${labels.map(([name, value]) => `${name}="${escaped(value)}"`).join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
