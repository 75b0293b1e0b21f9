import { describe, expect, test } from "vitest";
import { anEvent, aSubscription, eventShard } from "../../../support/event-shard.ts";
import {
  accepted,
  drain,
  failOnce,
  keys,
  keysOf,
  leased,
} from "../../../support/event-shard-steps.ts";

const later = (seq: number, afterMs: number, rests?: true) =>
  ({ seq, is: "later", afterMs, ...(rests ? { rests } : {}) }) as const;

describe("a delivery that was not tried", () => {
  test("keeps its attempts, waits, and stays in front of its partition", () => {
    const shard = eventShard([aSubscription({ attemptsMax: 1 })]);
    accepted(
      shard,
      anEvent("a", { partition_key: "p" }),
      anEvent("b", { partition_key: "p" }),
      anEvent("c"),
    );
    for (let n = 0; n < 3; n++) {
      const one = leased(shard, { max: 1 });
      expect([keys(one), one.deliveries[0]?.attempt]).toEqual([["a"], 1]);
      shard.settle(one.token, later(one.deliveries[0]?.seq ?? 0, 1000));
      if (n === 0) expect(keysOf(shard)).toEqual(["c"]);
      expect(shard.lease()).toEqual({ is: "idle", why: "empty" });
      shard.wait(1000);
    }
    expect(drain(shard)).toEqual(["a", "b"]);
    expect(shard.gauge()?.totals).toMatchObject({ retried: 0, dead: 0, acked: 3 });
  });

  test("with no wait is there again at once; once it has expired it leaves as expired", () => {
    const shard = eventShard();
    accepted(shard, anEvent("a", {}, { ttlMs: 5000 }));
    const first = leased(shard);
    const seq = first.deliveries[0]?.seq ?? 0;
    shard.settle(first.token, later(seq, -5));
    const second = leased(shard);
    shard.wait(5001);
    shard.settle(second.token, later(seq, 0));
    shard.tick();
    expect(shard.view.deads(10)).toMatchObject([{ reason: "expired", attempts: 0 }]);
    expect(shard.gauge()?.totals).toMatchObject({ expired: 1, retried: 0 });
  });

  test("that waits beyond its time is not kept longer than that", () => {
    const shard = eventShard();
    accepted(shard, anEvent("a", {}, { ttlMs: 5000 }));
    const { token, deliveries } = leased(shard);
    shard.settle(token, later(deliveries[0]?.seq ?? 0, 60_000));
    shard.wait(5001);
    shard.tick();
    expect(shard.view.deads(10)).toMatchObject([{ reason: "expired" }]);
  });
});

describe("a subscription that rests", () => {
  test("is not rung for before its time, whatever else is ready, and then is", () => {
    const shard = eventShard();
    accepted(shard, ...["a", "b", "c"].map((key) => anEvent(key)));
    expect(shard.ring()).toEqual(["sub"]);
    const { token, deliveries } = leased(shard, { max: 2 });
    const [a = 0, b = 0] = deliveries.map(({ seq }) => seq);
    shard.settle(token, later(a, 60_000, true), later(b, 90_000, true));
    expect(shard.ring()).toEqual([]);
    expect(shard.alarmAtMs()).toBe(shard.nowMs + 60_000);
    shard.wait(59_999);
    shard.tick();
    expect(shard.ring()).toEqual([]);
    shard.wait(1);
    shard.tick();
    expect(shard.ring()).toEqual(["sub"]);
    expect(keysOf(shard)).toEqual(["a", "c"]);
  });

  test("does not rest for what waits by itself, nor after a crash", () => {
    const shard = eventShard();
    accepted(shard, anEvent("a"), anEvent("b"));
    const one = leased(shard, { max: 1 });
    shard.settle(one.token, later(one.deliveries[0]?.seq ?? 0, 60_000));
    expect(shard.ring()).toEqual(["sub"]);
    const two = leased(shard, { max: 1 });
    shard.settle(two.token, later(two.deliveries[0]?.seq ?? 0, 60_000, true));
    accepted(shard, anEvent("c"));
    expect(shard.ring()).toEqual([]);
    shard.crash();
    expect(shard.ring()).toEqual(["sub"]);
  });
});

describe("a delivery that is hastened", () => {
  test("is tried at once and its schedule goes on; what has ended is absent", () => {
    const shard = eventShard();
    const [a] = accepted(shard, anEvent("a", { partition_key: "p" }));
    const seq = a?.seq ?? 0;
    failOnce(shard, 60_000);
    expect(shard.hasten({ seq, partition: "other" })).toBe("absent");
    expect(shard.hasten({ seq, partition: "p" })).toBe("due");
    expect(shard.hasten({ seq, partition: "p" })).toBe("pending");
    const { token, deliveries } = leased(shard);
    expect(deliveries[0]?.attempt).toBe(2);
    shard.settle(token, { seq, is: "ack" });
    expect(shard.hasten({ seq, partition: "p" })).toBe("absent");
    expect(drain(shard)).toEqual([]);
  });

  test("passes nobody of its partition; a blocked one starts anew", () => {
    const shard = eventShard([aSubscription({ headPolicy: { is: "block" }, attemptsMax: 1 })]);
    const [a, b] = accepted(
      shard,
      anEvent("a", { partition_key: "p" }),
      anEvent("b", { partition_key: "p" }),
    );
    failOnce(shard);
    expect(shard.gauge()?.blockedGroups).toBe(1);
    expect(shard.hasten({ seq: b?.seq ?? 0, partition: "p" })).toBe("pending");
    expect(shard.hasten({ seq: a?.seq ?? 0, partition: "p" })).toBe("due");
    expect(leased(shard).deliveries.map(({ attempt }) => attempt)).toEqual([1]);
  });
});
