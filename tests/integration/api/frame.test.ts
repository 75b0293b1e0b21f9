import { beforeAll, describe, expect, test } from "vitest";
import { env, testApi, unique, whatsapp } from "./hub-api.ts";

const hub = testApi();
const acme = unique("acme");
const globex = unique("globex");
const connection = unique("frame-con");
const ACME_KEY = `key-of-${acme}`;
const READ_KEY = `read-key-of-${acme}`;
const GLOBEX_KEY = `key-of-${globex}`;

beforeAll(async () => {
  const apiKeys = [
    { key: ACME_KEY, scopes: ["*"] },
    { key: READ_KEY, scopes: ["tenants:read", "connections:read"] },
  ];
  const body = { id: acme, apiKeys, connections: [whatsapp(connection)] };
  expect((await hub.ask("POST", "/tenants", { body })).status).toBe(201);
  const other = { id: globex, apiKeys: [{ key: GLOBEX_KEY }] };
  expect((await hub.ask("POST", "/tenants", { body: other })).status).toBe(201);
});

/** Every operation with acme's ids in its path. */
function operations() {
  const values: Record<string, string> = {
    tenant: acme,
    connection,
    id: connection,
    key: "key_x",
    rule: "rule_x",
  };
  return hub.api.routes.map((spec) => ({
    spec,
    path: spec.path.replaceAll(/:(\w+)/g, (_, name: string) => values[name] ?? name),
  }));
}

