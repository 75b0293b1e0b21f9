/** What a decision over many events or many subscriptions asks the rows: counted, so that it stays in proportion. */
import { describe, expect, test } from "vitest";
import { append } from "../../../../domain/events/shard/append.ts";
import { gauges } from "../../../../domain/events/shard/due.ts";
import type { ShardView } from "../../../../domain/events/shard/rows.ts";
import { anEvent, aSubscription, eventShard, START_MS } from "../../../support/event-shard.ts";

/** The view, counting how often each question is asked. */
function counting(view: ShardView) {
  const asked = new Map<string, number>();
  const counted = new Proxy(view, {
    get: (target, name: keyof ShardView) => {
      asked.set(name, (asked.get(name) ?? 0) + 1);
      return target[name];
    },
  });
  return { view: counted, asked: (name: keyof ShardView) => asked.get(name) ?? 0 };
}

describe("a batch of partitions for many subscriptions", () => {
  const subscriptions = ["a", "b", "c"].map((id) => aSubscription({ id }));
  const targets = subscriptions.map(({ id }) => id);
  const batch = (count: number) =>
    Array.from({ length: count }, (_, n) =>
      anEvent(`k${n}`, { partition_key: `p${n % 2}` }, { targets }),
    );

  test.each([10, 100])("of %i events asks once per partition and subscription", (count) => {
    const { view, asked } = counting(eventShard(subscriptions).view);
    append(view, { events: batch(count), subscriptions, nowMs: START_MS }, Math.random);
    expect(asked("nextInGroup")).toBe(2 * subscriptions.length);
  });

  test("only the first of each partition is ready; those that were there before stay in front", () => {
    const shard = eventShard(subscriptions);
    shard.append(anEvent("old", { partition_key: "p0" }, { targets }));
    shard.append(...batch(10));
    const leased = targets.map((subscription) => shard.lease({ subscription }));
    for (const one of leased)
      expect(one.is === "leased" && one.deliveries.map(({ event }) => event.event_id)).toEqual([
        "evt_old",
        "evt_k1",
      ]);
  });

  test("an event without a partition stands behind nobody", () => {
    const { view, asked } = counting(eventShard(subscriptions).view);
    const events = [anEvent("x", {}, { targets }), anEvent("y", {}, { targets })];
    append(view, { events, subscriptions, nowMs: START_MS }, Math.random);
    expect(asked("nextInGroup")).toBe(0);
  });
});

describe("gauges", () => {
  test("of subscriptions that have nothing ask no row", () => {
    const shard = eventShard();
    shard.append(anEvent("x"));
    const lease = shard.lease();
    if (lease.is !== "leased") throw new Error(lease.why);
    shard.settle(lease.token, { seq: lease.deliveries[0]?.seq ?? 0, is: "ack" });
    const { view, asked } = counting(shard.view);
    expect(gauges(view, START_MS)[0]).toMatchObject({ oldestAgeMs: 0, oldestReadyAgeMs: 0 });
    expect(asked("oldestAtMs")).toBe(0);
  });

  test("ask only for the places that have something", () => {
    const shard = eventShard();
    shard.append(anEvent("x"));
    const { view, asked } = counting(shard.view);
    expect(gauges(view, START_MS + 5000)[0]).toMatchObject({ oldestReadyAgeMs: 5000 });
    expect(asked("oldestAtMs")).toBe(1);
  });
});
