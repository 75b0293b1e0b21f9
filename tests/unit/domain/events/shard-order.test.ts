import { describe, expect, test } from "vitest";
import { forgetDeads, removeSubscription } from "../../../../domain/events/shard/control.ts";
import { LEASE_MS } from "../../../../domain/events/shard/limits.ts";
import { anEvent, aSubscription, eventShard, START_MS } from "../../../support/event-shard.ts";
import {
  accepted,
  drain,
  failOnce,
  keys,
  keysOf,
  leased,
  type Shard,
} from "../../../support/event-shard-steps.ts";

describe("priority and order", () => {
  test("ten levels behind a paused consumer come out strictly by level, each level in order", () => {
    const shard = eventShard();
    accepted(shard, anEvent("first"));
    shard.pause(true);
    const levels = Array.from({ length: 60 }, (_, n) => (n * 7) % 10);
    accepted(shard, ...levels.map((priority, n) => anEvent(`k${n}`, { priority })));
    expect(shard.lease()).toEqual({ is: "idle", why: "paused" });
    expect(shard.ring()).toEqual([]);
    shard.pause(false);
    shard.crash();
    const order = [0, ...levels].map((level, n) => ({
      level,
      key: n === 0 ? "first" : `k${n - 1}`,
    }));
    const expected = order.toSorted((a, b) => b.level - a.level).map(({ key }) => key);
    expect(drain(shard)).toEqual(expected);
  });

  test.each([
    [
      [
        ["A", 1],
        ["B", 3],
        ["C", 2],
      ],
      ["B", "C", "A"],
    ],
    [
      [
        ["A", 1],
        ["B", 1],
        ["C", 1],
      ],
      ["A", "B", "C"],
    ],
  ] as const)("%j goes out as %j", (enqueued, dispatched) => {
    const shard = eventShard();
    accepted(shard, ...enqueued.map(([key, priority]) => anEvent(key, { priority })));
    expect(drain(shard)).toEqual(dispatched);
  });

  test("priority works between partitions, order within them", () => {
    const shard = eventShard();
    accepted(
      shard,
      anEvent("p1", { partition_key: "p", priority: 0 }),
      anEvent("p2", { partition_key: "p", priority: 9 }),
      anEvent("q1", { partition_key: "q", priority: 5 }),
    );
    expect(drain(shard)).toEqual(["q1", "p1", "p2"]);
  });

  test("one of a partition at a time; another partition goes on while one fails", () => {
    const shard = eventShard();
    accepted(
      shard,
      anEvent("p1", { partition_key: "p" }),
      anEvent("p2", { partition_key: "p" }),
      anEvent("q1", { partition_key: "q" }),
    );
    const first = leased(shard);
    expect(keys(first)).toEqual(["p1", "q1"]);
    expect(shard.lease()).toEqual({ is: "idle", why: "empty" });
    const [p1 = 0, q1 = 0] = first.deliveries.map(({ seq }) => seq);
    shard.settle(
      first.token,
      { seq: p1, is: "retry", afterMs: 60_000, reason: "status_503" },
      { seq: q1, is: "ack" },
    );
    expect(shard.lease()).toEqual({ is: "idle", why: "empty" });
    shard.wait(60_000);
    expect(drain(shard)).toEqual(["p1", "p2"]);
  });
});

test("a partition blocked in one subscription goes on in another, which may end before it", () => {
  const block = { headPolicy: { is: "block" }, attemptsMax: 1 } as const;
  const shard = eventShard([aSubscription(block), aSubscription({ id: "other" })]);
  const targets = ["sub", "other"];
  const both = ["a", "b", "c"].map((key) => anEvent(key, { partition_key: "p" }, { targets }));
  const [a] = accepted(shard, ...both);
  failOnce(shard);
  const taken = ["a", "b", "c"].map(() => keysOf(shard, { subscription: "other" }));
  expect(taken).toEqual([["a"], ["b"], ["c"]]);
  shard.run((view) => removeSubscription(view, "other"));
  expect(shard.unblock("p:p", a?.seq ?? 0, "retry")).toBe(true);
  expect(drain(shard)).toEqual(["a", "b", "c"]);
});

