/** One tenant against another: ids, cursors, keys and files of globex in every request that acme can make. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { isDoor, type Operation } from "../../support/api/document.ts";
import {
  type ApiRequest,
  fresh,
  pathOf,
  REQUESTS,
  unifiedMessage,
} from "../../support/api/requests.ts";
import { AUTHORISATION, expectedStatus } from "../../support/api/roles.ts";
import { swaps } from "../../support/api/swap.ts";
import { sendRaw } from "../../support/api/wire.ts";
import { type Answer, type ApiWorld, startApiWorld } from "../../support/api/world.ts";

/** Each test asks every operation, some of them many times: time for that on a busy machine, ms. */
vi.setConfig({ testTimeout: 300_000 });

let world: ApiWorld;

beforeAll(async () => {
  world = await startApiWorld();
});
afterAll(() => world?.stop());

/** Their tenant is in the path, and whoever proves nothing learns nothing: `tests/integration/workflows/triggers-webhook.test.ts`. */
const HOOKS = new Set(["postWorkflowHook"]);

const guarded = () =>
  world.operations.filter(
    (one) => !isDoor(one) && !HOOKS.has(one.id) && Array.isArray(AUTHORISATION[one.id]),
  );

async function ownRequest(operation: Operation): Promise<ApiRequest> {
  return (await REQUESTS[operation.id]?.(world, world.acme)) ?? {};
}

function asAcme(
  { method, path }: Pick<Operation, "method" | "path">,
  { params, query, body }: ApiRequest,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const key = world.acme.keys.all;
  return world.ask(method, pathOf(path, params), {
    key,
    headers,
    ...(query ? { query } : {}),
    body,
  });
}

/** Everything in the database that is globex's, and what its conversation is up to. */
async function stateOfGlobex(): Promise<string> {
  const db = await world.db();
  const rows = async (sql: string, ...values: string[]) =>
    (
      await db
        .prepare(sql)
        .bind(...values)
        .all<Record<string, unknown>>()
    ).results;
  const tables = await rows(
    `SELECT m.name FROM sqlite_master m WHERE m.type = 'table'
     AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'tenant_id') ORDER BY m.name`,
  );
  const owned = tables.map(({ name }) =>
    rows(`SELECT * FROM "${String(name)}" WHERE tenant_id = ?`, "globex"),
  );
  const conversation = await world.must(
    "GET",
    `/conversations/${world.globex.conversation}?tenant=globex`,
  );
  return JSON.stringify([
    await Promise.all(owned),
    await rows("SELECT * FROM tenants WHERE id = ?", "globex"),
    conversation.body,
  ]);
}

function expectNothingOfGlobex({ text, headers }: Answer, what: string): void {
  const leaked = (text + JSON.stringify([...headers])).includes(world.globex.word);
  expect([what, leaked]).toEqual([what, false]);
}

