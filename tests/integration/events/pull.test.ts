/** Consumers that come by themselves: leases, settlements, tokens, and partitions that stand still. */
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { LEASE_MS } from "../../../domain/events/shard/limits.ts";
import { anEvent, aPull, type EventsApi, eventsApi } from "./events-api.ts";

let api: EventsApi;

beforeAll(async () => {
  api = await eventsApi();
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A subscription to events of a type of its own, and the ways to use it. */
async function pulled(more: Record<string, unknown> = {}, on: EventsApi = api) {
  const { body } = await on.subscribe(
    aPull({ bindings: [{ kind: "direct", key: "none" }], ...more }),
  );
  const path = `/subscriptions/${body.id}`;
  const only = [body.id as string];
  return {
    id: body.id as string,
    path,
    publish: (count: number, metadata = {}) =>
      on.publish(...Array.from({ length: count }, () => anEvent({ metadata }, { only }))),
    lease: async (options = {}) => (await on.ask("POST", `${path}/lease`, options)).body,
    settle: (token: string, results: readonly object[]) =>
      on.ask("POST", `${path}/settle`, { token, results }),
  };
}

const seqs = (lease: { deliveries: { seq: number }[] }) => lease.deliveries.map(({ seq }) => seq);
const acks = (lease: { deliveries: { seq: number }[] }) =>
  seqs(lease).map((seq) => ({ seq, is: "ack" }));

describe("a lease", () => {
  test("hands out deliveries with a token, until they are settled", async () => {
    const sub = await pulled();
    expect(await sub.lease()).toEqual({ deliveries: [], more: false, why: "empty" });
    await sub.publish(2);
    const lease = await sub.lease({ consumer: "one" });
    expect(lease.deliveries).toHaveLength(2);
    expect(lease.deliveries[0]).toMatchObject({ attempt: 1, priority: 0, expires_at: null });
    expect(Date.parse(lease.until) - Date.now()).toBeGreaterThan(LEASE_MS - 5000);
    const settled = await sub.settle(lease.token, acks(lease));
    expect(settled.body.results.map(({ is }: { is: string }) => is)).toEqual([
      "settled",
      "settled",
    ]);
    const again = await sub.settle(lease.token, acks(lease));
    expect([again.status, again.body.results[0].is]).toEqual([200, "already"]);
    expect((await sub.lease()).why).toBe("empty");
  });

  test("is kept within the prefetch of its consumer and what all may hold", async () => {
    const sub = await pulled({ prefetch: 2, in_flight_max: 3 });
    await sub.publish(5);
    const first = await sub.lease({ consumer: "one", max: 1000 });
    expect([first.deliveries.length, first.more]).toEqual([2, true]);
    expect((await sub.lease({ consumer: "one" })).why).toBe("full");
    expect((await sub.lease({ consumer: "two" })).deliveries).toHaveLength(1);
    expect((await sub.lease({})).why).toBe("full");
    await sub.settle(first.token, acks(first));
    expect((await sub.lease({ consumer: "one" })).deliveries).toHaveLength(2);
  });

  test("retry comes back after its wait with the next attempt, dead does not", async () => {
    const sub = await pulled();
    await sub.publish(2);
    const lease = await sub.lease();
    const [one, two] = seqs(lease);
    await sub.settle(lease.token, [
      { seq: one, is: "retry", after_ms: 0, reason: "busy" },
      { seq: two, is: "dead", reason: "broken" },
    ]);
    const again = await sub.lease();
    expect(again.deliveries).toMatchObject([{ seq: one, attempt: 2 }]);
    const stats = (await api.ask("GET", `${sub.path}/stats`)).body;
    expect(stats).toMatchObject({ total: 1, in_flight: 1, totals: { retried: 1, dead: 1 } });
  });

  test("that has ended settles nothing: 409 says which", async () => {
    const sub = await pulled();
    await sub.publish(2);
    const lease = await sub.lease();
    const now = Date.now();
    vi.spyOn(Date, "now").mockImplementation(() => now + LEASE_MS + 1);
    const late = await sub.settle(lease.token, acks(lease));
    expect(late.status).toBe(409);
    expect(late.body.results).toEqual(seqs(lease).map((seq) => ({ seq, is: "stale" })));
    expect((await sub.lease()).deliveries.map((one: { attempt: number }) => one.attempt)).toEqual([
      2, 2,
    ]);
  });

  test("of a paused subscription is empty, and says so", async () => {
    const sub = await pulled();
    await sub.publish(1);
    await api.ask("POST", `${sub.path}/pause`);
    expect(await sub.lease()).toMatchObject({ deliveries: [], why: "paused" });
    await api.ask("POST", `${sub.path}/resume`);
    expect((await sub.lease()).deliveries).toHaveLength(1);
  });

  test("is for pull subscriptions only: 409 for any other", async () => {
    const end = await pulled();
    const { body } = await api.subscribe(
      aPull({ target: { kind: "queue", subscription: end.id } }),
    );
    const path = `/subscriptions/${body.id}`;
    expect((await api.ask("POST", `${path}/lease`, {})).status).toBe(409);
    const results = [{ seq: 1, is: "ack" }];
    expect((await api.ask("POST", `${path}/settle`, { token: "t", results })).status).toBe(409);
  });
});

describe("a token", () => {
  test("settles nothing for another subscription or another tenant, even of the same name", async () => {
    const other = await eventsApi();
    const [mine, sibling] = [await pulled({ id: "same-name" }), await pulled()];
    const theirs = await pulled({ id: "same-name" }, other);
    await mine.publish(1);
    await theirs.publish(1);
    const lease = await mine.lease();
    for (const wrong of [sibling, theirs])
      expect((await wrong.settle(lease.token, acks(lease))).status).toBe(400);
    const inner = atob(lease.token.split(".")[0].replaceAll("-", "+").replaceAll("_", "/"));
    for (const forged of [inner, `${lease.token}x`, lease.token.slice(1), "x.y"])
      expect((await mine.settle(forged, acks(lease))).status).toBe(400);
    expect((await api.ask("GET", `${mine.path}/stats`)).body.in_flight).toBe(1);
    expect((await mine.settle(lease.token, acks(lease))).body.results[0].is).toBe("settled");
  });
});

describe("several shards", () => {
  test("are all drained, one a lease, each delivery once", async () => {
    const wide = await eventsApi({ EVENT_SHARDS: 4 });
    const sub = await pulled({}, wide);
    await sub.publish(40);
    const stats = (await wide.ask("GET", `${sub.path}/stats`)).body;
    expect(stats).toMatchObject({ total: 40, totals: { published: 40 } });
    const seen = new Set<string>();
    let leases = 0;
    for (let lease = await sub.lease(); lease.token; lease = await sub.lease()) {
      leases += 1;
      for (const { event } of lease.deliveries) seen.add(event.event_id);
      const settled = await sub.settle(lease.token, acks(lease));
      expect(settled.status).toBe(200);
    }
    expect(seen.size).toBe(40);
    expect(leases).toBeGreaterThanOrEqual(4);
    const after = (await wide.ask("GET", "/subscriptions/stats")).body;
    expect(after.items[0]).toMatchObject({ total: 0, totals: { acked: 40 } });
  });
});

describe("a partition that blocks", () => {
  const key = { partition_key: "customer/7 ✓" };

  async function blocked() {
    const sub = await pulled({ head_policy: { is: "block" } });
    await sub.publish(2, key);
    const lease = await sub.lease();
    await sub.settle(lease.token, [{ seq: seqs(lease)[0], is: "dead", reason: "broken" }]);
    const { body } = await api.ask("GET", `${sub.path}/blocked`);
    expect((await sub.lease()).why).toBe("empty");
    return {
      sub,
      body,
      decide: (id: string, decision: string, path = sub.path) =>
        api.ask("POST", `${path}/blocked/${id}`, { decision }),
    };
  }

  test("is shown with why, and goes on when somebody decides", async () => {
    const { sub, body, decide } = await blocked();
    expect(body).toMatchObject({
      items: [{ partition_key: key.partition_key, attempts: 1, notes: [{ reason: "broken" }] }],
      more: false,
    });
    const stats = (await api.ask("GET", `${sub.path}/stats`)).body;
    expect(stats).toMatchObject({ blocked_groups: 1, total: 2, oldest_ready_age_ms: 0 });
    const [{ id, seq }] = body.items;
    expect((await decide(id, "dead_letter")).status).toBe(204);
    expect((await decide(id, "dead_letter")).status).toBe(404);
    const next = await sub.lease();
    expect(next.deliveries).toHaveLength(1);
    expect(next.deliveries[0].seq).not.toBe(seq);
  });

  test("retry tries the same one again from its first attempt", async () => {
    const { sub, body, decide } = await blocked();
    const [{ id, seq }] = body.items;
    expect((await decide(id, "retry")).status).toBe(204);
    expect((await sub.lease()).deliveries).toMatchObject([{ seq, attempt: 1 }]);
  });

  test("is decided only where it is: another subscription or a made-up id is 404", async () => {
    const { body, decide } = await blocked();
    const other = await pulled();
    const [{ id }] = body.items;
    expect((await decide(id, "retry", other.path)).status).toBe(404);
    for (const wrong of ["x", btoa(JSON.stringify(["9.8", "a", 1])), btoa("[]")])
      expect((await decide(encodeURIComponent(wrong), "retry")).status).toBe(404);
    expect((await decide(id, "explode")).status).toBe(400);
  });
});
