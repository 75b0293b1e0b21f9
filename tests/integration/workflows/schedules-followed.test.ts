/** Schedules that change, what the bus hears of them, and the watch over schedulers. */
import { describe, expect, test, vi } from "vitest";
import { eventShard } from "../../../platform/event-shards.ts";
import { deleteSchedule } from "../../../platform/repositories/schedules.ts";
import { insertSubscription } from "../../../platform/repositories/subscriptions.ts";
import { watchSchedulers } from "../../../workers/scheduled/schedules.ts";
import { env, RUN_TEST_MS } from "./running.ts";
import { at, HOUR, MIN, STAYING, scheduled } from "./scheduling.ts";

/** Half an hour before the first slot. */
const T0 = at("2031-01-01T00:30:00Z");
const slotAt = (hour: number) => at("2031-01-01T00:00:00Z") + hour * HOUR;

describe("a schedule that is changed", { timeout: RUN_TEST_MS }, () => {
  test("has its new times from then on, and its old ones up to then", async () => {
    const { change, tick, history } = await scheduled({ overlap: "allow" }, T0);
    await tick(slotAt(1));
    // The slot at 02:00 was due when the times changed at 02:20; the one at 02:15 never was.
    await change({ timing: { kind: "cron", cron: "15 * * * *" } }, slotAt(2) + 20 * MIN);
    await tick(slotAt(3) + 16 * MIN);
    expect(await history()).toEqual([
      "2031-01-01T01:00 fired",
      "2031-01-01T02:00 fired",
      "2031-01-01T03:15 fired",
    ]);
  });

  test("fires nothing of its pause when it is resumed, and says so", async () => {
    const { change, tick, history } = await scheduled({ overlap: "allow" }, T0);
    await change({ paused: true }, slotAt(1) + 30 * MIN);
    for (const hour of [2, 3]) await tick(slotAt(hour) + MIN);
    await change({ paused: false }, slotAt(4) + 30 * MIN);
    await tick(slotAt(5));
    expect(await history()).toEqual(
      ["2031-01-01T01:00 fired", "2031-01-01T04:30 paused 3", "2031-01-01T05:00 fired"].map(
        (line) => line.replace("04:30", "04:00"),
      ),
    );
  });

  test("is read again within a minute where nobody said so", async () => {
    const { change, tick, history } = await scheduled({ overlap: "allow" }, T0);
    await tick(slotAt(1));
    await change({ paused: true }, slotAt(1) + MIN, false);
    await tick(slotAt(2));
    expect(await history()).toEqual(["2031-01-01T01:00 fired", "2031-01-01T02:00 paused"]);
  });

  test("is no more when it is deleted", async () => {
    const { hub, tick, rpc, inside } = await scheduled({ overlap: "allow" }, T0);
    await env.DB.batch([...deleteSchedule(env.DB, hub.tenant, "s1")]);
    await rpc().refresh(hub.tenant, T0);
    await tick(slotAt(1));
    const { results } = await env.DB.prepare("SELECT * FROM schedule_slots WHERE tenant_id = ?")
      .bind(hub.tenant)
      .all();
    expect(results).toEqual([]);
    expect(
      await inside(({ ctx }) => ctx.storage.sql.exec("SELECT * FROM schedules").toArray()),
    ).toEqual([]);
  });
});

test("the bus hears what fired and what was left out", { timeout: RUN_TEST_MS }, async () => {
  const { hub, tick, runs } = await scheduled({ overlap: "skip" }, T0, STAYING);
  const { tenant } = hub;
  const bindings = [{ kind: "topic" as const, key: "schedule.*" }];
  await insertSubscription(env.DB, {
    ...{ tenant, state: "active", stateReason: undefined, version: 1, health: { failures: 0 } },
    ...{ sealedSecrets: undefined, createdAtMs: 1, updatedAtMs: 1 },
    subscription: { id: "told", name: "told", bindings, target: { kind: "pull" }, ordered: false },
  }).run();
  await tick(slotAt(1));
  await tick(slotAt(2));
  const [run] = await runs();
  const of = { schedule: "s1", workflow: "w" };
  const skipped = { ...of, slot: "2031-01-01T02:00:00.000Z", reason: "still_running", slots: 1 };
  const told: unknown[] = [];
  await vi.waitFor(
    async () => {
      const shard = eventShard(env, { tenant, shard: "1.0" });
      const leased = await shard.lease({ subscription: "told", consumer: "one", max: 10 });
      for (const { event } of leased.is === "leased" ? leased.deliveries : [])
        told.push([event.event_type, event.data]);
      expect(told).toEqual([
        ["schedule.fired", { ...of, slot: "2031-01-01T01:00:00.000Z", run }],
        ["schedule.skipped", skipped],
      ]);
    },
    { timeout: 20_000, interval: 100 },
  );
});

test("a schedule that cannot be decided holds up no other", { timeout: RUN_TEST_MS }, async () => {
  const { hub, rpc, tick, history } = await scheduled({ overlap: "allow" }, T0);
  const broken = { schedule: { id: "a-broken-one", workflow: "w", timing: null } };
  await env.DB.prepare("INSERT INTO schedules VALUES (?, 'a-broken-one', ?, 1, ?, ?)")
    .bind(hub.tenant, JSON.stringify(broken), T0, T0)
    .run();
  await rpc().refresh(hub.tenant, T0);
  await tick(slotAt(1));
  await tick(slotAt(2));
  expect(await history()).toEqual(["2031-01-01T01:00 fired", "2031-01-01T02:00 fired"]);
});

describe("the watch", { timeout: RUN_TEST_MS }, () => {
  test("sets an alarm that was lost, and fires what it has missed", async () => {
    const { hub, history, inside } = await scheduled({ overlap: "allow" }, T0);
    await inside(({ ctx }) => ctx.storage.deleteAlarm());
    expect(await inside(({ ctx }) => ctx.storage.getAlarm())).toBeNull();
    await watchSchedulers(env, slotAt(1) + 5 * MIN);
    expect(await history()).toEqual(["2031-01-01T01:00 fired"]);
    expect(await inside(({ ctx }) => ctx.storage.getAlarm())).toBe(slotAt(2));
    const object = env.WORKFLOW_SCHEDULER.getByName(hub.tenant) as never as {
      watch(tenant: string, nowMs: number): Promise<{ late: boolean }>;
    };
    expect(await object.watch(hub.tenant, slotAt(1) + 6 * MIN)).toEqual({ late: false });
  });

  test("finds schedules nobody has told the scheduler of", async () => {
    const { hub, rpc, history } = await scheduled({ overlap: "allow" }, T0);
    await rpc()
      .destroy()
      .catch(() => undefined);
    await watchSchedulers(env, slotAt(1) + 5 * MIN);
    await watchSchedulers(env, slotAt(1) + 6 * MIN);
    expect(await history()).toEqual(["2031-01-01T01:00 fired"]);
    expect(hub.tenant).not.toBe("");
  });
});
