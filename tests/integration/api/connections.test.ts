import { beforeAll, describe, expect, test } from "vitest";
import { discord, slack, testApi, unique, whatsapp } from "./hub-api.ts";

const hub = testApi();
const tenant = unique("cten");
const key = `key-of-${tenant}`;

beforeAll(async () => {
  const body = { id: tenant, apiKeys: [{ key }] };
  expect((await hub.ask("POST", "/tenants", { body })).status).toBe(201);
});

async function aConnection(input: { id: string }) {
  const made = await hub.ask("POST", `/tenants/${tenant}/connections`, { key, body: input });
  expect(made.status).toBe(201);
  return { path: `/tenants/${tenant}/connections/${input.id}`, made };
}

describe("credentials", () => {
  test("go in and never come out; their names are shown", async () => {
    const { path, made } = await aConnection(
      whatsapp(unique("con"), {
        route: { kind: "hive", baseUrl: "https://h.test", apiKey: "hive-key" },
      }),
    );
    const read = await hub.ask("GET", path, { key });
    for (const text of [made.text, read.text]) {
      expect(text).not.toMatch(/evo-secret-key|hook-secret|hive-key/);
    }
    expect(read.body.secretsSet.sort()).toEqual([
      "credentials.apiKey",
      "credentials.webhookSecret",
      "route.apiKey",
    ]);
    expect(read.body.webhookUrl).toMatch(/\/webhooks\/evolution\/con-/);
  });

  test("stay where a patch does not name them", async () => {
    const input = whatsapp(unique("con"));
    const { path } = await aConnection(input);
    const body = { humanPauseMs: 0, credentials: { jwtKey: "new-jwt" } };
    const changed = await hub.ask("PATCH", path, { key, body });
    expect(changed.status).toBe(200);
    const located = await hub.deps.directory.byId(input.id, hub.deps.now());
    expect(located?.connection).toMatchObject({
      humanPauseMs: 0,
      credentials: { apiKey: "evo-secret-key", webhookSecret: "hook-secret", jwtKey: "new-jwt" },
    });
  });

  test("do not follow a change of origin", async () => {
    const { path } = await aConnection(whatsapp(unique("con")));
    const theft = { baseUrl: "https://evil.test" };
    const refused = await hub.ask("PATCH", path, { key, body: theft });
    expect(refused.status).toBe(422);
    expect(refused.body.errors.map((error: { pointer: string }) => error.pointer)).toEqual([
      "#/credentials/apiKey",
      "#/credentials/webhookSecret",
    ]);
    const credentials = { apiKey: "other", webhookSecret: "other" };
    const moved = await hub.ask("PATCH", path, { key, body: { ...theft, credentials } });
    expect(moved.status).toBe(200);
  });
});

describe("a patch", () => {
  test("belongs to the connection's own channel", async () => {
    const { path } = await aConnection(slack(unique("con")));
    const refused = await hub.ask("PATCH", path, { key, body: { gateway: true } });
    expect(refused.status).toBe(400);
    expect(refused.body.errors).toEqual([{ pointer: "#/gateway", detail: "unknown key" }]);
    expect((await hub.ask("PATCH", path, { key, body: { id: "other" } })).status).toBe(400);
    expect((await hub.ask("PATCH", path, { key, body: { channel: "discord" } })).status).toBe(400);
  });

  test("null removes a route, policy or pause", async () => {
    const more = { route: { kind: "human" }, policy: { kind: "drop" }, humanPauseMs: 5 };
    const { path } = await aConnection(slack(unique("con"), more));
    const body = { route: null, policy: null, humanPauseMs: null };
    const changed = await hub.ask("PATCH", path, { key, body });
    expect(changed.status).toBe(200);
    for (const name of Object.keys(more)) expect(changed.body).not.toHaveProperty(name);
  });

  test("moves the address that channel-wide webhooks are found by", async () => {
    const input = slack(unique("con"));
    const { path, made } = await aConnection(input);
    expect(made.body.address).toBe(input.teamId);
    const body = { teamId: "T_MOVED", credentials: input.credentials };
    const changed = await hub.ask("PATCH", path, { key, body });
    expect(changed.body.address).toBe("T_MOVED");
  });

  test("with a stale If-Match changes nothing", async () => {
    const { path, made } = await aConnection(slack(unique("con")));
    const headers = { "if-match": made.headers.get("etag") ?? "" };
    expect((await hub.ask("PATCH", path, { key, headers, body: { active: false } })).status).toBe(
      200,
    );
    expect((await hub.ask("PATCH", path, { key, headers, body: { active: true } })).status).toBe(
      412,
    );
    expect((await hub.ask("DELETE", path, { key, headers })).status).toBe(412);
    expect((await hub.ask("GET", path, { key })).body.active).toBe(false);
  });
});

