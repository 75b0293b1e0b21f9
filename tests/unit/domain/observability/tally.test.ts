import { describe, expect, test } from "vitest";
import { CATALOGUE } from "../../../../domain/observability/catalogue.ts";
import { renderPrometheus } from "../../../../domain/observability/prometheus.ts";
import {
  addDelta,
  addTo,
  clear,
  deltaOf,
  isEmpty,
  newTally,
  observeIn,
  readKey,
  seriesKey,
  setIn,
} from "../../../../domain/observability/tally.ts";
import { CANARIES, canariesIn } from "./canaries.ts";

const accepted = (tenant: string) =>
  seriesKey("messages_accepted_total", { tenant, channel: "slack", kind: "message" });

describe("series", () => {
  test("a key reads back as the metric and its labels", () => {
    expect(readKey(accepted("acme"))).toEqual({
      name: "messages_accepted_total",
      labels: [
        ["tenant", "acme"],
        ["channel", "slack"],
        ["kind", "message"],
      ],
    });
  });

  test("a key of an unknown metric or of other labels reads as nothing", () => {
    expect(readKey("nope_total|a")).toBeUndefined();
    expect(readKey("messages_accepted_total|a")).toBeUndefined();
    expect(readKey("constructor")).toBeUndefined();
  });

  test.each(CANARIES)("a label never carries %j", (canary) => {
    const key = seriesKey("messages_accepted_total", {
      tenant: canary,
      channel: canary,
      kind: canary,
    });
    expect(canariesIn(key)).toEqual([]);
    expect(key).toBe("messages_accepted_total|[redacted]|[redacted]|[redacted]");
  });

  test("an empty or missing label value is none", () => {
    expect(seriesKey("persist_failures_total", { tenant: "" })).toBe("persist_failures_total|none");
  });
});

describe("adding up", () => {
  test("batches merge: counters and histograms add, gauges take the last", () => {
    const one = newTally(10);
    addTo(one, accepted("acme"), 2);
    setIn(one, seriesKey("gateway_sessions", { state: "ready" }), 3);
    observeIn(one, seriesKey("turn_duration_seconds", { route: "agent" }), 0.2);
    const hub = newTally(10);
    addDelta(hub, deltaOf(one));
    addDelta(hub, deltaOf(one));
    const { counters, gauges, histograms } = deltaOf(hub);
    expect(counters).toEqual({ [accepted("acme")]: 4 });
    expect(gauges).toEqual({ "gateway_sessions|ready": 3 });
    const turns = histograms["turn_duration_seconds|agent"];
    expect(turns?.sum).toBeCloseTo(0.4);
    expect(turns?.buckets.reduce((a, b) => a + b)).toBe(2);
  });

  test("a batch survives JSON", () => {
    const one = newTally(10);
    addTo(one, accepted("acme"), 1);
    observeIn(one, seriesKey("turn_duration_seconds", { route: "agent" }), 100);
    const delta = deltaOf(one);
    expect(JSON.parse(JSON.stringify(delta))).toEqual(delta);
  });

  test("what a metric has beyond its series counts as overflow, and nothing is lost from the sum", () => {
    const one = newTally(3);
    for (let n = 0; n < 10; n++) addTo(one, accepted(`t${n}`), 1);
    addTo(one, accepted("t0"), 1);
    const { counters } = deltaOf(one);
    expect(Object.keys(counters)).toHaveLength(4);
    expect(counters["messages_accepted_total|overflow|overflow|overflow"]).toBe(7);
    expect(Object.values(counters).reduce((sum, value) => sum + value, 0)).toBe(11);
  });

  test("one metric's overflow leaves the others their series", () => {
    const one = newTally(1);
    addTo(one, accepted("a"), 1);
    addTo(one, accepted("b"), 1);
    addTo(one, seriesKey("persist_failures_total", { tenant: "b" }), 1);
    expect(deltaOf(one).counters).toHaveProperty(["persist_failures_total|b"], 1);
  });

  test("numbers that are none are left out", () => {
    const one = newTally(10);
    for (const by of [Number.NaN, Number.POSITIVE_INFINITY, -1]) addTo(one, accepted("a"), by);
    observeIn(one, seriesKey("turn_duration_seconds", { route: "a" }), Number.NaN);
    expect(isEmpty(one)).toBe(true);
  });

  test("cleared, it is empty and has room again", () => {
    const one = newTally(1);
    addTo(one, accepted("a"), 1);
    clear(one);
    expect(isEmpty(one)).toBe(true);
    addTo(one, accepted("b"), 1);
    expect(deltaOf(one).counters).toEqual({ [accepted("b")]: 1 });
  });
});

