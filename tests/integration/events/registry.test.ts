/** The registry of event types: what can be declared, how it may grow, and who wins when two grow it at once. */
import { beforeAll, describe, expect, test } from "vitest";
import { HUB_EVENT_TYPES } from "../../../domain/events/catalogue.ts";
import { VERSIONS_MAX } from "../../../domain/events/registry.ts";
import type { Answer } from "../api/hub-api.ts";
import { ADMIN_KEY } from "../api/hub-api.ts";
import { type PublishApi, publishApi } from "./publish-api.ts";

const ORDER = {
  type: "object",
  properties: { id: { type: "string" }, total: { type: "number" } },
  required: ["id"],
};

let api: PublishApi;
let names = 0;
beforeAll(async () => {
  api = await publishApi();
});

/** A name no other test uses. */
function fresh(): string {
  names += 1;
  return `order.v${names}`;
}

const told = ({ status, body }: Answer) => [status, body.code, body.reason].filter(Boolean);
const add = (name: string, version: string, schema: unknown) =>
  api.ask("POST", `/event-types/${name}/versions`, { version, schema });
const versionsOf = async (name: string): Promise<readonly string[]> => {
  const { body } = await api.ask("GET", `/event-types/${name}`);
  return body.versions.map(({ version }: { version: string }) => version);
};

describe("a type", () => {
  test("is declared with its first version, read back, described anew and forgotten", async () => {
    const name = fresh();
    const made = await api.declare(name, ORDER, { description: "an order" });
    expect(made.body).toMatchObject({
      ...{ name, owner: "tenant", description: "an order", compatibility: "backward" },
      versions: [{ version: "1.0", schema: ORDER }],
    });
    expect((await api.ask("GET", `/event-types/${name}`)).body).toEqual(made.body);
    const patch = { description: "a sale", compatibility: "full" };
    const patched = await api.ask("PATCH", `/event-types/${name}`, patch);
    expect([patched.status, patched.body]).toEqual([
      200,
      { ...made.body, ...patch, updated_at: patched.body.updated_at },
    ]);
    const etag = made.headers.get("etag") ?? "";
    const stale = await api.ask("PATCH", `/event-types/${name}`, patch, {
      headers: { "if-match": etag },
    });
    expect(told(stale)).toEqual([412, "precondition_failed"]);
    expect((await api.ask("DELETE", `/event-types/${name}`)).status).toBe(204);
    expect((await api.ask("GET", `/event-types/${name}`)).status).toBe(404);
    expect((await api.ask("DELETE", `/event-types/${name}`)).status).toBe(404);
  });

  test("is there once: the second of two declarations is 409 and leaves no version behind", async () => {
    const name = fresh();
    const both = await Promise.all([
      api.ask("POST", "/event-types", { name }),
      api.ask("POST", "/event-types", { name, version: "3.0", schema: true }),
    ]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409]);
    const won = both.find(({ status }) => status === 201);
    expect((await api.ask("GET", `/event-types/${name}`)).body).toEqual(won?.body);
  });

  test("is not forgotten while a subscription names it", async () => {
    const name = fresh();
    await api.declare(name);
    const subscription = (key: string) => ({
      ...{ name: "s", target: { kind: "pull" }, bindings: [{ kind: "direct", key }] },
    });
    const made = await api.ask("POST", "/subscriptions", subscription(name));
    expect(made.status).toBe(201);
    const kept = await api.ask("DELETE", `/event-types/${name}`);
    expect([...told(kept), kept.body.subscriptions]).toEqual([
      409,
      "conflict",
      "in_use",
      [made.body.id],
    ]);
    expect((await api.ask("GET", `/event-types/${name}`)).status).toBe(200);
  });

  test.each([
    ["a name of the hub's", { name: "message.received" }, [422, "unprocessable", "reserved_type"]],
    ["a name like the hub's", { name: "tenant.mine" }, [422, "unprocessable", "reserved_type"]],
    ["a name with a wildcard", { name: "order.*" }, [400, "validation_failed"]],
    ["no name", {}, [400, "validation_failed"]],
    ["a version without schema", { name: "a.b", version: "1" }, [400, "validation_failed"]],
    [
      "a version that is none",
      { name: "a.b", version: "v1", schema: true },
      [400, "validation_failed"],
    ],
    [
      "a schema that is a list",
      { name: "a.b", version: "1", schema: [] },
      [400, "validation_failed"],
    ],
    [
      "a schema that is none",
      { name: "a.b", version: "1", schema: { type: "x" } },
      [422, "unprocessable", "not_a_schema"],
    ],
    [
      "a slow pattern",
      { name: "a.b", version: "1", schema: { pattern: "(a)\\1" } },
      [422, "unprocessable", "pattern"],
    ],
    [
      "a schema elsewhere",
      { name: "a.b", version: "1", schema: { $ref: "https://a.example/" } },
      [422, "unprocessable", "reference"],
    ],
    [
      "a large schema",
      { name: "a.b", version: "1", schema: { const: "x".repeat(70_000) } },
      [413, "payload_too_large"],
    ],
  ])("with %s is refused and not there", async (_, body, wanted) => {
    expect(told(await api.ask("POST", "/event-types", body))).toEqual(wanted);
    expect((await api.ask("GET", "/event-types/a.b")).status).toBe(404);
  });

  test("says where in the schema", async () => {
    const schema = { properties: { "a/b": { items: { type: "x" } } } };
    const { body } = await api.ask("POST", "/event-types", { name: "a.b", version: "1", schema });
    expect(body.errors).toEqual([
      { pointer: "#/schema/properties/a~1b/items/type", detail: "has a value that it cannot have" },
    ]);
  });

  test("belongs to its tenant", async () => {
    const name = fresh();
    await api.declare(name);
    const other = await publishApi();
    expect((await other.ask("GET", `/event-types/${name}`)).status).toBe(404);
    expect(told(await other.ask("DELETE", `/event-types/${name}`))).toEqual([404, "not_found"]);
    await other.declare(name, false);
    expect((await api.ask("GET", `/event-types/${name}`)).body.versions[0].schema).toBe(true);
  });

  test("is not made for a tenant that is not there", async () => {
    const headers = { "x-tenant": "nobody-there" };
    const made = await api.ask(
      "POST",
      "/event-types",
      { name: fresh() },
      { key: ADMIN_KEY, headers },
    );
    expect(told(made)).toEqual([404, "not_found"]);
  });
});