describe("every operation", () => {
  test("there are some, each with a name of its own", () => {
    const ids = hub.api.routes.map((spec) => spec.id);
    expect(ids.length).toBeGreaterThan(25);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("without a key, with a wrong one or with one in the URL is the same 401", async () => {
    const refusals = new Set<string>();
    for (const { spec, path } of operations()) {
      if (spec.access === "public") continue;
      const method = spec.method.toUpperCase();
      const answers = [
        await hub.ask(method, path, { key: null }),
        await hub.ask(method, path, { key: `${ACME_KEY}x` }),
        await hub.ask(method, `${path}?api_key=${ACME_KEY}`, { key: null }),
      ];
      for (const answer of answers) {
        expect([spec.id, answer.status]).toEqual([spec.id, 401]);
        expect(answer.headers.get("www-authenticate")).toContain("Bearer");
        const { instance: _, trace_id: __, ...same } = answer.body;
        refusals.add(JSON.stringify(same));
      }
    }
    expect([...refusals]).toEqual([
      '{"type":"urn:omni-edge:problem:unauthorized","title":"Unauthorized","status":401,"code":"unauthorized"}',
    ]);
  });

  test("with another tenant's key changes and tells nothing", async () => {
    for (const { spec, path } of operations()) {
      if (spec.access === "public" || spec.access.tenant === "key") continue;
      if (!spec.path.includes(":")) continue;
      const body = spec.body ? { name: "x" } : undefined;
      const method = spec.method.toUpperCase();
      const answer = await hub.ask(method, path, { key: GLOBEX_KEY, body });
      const wanted = spec.access.tenant === "operator" ? [403] : [404, 400];
      expect([spec.id, wanted.includes(answer.status)]).toEqual([spec.id, true]);
      expect(answer.text).not.toContain("evo-secret-key");
    }
    expect((await hub.ask("GET", `/tenants/${acme}`)).body.name).toBe(acme);
  });

  test("with a key that lacks its scope is 403 and names the scope", async () => {
    for (const { spec, path } of operations()) {
      if (
        spec.access === "public" ||
        ["tenants:read", "connections:read"].includes(spec.access.scope)
      )
        continue;
      const method = spec.method.toUpperCase();
      const answer = await hub.ask(method, path, { key: READ_KEY });
      expect([spec.id, answer.status, answer.body.code]).toEqual([
        spec.id,
        403,
        "insufficient_scope",
      ]);
    }
  });
});

describe("keys", () => {
  test("come in either header", async () => {
    const bare = await hub.ask("GET", `/tenants/${acme}`, {
      key: null,
      headers: { "x-api-key": ACME_KEY },
    });
    expect(bare.status).toBe(200);
  });

  test("that are made, are shown once, work, expire and are revoked", async () => {
    const path = `/tenants/${acme}/api-keys`;
    const expiresAt = new Date(hub.deps.now() + 60_000).toISOString();
    const input = { name: "ci", scopes: ["tenants:read", "api-keys:read"], expiresAt };
    const made = await hub.ask("POST", path, { key: ACME_KEY, body: input });
    expect(made.status).toBe(201);
    expect(made.body.key).toMatch(/^hub_test_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}$/);
    expect(made.body.id).toBe(`key_${made.body.key.split("_")[2]}`);
    const use = () => hub.ask("GET", path, { key: made.body.key });
    const listed = await use();
    expect(listed.status).toBe(200);
    expect(listed.text).not.toContain(made.body.key);
    expect(listed.body.items.map((item: { id: string }) => item.id)).toContain(made.body.id);
    const row = await env.DB.prepare("SELECT hash FROM api_keys WHERE id = ?1")
      .bind(made.body.id)
      .first<{ hash: string }>();
    expect(row?.hash).toMatch(/^[0-9a-f]{64}$/);
    const before = hub.deps.now();
    hub.setNow(before + 60_000);
    expect((await use()).status).toBe(401);
    hub.setNow(before);
    expect((await use()).status).toBe(200);
    expect((await hub.ask("DELETE", `${path}/${made.body.id}`, { key: ACME_KEY })).status).toBe(
      204,
    );
    expect((await use()).status).toBe(401);
    expect((await hub.ask("DELETE", `${path}/key_none`, { key: ACME_KEY })).status).toBe(404);
  });

  test("grant no more than they have", async () => {
    const path = `/tenants/${acme}/api-keys`;
    const narrow = { name: "narrow", scopes: ["api-keys:*", "messages:read"] };
    const { body } = await hub.ask("POST", path, { key: ACME_KEY, body: narrow });
    const grant = (scopes: string[]) =>
      hub.ask("POST", path, { key: body.key, body: { name: "n", scopes } });
    expect((await grant(["*"])).status).toBe(403);
    expect((await grant(["messages:*"])).status).toBe(403);
    expect((await grant(["messages:read", "api-keys:write"])).status).toBe(201);
    expect((await grant(["nonsense"])).status).toBe(400);
  });
});

describe("naming another tenant", () => {
  test.each([
    ["in a header", { headers: { "x-tenant": globex } }, ""],
    ["in the query", {}, `?tenant=${globex}`],
  ])("%s is refused on routes bound to the key", async (_, options, query) => {
    const answer = await hub.ask("GET", `/oauth/slack/start${query}`, {
      key: ACME_KEY,
      ...options,
    });
    expect([answer.status, answer.body.code]).toEqual([403, "tenant_conflict"]);
  });

  test("in the body is refused, also beside one's own in the header", async () => {
    const body = { ...whatsapp(unique("frame-con")), tenant: globex };
    const headers = { "x-tenant": acme };
    const answer = await hub.ask("POST", "/instances/create", { key: ACME_KEY, body, headers });
    expect(answer.body.code).toBe("tenant_conflict");
  });

  test("the operator has to name one", async () => {
    const answer = await hub.ask("POST", "/instances/create", {
      body: whatsapp(unique("frame-con")),
    });
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([400, "#/tenant"]);
  });
});

describe("requests that are not right", () => {
  const post = (body: unknown, headers = {}) => hub.ask("POST", "/tenants", { body, headers });

  test("malformed JSON is a 400 of its own", async () => {
    const answer = await post('{"id": "x"');
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_json"]);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  });

  test("no body is 400, another media type 415, too much 413", async () => {
    expect((await hub.ask("POST", "/tenants")).status).toBe(400);
    expect(
      (await post("id=x", { "content-type": "application/x-www-form-urlencoded" })).status,
    ).toBe(415);
    const large = await post({ id: "x", name: "x".repeat(1024 * 1024) });
    expect([large.status, large.body.code]).toEqual([413, "payload_too_large"]);
  });

  test("unknown query members are refused by name", async () => {
    const answer = await hub.ask("GET", "/tenants?limit=5&lmit=6");
    expect(answer.body.errors).toEqual([{ pointer: "#/query/lmit", detail: "unknown key" }]);
  });

  test("an unknown path is 404, a known one with another method 405 with Allow", async () => {
    expect((await hub.ask("GET", "/nothing/here")).body.code).toBe("not_found");
    const wrong = await hub.ask("PUT", `/tenants/${acme}`);
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, PATCH, DELETE"]);
  });

  test.each(["%ff%fe", "..%2f..", "a%00b", "x".repeat(300), "__proto__", "'--"])(
    "the id %j is 404",
    async (id) => {
      expect((await hub.ask("GET", `/tenants/${id}`)).status).toBe(404);
    },
  );

  test.each(["%", "_", "\\", "'", '"', "a%00b", "* OR 1=1", "NEAR("])(
    "the cursor %j is 400",
    async (cursor) => {
      const answer = await hub.ask("GET", `/tenants?cursor=${encodeURIComponent(cursor)}`);
      expect(answer.status).toBe(400);
    },
  );
});

test("a failure inside says nothing about itself, and is logged under the trace id of the answer", async () => {
  const broken = testApi();
  const failing = {
    prepare: () => {
      throw new Error("D1_ERROR: secret table name");
    },
  };
  const deps = { ...broken.deps, env: { ...env, DB: failing as unknown as D1Database } };
  const { createApi } = await import("../../../workers/api.ts");
  const api = createApi(deps);
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const request = new Request("https://hub.test/tenants", {
    headers: {
      authorization: "Bearer test-admin-key",
      traceparent: `00-${trace}-b7ad6b7169203331-01`,
    },
  });
  const response = await api.fetch(request, env, {} as ExecutionContext);
  const text = await response.text();
  expect(response.status).toBe(500);
  expect(text).not.toMatch(/D1|secret/);
  expect(JSON.parse(text).trace_id).toBe(trace);
  expect(broken.logged).toMatchObject([
    { event: "api.failed", fields: { code: "internal", trace, httpStatus: 500 } },
  ]);
});

describe("limits of a tenant", () => {
  test("requests per minute: 429 with Retry-After, until tokens come back", async () => {
    const id = unique("rate");
    const key = `key-of-${id}`;
    const config = { limits: { requestsPerMinute: 3 } };
    await hub.ask("POST", "/tenants", { body: { id, config, apiKeys: [{ key }] } });
    const use = () => hub.ask("GET", `/tenants/${id}`, { key });
    const statuses = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await use()).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const refused = await use();
    expect([refused.body.code, refused.headers.get("retry-after")]).toEqual(["rate_limited", "20"]);
    const now = hub.deps.now();
    hub.setNow(now + 20_000);
    expect((await use()).status).toBe(200);
    hub.setNow(now);
    expect((await hub.ask("GET", `/tenants/${acme}`, { key: ACME_KEY })).status).toBe(200);
  });

  test("at once: the rest is refused, and slots come back", async () => {
    const narrow = testApi({ vars: { TENANT_CONCURRENCY_MAX: 2 } });
    const use = () => narrow.ask("GET", `/tenants/${acme}`, { key: ACME_KEY });
    await use();
    const statuses = (await Promise.all([use(), use(), use(), use()])).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 200, 429, 429]);
    expect((await use()).status).toBe(200);
    const operator = Array.from({ length: 6 }, () => narrow.ask("GET", `/tenants/${acme}`));
    expect((await Promise.all(operator)).every(({ status }) => status === 200)).toBe(true);
  });
});
