/** Pages, cursors, paths, headers and rates beyond what the API takes: each has one clear answer. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOSTILE_TEXTS } from "../../support/api/generate.ts";
import { fresh } from "../../support/api/requests.ts";
import { sendRaw } from "../../support/api/wire.ts";
import { type Answer, type ApiWorld, startApiWorld } from "../../support/api/world.ts";

/** Requests at once that this hub lets a tenant have. */
const CONCURRENT_MAX = 4;

let world: ApiWorld;

beforeAll(async () => {
  world = await startApiWorld({ TENANT_CONCURRENCY_MAX: String(CONCURRENT_MAX) });
});
afterAll(() => world?.stop());

const key = () => world.acme.keys.all;
const asAcme = (method: string, path: string, body?: unknown, headers = {}) =>
  world.ask(method, path, { key: key(), body, headers });
const told = ({ status, body }: Answer) => [status, body?.code];

/** A tenant of the test's own, with its key. */
async function aTenant(
  config: object = {},
): Promise<{ readonly id: string; readonly key: string }> {
  const id = fresh("tenant");
  const made = { id, key: `key-of-${id}` };
  await world.must("POST", "/tenants", { id, config, apiKeys: [{ key: made.key }] });
  return made;
}

describe("pages", () => {
  const LISTS = [
    "/messages/history",
    "/conversations",
    "/dead-letters",
    "/tenants/acme/connections",
    "/tenants/acme/api-keys",
    "/tenants/acme/access-rules",
    "/tenants",
  ];

  test.each(LISTS)("%s: 1 to 200 items, and no other number", async (path) => {
    for (const limit of [
      "0",
      "-1",
      "201",
      "1e9",
      "x",
      "",
      "1.5",
      "NaN",
      "0x10000",
      "Infinity",
      "9".repeat(400),
    ]) {
      const answer = await asAcme("GET", `${path}?limit=${encodeURIComponent(limit)}`);
      expect([limit, ...told(answer)]).toEqual([limit, 400, "validation_failed"]);
    }
    const one = await asAcme("GET", `${path}?limit=1`);
    expect([one.status, one.body.items.length]).toEqual([200, 1]);
    expect((await asAcme("GET", `${path}?limit=200`)).status).toBe(200);
    expect((await asAcme("GET", `${path}?limit=1&limit=2`)).status).toBe(400);
  });

  test.each([
    ...HOSTILE_TEXTS,
    "e30",
    "eyJhIjoxfQ.AAAA",
    "x".repeat(2048),
    "x".repeat(2049),
    "a.b.c",
    "😀",
  ])("the cursor %j is 400", async (cursor) => {
    for (const path of LISTS.filter((list) => list !== "/tenants")) {
      const answer = await asAcme(
        "GET",
        `${path}?cursor=${encodeURIComponent(cursor.toWellFormed())}`,
      );
      expect([path, answer.status]).toEqual([path, 400]);
    }
  });

  test("a cursor of which one character is another is 400", async () => {
    const { body } = await asAcme("GET", "/tenants/acme/api-keys?limit=1");
    const cursor: string = body.nextCursor;
    for (const index of [0, Math.floor(cursor.length / 2), cursor.length - 2]) {
      const other = cursor[index] === "A" ? "B" : "A";
      const bent = cursor.slice(0, index) + other + cursor.slice(index + 1);
      expect((await asAcme("GET", `/tenants/acme/api-keys?cursor=${bent}`)).status).toBe(400);
    }
  });
});

