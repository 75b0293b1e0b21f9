/** One tenant's cursors in another's lists, and in other lists of its own: they open nothing. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isDoor, type Operation } from "../../support/api/document.ts";
import type { Planted } from "../../support/api/plant.ts";
import { type ApiRequest, pathOf, REQUESTS } from "../../support/api/requests.ts";
import { AUTHORISATION } from "../../support/api/roles.ts";
import { type ApiWorld, startApiWorld } from "../../support/api/world.ts";

let world: ApiWorld;

beforeAll(async () => {
  world = await startApiWorld();
});
afterAll(() => world?.stop());

describe("globex's cursors", () => {
  const guarded = () =>
    world.operations.filter((one) => !isDoor(one) && Array.isArray(AUTHORISATION[one.id]));

  const asAcme = ({ method, path }: Operation, { params, query = {} }: ApiRequest) =>
    world.ask(method, pathOf(path, params), { key: world.acme.keys.all, query });

  /** The path's parameters of a tenant's own request for a list. Asked twice, so that whatever is planted for it is two. */
  async function ownParams(list: Operation, mine: Planted) {
    await REQUESTS[list.id]?.(world, mine);
    const request = await REQUESTS[list.id]?.(world, mine);
    return { ...request?.params, tenant: mine.tenant };
  }

  /** What a list cannot be asked without. */
  const NEEDED: Readonly<Record<string, ApiRequest["query"]>> = {
    listArchive: { kind: "events", since: "2025-01-01T00:00:00Z" },
  };

  /** A cursor of a list, gotten by its own tenant. */
  async function cursorOf({ method, path, id }: Operation, { tenant = "", ...params } = {}) {
    const bound = path.includes("{tenant}") || path === "/tenants";
    const query = { limit: "1", ...NEEDED[id], ...(bound ? {} : { tenant }) };
    const at = pathOf(path, { tenant, ...params });
    return (await world.ask(method, at, { key: world.hub.adminKey, query })).body.nextCursor;
  }

  test("open nothing at acme, nor does one of another list", async () => {
    await makeSecondItems();
    const lists = [];
    for (const operation of guarded()) {
      if (!operation.parameters.some(({ name }) => name === "cursor")) continue;
      const cursor = await cursorOf(operation, await ownParams(operation, world.globex));
      lists.push({ operation, ours: await ownParams(operation, world.acme), cursor });
    }
    const short = lists.filter(({ cursor }) => typeof cursor !== "string");
    expect(short.map(({ operation }) => operation.id)).toEqual([]);
    expect(lists.length).toBeGreaterThanOrEqual(8);
    for (const { operation, ours, cursor } of lists) {
      const query = { ...NEEDED[operation.id], cursor, limit: "1" };
      const answer = await asAcme(operation, { params: ours, query });
      expect([operation.id, answer.text.includes(world.globex.word)]).toEqual([
        operation.id,
        false,
      ]);
      // The tenant's own list of one tenant has no second page, so no cursor counts there.
      expect([operation.id, answer.status]).toEqual([
        operation.id,
        operation.id === "listTenants" ? 200 : 400,
      ]);
      const own = await cursorOf(operation, ours);
      for (const { operation: other, ours: params } of lists) {
        if (other === operation || operation.path.startsWith("/messages/history")) continue;
        if (other.id === "listTenants") continue;
        const query = { ...NEEDED[other.id], cursor: own };
        const crossed = await asAcme(other, { params, query });
        expect([operation.id, other.id, crossed.status]).toEqual([operation.id, other.id, 400]);
      }
    }
  });

  async function makeSecondItems(): Promise<void> {
    for (const mine of [world.acme, world.globex]) {
      const made = ["createAccessRule", "takeUnifiedMessage", "getDeadLetter", "replayDeadLetter"];
      for (const id of made) {
        const operation = world.operations.find((one) => one.id === id);
        const request = await REQUESTS[id]?.(world, mine);
        if (!operation || !request) throw new Error(`no ${id}`);
        const { params, body } = request;
        await world.ask(operation.method, pathOf(operation.path, params), {
          key: mine.keys.all,
          body,
        });
      }
    }
  }
});
