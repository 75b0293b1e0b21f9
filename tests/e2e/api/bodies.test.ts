/** Bodies that are too large, too deep, not JSON, not text, or want to be more than they may. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fresh, unifiedMessage } from "../../support/api/requests.ts";
import { sendRaw } from "../../support/api/wire.ts";
import { type Answer, type ApiWorld, startApiWorld } from "../../support/api/world.ts";
import { eventually } from "../../support/runtime.ts";

const MIB = 1024 * 1024;

let world: ApiWorld;

beforeAll(async () => {
  world = await startApiWorld();
});
afterAll(() => world?.stop());

const key = () => world.acme.keys.all;
const asAcme = (method: string, path: string, body?: unknown, headers = {}) =>
  world.ask(method, path, { key: key(), body, headers });
const told = ({ status, body }: Answer) => [status, body?.code];

describe("a body", () => {
  const send = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
    world.ask("POST", "/messages/unified", {
      key: key(),
      body,
      headers: { "content-type": "application/json", ...headers },
    });
  const message = () => unifiedMessage("acme", world.acme.connections.slack);
  const withMetadata = (metadata: string) =>
    JSON.stringify({ ...message(), content: { text: "t", media: [], metadata: "$" } }).replace(
      '"$"',
      metadata,
    );

  test("of more than 1 MiB is 413, said or not said beforehand", async () => {
    const body = JSON.stringify({ pad: "x".repeat(MIB) });
    const path = "/messages/unified";
    const headers = { authorization: `Bearer ${key()}`, "content-type": "application/json" };
    const said = await sendRaw(world.hub.url, { method: "POST", path, headers, body });
    expect(said.status).toBe(413);
    const lied = { ...headers, "transfer-encoding": "chunked" };
    const unsaid = await sendRaw(world.hub.url, {
      method: "POST",
      path,
      headers: lied,
      body,
      isLengthSaid: false,
    });
    expect([unsaid.status, JSON.parse(unsaid.text).code]).toEqual([413, "payload_too_large"]);
  });

  test("of nearly 1 MiB is read", async () => {
    const text = "x".repeat(99_000);
    const metadata = JSON.stringify({ pad: "y".repeat(MIB - 120_000) });
    const body = withMetadata(metadata).replace('"text":"t"', `"text":"${text}"`);
    expect((await send(body)).status).toBe(202);
  });

  test.each([65, 1000, 30_000])("nested %i deep is 400", async (depth) => {
    const nested = `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    expect(told(await send(withMetadata(nested)))).toEqual([400, "bad_request"]);
  });

  test("nested 60 deep is taken in and can be read", async () => {
    const nested = `{"a":${"[".repeat(57)}1${"]".repeat(57)}}`;
    expect((await send(withMetadata(nested))).status).toBe(202);
  });

  test.each([
    ["not JSON", "{", "invalid_json"],
    ["two values", "{} {}", "invalid_json"],
    ["a byte order mark", "\ufeff{}", "invalid_json"],
    ["NaN", '{"a":NaN}', "invalid_json"],
    ["nothing", "", "validation_failed"],
    ["null", "null", "validation_failed"],
    ["a list", "[]", "validation_failed"],
    ["a text", '"{}"', "validation_failed"],
  ])("that is %s is 400", async (_, body, code) => {
    expect(told(await send(body))).toEqual([400, code]);
  });

  test("that is not UTF-8 is 400", async () => {
    expect(told(await send(Buffer.from([0x22, 0xff, 0xfe, 0x22])))).toEqual([400, "invalid_json"]);
  });

  test.each([
    "text/plain",
    "application/json5",
    "multipart/form-data",
    "application/x-www-form-urlencoded",
    "json",
    "",
  ])("that comes as %j is 415", async (type) => {
    expect(told(await send("{}", { "content-type": type }))).toEqual([
      415,
      "unsupported_media_type",
    ]);
  });

  test.each(["application/json; charset=utf-8", "Application/JSON", "application/json;"])(
    "that comes as %j is read",
    async (type) => {
      expect(told(await send("{}", { "content-type": type }))).toEqual([400, "validation_failed"]);
    },
  );

  test("with half a surrogate pair anywhere is stored with the replacement character", async () => {
    const id = fresh("half");
    const body = JSON.stringify({
      ...message(),
      id,
      content: { text: "a$b", media: [], metadata: { k: "$" } },
    });
    const taken = await send(body.replaceAll("$", "\\ud800"));
    expect(taken.status).toBe(202);
    const stored = await eventually("the message", async () => {
      const { status, body: read } = await asAcme("GET", `/messages/${taken.body.id}`);
      return status === 200 ? read.content : undefined;
    });
    expect(stored).toEqual({ text: "a\ufffdb", media: [], metadata: { k: "\ufffd" } });
  });
});

describe("keys of prototypes", () => {
  const POLLUTING = [
    '{"__proto__":{"role":"owner","active":false}}',
    '{"constructor":{"prototype":{"role":"owner"}}}',
    '{"config":{"__proto__":{"enabled":false}}}',
    '{"config":{"limits":{"__proto__":{"requestsPerMinute":1}}}}',
    '{"name":"x","toString":"y","hasOwnProperty":1}',
  ];

  test.each(POLLUTING)("%s change nothing and reach nobody", async (body) => {
    const before = await asAcme("GET", "/tenants/acme");
    const answer = await asAcme("PATCH", "/tenants/acme", body);
    expect(told(answer)).toEqual([400, "validation_failed"]);
    const after = await asAcme("GET", "/tenants/acme");
    expect(after.body).toEqual(before.body);
  });

  test("in what may be anything stay data, and no other request sees them", async () => {
    const metadata =
      '{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}},"k":{"__proto__":{"polluted":"yes"}}}';
    const body = JSON.stringify({
      ...unifiedMessage("acme", world.acme.connections.slack),
      content: { text: "t", media: [], metadata: "$" },
    }).replace('"$"', metadata);
    expect((await asAcme("POST", "/messages/unified", body)).status).toBe(202);
    const own = await asAcme("GET", "/tenants/acme");
    expect([own.status, own.text.includes("polluted")]).toEqual([200, false]);
    const bare = await asAcme("PATCH", "/tenants/acme", {});
    expect([bare.status, bare.text.includes("polluted")]).toEqual([200, false]);
  });
});

describe("mass assignment", () => {
  test.each([
    ["id", { id: "globex" }],
    ["role", { role: "owner" }],
    ["plan", { plan: "enterprise" }],
    ["created", { createdAt: "2020-01-01T00:00:00Z" }],
    ["secrets", { secretsSet: [] }],
    ["an unknown setting", { config: { unlimited: true } }],
    ["keys", { apiKeys: [{ key: "mine-now", scopes: ["*"] }] }],
  ])("of %s to a tenant is 400 and changes nothing", async (_, patch) => {
    const before = await asAcme("GET", "/tenants/acme");
    expect(told(await asAcme("PATCH", "/tenants/acme", { name: "changed", ...patch }))).toEqual([
      400,
      "validation_failed",
    ]);
    expect((await asAcme("GET", "/tenants/acme")).body).toEqual(before.body);
  });

  test.each([
    ["its limits", { config: { limits: { requestsPerMinute: 1_000_000 } } }],
    ["its switch", { active: true }],
  ])("a tenant's key does not change %s", async (_, patch) => {
    expect(told(await asAcme("PATCH", "/tenants/acme", patch))).toEqual([
      403,
      "insufficient_scope",
    ]);
  });

  test.each([
    ["tenant", { tenant: "globex" }],
    ["id", { id: "globex-slack" }],
    ["channel", { channel: "discord" }],
    ["state", { state: "open" }],
    ["address", { address: "T_GLOBEX" }],
    ["another channel's member", { gateway: true }],
  ])("of %s to a connection is refused", async (_, patch) => {
    const path = `/tenants/acme/connections/${world.acme.connections.slack}`;
    const before = await asAcme("GET", path);
    expect([400, 403]).toContain((await asAcme("PATCH", path, patch)).status);
    expect((await asAcme("GET", path)).body).toEqual(before.body);
  });

  test("of a key's hash, tenant or id at its making is 400", async () => {
    const good = { name: "n", scopes: ["tenants:read"] };
    for (const more of [
      { tenant: "globex" },
      { id: "key_mine" },
      { hash: "0".repeat(64) },
      { revokedAt: null },
    ])
      expect([400, 403]).toContain(
        (await asAcme("POST", "/tenants/acme/api-keys", { ...good, ...more })).status,
      );
  });
});

test("an instance's name that no URL can hold is no failure of ours", async () => {
  const id = fresh("evolution");
  const body = JSON.stringify({
    id,
    channel: "whatsapp",
    provider: "evolution",
    instance: "$",
    baseUrl: "simulator",
    credentials: { apiKey: "evolution-global-key" },
  });
  const answer = await asAcme("POST", "/instances/create", body.replace("$", "\\ud800"));
  expect([201, 400, 422, 502]).toContain(answer.status);
});
