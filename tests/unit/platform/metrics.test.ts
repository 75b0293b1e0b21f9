import { afterEach, describe, expect, test } from "vitest";
import type { Delta } from "../../../domain/observability/tally.ts";
import { count, flushMetrics, gauge, observe, takeDelta } from "../../../platform/metrics.ts";
import { CANARIES, canariesIn } from "../domain/observability/canaries.ts";

type Bindings = Parameters<typeof flushMetrics>[0];

/** A METRICS binding that keeps what it is given, or refuses. */
function hub(fails = false): { env: Bindings; batches: Delta[]; names: string[] } {
  const batches: Delta[] = [];
  const names: string[] = [];
  const add = async (delta: Delta) => {
    if (fails) throw new Error("overloaded");
    batches.push(delta);
  };
  const getByName = (name: string) => {
    names.push(name);
    return { add };
  };
  return { env: { METRICS: { getByName } } as unknown as Bindings, batches, names };
}

let nowMs = 1_000_000_000;
const later = (ms: number) => {
  nowMs += ms;
  return nowMs;
};

afterEach(() => void takeDelta());

describe("counting", () => {
  test("takes the batch out once", () => {
    count("webhooks_total", { channel: "slack", outcome: "ok" });
    count("webhooks_total", { channel: "slack", outcome: "ok" }, 2);
    gauge("gateway_sessions", { state: "ready" }, 4);
    observe("turn_duration_seconds", { route: "agent" }, 0.3);
    const delta = takeDelta();
    expect(delta?.counters).toEqual({ "webhooks_total|slack|ok": 3 });
    expect(delta?.gauges).toEqual({ "gateway_sessions|ready": 4 });
    expect(Object.keys(delta?.histograms ?? {})).toEqual(["turn_duration_seconds|agent"]);
    expect(takeDelta()).toBeUndefined();
  });

  test("does not take a label or name that is not in the catalogue", () => {
    // @ts-expect-error a label is missing
    count("webhooks_total", { channel: "slack" });
    // @ts-expect-error no such metric
    expect(() => count("webhook_total", {})).toThrow();
    expect(takeDelta()?.counters).toEqual({ "webhooks_total|slack|none": 1 });
  });

  test("has at most 1,000 series per metric, and the rest in one", () => {
    for (let n = 0; n < 1500; n++) count("persist_failures_total", { tenant: `t${n}` });
    const counters = takeDelta()?.counters ?? {};
    expect(Object.keys(counters)).toHaveLength(1001);
    expect(counters["persist_failures_total|overflow"]).toBe(500);
  });

  test.each(CANARIES)("carries %j in no label", (canary) => {
    count("messages_ignored_total", { channel: canary, type: canary });
    observe("service_data_latency_seconds", { service: canary, operation: canary }, 1);
    expect(canariesIn(JSON.stringify(takeDelta()))).toEqual([]);
  });
});

describe("flushing", () => {
  test("sends one batch to the object named hub, at most once per interval", async () => {
    const { env, batches, names } = hub();
    count("accept_retries_total", {});
    await flushMetrics(env, later(5000));
    count("accept_retries_total", {});
    await flushMetrics(env, later(999));
    expect(batches).toHaveLength(1);
    await flushMetrics(env, later(1));
    expect(batches.map((batch) => batch.counters)).toEqual([
      { accept_retries_total: 1 },
      { accept_retries_total: 1 },
    ]);
    expect(new Set(names)).toEqual(new Set(["hub"]));
  });

  test("sends nothing when nothing was counted", async () => {
    const { env, names } = hub();
    await flushMetrics(env, later(5000));
    expect(names).toEqual([]);
  });

  test("a batch that can't go is kept, counted and sent with the next", async () => {
    const broken = hub(true);
    count("accept_retries_total", {}, 3);
    observe("turn_duration_seconds", { route: "agent" }, 0.3);
    await expect(flushMetrics(broken.env, later(5000))).resolves.toBeUndefined();
    count("accept_retries_total", {});
    const { env, batches } = hub();
    await flushMetrics(env, later(5000));
    const [batch] = batches;
    expect(batch?.counters).toEqual({
      accept_retries_total: 4,
      metrics_flush_failures_total: 1,
    });
    expect(Object.keys(batch?.histograms ?? {})).toEqual(["turn_duration_seconds|agent"]);
  });

  test("a binding that throws at once does not throw out of it", async () => {
    count("accept_retries_total", {});
    await expect(flushMetrics({} as Bindings, later(5000))).resolves.toBeUndefined();
  });
});
