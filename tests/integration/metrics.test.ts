/** The METRICS object in workerd: it adds up batches, writes rarely, and outlives its eviction. */

import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env as bindings } from "cloudflare:workers";
import { expect, test } from "vitest";
import { renderPrometheus } from "../../domain/observability/prometheus.ts";
import type { Delta } from "../../domain/observability/tally.ts";
import { count, flushMetrics, METRICS_OBJECT, takeDelta } from "../../platform/metrics.ts";

const env = bindings as unknown as Env;
const T = Date.now();

function batch(tenant: string, by = 1): Delta {
  return {
    counters: { [`messages_accepted_total|${tenant}|slack|message`]: by },
    gauges: {},
    histograms: { "turn_duration_seconds|agent": { buckets: [1, 1], sum: 0.01 } },
  };
}

function hub(name: string) {
  return env.METRICS.getByName(name);
}

/** What the object shows of one tenant's accepted messages. */
async function accepted(name: string, tenant: string): Promise<number | undefined> {
  const { counters } = await hub(name).snapshot();
  return counters[`messages_accepted_total|${tenant}|slack|message`];
}

/** Rows the object has stored. */
function stored(name: string): Promise<number> {
  return runInDurableObject(hub(name), (_, state) => [...state.storage.kv.list()].length);
}

test("batches of many isolates add up", async () => {
  await Promise.all([1, 2, 3].map((by) => hub("adds").add(batch("acme", by), T)));
  expect(await accepted("adds", "acme")).toBe(6);
  const { histograms } = await hub("adds").snapshot();
  expect(histograms).toEqual({ "turn_duration_seconds|agent": { buckets: [3, 3], sum: 0.03 } });
});

test("the first batch is written at once and survives a crash", async () => {
  await hub("first").add(batch("acme"), T);
  await abortAllDurableObjects();
  expect(await accepted("first", "acme")).toBe(1);
});

test("later batches are written by the alarm, and survive an eviction after it", async () => {
  const name = "alarm";
  await hub(name).add(batch("acme"), T);
  await hub(name).add(batch("acme"), T + 100);
  await hub(name).add(batch("acme"), T + 200);
  expect(await runDurableObjectAlarm(hub(name))).toBe(true);
  await evictDurableObject(hub(name));
  expect(await accepted(name, "acme")).toBe(3);
  expect(await runDurableObjectAlarm(hub(name))).toBe(false);
});

test("a batch 10 s after the last write is written without an alarm", async () => {
  const name = "next";
  await hub(name).add(batch("acme"), T);
  await hub(name).add(batch("acme"), T + 10_000);
  expect(await runDurableObjectAlarm(hub(name))).toBe(false);
  await evictDurableObject(hub(name));
  expect(await accepted(name, "acme")).toBe(2);
});

test("a crash within the 10 s loses what was not written, and no more", async () => {
  const name = "crash";
  await hub(name).add(batch("acme"), T);
  await hub(name).add(batch("acme"), T + 100);
  await abortAllDurableObjects();
  expect(await accepted(name, "acme")).toBe(1);
});

test("a snapshot larger than one stored value is kept whole", async () => {
  const name = "large";
  const tenant = (n: number) => `tenant-${"x".repeat(40)}-${n}`;
  const names = ["messages_accepted_total", "sends_total", "turns_total", "send_retries_total"];
  const keys = names.flatMap((metric) =>
    Array.from({ length: 4500 }, (_, n) => `${metric}|${tenant(n)}|slack|message`),
  );
  const counters = Object.fromEntries(keys.map((key) => [key, 1]));
  await hub(name).add({ counters, gauges: {}, histograms: {} }, T);
  expect(await stored(name)).toBeGreaterThan(2);
  await evictDurableObject(hub(name));
  expect((await hub(name).snapshot()).counters).toEqual(counters);
});

test("a tenant sees its own series only", async () => {
  await hub("tenants").add(batch("acme"), T);
  await hub("tenants").add(batch("globex", 5), T);
  const mine = await hub("tenants").snapshot("acme");
  expect(mine).toEqual({
    counters: { "messages_accepted_total|acme|slack|message": 1 },
    gauges: {},
    histograms: {},
  });
  expect(renderPrometheus(mine, "acme")).not.toContain("globex");
});

test("what an isolate counted arrives in the object named hub", async () => {
  takeDelta();
  count("messages_duplicate_total", { tenant: "acme", channel: "discord" }, 7);
  await flushMetrics(env, T);
  const text = renderPrometheus(await hub(METRICS_OBJECT).snapshot());
  expect(text).toContain('messages_duplicate_total{tenant="acme",channel="discord"} 7\n');
});