describe("the head policies", () => {
  const three = (shard: Shard) =>
    accepted(shard, ...["a", "b", "c"].map((key) => anEvent(key, { partition_key: "p" })));

  test("block: an exhausted head holds its partition until a person decides", () => {
    const shard = eventShard([aSubscription({ headPolicy: { is: "block" }, attemptsMax: 2 })]);
    const [a] = three(shard);
    failOnce(shard);
    failOnce(shard);
    expect(shard.gauge()).toMatchObject({ blockedGroups: 1, totals: { dead: 0 } });
    expect(shard.lease()).toEqual({ is: "idle", why: "empty" });
    expect(shard.alarmAtMs()).toBeUndefined();
    expect(shard.unblock("p:p", a?.seq ?? 0, "retry")).toBe(true);
    expect(leased(shard).deliveries).toMatchObject([{ attempt: 1, event: { data: { key: "a" } } }]);
    shard.wait(LEASE_MS);
    failOnce(shard);
    expect(shard.unblock("p:p", a?.seq ?? 0, "dead_letter")).toBe(true);
    expect(shard.unblock("p:p", a?.seq ?? 0, "dead_letter")).toBe(false);
    expect(drain(shard)).toEqual(["b", "c"]);
    expect(shard.view.deads(5).map(({ event }) => event.event_id)).toEqual(["evt_a"]);
  });

  test("block: what has no partition holds nobody up, and dies", () => {
    const shard = eventShard([aSubscription({ headPolicy: { is: "block" }, attemptsMax: 1 })]);
    accepted(shard, anEvent("a"), anEvent("b"));
    failOnce(shard);
    expect(shard.gauge()).toMatchObject({ blockedGroups: 0, totals: { dead: 1 } });
    expect(drain(shard)).toEqual(["b"]);
  });

  test("skip: after so many failures the head steps aside and is still tried", () => {
    const shard = eventShard([aSubscription({ headPolicy: { is: "skip", after: 2 } })]);
    three(shard);
    failOnce(shard);
    expect(keysOf(shard, { max: 1 })).toEqual(["a"]);
    const other = eventShard([aSubscription({ headPolicy: { is: "skip", after: 2 } })]);
    three(other);
    failOnce(other);
    failOnce(other, 60_000);
    expect(drain(other)).toEqual(["b", "c"]);
    other.wait(60_000);
    expect(drain(other)).toEqual(["a"]);
    expect(other.gauge()?.totals).toMatchObject({ skipped: 1, acked: 3, dead: 0 });
  });

  test("dead letter: an exhausted head is kept with its history, and the others go on", () => {
    const shard = eventShard([aSubscription({ attemptsMax: 2 })]);
    const [a] = three(shard);
    failOnce(shard);
    failOnce(shard);
    const [dead] = shard.view.deads(5);
    expect(dead).toMatchObject({
      seq: a?.seq,
      reason: "delivery_limit",
      detail: "status_503",
      attempts: 2,
      notes: [{ reason: "status_503" }, { reason: "status_503" }],
      record: { first: { queue: "sub", reason: "delivery_limit", exchange: "events" } },
      event: { data: { key: "a" } },
    });
    expect(shard.alarmAtMs()).toBeDefined();
    shard.run(() => forgetDeads([dead?.id ?? ""]));
    expect(shard.view.deads(5)).toEqual([]);
    expect(drain(shard)).toEqual(["b", "c"]);
  });
});

describe("time to live", () => {
  test("the shorter of both counts, from acceptance, and a retry does not lengthen it", () => {
    const shard = eventShard([aSubscription({ ttlMs: 10_000 })]);
    accepted(shard, anEvent("a", {}, { ttlMs: 60_000 }));
    failOnce(shard, 6_000);
    shard.wait(6_000);
    const again = leased(shard);
    expect(again.deliveries[0]?.expiresMs).toBe(START_MS + 10_000);
    const seq = again.deliveries[0]?.seq ?? 0;
    shard.settle(again.token, { seq, is: "retry", afterMs: 6_000, reason: "status_503" });
    // It would be due when nobody wants it any more.
    expect(shard.view.deads(5)).toMatchObject([
      { reason: "expired", record: { deaths: [{ originalExpiration: "10000" }] } },
    ]);
  });

  test("an expired one is not handed out even before the clock was heard", () => {
    const shard = eventShard();
    accepted(shard, anEvent("a", {}, { ttlMs: 1_000 }));
    shard.wait(1_000);
    expect(shard.view.ready("sub", shard.nowMs, 5).length).toBe(1);
    shard.wait(1);
    expect(shard.view.ready("sub", shard.nowMs, 5)).toEqual([]);
  });

  test("zero is now or never, also by the event's own instant; dropped where the subscription says so", () => {
    const shard = eventShard([aSubscription({ expired: "drop" })]);
    const instant = new Date(START_MS).toISOString();
    accepted(shard, anEvent("a", {}, { ttlMs: 0 }), anEvent("b", { expires_at: instant }));
    expect(leased(shard, { max: 1 }).deliveries.length).toBe(1);
    shard.wait(1);
    expect(shard.lease()).toEqual({ is: "idle", why: "empty" });
    expect(shard.gauge()?.totals).toMatchObject({ expired: 1, dead: 0 });
    expect(shard.view.deads(5)).toEqual([]);
  });

  test("the alarm is set for it, and not again and again while it is in somebody's hands", () => {
    const shard = eventShard();
    accepted(shard, anEvent("a", {}, { ttlMs: 1_000, delayMs: 500 }));
    expect(shard.alarmAtMs()).toBe(START_MS + 500);
    shard.wait(500);
    const { untilMs } = leased(shard);
    expect(shard.alarmAtMs()).toBe(START_MS + 1_001);
    shard.wait(501);
    shard.tick();
    expect(shard.alarmAtMs()).toBe(untilMs);
  });
});
