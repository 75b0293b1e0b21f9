/** Every operation of the hub's own document, called by everybody: who gets in, and what the others learn. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { isDoor, type Operation } from "../../support/api/document.ts";
import { pathOf, REQUESTS } from "../../support/api/requests.ts";
import {
  AUTHORISATION,
  expectedStatus,
  proofOf,
  ROLES,
  type Role,
  STRANGERS,
} from "../../support/api/roles.ts";
import { type Answer, type ApiWorld, startApiWorld } from "../../support/api/world.ts";

/** Each test asks every operation, some of them many times: time for that on a busy machine, ms. */
vi.setConfig({ testTimeout: 300_000 });

let world: ApiWorld;

beforeAll(async () => {
  world = await startApiWorld();
});
afterAll(() => world?.stop());

const guarded = () => world.operations.filter((operation) => !isDoor(operation));

/** Open to all, so nothing is proven there (and a query member it does not know is refused). */
function isOpen({ id }: Operation): boolean {
  return typeof AUTHORISATION[id] === "object" && "everyone" in AUTHORISATION[id];
}

/** The owner's own request, made by somebody. */
async function callAs(role: Role, operation: Operation): Promise<Answer> {
  const made = await REQUESTS[operation.id]?.(world, world.acme);
  const { query: proof = {}, ...key } = isOpen(operation) ? {} : proofOf(world, role);
  const isBound = operation.parameters.some(
    ({ name, in: at }) => name === "tenant" && at === "query",
  );
  const tenant = role === "operator" && isBound ? { tenant: world.acme.tenant } : {};
  return world.ask(operation.method, pathOf(operation.path, made?.params), {
    ...key,
    query: Object.assign({}, made?.query, tenant, proof),
    body: made?.body,
  });
}

test("every operation of the document has a row in the table and a request, and no row is left over", () => {
  const ids = guarded().map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(45);
  expect(Object.keys(AUTHORISATION).toSorted()).toEqual(ids.toSorted());
  expect(Object.keys(REQUESTS).toSorted()).toEqual(ids.toSorted());
});

describe("the table holds for", () => {
  test.each(ROLES)("%s", async (role) => {
    const got: [string, number][] = [];
    for (const operation of guarded()) {
      const { status } = await callAs(role, operation);
      got.push([operation.id, status]);
    }
    expect(got).toEqual(guarded().map(({ id }) => [id, expectedStatus(id, role)]));
  });
});

test("every 401 reads the same, whoever asks for whatever", async () => {
  const bodies = new Set<string>();
  for (const role of STRANGERS) {
    for (const operation of guarded()) {
      const answer = await callAs(role, operation);
      if (answer.status !== 401) continue;
      const { instance: _, trace_id: __, ...same } = answer.body;
      const type = answer.headers.get("content-type");
      bodies.add(JSON.stringify([same, type, answer.headers.get("www-authenticate")]));
    }
  }
  expect(bodies.size).toBe(1);
});

test("a stranger's 404 for a foreign thing is the 404 for a thing that is not there", async () => {
  for (const operation of guarded()) {
    if (expectedStatus(operation.id, "foreign") !== 404) continue;
    const foreign = await callAs("foreign", operation);
    const { instance: _, trace_id: __, ...told } = foreign.body;
    expect([operation.id, told.code, foreign.text.includes(world.acme.word)]).toEqual([
      operation.id,
      "not_found",
      false,
    ]);
    const made = await REQUESTS[operation.id]?.(world, world.acme);
    const absent = JSON.parse(
      JSON.stringify(made ?? {})
        .replaceAll(world.acme.connections.slack, "never-made")
        .replaceAll(world.acme.tenant, "never-made"),
    );
    const answer = await world.ask(operation.method, pathOf(operation.path, absent.params), {
      key: world.globex.keys.all,
      query: absent.query ?? {},
      body: absent.body,
    });
    if (answer.status !== 404) continue;
    const { instance: ___, trace_id: ____, ...same } = answer.body;
    expect([operation.id, told]).toEqual([operation.id, same]);
  }
});

test("no answer to a stranger's key holds a word of the owner", async () => {
  for (const role of ["foreign", ...STRANGERS] as const) {
    for (const operation of guarded()) {
      const { text, headers } = await callAs(role, operation);
      const all = text + JSON.stringify([...headers]);
      expect([operation.id, all.includes(world.acme.word)]).toEqual([operation.id, false]);
    }
  }
});

test("no key opens a door: platforms sign, and links are signed", async () => {
  const connections: Readonly<Record<string, string>> = {
    evolution: world.acme.connections.whatsapp,
    slack: world.acme.connections.slack,
    discord: world.acme.connections.discord,
  };
  const doors = world.operations.filter(isDoor);
  expect(doors).toHaveLength(7);
  for (const role of ROLES) {
    for (const { method, path } of doors) {
      const connection = connections[path.split("/")[2] ?? ""] ?? "";
      const filled = path.startsWith("/media/")
        ? `/${world.acme.mediaKey}`
        : pathOf(path, { connection });
      const body = method === "POST" ? {} : undefined;
      const { status } = await world.ask(method, filled, { ...proofOf(world, role), body });
      expect([role, path, status]).toEqual([role, path, path.includes("{connection}") ? 401 : 404]);
    }
  }
});
