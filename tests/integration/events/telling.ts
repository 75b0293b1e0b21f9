/** What tests of the hub's own events share: a subscription that takes everything, what it got, what the outbox holds. */
import { Validator } from "@cfworker/json-schema";
import { HUB_EVENT_TYPES } from "../../../domain/events/catalogue.ts";
import { databaseFor } from "../../../platform/database.ts";
import { eventShard } from "../../../platform/event-shards.ts";
import { forgetAudience, type TellingDeps } from "../../../platform/message-events.ts";
import { insertSubscription } from "../../../platform/repositories/subscriptions.ts";
import type { EventEnvelope } from "../../../schema/event.ts";
import type { Binding } from "../../../schema/subscription.ts";
import { env } from "../api/hub-api.ts";

export const DEPS: TellingDeps = { env, shards: 1, cacheMs: 30_000 };

/** Adds a pull subscription `all` to a tenant; without bindings it takes everything. */
export async function listen(
  tenant: string,
  bindings: Binding[] = [{ kind: "fanout" }],
  filter?: Record<string, string>,
): Promise<void> {
  await insertSubscription(databaseFor(env, tenant), {
    tenant,
    subscription: {
      id: "all",
      name: "all",
      bindings,
      target: { kind: "pull" },
      prefetch: 1000,
      in_flight_max: 1000,
      ...(filter ? { filter } : {}),
    },
    version: 1,
    state: "active",
    stateReason: undefined,
    health: { failures: 0 },
    sealedSecrets: undefined,
    createdAtMs: 1,
    updatedAtMs: 1,
  }).run();
  forgetAudience(env, tenant);
}

/** What the subscription `all` got since it was asked last, in order of delivery. */
export async function heard(tenant: string): Promise<readonly EventEnvelope[]> {
  const shard = { tenant, shard: "1.0" };
  const events: EventEnvelope[] = [];
  for (;;) {
    const stub = eventShard(env, shard);
    const reply = await stub.lease({
      subscription: "all",
      consumer: crypto.randomUUID(),
      max: 100,
    });
    if (reply.is === "idle") return events;
    events.push(...reply.deliveries.map(({ event }) => event));
    const acks = reply.deliveries.map(({ seq }) => ({ seq, is: "ack" }) as const);
    await stub.settle(reply.token, acks);
  }
}

/** Rows of a tenant's outbox, oldest first. */
export async function outboxOf(tenant: string): Promise<readonly { id: string; body: string }[]> {
  const { results } = await databaseFor(env, tenant)
    .prepare("SELECT id, body FROM outbox WHERE tenant_id = ? ORDER BY created_at, id")
    .bind(tenant)
    .all<{ id: string; body: string }>();
  return results;
}

/** What is wrong with an event by its own type's schema; empty where it fits. */
export function faultsOf({ event_type, data }: EventEnvelope): readonly string[] {
  const type = HUB_EVENT_TYPES.find(({ name }) => name === event_type);
  if (!type) return [`unknown type ${event_type}`];
  const { errors } = new Validator(type.versions[0].schema as object, "2020-12").validate(data);
  return errors.map(({ error }) => error);
}
