/** Every operation of the administration: its event comes exactly once, with data that fits the catalogue, and no change comes without. */
import { describe, expect, test } from "vitest";
import { publishOutbox } from "../../../platform/outbox-publish.ts";
import { noteState } from "../../../platform/repositories/connection-state.ts";
import { insertDeadLetter } from "../../../platform/repositories/dead-letters.ts";
import type { EventEnvelope } from "../../../schema/event.ts";
import { aHub, env, unique, whatsapp } from "../api/hub-api.ts";
import { DEPS, faultsOf, heard, listen, outboxOf } from "./telling.ts";

/** A tenant that listens to everything about itself, the events of its creation heard already. */
async function aListener() {
  const { hub, tenant, key } = await aHub(() => "timeout");
  await listen(tenant);
  expect(await publishOutbox(DEPS, tenant, Date.now())).toBe(true);
  const born = await heard(tenant);
  const path = `/tenants/${tenant}`;
  return {
    hub,
    tenant,
    born,
    path,
    ask: (method: string, at: string, body?: unknown, headers?: Record<string, string>) =>
      hub.ask(method, at, {
        key,
        ...(body === undefined ? {} : { body }),
        ...(headers ? { headers } : {}),
      }),
    /** As the operator. */
    rule: (method: string, at: string, body?: unknown) =>
      hub.ask(method, at, body === undefined ? {} : { body }),
    async told(): Promise<readonly EventEnvelope[]> {
      expect(await publishOutbox(DEPS, tenant, Date.now())).toBe(true);
      const events = await heard(tenant);
      expect(await outboxOf(tenant)).toEqual([]);
      for (const event of events) expect(faultsOf(event)).toEqual([]);
      return events;
    },
  };
}

type Listener = Awaited<ReturnType<typeof aListener>>;
type Told = readonly [type: string, data: Record<string, unknown>];

const telling = (events: readonly EventEnvelope[]) =>
  events.map(({ event_type, data }): Told => [event_type, data as Record<string, unknown>]);

async function aConnection({ ask, path, told }: Listener): Promise<string> {
  const id = unique("told-wa");
  const made = await ask("POST", `${path}/connections`, whatsapp(id));
  if (made.status !== 201) throw new Error(made.text);
  await told();
  return id;
}

async function aRule({ ask, path, told }: Listener): Promise<string> {
  const body = { effect: "block", pattern: "5511999999999", note: "rude" };
  const made = await ask("POST", `${path}/access-rules`, body);
  await told();
  return made.body.id;
}

