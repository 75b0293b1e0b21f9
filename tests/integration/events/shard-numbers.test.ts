/** An operator changes `EVENT_SHARDS` while tenants have events: nothing overtakes, nothing is out of sight, nothing comes twice. */
import { expect, test, vi } from "vitest";
import { publishEvents } from "../../../platform/event-bus.ts";
import { countShards, tenantShards } from "../../../platform/event-shard-count.ts";
import { shardsOf } from "../../../platform/event-shards.ts";
import { standingOf } from "../../../platform/replay-log.ts";
import { decideBlocked, listBlocked } from "../../../workers/operations/subscription-blocked.ts";
import { leasePull, settlePull } from "../../../workers/operations/subscription-pull.ts";
import { gaugesOf } from "../../../workers/operations/subscription-shards.ts";
import { env } from "../api/hub-api.ts";
import { anEvent, aPull, eventsApi } from "./events-api.ts";

const partition = (name: string) => ({ metadata: { partition_key: name } });

/** A tenant whose events came while there were `before` shards; `deps` are those of a hub that was told of `after`. */
async function changed(before: number, after: number, more: Record<string, unknown> = {}) {
  const api = await eventsApi({ EVENT_SHARDS: before });
  const subscription = (await api.subscribe(aPull(more))).body.id as string;
  const deps = { ...api.deps, vars: { ...api.deps.vars, EVENT_SHARDS: after } };
  const { tenant } = api;
  const bus = { env, shards: after };
  const lease = () => leasePull(deps, { tenant, subscription, max: 100 });
  return {
    ...{ tenant, deps, bus, subscription, lease },
    publish: api.publish,
    settle: (token: string, results: Parameters<typeof settlePull>[2]["results"]) =>
      settlePull(deps, { tenant, subscription }, { token, results }),
  };
}

test.each([
  [4, 1],
  [1, 4],
  [2, 3],
])("from %i to %i: what waits is seen, pulled, and ahead of what comes", async (before, after) => {
  const { tenant, subscription, bus, deps, lease, settle, publish } = await changed(before, after);
  const keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
  await publish(...keys.map((key) => anEvent({ event_id: `${key}-old`, ...partition(key) })));
  const late = keys.map((key) => anEvent({ event_id: `${key}-new`, ...partition(key) }));
  const published = await publishEvents(bus, tenant, late);
  expect(published.map(({ is }) => is)).toEqual(keys.map(() => "accepted"));
  expect((await gaugesOf(deps, tenant)).get(subscription)?.total).toBe(keys.length * 2);
  const standing = await standingOf({ env, tenant, shards: after }, subscription, Date.now());
  expect(standing.depth).toBeGreaterThanOrEqual((keys.length * 2) / before);
  const order: string[] = [];
  for (let one = await lease(); one.token !== undefined; one = await lease()) {
    order.push(...one.deliveries.map(({ event }) => event.event_id));
    await settle(
      one.token,
      one.deliveries.map(({ seq }) => ({ seq, is: "ack" })),
    );
  }
  expect(order.toSorted()).toEqual(keys.flatMap((key) => [`${key}-new`, `${key}-old`]).toSorted());
  for (const key of keys)
    expect(order.indexOf(`${key}-old`)).toBeLessThan(order.indexOf(`${key}-new`));
});

test("a key that is known stays known", async () => {
  const { tenant, bus, publish } = await changed(3, 5);
  const event = anEvent(partition("p"));
  const [first] = await publish(event);
  const [again] = await publishEvents(bus, tenant, [event]);
  expect(first).toMatchObject({ is: "accepted", duplicate: false });
  expect(again).toEqual({ ...first, duplicate: true });
});

test("a partition that blocks is found, and let go on", async () => {
  const { tenant, deps, lease, settle, subscription, publish } = await changed(4, 2, {
    head_policy: { is: "block" },
  });
  await publish(anEvent(partition("stuck")));
  const { token = "", deliveries } = await lease();
  await settle(
    token,
    deliveries.map(({ seq }) => ({ seq, is: "dead", reason: "broken" })),
  );
  const { items } = await listBlocked(deps, tenant, subscription, 10);
  expect(items).toMatchObject([{ partition_key: "stuck" }]);
  const id = items[0]?.id ?? "";
  await decideBlocked(deps, { tenant, subscription, id }, { decision: "retry" });
  expect((await lease()).deliveries).toHaveLength(1);
});

test("a tenant has the number of its first event, whoever asks first and however many do at once", async () => {
  const { tenant } = await eventsApi();
  const names = async (shards: number) => (await tenantShards({ env, shards }, tenant)).length;
  expect([await names(2), await names(5)]).toEqual([2, 5]);
  const counted = await Promise.all(
    [3, 4, 5].map((shards) => countShards({ env, shards }, tenant)),
  );
  expect(new Set(counted).size).toBe(1);
  expect(await names(64)).toBe(counted[0]);
  expect(await tenantShards({ env, shards: 9 }, tenant)).toEqual(shardsOf(tenant, counted[0] ?? 0));
});

test("where the number can't be read nothing is accepted, and nothing is lost", async () => {
  const { tenant, bus } = await changed(1, 2);
  const prepare = vi.spyOn(env.DB, "prepare").mockImplementationOnce(() => {
    throw new Error("away");
  });
  const event = anEvent();
  expect(await publishEvents(bus, tenant, [event])).toEqual([{ is: "unavailable" }]);
  prepare.mockRestore();
  expect(await publishEvents(bus, tenant, [event])).toMatchObject([{ is: "accepted" }]);
});
