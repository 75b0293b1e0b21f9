/** A shard's object with a tenant and a subscription of its own, and the ways to look at it and to break it. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { LeaseReply } from "../../../domain/events/shard/lease.ts";
import type { Settlement } from "../../../domain/events/shard/settle.ts";
import { databaseFor } from "../../../platform/database.ts";
import { type EventShardRpc, eventShard, type ShardEvent } from "../../../platform/event-shards.ts";
import {
  findSubscription,
  insertSubscription,
  replaceSubscription,
  type SubscriptionState,
} from "../../../platform/repositories/subscriptions.ts";
import type { Subscription } from "../../../schema/subscription.ts";
import { env } from "../api/hub-api.ts";

type Leased = Extract<LeaseReply, { is: "leased" }>;

let made = 0;
/** A shard of a tenant of its own, with one pull subscription to everything named `sub`. */
export async function aShard(over: Partial<Subscription> = {}) {
  made += 1;
  const tenant = `shard-tenant-${made}`;
  const of = { tenant, shard: "1.0" };
  const db = databaseFor(env, tenant);
  const shard = {
    of,
    db,
    stub: (): EventShardRpc => eventShard(env, of),
    object: () => env.EVENT_SHARD.getByName(`${tenant}:1.0`),
    evict: () => evictDurableObject(shard.object() as never),
    alarm: () => runDurableObjectAlarm(shard.object() as never),
    /** Spies on what only lives in its own isolate. */
    inside: (look: (inner: { readonly env: Env; readonly ctx: DurableObjectState }) => void) =>
      runInDurableObject(shard.object() as never, (object: unknown) => {
        look(object as { readonly env: Env; readonly ctx: DurableObjectState });
      }),
    store: (subscription: Subscription, state: SubscriptionState = "active") =>
      insertSubscription(db, {
        tenant,
        subscription,
        version: 1,
        state,
        stateReason: undefined,
        health: { failures: 0 },
        sealedSecrets: undefined,
        createdAtMs: 1,
        updatedAtMs: 1,
      }).run(),
    async change(change: Partial<Subscription>, state: SubscriptionState = "active") {
      const before = await findSubscription(db, tenant, "sub");
      if (!before) throw new Error("no subscription");
      const subscription = { ...before.subscription, ...change };
      const next = { ...before, subscription, state, version: before.version + 1 };
      await replaceSubscription(db, next).run();
    },
    publish: (...events: readonly ShardEvent[]) => shard.stub().publish(of, events),
    lease: (consumer = "one", max = 10, subscription = "sub") =>
      shard.stub().lease({ subscription, consumer, max }),
    gauge: async () => (await shard.stub().gauges()).find((one) => one.subscription === "sub"),
  };
  await shard.store(aSubscription(over));
  return shard;
}

export function aSubscription(over: Partial<Subscription> = {}): Subscription {
  return {
    id: "sub",
    name: "sub",
    bindings: [{ kind: "fanout" }],
    target: { kind: "pull" },
    ...over,
  };
}

export function leased(reply: LeaseReply): Leased {
  if (reply.is === "idle") throw new Error(`idle: ${reply.why}`);
  return reply;
}

export const ids = (reply: LeaseReply) =>
  leased(reply).deliveries.map(({ event }) => event.event_id);
export const acks = (reply: Leased): readonly Settlement[] =>
  reply.deliveries.map(({ seq }) => ({ seq, is: "ack" }));
export const partition = (key: string) => ({ metadata: { partition_key: key } });

/** Lets the clock of the object stand `ms` later; alarms are run by hand. */
export function later(ms: number): void {
  const realNow = Date.now;
  const from = realNow();
  vi.spyOn(Date, "now").mockImplementation(() => from + ms);
}