describe("a version", () => {
  test("rises, and the same again changes nothing", async () => {
    const name = fresh();
    await api.declare(name, ORDER);
    const next = { ...ORDER, properties: { ...ORDER.properties, note: { type: "string" } } };
    expect((await add(name, "1.1", next)).status).toBe(201);
    const again = await add(name, "1.1", next);
    expect([again.status, await versionsOf(name)]).toEqual([200, ["1.0", "1.1"]]);
    expect((await add(name, "1.0", ORDER)).status).toBe(200);
    const other = await add(name, "1.1", ORDER);
    expect([...told(other), other.body.last]).toEqual([409, "conflict", "not_rising", "1.1"]);
    expect(told(await add(name, "0.9", true))).toEqual([409, "conflict", "not_rising"]);
    expect((await add(name, "1.10", next)).status).toBe(201);
    expect((await add(name, "1.9", next)).status).toBe(409);
    expect(await versionsOf(name)).toEqual(["1.0", "1.1", "1.10"]);
  });

  const narrower = { ...ORDER, required: ["id", "total"] };
  const wider = { ...ORDER, required: [] };

  test.each([
    ["backward", narrower, [["/required", "required", "backward"]]],
    ["backward", wider, []],
    ["forward", narrower, []],
    ["forward", wider, [["/required", "required", "forward"]]],
    ["full", narrower, [["/required", "required", "backward"]]],
    ["full", wider, [["/required", "required", "forward"]]],
    ["none", narrower, []],
  ])(
    "under %s compatibility: each break is named with its direction (%#)",
    async (mode, schema, breaks) => {
      const name = fresh();
      await api.declare(name, ORDER, { compatibility: mode });
      const answer = await add(name, "2.0", schema);
      if (breaks.length === 0) {
        expect(answer.status).toBe(201);
        return;
      }
      expect(told(answer)).toEqual([409, "conflict", "incompatible"]);
      const named = answer.body.breaks.map((one: Record<string, string>) => [
        ...[one.pointer, one.change, one.direction],
      ]);
      expect(named).toEqual(breaks);
      expect(await versionsOf(name)).toEqual(["1.0"]);
    },
  );

  test("of many that are registered at once exactly one wins", async () => {
    const name = fresh();
    await api.declare(name, ORDER, { compatibility: "none" });
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => add(name, "2.0", { const: n })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(7);
    const same = await Promise.all(Array.from({ length: 4 }, () => add(name, "3.0", ORDER)));
    expect(same.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 201]);
    expect(await versionsOf(name)).toEqual(["1.0", "2.0", "3.0"]);
  });

  test("of a type there is not is 404, of the hub's 422", async () => {
    expect((await add("never.declared", "1", true)).status).toBe(404);
    expect(told(await add("message.received", "2", true))).toEqual([
      422,
      "unprocessable",
      "reserved_type",
    ]);
  });

  test("has an end", async () => {
    const name = fresh();
    await api.declare(name, true, { compatibility: "none" });
    for (let n = 2; n <= VERSIONS_MAX; n++) await add(name, `${n}`, true);
    expect(told(await add(name, "1000", true))).toEqual([409, "conflict", "too_many"]);
  }, 30_000);
});

describe("the list", () => {
  test("has the hub's own types and the tenant's, page by page, each once", async () => {
    const other = await publishApi();
    for (const name of ["b.two", "a.one", "c.three"]) await other.declare(name);
    const found: { name: string; owner: string }[] = [];
    for (let cursor = ""; ; ) {
      const { body } = await other.ask("GET", `/event-types?limit=7${cursor}`);
      found.push(...body.items);
      if (body.nextCursor === undefined) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    expect(found.filter(({ owner }) => owner === "hub").map(({ name }) => name)).toEqual(
      HUB_EVENT_TYPES.map(({ name }) => name).toSorted(),
    );
    const own = await other.ask("GET", "/event-types?owner=tenant");
    expect(found.filter(({ owner }) => owner === "tenant")).toEqual(own.body.items);
    expect(own.body.items.map(({ name }: { name: string }) => name)).toEqual([
      "a.one",
      "b.two",
      "c.three",
    ]);
    expect((await other.ask("GET", "/event-types/message.received")).body).toMatchObject({
      ...{ name: "message.received", owner: "hub", created_at: null },
    });
  });
});
