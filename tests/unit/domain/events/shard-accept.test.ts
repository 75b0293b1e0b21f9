import { describe, expect, test } from "vitest";
import { configure } from "../../../../domain/events/shard/control.ts";
import { DEAD_LETTERS } from "../../../../domain/events/shard/due.ts";
import { DEPTH_MAX } from "../../../../domain/events/shard/limits.ts";
import { DELIVERY_SQL } from "../../../../durable-objects/event-shard-deliveries.ts";
import { anEvent, aSubscription, eventShard, START_MS } from "../../../support/event-shard.ts";
import { accepted, drain, keysOf, leased, type Shard } from "../../../support/event-shard-steps.ts";

const DAY_MS = 24 * 3_600_000;

describe("accepting", () => {
  test("numbers rise, and a duplicate has the id and number of the first and no second delivery", () => {
    const shard = eventShard();
    const [a, b, again] = accepted(shard, anEvent("a"), anEvent("b"), anEvent("a"));
    expect(b?.seq).toBe((a?.seq ?? 0) + 1);
    expect(again).toEqual({ ...a, duplicate: true });
    shard.crash();
    expect(accepted(shard, anEvent("b"))).toEqual([{ ...b, duplicate: true }]);
    expect(keysOf(shard)).toEqual(["a", "b"]);
  });

  test("a key counts for at least 24 h and at most two days", () => {
    const shard = eventShard();
    accepted(shard, anEvent("a"));
    shard.wait(DAY_MS - 1);
    accepted(shard, anEvent("late"));
    shard.wait(1);
    accepted(shard, anEvent("turn over"));
    expect(accepted(shard, anEvent("a"))[0]?.duplicate).toBe(true);
    expect(accepted(shard, anEvent("late"))[0]?.duplicate).toBe(true);
    while (keysOf(shard).length > 0);
    shard.wait(DAY_MS);
    accepted(shard, anEvent("turn over again"));
    expect(accepted(shard, anEvent("a"))[0]?.duplicate).toBe(false);
  });

  test("an event that is still owed survives every turn of the tables", () => {
    const shard = eventShard();
    accepted(shard, anEvent("owed", {}, { delayMs: 5 * DAY_MS }));
    for (let day = 1; day <= 5; day++) {
      shard.wait(DAY_MS);
      accepted(shard, anEvent(`day ${day}`, {}, { targets: [] }));
      shard.crash();
    }
    expect(keysOf(shard)).toEqual(["owed"]);
  });

  test("numbers go on above those of events that nobody wanted, through a crash", () => {
    const shard = eventShard();
    accepted(shard, anEvent("wanted"));
    const many = Array.from({ length: 100 }, (_, n) => anEvent(`k${n}`, {}, { targets: [] }));
    const last = accepted(shard, ...many).at(-1)?.seq ?? 0;
    expect(last).toBe(START_MS + 100);
    shard.crash();
    expect(accepted(shard, anEvent("next"))[0]?.seq).toBe(last + 1);
  });

  test("refuses what it cannot hold, and burns no key", () => {
    const shard = eventShard();
    expect(shard.append(anEvent("a", {}, { targets: ["nobody"] }))).toEqual({
      ok: false,
      failure: { reason: "unknown_subscription", id: "nobody" },
    });
    accepted(shard, anEvent("first"));
    fill(shard, DEPTH_MAX);
    expect(shard.append(anEvent("a"))).toMatchObject({ failure: { reason: "backlog_full" } });
    fill(shard, 0);
    expect(accepted(shard, anEvent("a"))[0]?.duplicate).toBe(false);
    const many = Array.from({ length: 101 }, (_, n) => anEvent(`k${n}`));
    expect(shard.append(...many)).toMatchObject({ failure: { reason: "too_many" } });
  });

  test("a subscription without room stops nobody: what comes on top is a dead letter with its payload", () => {
    const shard = eventShard([aSubscription({ depthMax: 2 }), aSubscription({ id: "other" })]);
    const keysIn = ["a", "b", "c"];
    accepted(shard, ...keysIn.map((key) => anEvent(key, {}, { targets: ["sub", "other"] })));
    expect(shard.view.deads(5)).toMatchObject([
      { subscription: "sub", reason: "maxlen", attempts: 0, event: { data: { key: "c" } } },
    ]);
    expect(drain(shard)).toEqual(["a", "b"]);
    expect(keysOf(shard, { subscription: "other" })).toEqual(["a", "b", "c"]);
    expect(shard.gauge()?.totals).toMatchObject({ published: 3, acked: 2, dead: 1 });
  });

  test("a newer configuration replaces an older one, never the other way round", () => {
    const shard = eventShard([aSubscription({ version: 3, prefetch: 1 })]);
    accepted(shard, anEvent("a"), anEvent("b"));
    const old = aSubscription({ version: 2, prefetch: 5 });
    expect(shard.run((view) => configure(view, old))).toBe(true);
    expect(leased(shard).deliveries.length).toBe(1);
    shard.run((view) => configure(view, aSubscription({ version: 4, prefetch: 5 })));
    expect(leased(shard).deliveries.length).toBe(1);
    expect(shard.run((view) => configure(view, aSubscription({ id: "other" })))).toBe(false);
  });
});

