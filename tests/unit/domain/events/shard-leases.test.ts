import { describe, expect, test } from "vitest";
import { removeSubscription } from "../../../../domain/events/shard/control.ts";
import { LEASE_MS } from "../../../../domain/events/shard/limits.ts";
import { anEvent, aSubscription, eventShard } from "../../../support/event-shard.ts";
import { accepted, keys, leased } from "../../../support/event-shard-steps.ts";

describe("leases", () => {
  test("a lease that ran out is an attempt, goes to the next one, and settles nothing any more", () => {
    const shard = eventShard();
    accepted(shard, anEvent("a"));
    const first = leased(shard);
    const seq = first.deliveries[0]?.seq ?? 0;
    shard.wait(LEASE_MS - 1);
    expect(shard.lease({ consumer: "two" })).toEqual({ is: "idle", why: "empty" });
    shard.wait(1);
    expect(leased(shard, { consumer: "two" }).deliveries[0]?.attempt).toBe(2);
    expect(shard.settle(first.token, { seq, is: "ack" })).toEqual([{ seq, is: "stale" }]);
    expect(shard.gauge()?.totals.acked).toBe(0);
  });

  test("settling twice is once, also in one call and after a crash; foreign numbers change nothing", () => {
    const shard = eventShard();
    accepted(shard, anEvent("a"), anEvent("b"));
    const { token, deliveries } = leased(shard);
    const [a = 0, b = 0] = deliveries.map(({ seq }) => seq);
    const ack = (seq: number) => ({ seq, is: "ack" }) as const;
    expect(shard.settle(token, ack(a), ack(a), ack(7))).toEqual([
      { seq: a, is: "settled" },
      { seq: a, is: "already" },
      { seq: 7, is: "already" },
    ]);
    shard.crash();
    expect(shard.settle(token, ack(a), ack(b)).map(({ is }) => is)).toEqual(["already", "settled"]);
    expect(shard.settle(token, ack(b))).toEqual([{ seq: b, is: "already" }]);
    expect(shard.settle("nonsense", ack(b))).toEqual([{ seq: b, is: "stale" }]);
    expect(shard.gauge()?.totals.acked).toBe(2);
  });

  test("a retry said twice in one call is one attempt", () => {
    const shard = eventShard();
    accepted(shard, anEvent("a"));
    const { token, deliveries } = leased(shard);
    const retry = { seq: deliveries[0]?.seq ?? 0, is: "retry", afterMs: 0, reason: "x" } as const;
    expect(shard.settle(token, retry, retry).map(({ is }) => is)).toEqual(["settled", "already"]);
    expect(leased(shard).deliveries[0]?.attempt).toBe(2);
  });

  test("nobody holds more than its prefetch, all together not more than the subscription allows", () => {
    const shard = eventShard([aSubscription({ prefetch: 3, inFlightMax: 5 })]);
    accepted(shard, ...Array.from({ length: 9 }, (_, n) => anEvent(`k${n}`)));
    expect(leased(shard, { consumer: "one", max: 2 }).deliveries.length).toBe(2);
    expect(leased(shard, { consumer: "one" }).deliveries.length).toBe(1);
    expect(shard.lease({ consumer: "one" })).toEqual({ is: "idle", why: "full" });
    const two = leased(shard, { consumer: "two" });
    expect([two.deliveries.length, two.more]).toEqual([2, true]);
    expect(shard.lease({ consumer: "three" })).toEqual({ is: "idle", why: "full" });
    expect(shard.gauge()).toMatchObject({ inFlight: 5, consumers: 2 });
  });

  test("four consumers share evenly", () => {
    const shard = eventShard([aSubscription({ prefetch: 5, inFlightMax: 100 })]);
    accepted(shard, ...Array.from({ length: 100 }, (_, n) => anEvent(`k${n}`)));
    const consumers = ["one", "two", "three", "four"];
    const counts = consumers.map(() => 0);
    for (let round = 0; round < 5; round++) {
      const held = consumers.map((consumer) => leased(shard, { consumer, max: 5 }));
      for (const [at, one] of held.entries()) {
        counts[at] = (counts[at] ?? 0) + one.deliveries.length;
        shard.settle(one.token, ...one.deliveries.map(({ seq }) => ({ seq, is: "ack" }) as const));
      }
    }
    expect(counts).toEqual([25, 25, 25, 25]);
  });

  test("bytes bound a lease, but one always goes out", () => {
    const shard = eventShard();
    accepted(shard, ...["a", "b", "c"].map((key) => anEvent(key, {}, { bytes: 60 })));
    const first = leased(shard, { bytesMax: 120 });
    expect([keys(first), first.more]).toEqual([["a", "b"], true]);
    expect(keys(leased(shard, { bytesMax: 1 }))).toEqual(["c"]);
  });

  test("an ended subscription hands out nothing and leaves nothing behind", () => {
    const shard = eventShard();
    accepted(shard, anEvent("a", { partition_key: "p" }), anEvent("b", { partition_key: "p" }));
    const { token, deliveries } = leased(shard);
    expect(shard.run((view) => removeSubscription(view, "sub"))).toBe(true);
    const seq = deliveries[0]?.seq ?? 0;
    expect(shard.settle(token, { seq, is: "ack" })).toEqual([{ seq, is: "already" }]);
    expect(shard.lease()).toEqual({ is: "idle", why: "unknown_subscription" });
    expect(shard.sql.exec("SELECT count(*) AS n FROM delivery").one()).toEqual({ n: 0 });
    expect(shard.run((view) => removeSubscription(view, "sub"))).toBe(false);
  });
});