const OPERATIONS: readonly (readonly [string, (on: Listener) => Promise<readonly Told[]>])[] = [
  [
    "a connection is added",
    async ({ ask, path }) => {
      const id = unique("told-wa");
      expect((await ask("POST", `${path}/connections`, whatsapp(id))).status).toBe(201);
      return [["connection.created", { connection: id, channel: "whatsapp", active: true }]];
    },
  ],
  [
    "a connection gets another key and is switched off",
    async (on) => {
      const id = await aConnection(on);
      const body = { active: false, credentials: { jwtKey: "brand-new-secret" } };
      expect((await on.ask("PATCH", `${on.path}/connections/${id}`, body)).status).toBe(200);
      const changed = ["active", "credentials.jwtKey"];
      const data = { connection: id, channel: "whatsapp", active: false, changed };
      return [["connection.updated", data]];
    },
  ],
  [
    "a connection is patched with what it has",
    async (on) => {
      const id = await aConnection(on);
      const same = await on.ask("PATCH", `${on.path}/connections/${id}`, { active: true });
      expect(same.status).toBe(200);
      return [];
    },
  ],
  [
    "a connection is removed",
    async (on) => {
      const id = await aConnection(on);
      expect((await on.ask("DELETE", `${on.path}/connections/${id}`)).status).toBe(204);
      return [["connection.deleted", { connection: id, channel: "whatsapp" }]];
    },
  ],
  [
    "a platform tells a connection's state, twice, then a new detail",
    async (on) => {
      const id = await aConnection(on);
      await noteState(env.DB, on.tenant, id, "qr", "first");
      await noteState(env.DB, on.tenant, id, "qr", "first");
      await noteState(env.DB, on.tenant, id, "qr", "second");
      const data = { connection: id, channel: "whatsapp", state: "qr" };
      return [["connection.state_changed", data]];
    },
  ],
  [
    "a stranger's connection is told about",
    async (on) => {
      const other = await aConnection(await aListener());
      await noteState(env.DB, on.tenant, other, "closed", null);
      return [];
    },
  ],
  [
    "a key is made",
    async ({ ask, path }) => {
      const body = {
        name: "Maria's key",
        scopes: ["messages:read"],
        expiresAt: "2030-01-01T00:00:00.000Z",
      };
      const made = await ask("POST", `${path}/api-keys`, body);
      expect(made.status).toBe(201);
      const { id: key, scopes, expiresAt } = made.body;
      return [["api_key.created", { key, scopes, expires_at: expiresAt }]];
    },
  ],
  [
    "a key is revoked, twice",
    async ({ ask, path, told }) => {
      const made = await ask("POST", `${path}/api-keys`, { name: "k", scopes: ["messages:read"] });
      await told();
      for (const _ of [1, 2])
        expect((await ask("DELETE", `${path}/api-keys/${made.body.id}`)).status).toBe(204);
      return [["api_key.revoked", { key: made.body.id }]];
    },
  ],
  [
    "a key that is not there is revoked",
    async ({ ask, path }) => {
      expect((await ask("DELETE", `${path}/api-keys/key_nobodys`)).status).toBe(404);
      return [];
    },
  ],
  [
    "a sender is blocked",
    async ({ ask, path }) => {
      const body = { effect: "block", pattern: "5511999999999", note: "rude" };
      const made = await ask("POST", `${path}/access-rules`, body);
      expect(made.status).toBe(201);
      return [["access_rule.created", { rule: made.body.id, effect: "block" }]];
    },
  ],
  [
    "a rule is changed",
    async (on) => {
      const rule = await aRule(on);
      const body = { pattern: "5511888888888", note: null };
      expect((await on.ask("PATCH", `${on.path}/access-rules/${rule}`, body)).status).toBe(200);
      const data = { rule, effect: "block", changed: ["note", "pattern"] };
      return [["access_rule.updated", data]];
    },
  ],
  [
    "a rule is removed, twice",
    async (on) => {
      const rule = await aRule(on);
      expect((await on.ask("DELETE", `${on.path}/access-rules/${rule}`)).status).toBe(204);
      expect((await on.ask("DELETE", `${on.path}/access-rules/${rule}`)).status).toBe(404);
      return [["access_rule.deleted", { rule }]];
    },
  ],
  [
    "the tenant is changed",
    async ({ rule, path, tenant }) => {
      const body = { name: "Another", active: false, config: { editTurns: true } };
      expect((await rule("PATCH", path, body)).status).toBe(200);
      const data = { tenant, active: false, changed: ["active", "config.editTurns", "name"] };
      return [["tenant.updated", data]];
    },
  ],
  [
    "somebody else was faster",
    async ({ ask, path }) => {
      const stale = { "if-match": '"0"' };
      expect((await ask("PATCH", path, { name: "x" }, stale)).status).toBe(412);
      return [];
    },
  ],
  [
    "a dead letter is written, twice",
    async ({ tenant }) => {
      const burial = {
        tenant,
        id: "dl_01m7y0000000000000000a",
        stage: "send",
        reason: "exhausted",
        connection: "wa",
        conversation: "cnv_1",
        messageId: "msg_1",
        payload: JSON.stringify({ text: "private words" }),
        history: [],
        createdAtMs: Date.now(),
      } as const;
      for (const _ of [1, 2]) await env.DB.batch([...insertDeadLetter(env.DB, burial)]);
      const { id: dead_letter, stage, reason, connection, conversation } = burial;
      const data = { dead_letter, stage, reason, connection, conversation, message: "msg_1" };
      return [["dead_letter.created", data]];
    },
  ],
];

test.each(OPERATIONS)("%s", async (_, operate) => {
  const on = await aListener();
  const wanted = await operate(on);
  const told = await on.told();
  expect(telling(told)).toEqual(wanted);
  const text = JSON.stringify(told);
  for (const secret of [
    "5511999999999",
    "5511888888888",
    "rude",
    "secret",
    "Maria",
    "private words",
  ])
    expect(text).not.toContain(secret);
});

test("a tenant's creation is told with its connections and keys, all or nothing", async () => {
  const { hub, tenant, born } = await aListener();
  expect(born.map(({ event_type }) => event_type).toSorted()).toEqual([
    "api_key.created",
    "tenant.created",
  ]);
  const [connection] = [unique("told-wa")];
  const body = { id: tenant, connections: [whatsapp(connection ?? "")] };
  expect((await hub.ask("POST", "/tenants", { body })).status).toBe(409);
  expect(await outboxOf(tenant)).toEqual([]);
  const fresh = unique("told-tenant");
  const made = await hub.ask("POST", "/tenants", { body: { ...body, id: fresh } });
  expect(made.status).toBe(201);
  const events = (await outboxOf(fresh)).map(({ body: text }) => JSON.parse(text) as EventEnvelope);
  const types = events.map(({ event_type }) => event_type);
  expect(types.toSorted()).toEqual(["connection.created", "tenant.created"]);
  for (const event of events) expect(faultsOf(event)).toEqual([]);
});

test("a deleted tenant leaves nothing to tell, and a namesake hears nothing of it", async () => {
  const { hub, tenant, ask, path } = await aListener();
  await ask("POST", `${path}/connections`, whatsapp(unique("told-wa")));
  expect((await hub.ask("DELETE", path)).status).toBe(204);
  expect(await outboxOf(tenant)).toEqual([]);
});

describe("one tenant's events", () => {
  test("reach no other tenant", async () => {
    const [one, other] = [await aListener(), await aListener()];
    await aRule(one);
    expect(await other.told()).toEqual([]);
  });
});