describe("a Discord application", () => {
  test("cannot be claimed twice with the same public key by a tenant", async () => {
    const input = discord(unique("con"));
    await aConnection(input);
    const other = unique("cten");
    const otherKey = `key-of-${other}`;
    await hub.ask("POST", "/tenants", { body: { id: other, apiKeys: [{ key: otherKey }] } });
    const claim = { ...discord(unique("con")), applicationId: input.applicationId };
    const path = `/tenants/${other}/connections`;
    const upper = { ...claim, credentials: { publicKey: "AB".repeat(32) } };
    for (const body of [claim, upper]) {
      expect((await hub.ask("POST", path, { key: otherKey, body })).status).toBe(409);
    }
    const own = { ...claim, credentials: { publicKey: "cd".repeat(32) } };
    expect((await hub.ask("POST", path, { key: otherKey, body: own })).status).toBe(201);
    const patch = { credentials: { publicKey: "ab".repeat(32) } };
    const patched = await hub.ask("PATCH", `${path}/${own.id}`, { key: otherKey, body: patch });
    expect(patched.status).toBe(409);
    const found = await hub.deps.directory.byAddress("discord", [input.applicationId], 0);
    expect(found.map(({ connection }) => connection.id).sort()).toEqual([input.id, own.id].sort());
  });

  test("that the operator connected twice is not found channel-wide, only by its own URLs", async () => {
    const input = discord(unique("con"));
    await aConnection(input);
    const twin = { ...discord(unique("con")), applicationId: input.applicationId };
    const body = { id: unique("cten"), connections: [twin] };
    expect((await hub.ask("POST", "/tenants", { body })).status).toBe(201);
    expect(await hub.deps.directory.byAddress("discord", [input.applicationId], 0)).toEqual([]);
    expect((await hub.deps.directory.byPath("discord", twin.id, 0))?.connection.id).toBe(twin.id);
  });
});

test("deleting forgets the connection at once, and its id can be used again", async () => {
  const input = slack(unique("con"));
  const { path } = await aConnection(input);
  expect(await hub.deps.directory.byPath("slack", input.id, hub.deps.now())).toBeDefined();
  expect((await hub.ask("DELETE", path, { key })).status).toBe(204);
  expect(await hub.deps.directory.byPath("slack", input.id, hub.deps.now())).toBeUndefined();
  expect((await hub.ask("GET", path, { key })).status).toBe(404);
  await aConnection(input);
});

test("a connection for a tenant that is not there is 404", async () => {
  const body = slack(unique("con"));
  expect((await hub.ask("POST", "/tenants/nobody/connections", { body })).status).toBe(404);
});

test("faults are named by pointer", async () => {
  const body = { ...whatsapp(unique("con")), chanel: 1, credentials: { apiKey: 5 } };
  const refused = await hub.ask("POST", `/tenants/${tenant}/connections`, { key, body });
  expect(refused.status).toBe(400);
  expect(refused.headers.get("content-type")).toBe("application/problem+json");
  const pointers = refused.body.errors.map((error: { pointer: string }) => error.pointer);
  expect(pointers.sort()).toEqual(["#/chanel", "#/credentials/apiKey"]);
});