describe("rings, gauges and cost", () => {
  test("one token at a time, again when it is lost, at once when it was heard", () => {
    const shard = eventShard();
    accepted(shard, anEvent("a"));
    expect(shard.alarmAtMs()).toBe(START_MS);
    expect(shard.ring()).toEqual(["sub"]);
    accepted(shard, anEvent("b"));
    expect(shard.ring()).toEqual([]);
    expect(shard.alarmAtMs()).toBe(START_MS + 5_000);
    shard.crash();
    expect(shard.ring()).toEqual(["sub"]);
    leased(shard, { max: 1 });
    expect(shard.ring()).toEqual(["sub"]);
    leased(shard);
    expect(shard.ring()).toEqual([]);
  });

  test("who never answers is rung ever less often, until it answers", () => {
    const shard = eventShard();
    accepted(shard, anEvent("a"));
    const waits: number[] = [];
    for (let n = 0; n < 9; n++) {
      expect(shard.ring()).toEqual(["sub"]);
      const atMs = shard.alarmAtMs() ?? 0;
      waits.push((atMs - shard.nowMs) / 1000);
      shard.wait(atMs - shard.nowMs);
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
    shard.lease({ max: 0 });
    expect(shard.ring()).toEqual(["sub"]);
    expect(shard.alarmAtMs()).toBe(shard.nowMs + 5_000);
  });

  test("who pulls is never rung, and dead letters ring under a name of their own", () => {
    const pulled = eventShard([aSubscription({ pull: true })]);
    accepted(pulled, anEvent("a"));
    expect(pulled.ring()).toEqual([]);
    expect(pulled.alarmAtMs()).toBeUndefined();
    const { token, deliveries } = leased(pulled);
    const [{ seq = 0 } = {}] = deliveries;
    pulled.settle(token, { seq, is: "dead", reason: "no" });
    expect(pulled.ring()).toEqual([DEAD_LETTERS]);
    expect(pulled.ring()).toEqual([]);
    expect(pulled.alarmAtMs()).toBe(START_MS + 5_000);
  });

  test("the log takes every event at once, whatever its partition, delay and time to live", () => {
    const log = aSubscription({ id: "log", log: true, unordered: true });
    const shard = eventShard([log, aSubscription()]);
    const targets = ["log", "sub"];
    const late = { delayMs: 60_000, ttlMs: 0, targets } as const;
    accepted(shard, anEvent("a", { partition_key: "p", priority: 9 }, late));
    accepted(shard, anEvent("b", { partition_key: "p" }, { targets }));
    shard.wait(1);
    expect(leased(shard, { subscription: "log" }).deliveries.length).toBe(2);
    expect(leased(shard).deliveries.length).toBe(1);
  });

  test("ages tell what could go out from what only waits", () => {
    const shard = eventShard();
    accepted(shard, anEvent("early", {}, { delayMs: 100_000 }));
    shard.wait(10_000);
    accepted(shard, anEvent("now", { priority: 3 }));
    shard.wait(5_000);
    expect(shard.gauge()).toMatchObject({ oldestAgeMs: 15_000, oldestReadyAgeMs: 5_000 });
    expect(shard.gauge()?.depth.ready[3]).toBe(1);
    expect(drain(shard)).toEqual(["now"]);
    expect(shard.gauge()).toMatchObject({ oldestAgeMs: 15_000, oldestReadyAgeMs: 0 });
  });

  test("every query is answered by an index", () => {
    const shard = eventShard();
    for (const [name, query] of Object.entries(DELIVERY_SQL)) {
      const bindings = Array.from(query.matchAll(/\?/g), () => 1);
      const plan = shard.sql
        .exec<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`, ...bindings)
        .toArray();
      const details = plan.map(({ detail }) => detail).join("; ");
      expect([name, details]).toEqual([
        name,
        expect.stringMatching(/^(SEARCH|SCAN delivery USING)/),
      ]);
      expect([name, details]).toEqual([name, expect.not.stringMatching(/TEMP B-TREE/)]);
    }
  });

  test("an event for one subscription costs few rows on its whole way", () => {
    const shard = eventShard();
    accepted(shard, anEvent("warm"));
    drain(shard);
    const before = shard.written();
    accepted(shard, anEvent("a"));
    const { token, deliveries } = leased(shard);
    const seq = deliveries[0]?.seq ?? 0;
    shard.settle(token, { seq, is: "ack" });
    // Event, delivery, counters; lease; delivery, lease, counters. Index entries come on top: two.
    expect(shard.written() - before).toBe(7);
  });
});

/** Pretends that so many unpartitioned deliveries are ready. */
function fill(shard: Shard, ready: number): void {
  const row = shard.view.subscription("sub");
  if (!row) throw new Error("no subscription");
  const depth = {
    ...row.depth,
    ready: row.depth.ready.map((_, level) => (level === 0 ? ready : 0)),
  };
  shard.run(() => ({
    writes: [{ put: "subscription", row: { ...row, depth } }],
    reply: undefined,
  }));
}
