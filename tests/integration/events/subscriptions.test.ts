/** Subscriptions as their owners make, change, hold, prove and end them. */
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { databaseFor } from "../../../platform/database.ts";
import { findSubscription } from "../../../platform/repositories/subscriptions.ts";
import { ADMIN_KEY, env, slack, unique } from "../api/hub-api.ts";
import { aPull, aWebhook, type EventsApi, eventsApi } from "./events-api.ts";

let api: EventsApi;

beforeAll(async () => {
  api = await eventsApi();
  const { tenant } = api;
  await api.ask("POST", `/tenants/${tenant}/connections`, slack("chat-of-events"));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const stored = async (id: string) => {
  const found = await findSubscription(databaseFor(env, api.tenant), api.tenant, id);
  if (!found) throw new Error("no such subscription");
  return found;
};

describe("a subscription", () => {
  test("is made, read, listed, changed and ended", async () => {
    const id = unique("sub");
    const made = await api.subscribe(aPull({ id, filter: { data: { number: { $gt: 1 } } } }));
    expect(made.body).toMatchObject({ id, state: "active", paused: false, secrets: 0 });
    expect(made.body).not.toHaveProperty("secret");
    const read = await api.ask("GET", `/subscriptions/${id}`);
    expect(read.body).toEqual(made.body);
    const known = { headers: { "if-none-match": read.headers.get("etag") ?? "" } };
    expect((await api.ask("GET", `/subscriptions/${id}`, undefined, known)).status).toBe(304);
    const patch = { name: "renamed", filter: null, ttl_ms: 5000 };
    const changed = await api.ask("PATCH", `/subscriptions/${id}`, patch);
    expect(changed.body).toMatchObject({ name: "renamed", ttl_ms: 5000 });
    expect(changed.body).not.toHaveProperty("filter");
    expect((await api.ask("DELETE", `/subscriptions/${id}`)).status).toBe(204);
    expect((await api.ask("GET", `/subscriptions/${id}`)).status).toBe(404);
    expect((await api.ask("DELETE", `/subscriptions/${id}`)).status).toBe(404);
  });

  test("gets an id where none is given; the same id twice is 409", async () => {
    const { body } = await api.subscribe(aPull());
    expect(body.id).toMatch(/^sub_[0-9a-f]{32}$/);
    const again = await api.ask("POST", "/subscriptions", aPull({ id: body.id }));
    expect([again.status, again.body.detail]).toEqual([409, "a subscription with this id exists"]);
  });

  test("pages by id, each once", async () => {
    const other = await eventsApi();
    const ids = ["a", "b", "c", "d", "e"].map((word) => `paged-${word}`);
    for (const id of ids) await other.subscribe(aPull({ id }));
    const seen: string[] = [];
    for (let cursor = ""; ; ) {
      const { body } = await other.ask("GET", `/subscriptions?limit=2${cursor}`);
      seen.push(...body.items.map((item: { id: string }) => item.id));
      if (!body.nextCursor) break;
      cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`;
    }
    expect(seen).toEqual(ids);
  });

  test("is changed by whoever knows it: an old If-Match is 412 and changes nothing", async () => {
    const { body, headers } = await api.subscribe(aPull());
    const path = `/subscriptions/${body.id}`;
    const old = { headers: { "if-match": headers.get("etag") ?? "" } };
    expect((await api.ask("PATCH", path, { name: "first" }, old)).status).toBe(200);
    expect((await api.ask("PATCH", path, { name: "second" }, old)).status).toBe(412);
    expect((await api.ask("POST", `${path}/pause`, undefined, old)).status).toBe(412);
    expect((await api.ask("DELETE", path, undefined, old)).status).toBe(412);
    expect((await api.ask("GET", path)).body).toMatchObject({ name: "first", state: "active" });
  });

  test("is changed by many at once without a lost change, and its version rises by one each", async () => {
    const { body } = await api.subscribe(aPull());
    const before = await stored(body.id);
    const patches = [{ prefetch: 3 }, { ttl_ms: 7000 }, { depth_max: 9 }];
    const answers = await Promise.all(
      patches.map((patch) => api.ask("PATCH", `/subscriptions/${body.id}`, patch)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const after = await stored(body.id);
    expect(after.subscription).toMatchObject({ prefetch: 3, ttl_ms: 7000, depth_max: 9 });
    expect(after.version).toBe(before.version + 3);
  });

  test("of another tenant is not there", async () => {
    const other = await eventsApi();
    const { body } = await other.subscribe(aPull());
    for (const [method, rest, sent] of [
      ["GET", "", undefined],
      ["PATCH", "", { name: "mine" }],
      ["DELETE", "", undefined],
      ["POST", "/pause", undefined],
      ["GET", "/stats", undefined],
      ["GET", "/blocked", undefined],
      ["POST", "/lease", {}],
    ] as const) {
      const { status } = await api.ask(method, `/subscriptions/${body.id}${rest}`, sent);
      expect([method, rest, status]).toEqual([method, rest, 404]);
    }
    const forward = { kind: "queue", subscription: body.id };
    expect((await api.ask("POST", "/subscriptions", aPull({ target: forward }))).status).toBe(422);
  });
});

describe("refused with the place and the rule", () => {
  const binding = (key: string) => ({ bindings: [{ kind: "topic", key }] });
  const talk = (more: object) => ({
    target: {
      kind: "conversation",
      connection: "chat-of-events",
      conversation_key: "C1",
      text: "hi",
      ...more,
    },
  });

  test.each([
    [aPull(binding("a.#.b.#.c.#")), 400, "#/bindings/0/key", "too_many_hashes"],
    [aPull({ filter: { data: { $nope: 1 } } }), 400, "#/filter/data/$nope", "unknown_operator"],
    [aPull({ filter: { total: 1 } }), 400, "#/filter/total", "event_type"],
    [aPull(binding("order.pa#")), 400, "#/bindings/0/key", "no event type can match"],
    [aPull({ id: "stats" }), 400, "#/id", "is the name of something else"],
    [aPull({ id: "$log" }), 400, "#/id", undefined],
    [aPull({ bindings: [] }), 400, "#/bindings", undefined],
    [aPull({ surprise: 1 }), 400, "#/surprise", "unknown key"],
    [aWebhook({ url: "http://10.0.0.1/x" }), 400, "#/target/url", "private_address"],
    [aWebhook({ url: "https://metadata.internal/x" }), 400, "#/target/url", "private_name"],
    [aWebhook({ url: "ftp://hooks.example.com/x" }), 400, "#/target/url", "scheme"],
    [aWebhook({ url: "https://u:p@hooks.example.com" }), 400, "#/target/url", "userinfo"],
    [aWebhook({ secrets: ["whsec_short"] }), 400, "#/target/secrets/0", "not a secret"],
    [aWebhook({ secrets: Array(6).fill("x") }), 400, "#/target/secrets", undefined],
    [aPull(talk({ connection: "nobodys" })), 422, "#/target/connection", "no such connection"],
    [
      aPull({ target: { kind: "workflow", workflow: "nobodys" } }),
      422,
      "#/target/workflow",
      "no such workflow",
    ],
    [aPull(talk({ conversation_key: "no address" })), 422, "#/target/conversation_key", "slack"],
    [
      aPull({ target: { kind: "queue", subscription: "nobody" } }),
      422,
      "#/target/subscription",
      "no such",
    ],
  ] as const)("%j", async (body, status, pointer, rule) => {
    const answer = await api.ask("POST", "/subscriptions", body);
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([status, pointer]);
    if (rule !== undefined) expect(answer.body.errors[0].detail).toContain(rule);
  });

  test("two `#` are fine", async () => {
    expect((await api.subscribe(aPull(binding("#.a.#")))).status).toBe(201);
  });

  test("an unknown tenant", async () => {
    const headers = { "x-tenant": "nobody-knows" };
    const answer = await api.ask("POST", "/subscriptions", aPull(), { as: ADMIN_KEY, headers });
    expect(answer.status).toBe(404);
  });
});

describe("forwards", () => {
  const to = (subscription: string, id: string) =>
    aPull({ id, target: { kind: "queue", subscription } });

  test("go one step: never to itself, to one that forwards, or from one that is forwarded to", async () => {
    const [end, first, second] = [unique("end"), unique("first"), unique("second")];
    await api.subscribe(aPull({ id: end }));
    await api.subscribe(to(end, first));
    const refused = await api.ask("POST", "/subscriptions", to(first, second));
    expect([refused.status, refused.body.errors[0].detail]).toEqual([422, "forwards itself"]);
    const self = { target: { kind: "queue", subscription: end } };
    expect((await api.ask("PATCH", `/subscriptions/${end}`, self)).body.errors[0].detail).toBe(
      "forwards to itself",
    );
    const third = unique("third");
    await api.subscribe(aPull({ id: third }));
    const turned = { target: { kind: "queue", subscription: third } };
    const circle = await api.ask("PATCH", `/subscriptions/${end}`, turned);
    expect([circle.status, circle.body.errors[0].detail]).toEqual([
      422,
      `${first} forwards to this one`,
    ]);
    expect((await api.ask("DELETE", `/subscriptions/${end}`)).status).toBe(409);
    await api.ask("DELETE", `/subscriptions/${first}`);
    expect((await api.ask("DELETE", `/subscriptions/${end}`)).status).toBe(204);
  });
});
