/** The outbox by itself: nothing in it without its change, nothing lost on its way out, and the job that finds what was left. */
import { afterEach, describe, expect, test } from "vitest";
import { LOG_SUBSCRIPTION } from "../../../domain/events/subscribing.ts";
import { eventShard } from "../../../platform/event-shards.ts";
import { outboxInsert, writeTelling } from "../../../platform/outbox.ts";
import { publishOutbox } from "../../../platform/outbox-publish.ts";
import { isOwed, oweEvents, takeOwed } from "../../../platform/owed.ts";
import { publishOwed } from "../../../workers/operations/publish-owed.ts";
import { publishLeftOvers } from "../../../workers/scheduled/outbox.ts";
import { env, unique } from "../api/hub-api.ts";
import { DEPS, heard, listen, outboxOf } from "./telling.ts";
import { BUS_TRIES, failing } from "./telling-messages.ts";

const HOUR_MS = 3_600_000;

afterEach(() => {
  takeOwed();
});

async function aTenant(): Promise<string> {
  const tenant = unique("outbox-tenant");
  await listen(tenant);
  return tenant;
}

const insert = (tenant: string, n: number, subject = "wa") => {
  const event = {
    type: "connection.deleted",
    subject,
    data: { connection: `${n}`, channel: "slack" },
  } as const;
  return outboxInsert(env.DB, tenant, event, Date.now());
};

/** One after the other, so that each has its own place. */
async function write(tenant: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await writeTelling(env.DB, tenant, [insert(tenant, n)]);
}

/** Written by an isolate that is gone: nobody here owes it. */
async function leave(tenant: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await env.DB.batch([insert(tenant, n)]);
}

const numbers = (events: readonly { data?: unknown }[]) =>
  events.map(({ data }) => Number((data as { connection: string }).connection));
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe("what stands in it", () => {
  test("is published in the order in which it was written, more than fit one call too", async () => {
    const tenant = await aTenant();
    await write(tenant, 230);
    expect(await publishOutbox(DEPS, tenant, Date.now())).toBe(true);
    expect(numbers(await heard(tenant))).toEqual(upTo(230));
    expect(await outboxOf(tenant)).toEqual([]);
  });

  test("of one change is published in its order, though all of it has the same time", async () => {
    const tenant = await aTenant();
    await writeTelling(
      env.DB,
      tenant,
      upTo(50).map((n) => insert(tenant, n)),
    );
    expect(await publishOutbox(DEPS, tenant, Date.now())).toBe(true);
    expect(numbers(await heard(tenant))).toEqual(upTo(50));
  });

  test("is not there where the batch it is in fails", async () => {
    const tenant = await aTenant();
    const broken = env.DB.prepare("INSERT INTO tenants (id) VALUES (NULL)");
    await expect(writeTelling(env.DB, tenant, [insert(tenant, 1), broken])).rejects.toThrow();
    expect(await outboxOf(tenant)).toEqual([]);
    expect(isOwed(tenant)).toBe(false);
  });

  test("several at once, with the bus failing before and after: each once, in order", async () => {
    const tenant = await aTenant();
    await write(tenant, 20);
    const flaky = failing(
      { target: "EVENT_SHARD", op: "publish", when: "after", times: 2 },
      { target: "EVENT_SHARD", op: "publish", when: "before", times: BUS_TRIES },
      { target: "DB", op: "run", match: "DELETE FROM outbox", times: 1 },
    );
    const deps = { ...DEPS, env: flaky };
    await Promise.all([1, 2, 3].map(() => publishOutbox(deps, tenant, Date.now())));
    await publishOutbox(DEPS, tenant, Date.now());
    expect(numbers(await heard(tenant))).toEqual(upTo(20));
    expect(await outboxOf(tenant)).toEqual([]);
  });

  test("goes into the log as well; a view does not", async () => {
    const tenant = await aTenant();
    await write(tenant, 1);
    await publishOutbox(DEPS, tenant, Date.now());
    const gauges = await eventShard(env, { tenant, shard: "1.0" }).gauges();
    const published = gauges.find(({ subscription }) => subscription === LOG_SUBSCRIPTION.id);
    expect(published).toBeDefined();
  });

  test("a shard that is full keeps it here", async () => {
    const tenant = await aTenant();
    await leave(tenant, 2);
    const full = { ok: false, failure: { reason: "backlog_full", depth: 1, retryAfterSeconds: 1 } };
    const shard = { publish: async () => full };
    const EVENT_SHARD = { getByName: () => shard };
    const crowded = { ...DEPS, env: { ...env, EVENT_SHARD } as unknown as Env };
    expect(await publishOutbox(crowded, tenant, Date.now())).toBe(false);
    expect(await outboxOf(tenant)).toHaveLength(2);
    expect(await publishOutbox(DEPS, tenant, Date.now())).toBe(true);
    expect(numbers(await heard(tenant))).toEqual([0, 1]);
  });
});

describe("what is owed", () => {
  test("is published by whoever wrote it, and owed no more", async () => {
    const tenant = await aTenant();
    await write(tenant, 1);
    expect(isOwed(tenant)).toBe(true);
    await publishOwed(env);
    expect(isOwed(tenant)).toBe(false);
    expect(await heard(tenant)).toHaveLength(1);
  });

  test("of one tenant: the others' stays owed", () => {
    oweEvents("one");
    oweEvents("other");
    expect(takeOwed("one")).toEqual(["one"]);
    expect([isOwed("one"), isOwed("other"), isOwed()]).toEqual([false, true, true]);
    expect(takeOwed()).toContain("other");
    expect(takeOwed()).toEqual([]);
  });
});

describe("the minutely job", () => {
  test("publishes what an isolate that is gone has left, and leaves what is young", async () => {
    const [left, young] = [await aTenant(), await aTenant()];
    await leave(left, 3);
    await leave(young, 1);
    await env.DB.prepare("UPDATE outbox SET created_at = created_at - ? WHERE tenant_id = ?")
      .bind(HOUR_MS, left)
      .run();
    await publishLeftOvers(env, Date.now());
    expect(numbers(await heard(left))).toEqual([0, 1, 2]);
    expect(await outboxOf(young)).toHaveLength(1);
  });

  test("a tenant whose bus fails keeps its events, and holds up no other", async () => {
    const [broken, fine] = [await aTenant(), await aTenant()];
    await leave(broken, 1);
    await leave(fine, 1);
    const down = failing({ target: "EVENT_SHARD", match: broken, times: BUS_TRIES });
    await publishLeftOvers(down, Date.now() + HOUR_MS);
    expect(await outboxOf(broken)).toHaveLength(1);
    expect(await heard(fine)).toHaveLength(1);
    await publishLeftOvers(env, Date.now() + HOUR_MS);
    expect(await heard(broken)).toHaveLength(1);
  });
});
