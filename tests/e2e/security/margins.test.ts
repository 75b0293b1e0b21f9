/**
 * People's data and credentials, planted through every way in, and looked for in everything that comes out:
 * people's stand in their tenant's messages only, credentials nowhere but sealed or hashed.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ringInbound } from "../../../platform/queues.ts";
import {
  ALL_CREDENTIALS,
  CREDENTIALS,
  EVERYTHING,
  found,
  PASTED,
  PEOPLE,
} from "../../support/security/canaries.ts";
import { type MarginsWorld, startMarginsWorld } from "../../support/security/margins.ts";

/** Where a tenant's messages are kept: its people's data belongs there. */
const MESSAGES = ["messages_0", "messages_1", "messages_2"];
const MESSAGE_STORE = [...MESSAGES, "pending_statuses", "conversations", "aliases", "dead_letters"];
/** Sealed: format, version of the data key, initialisation vector and ciphertext. */
const SEALED = /^v1\.\d+\.[\w-]+\.[\w-]+$/;

let world: MarginsWorld;
beforeAll(async () => {
  world = await startMarginsWorld();
});
afterAll(() => world?.stop());

test("the canaries were planted: acme's own messages and dead letters have them", async () => {
  const tables = await world.tables();
  expect(found(JSON.stringify(MESSAGES.map((name) => tables.get(name)))).toSorted()).toEqual(
    ["card", "cardDigits", "mail", "name", "pasted", "phone", "social", "text"].toSorted(),
  );
  const letters = tables.get("dead_letters") ?? [];
  expect(new Set(letters.map((row) => row.stage)).size).toBeGreaterThanOrEqual(2);
});

describe("beside the messages", () => {
  test("log lines", () => {
    expect(world.logs.length).toBeGreaterThan(10);
    const lines = world.logs.map((line) => [line, found(line)] as const);
    expect(lines.filter(([, names]) => names.length > 0)).toEqual([]);
  });

  test("metrics, the operator's and a tenant's own", async () => {
    const scraped = await world.metrics();
    expect(scraped).toContain('messages_accepted_total{tenant="acme"');
    expect(found(scraped)).toEqual([]);
    expect(found(JSON.stringify(await world.acme.get("/metrics")))).toEqual([]);
  });

  test("spans", () => {
    const spans = world.collector.bodies.join("\n");
    expect(spans).toContain("message.answered");
    expect(found(spans)).toEqual([]);
  });

  test("problem bodies", () => {
    expect(world.refusals.length).toBeGreaterThan(10);
    const bodies = world.refusals.map((body) => [body, found(body)] as const);
    expect(bodies.filter(([, names]) => names.length > 0)).toEqual([]);
  });

  test("conversation ids, the tokens of the queues and the names of objects", async () => {
    const rows = (await world.tables()).get("conversations") ?? [];
    expect(rows.length).toBeGreaterThan(3);
    const tokens: unknown[] = [];
    const queue = { send: async (token: unknown) => tokens.push(token) };
    const env = { INBOUND_0: queue, INBOUND_1: queue, INBOUND_2: queue, INBOUND_3: queue };
    for (const { tenant_id: tenant, id } of rows) {
      expect(id).toMatch(/^cnv_[0-9a-z]{26}$/);
      await ringInbound(env as never, String(tenant), String(id));
    }
    expect(tokens).toEqual(
      rows.map(({ tenant_id: tenant, id }) => ({ v: 1, tenant, conversation: id })),
    );
    const store = await world.world.hub.mf.getR2Bucket("STORE");
    const keys = (await store.list()).objects.map(({ key }) => key);
    const paths = [...world.files().keys()];
    expect(paths.length).toBeGreaterThan(5);
    expect(found(JSON.stringify([tokens, keys, paths]))).toEqual([]);
  });

  test("everything that another tenant may read", async () => {
    const paths = [
      "/tenants/globex",
      "/tenants",
      "/tenants/globex/connections",
      "/tenants/globex/api-keys",
      "/messages/history",
      "/conversations",
      "/dead-letters",
      "/metrics",
      "/health",
    ];
    for (const path of paths) {
      const { status, body } = await world.globex.get(path);
      expect([path, status, found(JSON.stringify(body))]).toEqual([path, status, []]);
      expect([path, status < 500]).toEqual([path, true]);
    }
  });
});