describe("a tenant's view", () => {
  const one = newTally(2);
  for (const tenant of ["a", "b", "c", "d"]) addTo(one, accepted(tenant), 1);
  addTo(one, seriesKey("webhooks_total", { channel: "slack", outcome: "ok" }), 1);

  test("holds its own series only", () => {
    expect(deltaOf(one, "a").counters).toEqual({ [accepted("a")]: 1 });
    expect(renderPrometheus(deltaOf(one), "a")).toBe(
      [
        "# HELP messages_accepted_total Messages stored before the ack",
        "# TYPE messages_accepted_total counter",
        'messages_accepted_total{tenant="a",channel="slack",kind="message"} 1',
        "",
      ].join("\n"),
    );
  });

  test.each(["overflow", "none", "[redacted]", ""])("is empty for the name %j", (tenant) => {
    expect(deltaOf(one, tenant)).toEqual({ counters: {}, gauges: {}, histograms: {} });
    expect(renderPrometheus(deltaOf(one), tenant)).toBe("");
  });
});

describe("the text format", () => {
  test("a histogram has cumulative buckets, a sum and a count", () => {
    const one = newTally(10);
    const key = seriesKey("service_data_latency_seconds", { service: "d1", operation: "read" });
    for (const seconds of [0.001, 0.02, 0.02, 99]) observeIn(one, key, seconds);
    const lines = renderPrometheus(deltaOf(one)).split("\n");
    const labels = 'service="d1",operation="read"';
    const bucket = (le: string) => `service_data_latency_seconds_bucket{${labels},le="${le}"}`;
    expect(lines).toContain("# TYPE service_data_latency_seconds histogram");
    expect(lines).toContain(`${bucket("0.005")} 1`);
    expect(lines).toContain(`${bucket("0.025")} 3`);
    expect(lines).toContain(`${bucket("60")} 3`);
    expect(lines).toContain(`${bucket("+Inf")} 4`);
    expect(lines).toContain(`service_data_latency_seconds_count{${labels}} 4`);
    expect(lines.some((line) => line.startsWith("service_data_latency_seconds_sum"))).toBe(true);
  });

  test("the hit ratio is computed from the look-ups", () => {
    const one = newTally(10);
    addTo(one, seriesKey("cache_requests_total", { cache: "tenants", outcome: "hit" }), 3);
    addTo(one, seriesKey("cache_requests_total", { cache: "tenants", outcome: "miss" }), 1);
    expect(renderPrometheus(deltaOf(one))).toContain('cache_hit_ratio{cache="tenants"} 0.75\n');
  });

  test("a metric without labels has no braces", () => {
    const one = newTally(10);
    addTo(one, seriesKey("accept_retries_total", {}), 2);
    expect(renderPrometheus(deltaOf(one))).toContain("\naccept_retries_total 2\n");
  });

  test("label values from a foreign batch are escaped", () => {
    const key = 'webhooks_total|sl"a\\ck\n|ok';
    const text = renderPrometheus({ counters: { [key]: 1 }, gauges: {}, histograms: {} });
    expect(text).toContain('webhooks_total{channel="sl\\"a\\\\ck\\n",outcome="ok"} 1\n');
  });

  test("every line is a comment or a sample, and every metric is introduced once", () => {
    const one = newTally(10);
    for (const tenant of ["a", "b"]) addTo(one, accepted(tenant), 1);
    addTo(one, seriesKey("webhooks_total", { channel: "slack", outcome: "ok" }), 1);
    const text = renderPrometheus(deltaOf(one));
    expect(text.endsWith("\n")).toBe(true);
    for (const line of text.trimEnd().split("\n")) {
      expect(line).toMatch(
        /^(?:# (?:HELP|TYPE) [a-z_]+ .+|[a-z_]+(?:\{[a-z]+=".*"\})? [\d.e+-]+)$/,
      );
    }
    expect(text.match(/# TYPE messages_accepted_total/g)).toHaveLength(1);
  });

  test("names and labels of the catalogue are valid", () => {
    for (const [name, { labels, type }] of Object.entries(CATALOGUE)) {
      expect(name).toMatch(/^[a-z][a-z_]*$/);
      for (const label of labels) expect(label).toMatch(/^(?!le$)[a-z]+$/);
      expect(name.endsWith("_total")).toBe(type === "counter");
    }
  });
});
