/** The same call many times at once, and one more than there may be: one effect, one clear answer for the rest. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { insertDeadLetter } from "../../support/api/plant.ts";
import { fresh, unifiedMessage } from "../../support/api/requests.ts";
import { type Answer, type ApiWorld, startApiWorld } from "../../support/api/world.ts";
import { eventually } from "../../support/runtime.ts";

const AT_ONCE = 20;

let world: ApiWorld;

beforeAll(async () => {
  world = await startApiWorld();
});
afterAll(() => world?.stop());

const asAcme = (method: string, path: string, body?: unknown, headers = {}) =>
  world.ask(method, path, { key: world.acme.keys.all, body, headers });

async function atOnce(ask: (index: number) => Promise<Answer>): Promise<readonly Answer[]> {
  return Promise.all(Array.from({ length: AT_ONCE }, (_, index) => ask(index)));
}

/** How often each status came. */
function tally(answers: readonly Answer[]): Readonly<Record<number, number>> {
  const groups = Map.groupBy(answers, ({ status }) => status);
  return Object.fromEntries([...groups].map(([status, list]) => [status, list.length]));
}

describe(`${AT_ONCE} times at once`, () => {
  test("a send under one Idempotency-Key is one message", async () => {
    const headers = { "idempotency-key": fresh("key") };
    const body = { connection: world.acme.connections.slack, to: "C55", text: "once" };
    const answers = await atOnce(() => asAcme("POST", "/messages/send", body, headers));
    expect(tally(answers)).toEqual({ 202: AT_ONCE });
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(answers.filter((answer) => !answer.body.duplicate)).toHaveLength(1);
    const path = `/messages/history?conversation=${answers[0]?.body.conversation}`;
    const items = await eventually("the message", async () => {
      const page = await asAcme("GET", path);
      return page.body.items.length > 0 ? page.body.items : undefined;
    });
    expect(items).toHaveLength(1);
  });

  test("a send under one Idempotency-Key with different bodies is one message, and 422 for the others", async () => {
    const headers = { "idempotency-key": fresh("key") };
    const answers = await atOnce((index) =>
      asAcme(
        "POST",
        "/messages/send",
        { connection: world.acme.connections.slack, to: "C56", text: `text ${index}` },
        headers,
      ),
    );
    expect(tally(answers)).toEqual({ 202: 1, 422: AT_ONCE - 1 });
  });

  test("a message taken in is one message", async () => {
    const body = unifiedMessage("acme", world.acme.connections.slack);
    const answers = await atOnce(() => asAcme("POST", "/messages/unified", body));
    expect(tally(answers)).toEqual({ 202: AT_ONCE });
    expect(answers.filter((answer) => !answer.body.duplicate)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
  });

  test("a dead letter is replayed once, or discarded once", async () => {
    for (const [method, verb, done] of [
      ["POST", "/replay", 202],
      ["DELETE", "", 200],
    ] as const) {
      const letter = await insertDeadLetter(world, "acme", world.acme.word);
      const answers = await atOnce(() => asAcme(method, `/dead-letters/${letter}${verb}`));
      expect(tally(answers)).toEqual({ [done]: 1, 409: AT_ONCE - 1 });
    }
  });

  test("an id is given to one tenant, one connection", async () => {
    const id = fresh("tenant");
    const tenants = await atOnce(() =>
      world.ask("POST", "/tenants", { key: world.hub.adminKey, body: { id } }),
    );
    expect(tally(tenants)).toEqual({ 201: 1, 409: AT_ONCE - 1 });
    const connection = {
      id: fresh("c"),
      channel: "slack",
      teamId: "T9",
      credentials: { signingSecret: "s" },
    };
    const connections = await atOnce((index) => {
      const mine = index % 2 === 0 ? world.acme : world.globex;
      return world.ask("POST", `/tenants/${mine.tenant}/connections`, {
        key: mine.keys.all,
        body: connection,
      });
    });
    expect(tally(connections)).toEqual({ 201: 1, 409: AT_ONCE - 1 });
    const refusals = connections
      .filter(({ status }) => status === 409)
      .map(({ body: { instance: _, trace_id: __, ...same } }) => JSON.stringify(same));
    // Whose it is by now is told to nobody.
    expect(new Set(refusals).size).toBe(1);
  });

  test("a change of one version is made once", async () => {
    const { headers } = await asAcme("GET", "/tenants/acme");
    const etag = headers.get("etag") ?? "";
    const answers = await atOnce((index) =>
      asAcme("PATCH", "/tenants/acme", { name: `name ${index}` }, { "if-match": etag }),
    );
    expect(tally(answers)).toEqual({ 200: 1, 412: AT_ONCE - 1 });
  });

  test("a tenant that goes while it is worked for leaves nothing behind", async () => {
    const id = fresh("tenant");
    const key = `key-of-${id}`;
    await world.must("POST", "/tenants", { id, apiKeys: [{ key }] });
    const answers = await atOnce((index) => {
      if (index === 10) return world.ask("DELETE", `/tenants/${id}`, { key: world.hub.adminKey });
      const body = {
        id: `${id}-${index}`,
        channel: "slack",
        teamId: "T8",
        credentials: { signingSecret: "s" },
      };
      return world.ask("POST", `/tenants/${id}/connections`, { key, body });
    });
    for (const { status } of answers) expect([201, 204, 401, 404]).toContain(status);
    const db = await world.db();
    const left = await db.prepare("SELECT id FROM connections WHERE tenant_id = ?").bind(id).all();
    expect(left.results).toEqual([]);
    expect((await world.ask("GET", `/tenants/${id}`, { key })).status).toBe(401);
  });
});

describe("one more than a tenant may have is 409", () => {
  /** Rows as the API writes them, so that not every one has to be asked for. */
  async function fill(sql: string, tenant: string, count: number): Promise<void> {
    const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
    const db = await world.db();
    await db
      .prepare(`${sql.replace("NUMBERS", numbers)}`)
      .bind(tenant)
      .run();
  }

  test.each([
    [
      "API key",
      200,
      "api-keys",
      { name: "n", scopes: ["tenants:read"] },
      "INSERT INTO api_keys (id, tenant_id, name, hash, scopes, created_at) NUMBERS SELECT 'key_' || ?1 || i, ?1, 'n', ?1 || i, '[]', 0 FROM n",
    ],
    [
      "access rule",
      1000,
      "access-rules",
      { effect: "block", pattern: "x" },
      "INSERT INTO access_rules (id, tenant_id, effect, pattern, created_at) NUMBERS SELECT 'rule_' || ?1 || i, ?1, 'block', 'p', 0 FROM n",
    ],
  ])("%s", async (_, most, noun, body, sql) => {
    const id = fresh("tenant");
    await world.must("POST", "/tenants", { id });
    await fill(sql, id, most - 1);
    const ask = () =>
      world.ask("POST", `/tenants/${id}/${noun}`, { key: world.hub.adminKey, body });
    const answers = [await ask(), await ask()];
    expect(answers.map(({ status }) => status)).toEqual([201, 409]);
    expect(answers[1]?.body.detail).toContain(String(most));
  });
});
