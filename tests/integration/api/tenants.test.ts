import { describe, expect, test } from "vitest";
import { env, slack, testApi, unique, whatsapp } from "./hub-api.ts";

const hub = testApi();

async function aTenant(more: Record<string, unknown> = {}) {
  const id = unique("ten");
  const key = `key-of-${id}`;
  const body = { id, name: `Name ${id}`, apiKeys: [{ key, scopes: ["*"] }], ...more };
  const made = await hub.ask("POST", "/tenants", { body });
  expect(made.status).toBe(201);
  return { id, key, made };
}

describe("adding a tenant", () => {
  test("takes connections and keys in the same call, and its key works at once", async () => {
    const wa = whatsapp(unique("con"));
    const { id, key, made } = await aTenant({ connections: [wa, slack(unique("con"))] });
    expect(made.body).toMatchObject({
      id,
      active: true,
      evolutionInstance: wa.instance,
      config: { enabled: true, sessionIdleMs: 1_800_000, limits: { requestsPerMinute: 6000 } },
      secretsSet: [],
    });
    expect(made.headers.get("location")).toBe(`/tenants/${id}`);
    const listed = await hub.ask("GET", `/tenants/${id}/connections`, { key });
    expect(listed.status).toBe(200);
    expect(listed.body.items).toHaveLength(2);
  });

  test("is all or nothing: a taken connection id leaves no tenant behind", async () => {
    const taken = whatsapp(unique("con"));
    await aTenant({ connections: [taken] });
    const id = unique("ten");
    const refused = await hub.ask("POST", "/tenants", {
      body: { id, connections: [whatsapp(unique("con")), taken], apiKeys: [{ key: `k-${id}` }] },
    });
    expect(refused.status).toBe(409);
    expect(refused.body.code).toBe("conflict");
    expect((await hub.ask("GET", `/tenants/${id}`)).status).toBe(404);
    expect((await hub.ask("GET", `/tenants/${id}`, { key: `k-${id}` })).status).toBe(401);
  });

  test("refuses an id or key in use with 409", async () => {
    const { id, key } = await aTenant();
    expect((await hub.ask("POST", "/tenants", { body: { id } })).status).toBe(409);
    const body = { id: unique("ten"), apiKeys: [{ key }] };
    expect((await hub.ask("POST", "/tenants", { body })).status).toBe(409);
  });

  test("of two at once one wins", async () => {
    const body = { id: unique("ten") };
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => hub.ask("POST", "/tenants", { body })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
  });
});

describe("changing a tenant", () => {
  test("keeps what is not named, and null removes", async () => {
    const { id, key } = await aTenant({
      config: { route: { kind: "human" }, policy: { kind: "serial" }, historyWindow: 5 },
    });
    const body = { config: { route: null, tracing: { export: true } } };
    const changed = await hub.ask("PATCH", `/tenants/${id}`, {
      key,
      body,
    });
    expect(changed.status).toBe(200);
    expect(changed.body.name).toBe(`Name ${id}`);
    expect(changed.body.config).toMatchObject({
      policy: { kind: "serial" },
      historyWindow: 5,
      tracing: { export: true, pii: false },
    });
    expect(changed.body.config).not.toHaveProperty("route");
  });

  test("a route's secret is never shown, kept for the same URL, dropped for another", async () => {
    const route = { kind: "webhook", url: "https://a.test/x", secret: "whsec_c2VjcmV0" };
    const { id, key, made } = await aTenant({ config: { route } });
    expect(made.text).not.toContain("whsec_");
    expect(made.body.secretsSet).toEqual(["route.secret"]);
    const same = {
      config: { route: { kind: "webhook", url: "https://a.test/x", timeoutMs: 500 } },
    };
    const kept = await hub.ask("PATCH", `/tenants/${id}`, { key, body: same });
    expect(kept.body.secretsSet).toEqual(["route.secret"]);
    const moved = { config: { route: { kind: "webhook", url: "https://evil.test/x" } } };
    const dropped = await hub.ask("PATCH", `/tenants/${id}`, { key, body: moved });
    expect(dropped.body.secretsSet).toEqual([]);
  });

  test("a stale If-Match is 412, a current one passes, an unchanged read is 304", async () => {
    const { id } = await aTenant();
    const first = await hub.ask("GET", `/tenants/${id}`);
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[a-z0-9]+"$/);
    const unchanged = await hub.ask("GET", `/tenants/${id}`, {
      headers: { "if-none-match": etag },
    });
    expect(unchanged.status).toBe(304);
    const change = (name: string, tag: string) =>
      hub.ask("PATCH", `/tenants/${id}`, { body: { name }, headers: { "if-match": tag } });
    const second = await change("second", etag);
    expect(second.status).toBe(200);
    expect(second.headers.get("etag")).not.toBe(etag);
    expect((await change("third", etag)).status).toBe(412);
    expect((await hub.ask("GET", `/tenants/${id}`)).body.name).toBe("second");
  });

  test("mass assignment changes neither id nor anything undeclared", async () => {
    const { id, key } = await aTenant();
    const body = '{"name":"ok","id":"globex","role":"owner","__proto__":{"role":"owner"}}';
    const refused = await hub.ask("PATCH", `/tenants/${id}`, { key, body });
    expect(refused.status).toBe(400);
    const pointers = refused.body.errors.map((error: { pointer: string }) => error.pointer);
    expect(pointers).toEqual(expect.arrayContaining(["#/id", "#/role"]));
    const now = await hub.ask("GET", `/tenants/${id}`);
    expect(now.body).toMatchObject({ id, name: `Name ${id}` });
  });

  test("a tenant neither raises its limits nor switches itself on or off", async () => {
    const { id, key } = await aTenant();
    const limits = { config: { limits: { requestsPerMinute: 999_999 } } };
    expect((await hub.ask("PATCH", `/tenants/${id}`, { key, body: limits })).status).toBe(403);
    const off = { active: false };
    expect((await hub.ask("PATCH", `/tenants/${id}`, { key, body: off })).status).toBe(403);
    expect((await hub.ask("PATCH", `/tenants/${id}`, { body: off })).status).toBe(200);
    expect((await hub.ask("GET", `/tenants/${id}`, { key })).status).toBe(401);
  });
});

