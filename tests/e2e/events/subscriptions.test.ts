/** The story of consumers that pull, over the HTTP API of a running hub; and a dry run beside what really happens. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiAnswer, Json } from "../../support/channels/api.ts";
import { type ChannelWorld, startWorld, until } from "../../support/channels/world.ts";

let world: ChannelWorld;

beforeAll(async () => {
  world = await startWorld({ bindings: { EVENT_SHARDS: "3" } });
  await world.addTenant({ id: "acme" });
  await world.addTenant({ id: "globex" });
  for (const name of TYPES)
    await must(acme().post("/event-types", { name, version: "1.0", schema: true }), 201);
});
afterAll(() => world?.stop());

/** Types that the tenant has declared, with any data. */
const TYPES = ["order.created", "order.cancelled", "kill.now", "hold.it", "mine.only", "dry.run"];

const acme = () => world.api("acme");

async function must(asked: Promise<ApiAnswer>, status: number): Promise<Json> {
  const answer = await asked;
  if (answer.status !== status) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

interface Delivery {
  readonly seq: number;
  readonly attempt: number;
  readonly event: {
    readonly event_id: string;
    readonly data: { readonly number: number };
    readonly metadata: { readonly partition_key: string };
  };
}

interface Lease {
  readonly deliveries: readonly Delivery[];
  readonly token?: string;
  readonly why?: string;
}

const subscribe = (id: string, more: Json) =>
  must(acme().post("/subscriptions", { id, name: id, ...more }), 201);
const lease = async (id: string, body: Json = {}) =>
  (await must(acme().post(`/subscriptions/${id}/lease`, body), 200)) as unknown as Lease;
const settle = (id: string, token: string | undefined, results: readonly Json[]) =>
  acme().post(`/subscriptions/${id}/settle`, { token, results });
const stats = async (id: string) => must(acme().get(`/subscriptions/${id}/stats`), 200);
const acks = ({ deliveries }: Lease) => deliveries.map(({ seq }) => ({ seq, is: "ack" }));
const topic = (key: string) => ({ bindings: [{ kind: "topic", key }], target: { kind: "pull" } });

/** `count` events of a type, numbered within each of the partitions. */
async function publish(event_type: string, partitions: readonly string[], count: number) {
  const events = Array.from({ length: count }, (_, number) => number).flatMap((number) =>
    partitions.map((partition_key) => ({
      event_type,
      partition_key,
      data: { number, to: partition_key },
    })),
  );
  await must(acme().post("/events", { events }), 202);
}

describe("consumers that pull", () => {
  test("share the work, each partition in order through failures, every event once", async () => {
    await subscribe("orders", {
      ...topic("order.*"),
      prefetch: 4,
      retry: { kind: "listed", waits_s: [0, 0, 0] },
    });
    const partitions = ["a", "b", "c", "d", "e"];
    await publish("order.created", partitions, 8);
    const got = new Map<string, number[]>();
    const failed = new Set<string>();
    const work = async (consumer: string) => {
      for (let idle = 0; idle < 3; ) {
        const leased = await lease("orders", { consumer, max: 4 });
        idle = leased.deliveries.length > 0 ? 0 : idle + 1;
        const results = leased.deliveries.map(({ seq, event }) => {
          const { partition_key } = event.metadata;
          // Every third one fails the first time.
          if (event.data.number % 3 === 0 && !failed.has(event.event_id)) {
            failed.add(event.event_id);
            return { seq, is: "retry", after_ms: 20, reason: "busy" };
          }
          got.set(partition_key, [...(got.get(partition_key) ?? []), event.data.number]);
          return { seq, is: "ack" };
        });
        if (results.length > 0) await must(settle("orders", leased.token, results), 200);
        else await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await Promise.all(["one", "two", "three"].map(work));
    const inOrder = [0, 1, 2, 3, 4, 5, 6, 7];
    expect(Object.fromEntries(got)).toEqual(
      Object.fromEntries(partitions.map((key) => [key, inOrder])),
    );
    expect(await stats("orders")).toMatchObject({
      total: 0,
      totals: { published: 40, acked: 40, retried: 15, dead: 0 },
    });
  });

  test("find what they leased after the hub was killed, and settle it with the token they had", async () => {
    await subscribe("killed", topic("kill.*"));
    await publish("kill.now", ["p"], 2);
    const leased = await lease("killed");
    expect(leased.deliveries.map(({ event }) => event.data.number)).toEqual([0]);
    await world.hub.kill();
    await world.hub.restart();
    expect((await lease("killed")).deliveries).toEqual([]);
    const settled = await must(settle("killed", leased.token, acks(leased)), 200);
    expect(settled.results).toMatchObject([{ is: "settled" }]);
    const next = await lease("killed");
    expect(next.deliveries.map(({ event }) => event.data.number)).toEqual([1]);
  });

  test("get nothing while it is paused, and all of it afterwards", async () => {
    await subscribe("held", topic("hold.#"));
    await must(acme().post("/subscriptions/held/pause"), 200);
    await publish("hold.it", ["x", "y"], 1);
    expect(await lease("held")).toMatchObject({ deliveries: [], why: "paused" });
    expect(await stats("held")).toMatchObject({ total: 2 });
    await must(acme().post("/subscriptions/held/resume"), 200);
    const seen = [...(await lease("held")).deliveries, ...(await lease("held")).deliveries];
    expect(seen).toHaveLength(2);
  });

  test("of another tenant get nothing of it", async () => {
    await subscribe("mine", topic("mine.*"));
    await publish("mine.only", ["p"], 1);
    const theirs = { id: "mine", name: "theirs", ...topic("mine.#") };
    await must(world.api("globex").post("/subscriptions", theirs), 201);
    const foreign = world.api("globex");
    expect((await foreign.post("/subscriptions/mine/lease", {})).body).toMatchObject({
      why: "empty",
    });
    const leased = await lease("mine");
    const stolen = { token: leased.token, results: acks(leased) };
    expect((await foreign.post("/subscriptions/mine/settle", stolen)).status).toBe(400);
    await must(settle("mine", leased.token, acks(leased)), 200);
  });

  test("get what another subscription forwards, once", async () => {
    await subscribe("cancelled", topic("nothing.comes.here"));
    await subscribe("forwarder", {
      ...topic("order.cancelled"),
      filter: { data: { to: "vip" } },
      target: { kind: "queue", subscription: "cancelled" },
    });
    await publish("order.cancelled", ["vip", "other"], 3);
    const seen: number[] = [];
    await until("three forwards", async () => {
      const leased = await lease("cancelled");
      if (leased.token) await must(settle("cancelled", leased.token, acks(leased)), 200);
      seen.push(...leased.deliveries.map(({ event }) => event.data.number));
      return seen.length >= 3 ? seen : undefined;
    });
    expect(seen).toEqual([0, 1, 2]);
    expect((await lease("cancelled")).deliveries).toEqual([]);
  });
});

describe("a dry run", () => {
  test("says what then happens", async () => {
    const filter = { data: { number: { $gte: 1 } } };
    await subscribe("dry-all", topic("dry.#"));
    await subscribe("dry-some", { ...topic("dry.*"), filter });
    await subscribe("dry-deep", topic("dry.*.*"));
    const ids = ["dry-all", "dry-some", "dry-deep"];
    for (const number of [0, 1]) {
      const event = { event_type: "dry.run", data: { number } };
      const { items } = (await must(acme().post("/subscriptions/dry-run", event), 200)) as {
        items: { subscription: string; outcome: string }[];
      };
      const told = items.filter(({ outcome }) => outcome === "deliver");
      const before = await Promise.all(ids.map(stats));
      await must(acme().post("/events", event), 202);
      const after = await Promise.all(ids.map(stats));
      const happened = ids.filter((_, at) => after[at]?.total !== before[at]?.total);
      const mine = told.map(({ subscription }) => subscription).filter((id) => ids.includes(id));
      expect(mine.toSorted()).toEqual(happened.toSorted());
      expect(happened).toHaveLength(number + 1);
    }
  });
});