describe("paths and headers", () => {
  const raw = (path: string, headers: Record<string, string> = {}) =>
    sendRaw(world.hub.url, { path, headers: { authorization: `Bearer ${key()}`, ...headers } });

  test.each([
    "/messages/%ff%fe",
    "/messages/%",
    "/messages/%zz",
    "/messages/%00",
    "/tenants/%C0%AE%C0%AE",
    "/tenants/acme/connections/%2F%2F",
    "/conversations/cnv_%",
    "/tenants/acme%0d%0ax-injected:%201",
    `/messages/${"a".repeat(8000)}`,
    "/constructor",
    "/__proto__",
    "/tenants/__proto__",
    "/tenants/acme/connections/constructor",
  ])("%s is a 404 problem", async (path) => {
    const { status, headers } = await raw(path);
    expect([status, headers["content-type"], headers["x-injected"]]).toEqual([
      404,
      "application/problem+json",
      undefined,
    ]);
  });

  test.each([
    ["authorization", "Bearer"],
    ["authorization", "Bearer "],
    ["authorization", "Basic YTpi"],
    ["authorization", `bearer,${"x".repeat(600)}`],
    ["authorization", "Bearer a b"],
    ["authorization", `Bearer ${"x".repeat(8000)}`],
    ["authorization", "Bearer \u00e9\u00e9"],
    ["x-api-key", "null"],
    ["cookie", "key=value"],
  ])("%s: %s is a 401", async (name, value) => {
    const { status, text } = await sendRaw(world.hub.url, {
      path: "/tenants",
      headers: { [name]: value },
    });
    expect([status, JSON.parse(text).code]).toEqual([401, "unauthorized"]);
  });

  test("two keys that differ are no way in for either", async () => {
    const { status } = await sendRaw(world.hub.url, {
      path: "/tenants/globex",
      headers: { authorization: `Bearer ${key()}`, "x-api-key": world.globex.keys.all },
    });
    expect(status).toBe(404);
  });

  test.each(["", "x".repeat(256)])(
    "an Idempotency-Key of %# other than 1 to 255 characters is 400",
    async (value) => {
      const body = { connection: world.acme.connections.slack, to: "C1", text: "t" };
      const answer = await asAcme("POST", "/messages/send", body, { "idempotency-key": value });
      expect(told(answer)).toEqual([400, "bad_request"]);
    },
  );

  test("the trace of a request is its traceparent's, and garbage is no trace", async () => {
    const trace = "0af7651916cd43dd8448eb211c80319c";
    const given = await asAcme("GET", "/messages/none", undefined, {
      traceparent: `00-${trace}-b7ad6b7169203331-01`,
    });
    expect(given.body.trace_id).toBe(trace);
    const garbage = await asAcme("GET", "/messages/none", undefined, {
      traceparent: `00-${"<".repeat(32)}-x-01`,
    });
    expect(garbage.body.trace_id).toMatch(/^[0-9a-f]{32}$/);
  });

  test("a method that the path has not is 405 with Allow; HEAD and OPTIONS are no way around a key", async () => {
    const wrong = await asAcme("PUT", "/tenants/acme");
    expect([...told(wrong), wrong.headers.get("allow")]).toEqual([
      405,
      "method_not_allowed",
      "GET, PATCH, DELETE",
    ]);
    for (const method of ["HEAD", "OPTIONS"]) {
      const answer = await world.ask(method, "/tenants/acme");
      expect([
        method,
        [401, 405].includes(answer.status),
        answer.headers.get("access-control-allow-origin"),
      ]).toEqual([method, true, null]);
    }
  });

  test("every answer forbids sniffing, and what is a tenant's is not to be kept", async () => {
    for (const path of ["/tenants/acme", "/messages/history", "/messages/none", "/metrics"]) {
      const { headers } = await asAcme("GET", path);
      expect([path, headers.get("x-content-type-options"), headers.get("cache-control")]).toEqual([
        path,
        "nosniff",
        "no-store",
      ]);
    }
  });
});

describe("rates", () => {
  test("requests per minute: 429 with Retry-After for that tenant, and nobody else", async () => {
    const small = await aTenant({ limits: { requestsPerMinute: 3 } });
    const use = () => world.ask("GET", `/tenants/${small.id}`, { key: small.key });
    const answers = [await use(), await use(), await use(), await use()];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    const last = answers[3];
    expect(last?.body.code).toBe("rate_limited");
    expect(Number(last?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(last?.headers.get("retry-after"))).toBeLessThanOrEqual(60);
    expect((await asAcme("GET", "/tenants/acme")).status).toBe(200);
  });

  test("at once: what is over the number is 429 with Retry-After, the rest is answered, and slots come back", async () => {
    const many = await aTenant();
    const use = () => world.ask("GET", `/tenants/${many.id}/connections`, { key: many.key });
    const seen = new Map<number, number>();
    for (let round = 0; round < 20 && !seen.has(429); round += 1) {
      for (const answer of await Promise.all(Array.from({ length: 40 }, use))) {
        seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
        if (answer.status !== 429) continue;
        expect(answer.body.code).toBe("too_many_concurrent");
        expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      }
    }
    expect([...seen.keys()].toSorted()).toEqual([200, 429]);
    expect(seen.get(200)).toBeGreaterThanOrEqual(CONCURRENT_MAX);
    expect((await use()).status).toBe(200);
  });

  test("guessing keys is refused, however often, and slows nobody down", async () => {
    const guesses = Array.from({ length: 200 }, (_, index) =>
      world.ask("GET", "/tenants", { key: `hub_dev_guess_${index}` }),
    );
    expect(new Set((await Promise.all(guesses)).map(({ status }) => status))).toEqual(
      new Set([401]),
    );
    expect((await asAcme("GET", "/tenants/acme")).status).toBe(200);
  });
});
