/** A shard's object while its tenant's subscriptions change: told of it, not told of it, and evicted in between. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { deleteSubscription } from "../../../platform/repositories/subscriptions.ts";
import { anEvent } from "./events-api.ts";
import { acks, aShard, aSubscription, later, leased } from "./shard-object.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a change of the subscriptions", () => {
  test("paused: nothing goes out and nothing is lost; resumed: everything does", async () => {
    const shard = await aShard();
    await shard.publish(anEvent());
    await shard.change({ paused: true }, "paused");
    await shard.stub().refresh(shard.of);
    await shard.publish(anEvent());
    expect(await shard.lease()).toEqual({ is: "idle", why: "paused" });
    await shard.evict();
    expect(await shard.lease()).toEqual({ is: "idle", why: "paused" });
    expect(await shard.gauge()).toMatchObject({ paused: true, totals: { published: 2 } });
    await shard.change({ paused: false });
    await shard.stub().refresh(shard.of);
    expect(leased(await shard.lease()).deliveries).toHaveLength(2);
  });

  test("a held one keeps what came while the shard had never heard of it", async () => {
    const shard = await aShard();
    await shard.change({}, "unverified");
    await shard.publish(anEvent());
    expect(await shard.lease()).toEqual({ is: "idle", why: "paused" });
  });

  test("a resume that nobody could tell it of is found by its alarm", async () => {
    const shard = await aShard();
    await shard.change({ paused: true }, "paused");
    await shard.publish(anEvent());
    await shard.change({ paused: false });
    expect(await shard.lease()).toEqual({ is: "idle", why: "paused" });
    later(61_000);
    expect(await shard.alarm()).toBe(true);
    expect(leased(await shard.lease()).deliveries).toHaveLength(1);
  });

  test("a new prefetch counts at once", async () => {
    const shard = await aShard();
    await shard.publish(...Array.from({ length: 5 }, () => anEvent()));
    await shard.change({ prefetch: 2 });
    await shard.stub().refresh(shard.of);
    expect(leased(await shard.lease()).deliveries).toHaveLength(2);
    expect(await shard.lease()).toEqual({ is: "idle", why: "full" });
  });

  test("deleted: what waits is gone, leases too, and a namesake begins with nothing", async () => {
    const shard = await aShard();
    await shard.publish(anEvent(), anEvent());
    const work = leased(await shard.lease("one", 1));
    await deleteSubscription(shard.db, shard.of.tenant, "sub").run();
    await shard.stub().refresh(shard.of);
    expect(await shard.lease()).toEqual({ is: "idle", why: "unknown_subscription" });
    expect(await shard.stub().gauges()).toEqual([]);
    await shard.store(aSubscription());
    await shard.stub().refresh(shard.of);
    await shard.publish(anEvent());
    expect(await shard.gauge()).toMatchObject({ inFlight: 0, totals: { published: 1 } });
    expect(leased(await shard.lease()).deliveries).toHaveLength(1);
    expect((await shard.stub().settle(work.token, acks(work))).map(({ is }) => is)).not.toContain(
      "settled",
    );
  });

  test("`only` finds one that is younger than what the shard has read, and refuses a stranger", async () => {
    const shard = await aShard();
    await shard.publish(anEvent());
    await shard.store(aSubscription({ id: "young" }));
    expect(await shard.publish(anEvent({}, { only: ["young"] }))).toMatchObject({ ok: true });
    expect(leased(await shard.lease("one", 10, "young")).deliveries).toHaveLength(1);
    const stranger = anEvent({}, { only: ["nobody"] });
    expect(await shard.publish(stranger)).toEqual({
      ok: false,
      failure: { reason: "unknown_subscription", id: "nobody" },
    });
    expect(await shard.publish({ ...stranger, only: ["sub"] })).toMatchObject({
      value: [{ duplicate: false }],
    });
  });
});
