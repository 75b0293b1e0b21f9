import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEAD_LETTERS } from "../../../../domain/events/shard/due.ts";
import type { LeaseReply } from "../../../../domain/events/shard/lease.ts";
import { PLACES } from "../../../../domain/events/shard/rows.ts";
import type { Settlement } from "../../../../domain/events/shard/settle.ts";
import type { HeadPolicy } from "../../../../schema/subscription.ts";
import { anEvent, aSubscription, eventShard } from "../../../support/event-shard.ts";

type Shard = ReturnType<typeof eventShard>;
type Leased = Extract<LeaseReply, { is: "leased" }>;
type Outcome = "ack" | "retry" | "dead" | "rest" | "lost";

/** What really happened, as publisher and consumers know it; it outlives every crash. */
interface World {
  readonly accepted: Map<number, { readonly id: string; readonly partition?: number }>;
  readonly ended: Map<number, "acked" | "dead">;
  readonly attempts: { readonly seq: number; readonly atMs: number; readonly expiresMs?: number }[];
  /** Leases whose holder is alive and will settle later. */
  readonly slow: Leased[];
}

/** One event of a run; everything random about it is in the value, so that a failing run shrinks. */
type Happening =
  | {
      readonly do: "publish";
      readonly key: number;
      readonly partition: number | undefined;
      readonly priority: number;
      readonly ttlMs: number | undefined;
      readonly delayMs: number;
      readonly copies: number;
    }
  | { readonly do: "work"; readonly consumer: string; readonly outcomes: readonly Outcome[] }
  | { readonly do: "hold" }
  | { readonly do: "settleLate" }
  | { readonly do: "crash" }
  | { readonly do: "pause"; readonly paused: boolean }
  | { readonly do: "wait"; readonly ms: number };

const outcome = fc.constantFrom<Outcome>("ack", "ack", "retry", "retry", "dead", "rest", "lost");

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      key: fc.nat(40),
      partition: fc.option(fc.nat(2), { nil: undefined }),
      priority: fc.nat(9),
      ttlMs: fc.option(fc.integer({ min: 0, max: 90_000 }), { nil: undefined }),
      delayMs: fc.constantFrom(0, 0, 0, 5_000),
      copies: fc.integer({ min: 1, max: 2 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("work" as const),
      consumer: fc.constantFrom("one", "two"),
      outcomes: fc.array(outcome, { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "hold" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "settleLate" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "crash" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("pause" as const), paused: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.integer({ min: 1, max: 60_000 }),
    }),
  },
);

const policies: readonly HeadPolicy[] = [
  { is: "dead_letter" },
  { is: "block" },
  { is: "skip", after: 2 },
];

describe("any mix of publishes, failures, crashes, pauses and waits", { timeout: 60_000 }, () => {
  for (const headPolicy of policies) {
    test(`${headPolicy.is}: nothing is lost, doubled, late or out of order`, () => {
      fc.assert(
        fc.property(fc.array(happening, { maxLength: 70 }), (happenings) => {
          const shard = eventShard([
            aSubscription({
              headPolicy,
              attemptsMax: 6,
              prefetch: 3,
              inFlightMax: 5,
              depthMax: 12,
            }),
          ]);
          const world: World = { accepted: new Map(), ended: new Map(), attempts: [], slow: [] };
          for (const one of happenings) {
            play(shard, world, one, headPolicy);
            checkCounters(shard);
            checkFronts(shard);
          }
          settleDown(shard, world, headPolicy);
          checkEnd(shard, world);
        }),
        { numRuns: 150 },
      );
    });
  }
});

function play(shard: Shard, world: World, one: Happening, policy: HeadPolicy): void {
  switch (one.do) {
    case "publish":
      publish(shard, world, one);
      return;
    case "work":
      work(shard, world, one.consumer, one.outcomes, policy);
      return;
    case "hold": {
      const leased = take(shard, world, "slow", policy);
      if (leased) world.slow.push(leased);
      return;
    }
    case "settleLate": {
      const leased = world.slow.shift();
      if (leased) settle(shard, world, leased, ["ack"]);
      return;
    }
    case "crash":
      shard.crash();
      return;
    case "pause":
      shard.pause(one.paused);
      return;
    case "wait":
      shard.wait(one.ms);
  }
}

function publish(
  shard: Shard,
  world: World,
  { key, partition, priority, ttlMs, delayMs, copies }: Extract<Happening, { do: "publish" }>,
): void {
  const event = anEvent(
    `k${key}`,
    { priority, ...(partition === undefined ? {} : { partition_key: `p${partition}` }) },
    { delayMs, ...(ttlMs === undefined ? {} : { ttlMs }) },
  );
  const reply = shard.append(...Array.from({ length: copies }, () => event));
  if (!reply.ok) throw new Error(reply.failure.reason);
  for (const { seq, id, duplicate } of reply.value) {
    expect(world.accepted.has(seq)).toBe(duplicate);
    if (!duplicate)
      world.accepted.set(seq, { id, ...(partition === undefined ? {} : { partition }) });
  }
}

function work(
  shard: Shard,
  world: World,
  consumer: string,
  outcomes: readonly Outcome[],
  policy: HeadPolicy,
): void {
  const leased = take(shard, world, consumer, policy);
  if (leased) settle(shard, world, leased, outcomes);
}

