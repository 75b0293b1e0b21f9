/** Webhook deliveries inside workerd: what the database keeps of them, and an endpoint's record over days. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { FAILING_MS_MAX, type Verdict } from "../../../domain/events/delivery.ts";
import { mintId, SLOT_MS } from "../../../domain/messaging/message-id.ts";
import {
  type DeliveryAttempt,
  findAttempt,
  insertAttempts,
  listAttempts,
  listUndelivered,
} from "../../../platform/repositories/delivery-attempts.ts";
import {
  findSubscription,
  type StoredSubscription,
} from "../../../platform/repositories/subscriptions.ts";
import type { SubscriptionTarget } from "../../../schema/subscription.ts";
import { handlerOf } from "../../../workers/consumers/events/targets.ts";
import { isolateOf } from "../../../workers/isolate.ts";
import { noteHealth } from "../../../workers/operations/endpoint-health.ts";
import { env } from "../api/hub-api.ts";
import { aShard } from "./shard-object.ts";

const START_MS = Date.UTC(2026, 10, 21);
const HOUR_MS = 3_600_000;
const FAILURE: Verdict = { outcome: "failure", throttles: false };
const TARGET: SubscriptionTarget = { kind: "webhook", url: "http://127.0.0.1:9/hook" };
const deps = { env, vars: isolateOf(env).vars };

type Shard = Awaited<ReturnType<typeof aShard>>;

async function stored({ db, of }: Shard): Promise<StoredSubscription> {
  const found = await findSubscription(db, of.tenant, "sub");
  if (!found) throw new Error("no subscription");
  return found;
}

async function warnings({ of, stub }: Shard): Promise<readonly string[]> {
  const leased = await stub().lease({ subscription: "$log", consumer: "test", max: 100 });
  if (leased.is === "idle") return [];
  const results = leased.deliveries.map(({ seq }) => ({ seq, is: "ack" }) as const);
  await stub().settle(leased.token, results);
  expect(of.shard).toBe("1.0");
  return leased.deliveries.map(({ event }) => event.event_type);
}

afterEach(() => vi.unstubAllGlobals());

describe("an endpoint's record", () => {
  test("fails for five days: told once, written, switched off with a new version at its end", async () => {
    const shard = await aShard({ target: TARGET });
    let now = await stored(shard);
    for (let hour = 0; hour < 120; hour += 8)
      now = await noteHealth(deps, now, [FAILURE], START_MS + hour * HOUR_MS);
    expect(await stored(shard)).toMatchObject({
      state: "active",
      version: 1,
      health: { failures: 15, failingSinceMs: START_MS },
    });
    expect(await warnings(shard)).toEqual(["endpoint.failing"]);
    await noteHealth(deps, now, [FAILURE], START_MS + FAILING_MS_MAX);
    expect(await stored(shard)).toMatchObject({
      state: "disabled",
      stateReason: "failing",
      version: 2,
    });
    expect(await warnings(shard)).toEqual(["endpoint.disabled"]);
  });

  test("is one success away from well, whoever else has noted meanwhile", async () => {
    const shard = await aShard({ target: TARGET });
    const before = await stored(shard);
    await noteHealth(deps, before, [FAILURE, FAILURE], START_MS);
    const late = await noteHealth(deps, before, [FAILURE, FAILURE], START_MS + 1000);
    expect(late.health).toEqual({ failures: 4, failingSinceMs: START_MS });
    expect(await warnings(shard)).toEqual(["endpoint.failing"]);
    await noteHealth(deps, late, [{ outcome: "success" }], START_MS + 2000);
    expect((await stored(shard)).health).toEqual({ failures: 0 });
    expect(await warnings(shard)).toEqual(["endpoint.recovered"]);
  });

  test("of one that a person has paused meanwhile changes nothing of that", async () => {
    const shard = await aShard({ target: TARGET });
    const before = await stored(shard);
    await shard.change({}, "paused");
    const after = await noteHealth(deps, before, [{ outcome: "gone" }], START_MS);
    expect(after.state).toBe("paused");
    expect(await stored(shard)).toMatchObject({ state: "paused", version: 2 });
  });
});

describe("a delivery", () => {
  const delivery = (seq: number) => ({
    seq,
    attempt: 1,
    priority: 0,
    event: {
      event_id: `evt-${seq}`,
      event_type: "order.created",
      event_version: "1.0",
      timestamp: "2026-11-21T00:00:00Z",
      source: "/shop",
      metadata: {},
    },
  });
  const leased = (...seqs: readonly number[]) => ({
    is: "leased" as const,
    token: "t",
    untilMs: 0,
    version: 1,
    deliveries: seqs.map(delivery),
    more: false,
  });

  test("is settled although the log cannot be written", async () => {
    const shard = await aShard({ target: TARGET });
    const batch = vi.fn(() => Promise.reject(new Error("D1_ERROR")));
    const DB = new Proxy(env.DB, {
      get: (db, name) => {
        const member = Reflect.get(db, name) as unknown;
        if (name === "batch") return batch;
        return typeof member === "function" ? member.bind(db) : member;
      },
    });
    const broken = { ...env, DB } as Env;
    vi.stubGlobal("fetch", async () => new Response("ok"));
    const token = { v: 1, ...shard.of, subscription: "sub" } as const;
    const handler = await handlerOf(broken, token);
    expect(await handler?.deliver(leased(1, 2))).toEqual([
      { seq: 1, is: "ack" },
      { seq: 2, is: "ack" },
    ]);
    expect(batch).toHaveBeenCalled();
    const query = { tenant: shard.of.tenant, subscription: "sub", limit: 10 };
    expect(await listAttempts(shard.db, query)).toEqual([]);
  });

  test("costs one statement of the log for a whole lease; an open breaker holds the next one back", async () => {
    const shard = await aShard({ target: TARGET });
    vi.stubGlobal("fetch", async () => new Response("no", { status: 500 }));
    const token = { v: 1, ...shard.of, subscription: "sub" } as const;
    const handler = await handlerOf(env, token);
    const batch = vi.spyOn(env.DB, "batch");
    const results = await handler?.deliver(leased(1, 2, 3, 4, 5, 6));
    expect(results?.every(({ is }) => is === "retry")).toBe(true);
    expect(batch.mock.calls.map(([statements]) => statements.length)).toEqual([1]);
    batch.mockRestore();
    const query = { tenant: shard.of.tenant, subscription: "sub", limit: 10 };
    expect(await listAttempts(shard.db, query)).toHaveLength(6);
    // Five failures have opened its breaker: nothing is sent and nothing counts as tried.
    const held = await handler?.deliver(leased(7));
    expect(held).toMatchObject([{ seq: 7, is: "later", rests: true }]);
  });
});

describe("the log of attempts", () => {
  const attempt = (over: Partial<DeliveryAttempt> & { readonly created_at: number }) => ({
    tenant_id: "log-tenant",
    subscription_id: "sub",
    id: mintId("att", over.created_at, Math.random),
    event_id: "evt-1",
    event_type: "order.created",
    shard: "1.0",
    seq: 1,
    attempt: 1,
    cause: "schedule" as const,
    outcome: "failure" as const,
    reason: "http_500",
    status: 500,
    duration_ms: 3,
    request_headers: "{}",
    response_body: "\u{1F600} body",
    next_at: null,
    ...over,
  });

  test("goes over the slots, pages by id, and is written once however often it is said", async () => {
    const rows = [0, 1, 2].map((n) => attempt({ created_at: START_MS + n * SLOT_MS }));
    for (let n = 0; n < 2; n++) await env.DB.batch([...insertAttempts(env.DB, rows)]);
    const query = { tenant: "log-tenant", subscription: "sub", limit: 2 };
    const first = await listAttempts(env.DB, query);
    expect(first.map(({ id }) => id)).toEqual([rows[2]?.id, rows[1]?.id]);
    const rest = await listAttempts(env.DB, { ...query, beforeId: rows[1]?.id ?? "" });
    expect(rest).toEqual([{ ...rows[0], response_body: null }]);
    const since = await listAttempts(env.DB, { ...query, sinceMs: START_MS + 2 * SLOT_MS });
    expect(since).toHaveLength(1);
    expect(await listAttempts(env.DB, { ...query, tenant: "other" })).toEqual([]);
    // Of a subscription that is gone no attempt is found by its id alone.
    expect(await findAttempt(env.DB, "log-tenant", rows[0]?.id ?? "")).toBeUndefined();
  });

  test("knows what has not arrived: not what has, what is tried again, or what was a test", async () => {
    const of = { subscription_id: "undelivered" };
    const at = (n: number) => START_MS + n * 1000;
    const rows = [
      attempt({ ...of, event_id: "lost", created_at: at(1), next_at: at(2) }),
      attempt({ ...of, event_id: "lost", created_at: at(2) }),
      attempt({ ...of, event_id: "late", created_at: at(3) }),
      attempt({ ...of, event_id: "late", created_at: at(4), outcome: "success" as never }),
      attempt({ ...of, event_id: "waits", created_at: at(5), next_at: at(100) }),
      attempt({ ...of, event_id: "test", created_at: at(6), cause: "test" as never }),
      attempt({ ...of, event_id: "over", created_at: at(7), outcome: "skipped" as never }),
    ];
    await env.DB.batch([...insertAttempts(env.DB, rows)]);
    const asked = { tenant: "log-tenant", subscription: "undelivered", nowMs: at(50), limit: 10 };
    const found = await listUndelivered(env.DB, { ...asked, sinceMs: START_MS });
    expect(found.map(({ event_id, id }) => [event_id, id])).toEqual([
      ["lost", rows[1]?.id],
      ["over", rows[6]?.id],
    ]);
    const next = { ...asked, sinceMs: START_MS, afterId: rows[1]?.id ?? "" };
    expect((await listUndelivered(env.DB, next)).map(({ event_id }) => event_id)).toEqual(["over"]);
  });
});