describe("globex's ids", () => {
  test("in acme's requests open, change and tell nothing", async () => {
    const before = await stateOfGlobex();
    let tried = 0;
    for (const operation of guarded()) {
      for (const { at, request } of swaps(await ownRequest(operation), world.globex)) {
        const what = `${operation.id} ${at}`;
        const answer = await asAcme(operation, request);
        tried += 1;
        expectNothingOfGlobex(answer, what);
        const operatorOnly = expectedStatus(operation.id, "all") === 403;
        if (at.startsWith("params"))
          expect([what, answer.status]).toEqual([what, operatorOnly ? 403 : 404]);
        else expect([what, answer.status < 500]).toEqual([what, true]);
      }
    }
    expect(tried).toBeGreaterThan(60);
    expect(await stateOfGlobex()).toBe(before);
  });

  test("as filters of acme's lists and replays match nothing", async () => {
    const { globex } = world;
    for (const operation of guarded()) {
      const names = operation.parameters
        .filter((one) => one.in === "query")
        .map(({ name }) => name);
      for (const [name, value] of [
        ["connection", globex.connections.whatsapp],
        ["conversation", globex.conversation],
      ] as const) {
        if (!names.includes(name) || !names.includes("cursor")) continue;
        const answer = await asAcme(operation, {
          ...(await ownRequest(operation)),
          query: { [name]: value },
        });
        expect([operation.id, answer.status, answer.body.items]).toEqual([operation.id, 200, []]);
      }
    }
    const replay = await world.ask("POST", "/dead-letters/replay", {
      key: world.acme.keys.all,
      body: { connection: globex.connections.slack },
    });
    expect(replay.body).toEqual({ matched: 0, replayed: 0, skipped: 0, dryRun: false });
  });

  test.each(["x-tenant", "query", "body"])(
    "named as the tenant by %s are refused",
    async (where) => {
      const before = await stateOfGlobex();
      for (const operation of guarded()) {
        const own = await ownRequest(operation);
        const answer = await asAcme(
          operation,
          {
            ...own,
            ...(where === "query" ? { query: { ...own.query, tenant: "globex" } } : {}),
            ...(where === "body" && own.body ? { body: { ...own.body, tenant: "globex" } } : {}),
          },
          where === "x-tenant" ? { "x-tenant": "globex" } : {},
        );
        expectNothingOfGlobex(answer, operation.id);
        // 400 where a tenant has no place in this query or body.
        const refused =
          where === "body" && !own.body ? answer.status < 400 : [400, 403].includes(answer.status);
        const operatorOnly = expectedStatus(operation.id, "all") === 403;
        expect([operation.id, answer.status, refused || operatorOnly]).toEqual([
          operation.id,
          answer.status,
          true,
        ]);
      }
      expect(await stateOfGlobex()).toBe(before);
    },
  );

  test.each([
    "/tenants/glob%65x",
    "/tenants/acme/../globex",
    "/tenants/acme/%2e%2e/globex",
    "/tenants/acme%2F..%2Fglobex",
    "/tenants/acme/..%2fglobex/connections",
    "/tenants/globex/./connections",
    "//tenants/globex",
    "/tenants//globex",
    "/tenants/GLOBEX",
    "/tenants/globex%00",
    "/messages/history/glob%65x",
    "/instances/globex%2Dwhatsapp",
    "/instances/qr/../globex-whatsapp",
  ])("are not reached by %s", async (path) => {
    const authorization = `Bearer ${world.acme.keys.all}`;
    const { status, text } = await sendRaw(world.hub.url, { path, headers: { authorization } });
    expect([status, text.includes(world.globex.word)]).toEqual([404, false]);
  });
});

describe("what two tenants may both use", () => {
  test("one idempotency key is two keys: two messages, two sends", async () => {
    const headers = { "idempotency-key": fresh("shared") };
    const answers = [world.acme, world.globex].map(({ keys, connections }) =>
      world.ask("POST", "/messages/send", {
        key: keys.all,
        headers,
        body: { connection: connections.slack, to: "C1", text: "the same text" },
      }),
    );
    const [ours, theirs] = await Promise.all(answers);
    expect([ours?.status, theirs?.status]).toEqual([202, 202]);
    expect([ours?.body.duplicate, theirs?.body.duplicate]).toEqual([false, false]);
    expect(ours?.body.id).not.toBe(theirs?.body.id);
    expect(ours?.body.conversation).not.toBe(theirs?.body.conversation);
  });

  test("one event id of one source is two events", async () => {
    const id = fresh("event");
    const taken = [world.acme, world.globex].map(({ tenant, keys, connections }) =>
      world.ask("POST", "/messages/unified", {
        key: keys.all,
        body: { ...unifiedMessage(tenant, connections.slack), id },
      }),
    );
    const bodies = (await Promise.all(taken)).map(({ body }) => body);
    expect(bodies.map(({ duplicate }) => duplicate)).toEqual([false, false]);
    expect(bodies[0].id).not.toBe(bodies[1].id);
  });
});

describe("globex's files", () => {
  const stored = () => ({ kind: "image", source: { from: "stored", key: world.globex.mediaKey } });

  test("are not sent by acme", async () => {
    const { acme } = world;
    const content = { type: "media", media: [stored()] };
    const body = { connection: acme.connections.slack, to: "C1", content };
    const answer = await world.ask("POST", "/messages/send", { key: acme.keys.all, body });
    expect(answer.status).toBe(404);
  });

  test("do not become acme's by a message that claims to carry them", async () => {
    const { acme } = world;
    const message = unifiedMessage("acme", acme.connections.slack);
    const answer = await world.ask("POST", "/messages/unified", {
      key: acme.keys.all,
      body: { ...message, content: { ...message.content, media: [stored()] } },
    });
    expect([answer.status, answer.body.code]).toEqual([404, "not_found"]);
  });
});

test("nothing that acme can read holds a word of globex", async () => {
  for (const operation of guarded()) {
    if (operation.method !== "GET") continue;
    const { params, query } = await ownRequest(operation);
    const bare = await asAcme(operation, { ...(params ? { params } : {}) });
    expectNothingOfGlobex(bare, operation.id);
    expectNothingOfGlobex(
      await asAcme(operation, { ...(params ? { params } : {}), ...(query ? { query } : {}) }),
      operation.id,
    );
  }
});
