/** A shard's object in workerd: restarts between any two calls, alarms, lost tokens, a database that is down, order and urgency. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { LEASE_MS } from "../../../domain/events/shard/limits.ts";
import { env } from "../api/hub-api.ts";
import { anEvent } from "./events-api.ts";
import { acks, aShard, ids, later, leased, partition } from "./shard-object.ts";

/** On a machine with other work. */
const PATIENCE_MS = 20_000;
const rung: string[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  rung.length = 0;
});

describe("evicted between any two calls", () => {
  test("everything accepted is there, a duplicate is one, and is settled once", async () => {
    const shard = await aShard();
    const [one, two] = [anEvent(), anEvent()];
    const first = await shard.publish(one, two);
    await shard.evict();
    const again = await shard.publish(two);
    expect(again).toMatchObject({ ok: true, value: [{ duplicate: true }] });
    if (first.ok && again.ok) expect(again.value[0]?.seq).toBe(first.value[1]?.seq);
    await shard.evict();
    const work = leased(await shard.lease());
    expect(ids(work)).toEqual([one.event.event_id, two.event.event_id]);
    await shard.evict();
    expect(await shard.lease("two")).toEqual({ is: "idle", why: "empty" });
    const settled = await shard.stub().settle(work.token, acks(work));
    expect(settled.map(({ is }) => is)).toEqual(["settled", "settled"]);
    await shard.evict();
    const twice = await shard.stub().settle(work.token, acks(work));
    expect(twice.map(({ is }) => is)).toEqual(["already", "already"]);
    expect(await shard.gauge()).toMatchObject({ inFlight: 0, totals: { published: 2, acked: 2 } });
  });

  test("a lease that nobody settles is given back, once, as a failed attempt", async () => {
    const shard = await aShard();
    await shard.publish(anEvent());
    const first = leased(await shard.lease());
    await shard.evict();
    later(LEASE_MS + 1);
    expect(await shard.alarm()).toBe(true);
    const second = leased(await shard.lease("two"));
    expect(second.deliveries[0]?.attempt).toBe(2);
    const stale = await shard.stub().settle(first.token, acks(first));
    expect(stale.map(({ is }) => is)).toEqual(["stale"]);
    expect((await shard.stub().settle(second.token, acks(second)))[0]?.is).toBe("settled");
    expect((await shard.gauge())?.totals).toMatchObject({ acked: 1, retried: 1 });
  });
});

describe("the metrics of a queue that nobody touches", () => {
  /** Seconds that the oldest delivery could have gone out, as the metrics have it. */
  async function dueSeconds(tenant: string) {
    const gauges = (await env.METRICS.getByName("hub").snapshot(tenant)).gauges;
    return gauges[`event_queue_due_seconds|${tenant}|sub|1.0`];
  }

  test("its age grows by the clock alone, and its end is told after a restart", async () => {
    const shard = await aShard();
    await shard.publish(anEvent());
    later(61_000);
    expect(await shard.alarm()).toBe(true);
    await vi.waitFor(
      async () => expect(await dueSeconds(shard.of.tenant)).toBeGreaterThan(59),
      PATIENCE_MS,
    );
    later(61_000);
    expect(await shard.alarm()).toBe(true);
    await vi.waitFor(
      async () => expect(await dueSeconds(shard.of.tenant)).toBeGreaterThan(119),
      PATIENCE_MS,
    );
    const work = leased(await shard.lease());
    await shard.evict();
    await shard.stub().settle(work.token, acks(work));
    await vi.waitFor(async () => expect(await dueSeconds(shard.of.tenant)).toBe(0), PATIENCE_MS);
  });
});

describe("the doorbell", () => {
  /** A webhook subscription, whose tokens are caught before the queue. */
  async function pushed() {
    const target = { kind: "webhook", url: "https://hooks.example.com/" } as const;
    const shard = await aShard({ target });
    await shard.inside((inner) => {
      vi.spyOn(inner.env.EVENTS, "sendBatch").mockImplementation(async (messages) => {
        for (const { body } of messages) rung.push((body as { subscription: string }).subscription);
        return undefined as never;
      });
    });
    return shard;
  }

  test("rings once for what is waiting, and again by alarm where the token was lost", async () => {
    const shard = await pushed();
    await shard.publish(anEvent());
    await shard.publish(anEvent());
    await vi.waitFor(() => expect(rung).toEqual(["sub"]), PATIENCE_MS);
    later(6000);
    expect(await shard.alarm()).toBe(true);
    await vi.waitFor(() => expect(rung).toEqual(["sub", "sub"]), PATIENCE_MS);
    const work = leased(await shard.lease());
    expect(work.deliveries).toHaveLength(2);
    await shard.stub().settle(work.token, acks(work));
    // Nothing is left to ring for; an alarm that was set before may still come, and finds nothing.
    await shard.alarm();
    expect(rung).toEqual(["sub", "sub"]);
  });

  test("an alarm that fails comes again", async () => {
    const shard = await pushed();
    await shard.publish(anEvent());
    leased(await shard.lease());
    later(LEASE_MS + 1);
    await shard.inside((inner) => {
      vi.spyOn(inner.ctx.storage, "transactionSync").mockImplementationOnce(() => {
        throw new Error("disk");
      });
    });
    expect(await shard.alarm()).toBe(true);
    expect(await shard.alarm()).toBe(true);
    expect(leased(await shard.lease("two")).deliveries[0]?.attempt).toBe(2);
  });
});