/** Leases, and checks everything that must hold of what was handed out. */
function take(
  shard: Shard,
  world: World,
  consumer: string,
  policy: HeadPolicy,
): Leased | undefined {
  const leased = shard.lease({ consumer, max: 4 });
  if (leased.is === "idle") return undefined;
  expect(shard.gauge()?.paused).toBe(false);
  expect(leased.deliveries.length).toBeLessThanOrEqual(3);
  expect(shard.gauge()?.inFlight).toBeLessThanOrEqual(5);
  const ranks = leased.deliveries.map(({ priority, seq }) => [-priority, seq] as const);
  expect(ranks).toEqual([...ranks].sort(([p, s], [q, t]) => p - q || s - t));
  for (const { seq, expiresMs, attempt } of leased.deliveries) {
    expect(world.ended.has(seq)).toBe(false);
    expect(attempt).toBeLessThanOrEqual(6);
    expect(shard.nowMs).toBeLessThanOrEqual(expiresMs ?? Infinity);
    if (policy.is !== "skip") checkOrder(shard, world, seq);
    world.attempts.push({ seq, atMs: shard.nowMs });
  }
  return leased;
}

/** Everything older of its partition has ended. */
function checkOrder(shard: Shard, world: World, seq: number): void {
  const partition = world.accepted.get(seq)?.partition;
  if (partition === undefined) return;
  const buried = new Set(shard.view.deads(1000).map((dead) => dead.seq));
  for (const [older, { partition: other }] of world.accepted) {
    if (other !== partition || older >= seq) continue;
    expect(world.ended.has(older) || buried.has(older)).toBe(true);
  }
}

function settle(shard: Shard, world: World, leased: Leased, outcomes: readonly Outcome[]): void {
  const results = leased.deliveries.flatMap(({ seq }, at) =>
    settlements(seq, outcomes[at % outcomes.length] ?? "ack"),
  );
  const stale = shard.nowMs >= leased.untilMs;
  const reply = shard.settle(leased.token, ...results);
  for (const [at, settled] of reply.entries()) {
    expect(settled.is).toBe(stale ? "stale" : "settled");
    if (settled.is === "settled" && results[at]?.is === "ack")
      world.ended.set(settled.seq, "acked");
  }
  const totals = shard.gauge()?.totals;
  const again = shard.settle(leased.token, ...results);
  expect(again.every(({ is }) => is === (stale ? "stale" : "already"))).toBe(true);
  expect(shard.gauge()?.totals).toEqual(totals);
}

function settlements(seq: number, end: Outcome): readonly Settlement[] {
  switch (end) {
    case "ack":
      return [{ seq, is: "ack" }];
    case "retry":
      return [{ seq, is: "retry", afterMs: 4_000, reason: "status_503" }];
    case "dead":
      return [{ seq, is: "dead", reason: "status_410" }];
    case "rest":
      return [{ seq, is: "later", afterMs: 3_000, rests: true }];
    case "lost":
      return [];
  }
}

/** The counters are what counting would say. */
function checkCounters(shard: Shard): void {
  const counted = shard.sql
    .exec<{ place: string; priority: number; n: number }>(
      "SELECT coalesce(place, 'waiting') AS place, priority, count(*) AS n FROM delivery GROUP BY 1, 2",
    )
    .toArray();
  const depth = shard.gauge()?.depth;
  for (const place of PLACES) {
    for (let level = 0; level <= 9; level++) {
      const n = counted.find((row) => row.place === place && row.priority === level)?.n ?? 0;
      expect([place, level, depth?.[place][level] ?? 0]).toEqual([place, level, n]);
    }
  }
}

/** In every group the oldest, and only the oldest, does not wait. */
function checkFronts(shard: Shard): void {
  const wrong = shard.sql
    .exec(
      "SELECT seq FROM delivery AS d WHERE (place IS NOT NULL) <> (seq = (SELECT min(seq) FROM delivery AS o WHERE o.subscription = d.subscription AND o.grp = d.grp))",
    )
    .toArray();
  expect(wrong).toEqual([]);
}

/** Nothing goes wrong any more: the alarm, fresh hands (lost ones keep theirs full), and a person must bring all home. */
function settleDown(shard: Shard, world: World, policy: HeadPolicy): void {
  shard.pause(false);
  for (let n = 0; n < 500; n++) {
    if ((shard.gauge()?.blockedGroups ?? 0) > 0)
      for (const { group, seq } of shard.view.blocked("sub", 10))
        expect(shard.unblock(group, seq, n % 2 === 0 ? "retry" : "dead_letter")).toBe(true);
    shard.tick();
    for (const subscription of shard.ring()) {
      if (subscription === DEAD_LETTERS) continue;
      expect(subscription).toBe("sub");
      work(shard, world, `fresh-${n}`, ["ack"], policy);
    }
    const depth = shard.gauge()?.depth;
    const left = depth ? PLACES.flatMap((place) => depth[place]).reduce((a, b) => a + b, 0) : 0;
    if (left === 0) return;
    const atMs = shard.alarmAtMs();
    if (atMs === undefined) throw new Error("deliveries left, and nothing would wake for them");
    shard.wait(Math.max(0, atMs - shard.nowMs));
  }
  throw new Error("never settled");
}

/** Every accepted event has had exactly one end. */
function checkEnd(shard: Shard, world: World): void {
  const deads = shard.view.deads(1000);
  const ends = [...world.ended.keys(), ...deads.map(({ seq }) => seq)].sort((a, b) => a - b);
  expect(ends).toEqual([...world.accepted.keys()].sort((a, b) => a - b));
  for (const { seq, event } of deads) expect(event.event_id).toBe(world.accepted.get(seq)?.id);
  const totals = shard.gauge()?.totals;
  expect(totals?.published ?? 0).toBe(world.accepted.size);
  expect((totals?.dead ?? 0) + (totals?.expired ?? 0)).toBe(deads.length);
  expect(totals?.acked ?? 0).toBe(world.ended.size);
}