test("deleting a tenant takes connections, keys, rules, data keys and traffic with it", async () => {
  const { id, key } = await aTenant({ connections: [whatsapp(unique("con"))] });
  const rule = { effect: "block", pattern: "1*" };
  await hub.ask("POST", `/tenants/${id}/access-rules`, { key, body: rule });
  await env.DB.prepare(
    "INSERT INTO messages_0 (tenant_id, id, conversation_id, connection_id, source, direction, kind, content, metadata, created_at) VALUES (?1,'m1','c','x','whatsapp','inbound','message','{}','{}',1)",
  )
    .bind(id)
    .run();
  expect((await hub.ask("DELETE", `/tenants/${id}`, { key })).status).toBe(403);
  expect((await hub.ask("DELETE", `/tenants/${id}`)).status).toBe(204);
  expect((await hub.ask("GET", `/tenants/${id}`, { key })).status).toBe(401);
  const left = await env.DB.prepare(
    `SELECT (SELECT count(*) FROM connections WHERE tenant_id = ?1) + (SELECT count(*) FROM api_keys WHERE tenant_id = ?1)
     + (SELECT count(*) FROM tenant_keys WHERE tenant_id = ?1) + (SELECT count(*) FROM access_rules WHERE tenant_id = ?1)
     + (SELECT count(*) FROM messages WHERE tenant_id = ?1) AS n`,
  )
    .bind(id)
    .first();
  expect(left).toEqual({ n: 0 });
  expect((await hub.ask("DELETE", `/tenants/${id}`)).status).toBe(404);
});

test("lists are pages with a signed cursor that fits its own list only", async () => {
  const { id, key } = await aTenant({
    connections: ["a", "b", "c"].map((name) => slack(`${unique("page")}-${name}`)),
  });
  const first = await hub.ask("GET", `/tenants/${id}/connections?limit=2`, { key });
  expect(first.body.items).toHaveLength(2);
  const cursor = first.body.nextCursor;
  const path = `/tenants/${id}/connections?limit=2&cursor=`;
  const second = await hub.ask("GET", path + cursor, { key });
  expect(second.body.items).toHaveLength(1);
  expect(second.body).not.toHaveProperty("nextCursor");
  const ids = [...first.body.items, ...second.body.items].map((item: { id: string }) => item.id);
  expect(new Set(ids).size).toBe(3);
  expect((await hub.ask("GET", `${path}${cursor}x`, { key })).status).toBe(400);
  expect((await hub.ask("GET", `/tenants?cursor=${cursor}`)).status).toBe(400);
  expect((await hub.ask("GET", `/tenants/${id}/connections?limit=0`, { key })).status).toBe(400);
});

test("rotation wraps the data keys under the newest key-encryption key", async () => {
  const { id } = await aTenant({ connections: [whatsapp(unique("con"))] });
  const kek2 = `k2:${btoa("fedcba9876543210fedcba9876543210")}`;
  const rotated = testApi({ vars: { KEK: `${kek2},${hub.deps.vars.KEK}` } });
  const answer = await rotated.ask("POST", `/tenants/${id}/rotate-keys`);
  expect(answer.body).toEqual({ rewrapped: 1, left: 0 });
  const onlyNew = testApi({ vars: { KEK: kek2 } });
  const read = await onlyNew.ask("GET", `/tenants/${id}/connections`);
  expect(read.body.items[0].secretsSet).toContain("credentials.apiKey");
});