describe("credentials", () => {
  test("never come back, not even to their tenant or the operator", async () => {
    const { body } = await world.operator.get("/tenants/acme/connections");
    expect(JSON.stringify(body)).toContain("credentials.botToken");
    const paths = [
      "/tenants/acme",
      "/tenants/acme/connections",
      "/tenants/acme/api-keys",
      "/messages/history?limit=100",
      "/dead-letters",
      ...["acme-whatsapp", "acme-slack", "acme-discord", "acme-failing"].flatMap((id) => [
        `/tenants/acme/connections/${id}`,
        `/instances/${id}`,
      ]),
    ];
    for (const api of [world.acme, world.operator]) {
      for (const path of paths) {
        const answer = await api.get(api === world.operator ? withTenant(path) : path);
        const text = JSON.stringify(answer.body);
        expect([path, answer.status, found(text, ALL_CREDENTIALS)]).toEqual([path, 200, []]);
      }
    }
  });

  test("a dead letter keeps the webhook whole, but not the key that Evolution put into it", async () => {
    const letters = (await world.tables()).get("dead_letters") ?? [];
    const quarantined = letters.filter((row) => row.stage === "quarantine");
    expect(quarantined).toHaveLength(1);
    const { body } = JSON.parse(String(quarantined[0]?.payload)) as { body: string };
    const raw = Buffer.from(body, "base64").toString();
    expect(raw).toContain(PEOPLE.text);
    expect(found(raw, ALL_CREDENTIALS)).toEqual([]);
  });

  test("stand in no table, and people's data in the message store only, as acme's", async () => {
    for (const [table, rows] of await world.tables()) {
      const text = JSON.stringify(rows);
      expect([table, found(text, ALL_CREDENTIALS)]).toEqual([table, []]);
      const people = found(text, { ...PEOPLE, pasted: PASTED });
      if (!MESSAGE_STORE.includes(table)) expect([table, people]).toEqual([table, []]);
      const foreign = rows.filter((row) => row.tenant_id !== "acme");
      expect([table, found(JSON.stringify(foreign))]).toEqual([table, []]);
    }
  });

  test("are sealed where they are kept, keys hashed, data keys wrapped", async () => {
    const tables = await world.tables();
    for (const row of tables.get("connections") ?? []) expect(row.credentials).toMatch(SEALED);
    for (const row of tables.get("tenant_keys") ?? []) expect(row.wrapped).toMatch(SEALED);
    const [tenant] = (tables.get("tenants") ?? []).filter((row) => row.id === "acme");
    const config = JSON.parse(String(tenant?.config)) as Record<string, unknown>;
    expect(config.sealedRoute).toMatch(SEALED);
    const digest = await crypto.subtle.digest(
      "SHA-256",
      new TextEncoder().encode(CREDENTIALS.tenantKey),
    );
    const hash = Buffer.from(digest).toString("hex");
    expect((tables.get("api_keys") ?? []).map((row) => row.hash)).toContain(hash);
  });

  test("stand in no file of the hub's state, whatever wrote it", () => {
    const files = [...world.files()].map(([path, text]) => [path, found(text, ALL_CREDENTIALS)]);
    expect(files.filter(([, names]) => names?.length)).toEqual([]);
    const everywhere = [...world.files().values()].join("");
    expect(found(everywhere, EVERYTHING)).toContain("phone");
  });
});

function withTenant(path: string): string {
  if (/^\/(?:tenants|instances)/.test(path)) return path;
  return `${path}${path.includes("?") ? "&" : "?"}tenant=acme`;
}