describe("a database that is down", () => {
  test("fails the publish of a shard that knows nothing, and burns no key", async () => {
    const shard = await aShard();
    await shard.inside((inner) => {
      vi.spyOn(inner.env.DB, "prepare").mockImplementation(() => {
        throw new Error("D1 down");
      });
    });
    const event = anEvent();
    const refused = await shard.publish(event).catch((error: Error) => error.message);
    expect(refused).toBe("D1 down");
    vi.restoreAllMocks();
    expect(await shard.publish(event)).toMatchObject({ ok: true, value: [{ duplicate: false }] });
    expect(ids(await shard.lease())).toEqual([event.event.event_id]);
  });

  test("a shard that knew goes on with what it knew", async () => {
    const shard = await aShard();
    await shard.publish(anEvent());
    await shard.inside((inner) => {
      vi.spyOn(inner.env.DB, "prepare").mockImplementation(() => {
        throw new Error("D1 down");
      });
    });
    later(61_000);
    expect(await shard.publish(anEvent())).toMatchObject({ ok: true });
    expect((await shard.gauge())?.totals.published).toBe(2);
  });
});

describe("what goes out, and when", () => {
  test("never after its time to live: a dead letter instead", async () => {
    const shard = await aShard();
    await shard.publish(anEvent({}, { ttlMs: 1000 }), anEvent());
    later(1001);
    expect(leased(await shard.lease()).deliveries).toHaveLength(1);
    expect(await shard.stub().deads(10)).toMatchObject([{ reason: "expired" }]);
  });

  test("the most urgent first, strictly, with ten levels behind a pause", async () => {
    const shard = await aShard({ prefetch: 100 });
    await shard.change({}, "paused");
    const levels = [3, 0, 9, 5, 1, 7, 2, 8, 6, 4, 9, 0];
    for (const priority of levels) await shard.publish(anEvent({ metadata: { priority } }));
    await shard.change({});
    await shard.stub().refresh(shard.of);
    const out: number[] = [];
    for (let reply = await shard.lease("one", 1); reply.is === "leased"; ) {
      out.push(reply.deliveries[0]?.priority ?? -1);
      await shard.stub().settle(reply.token, acks(reply));
      reply = await shard.lease("one", 1);
    }
    expect(out).toEqual(levels.toSorted((a, b) => b - a));
  });

  test("a partition keeps its order through retries, and holds up nobody else", async () => {
    const shard = await aShard();
    const [a1, a2, b1] = [
      anEvent(partition("a")),
      anEvent(partition("a")),
      anEvent(partition("b")),
    ];
    await shard.publish(a1, a2, b1);
    const first = leased(await shard.lease());
    expect(ids(first)).toEqual([a1.event.event_id, b1.event.event_id]);
    const [head, other] = first.deliveries;
    await shard.stub().settle(first.token, [
      { seq: head?.seq ?? 0, is: "retry", afterMs: 5000, reason: "busy" },
      { seq: other?.seq ?? 0, is: "ack" },
    ]);
    expect(await shard.lease()).toEqual({ is: "idle", why: "empty" });
    later(5001);
    const second = leased(await shard.lease());
    expect(ids(second)).toEqual([a1.event.event_id]);
    await shard.stub().settle(second.token, acks(second));
    expect(ids(await shard.lease())).toEqual([a2.event.event_id]);
  });

  test("four consumers never hold the same delivery, and each gets its share within 10 %", async () => {
    const shard = await aShard({ in_flight_max: 1000 });
    for (let n = 0; n < 8; n += 1)
      await shard.publish(...Array.from({ length: 100 }, () => anEvent()));
    const shares = new Map<string, number>();
    const seen = new Set<number>();
    const consume = async (name: string) => {
      for (let reply = await shard.lease(name); reply.is === "leased"; ) {
        for (const { seq } of reply.deliveries) {
          expect(seen.has(seq)).toBe(false);
          seen.add(seq);
        }
        shares.set(name, (shares.get(name) ?? 0) + reply.deliveries.length);
        await shard.stub().settle(reply.token, acks(reply));
        reply = await shard.lease(name);
      }
    };
    await Promise.all(["a", "b", "c", "d"].map(consume));
    expect(seen.size).toBe(800);
    for (const share of shares.values()) expect(Math.abs(share - 200)).toBeLessThanOrEqual(20);
  });
});
