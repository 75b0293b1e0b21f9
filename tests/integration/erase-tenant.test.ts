/** Deleting a tenant: nothing of it is left anywhere, its name is free only then, and a neighbour keeps everything. */
import { env as bindings } from "cloudflare:workers";
import { expect, test } from "vitest";
import { conversationOf } from "../../platform/conversations.ts";
import { eventShard, type ShardEvent } from "../../platform/event-shards.ts";
import { insertEvents } from "../../platform/repositories/events.ts";
import { eraseTenant, eraseTenants } from "../../workers/operations/erase-tenant.ts";
import { runSchedule } from "../../workers/scheduled/run-schedule.ts";
import { testApi } from "./api/hub-api.ts";

const env = bindings as unknown as Env;
const hub = testApi();

function anEvent(): ShardEvent {
  const event = {
    event_id: "evt",
    event_type: "order.created",
    event_version: "1.0",
    timestamp: "2026-11-21T00:00:00Z",
    source: "/shop",
    metadata: {},
  };
  return { key: "k", event, bytes: 10, logged: true };
}

/** One of everything that outlives its tenant. */
async function plant(tenant: string): Promise<void> {
  await eventShard(env, { tenant, shard: "1.0" }).publish({ tenant, shard: "1.0" }, [anEvent()]);
  const { event } = anEvent();
  await env.DB.batch([
    ...insertEvents(env.DB, [{ tenant, shard: "1.0", seq: Date.now(), event }]),
    env.DB.prepare(
      "INSERT INTO conversations (tenant_id, id, connection_id, conversation_key, created_at, sweep_at) VALUES (?, 'cnv_1', 'c', 'k', 0, 0)",
    ).bind(tenant),
  ]);
  await conversationOf(env, tenant, "cnv_1").setOverride({ route: { kind: "human" } }, Date.now());
  for (const kind of ["archive", "cold", "media", "runs"])
    await env.STORE.put(`${kind}/${tenant}/2026/x`, "x");
}

async function leftOf(tenant: string): Promise<readonly unknown[]> {
  const [conversation, shard] = await Promise.all([
    conversationOf(env, tenant, "cnv_1").status(),
    eventShard(env, { tenant, shard: "1.0" }).gauges(),
  ]);
  const rows = async (table: string) =>
    (
      await env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE tenant_id = ?`)
        .bind(tenant)
        .first<{ n: number }>()
    )?.n;
  const files = ["archive", "cold", "media", "runs"].map(async (kind) => {
    return (await env.STORE.list({ prefix: `${kind}/${tenant}/` })).objects.length;
  });
  return [
    Object.keys(conversation.override).length,
    shard.length,
    await rows("events"),
    await rows("conversations"),
    ...(await Promise.all(files)),
  ];
}

test("everything goes, a neighbour with a longer name keeps all of it", async () => {
  for (const id of ["gone", "gone-too"]) {
    expect((await hub.ask("POST", "/tenants", { body: { id } })).status).toBe(201);
    await plant(id);
  }
  expect(await leftOf("gone")).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  expect((await hub.ask("DELETE", "/tenants/gone")).status).toBe(204);
  await eraseTenant(env, "gone");
  expect(await leftOf("gone")).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  expect(await leftOf("gone-too")).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  expect((await hub.ask("POST", "/tenants", { body: { id: "gone" } })).status).toBe(201);
});

test("its shards go whatever number of them it had, and has had", async () => {
  const tenant = "many-shards";
  const shards = ["3.2", "5.4", "1.0"];
  for (const shard of shards)
    await eventShard(env, { tenant, shard }).publish({ tenant, shard }, [anEvent()]);
  const own = { tenant: "many-shards2", shard: "5.4" };
  await eventShard(env, own).publish(own, [anEvent()]);
  const row = env.DB.prepare("INSERT INTO jobs (name, value, updated_at) VALUES (?, ?, 0)");
  await env.DB.batch([
    row.bind(`event-shards:${tenant}`, 3),
    row.bind(`event-shards-former:${tenant}:1`, 1),
    row.bind(`event-shards-former:${tenant}:5`, 5),
  ]);
  await eraseTenant(env, tenant);
  for (const shard of shards) expect(await eventShard(env, { tenant, shard }).gauges()).toEqual([]);
  expect(await eventShard(env, own).gauges()).toHaveLength(1);
});

test("until it is erased its name is taken, and the job goes on where a call was cut off", async () => {
  await env.DB.prepare(
    "INSERT INTO jobs (name, value, updated_at) VALUES ('erase:half', 0, 0)",
  ).run();
  await plant("half");
  const early = await hub.ask("POST", "/tenants", { body: { id: "half" } });
  expect([early.status, early.body.detail]).toEqual([
    409,
    "a deleted tenant of this id is still being erased",
  ]);
  await runSchedule("*/5 * * * *", env, Date.now());
  expect(await leftOf("half")).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  expect((await hub.ask("POST", "/tenants", { body: { id: "half" } })).status).toBe(201);
  await eraseTenants(env);
  expect((await hub.ask("GET", "/tenants/half")).status).toBe(200);
});

test("a legal hold keeps a tenant, and only the operator sets or lifts it", async () => {
  const config = { retention: { legalHold: true } };
  const apiKeys = [{ key: "a-key-of-the-held-tenant" }];
  expect(
    (await hub.ask("POST", "/tenants", { body: { id: "held", config, apiKeys } })).status,
  ).toBe(201);
  expect((await hub.ask("DELETE", "/tenants/held")).status).toBe(409);
  const lift = { config: { retention: { legalHold: false } } };
  const own = await hub.ask("PATCH", "/tenants/held", {
    body: lift,
    key: "a-key-of-the-held-tenant",
  });
  expect(own.status).toBe(403);
  expect((await hub.ask("PATCH", "/tenants/held", { body: lift })).status).toBe(200);
  expect((await hub.ask("DELETE", "/tenants/held")).status).toBe(204);
});
