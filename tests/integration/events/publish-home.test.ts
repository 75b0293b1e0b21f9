/** A key is one event of its tenant however many shards there are and whatever partition comes with it. */
import { afterEach, expect, test, vi } from "vitest";
import { env } from "../api/hub-api.ts";
import { type PublishApi, publishApi } from "./publish-api.ts";

const PARTITIONS = [undefined, "a", "b", "c", "d", "e", "f", "g", "h"];

afterEach(() => {
  vi.restoreAllMocks();
});

async function wide(shards: number): Promise<PublishApi> {
  const api = await publishApi({ EVENT_SHARDS: shards });
  await api.declare("order.paid");
  return api;
}

const order = (partition: string | undefined, more: Record<string, unknown>) => ({
  ...{ event_type: "order.paid", data: { partition: partition ?? null } },
  ...(partition === undefined ? {} : { partition_key: partition }),
  ...more,
});

test.each<[string, Record<string, unknown>]>([
  ["idempotency key", { idempotency_key: "one" }],
  ["id within a source", { source: "/shop", event_id: "one" }],
])("an %s is one event, whatever its partition", async (_, identity) => {
  const api = await wide(4);
  const bodies = [];
  for (const partition of PARTITIONS) {
    const { status, body } = await api.ask("POST", "/events", order(partition, identity));
    expect(status).toBe(202);
    bodies.push(body);
  }
  const [first, ...others] = bodies;
  expect(first.duplicate).toBe(false);
  expect(others).toEqual(others.map(() => ({ ...first, duplicate: true })));
});

test("at the same time it is one as well, alone and in one call", async () => {
  const api = await wide(4);
  const events = PARTITIONS.map((partition) => order(partition, { idempotency_key: "at-once" }));
  const answers = await Promise.all([
    ...events.map((event) => api.ask("POST", "/events", event)),
    api.ask("POST", "/events", { events }),
  ]);
  const items = answers.flatMap(({ body }) => body.items ?? [body]);
  expect(items).toHaveLength(PARTITIONS.length * 2);
  expect(new Set(items.map(({ id }) => id)).size).toBe(1);
  expect(items.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
});

test("different keys are different events, and without keys every event is one of its own", async () => {
  const api = await wide(4);
  const events = [
    order("a", { idempotency_key: "x" }),
    order("a", { idempotency_key: "y" }),
    order("a", {}),
    order("b", {}),
    order("b", {}),
  ];
  const { body } = await api.ask("POST", "/events", { events });
  const duplicates = body.items.map(({ duplicate }: { duplicate: boolean }) => duplicate);
  expect(duplicates).toEqual([false, false, false, false, false]);
});

test("a key whose place can't be asked for is refused for now, and the others of its call are not", async () => {
  const api = await wide(3);
  vi.spyOn(env.IDEMPOTENCY, "getByName").mockImplementation(() => {
    throw new Error("away");
  });
  const events = [order("a", { idempotency_key: "k" }), order("b", {})];
  const { status, body } = await api.ask("POST", "/events", { events });
  expect(status).toBe(207);
  expect(body.items).toMatchObject([
    { status: "refused", code: "unavailable" },
    { status: "accepted" },
  ]);
  vi.restoreAllMocks();
  const again = await api.ask("POST", "/events", events[0]);
  expect([again.status, again.body.duplicate]).toEqual([202, false]);
});

test("with one shard nobody is asked", async () => {
  const api = await wide(1);
  const asked = vi.spyOn(env.IDEMPOTENCY, "getByName");
  const { status } = await api.ask("POST", "/events", order("a", { idempotency_key: "k" }));
  expect([status, asked.mock.calls.length]).toEqual([202, 0]);
});
