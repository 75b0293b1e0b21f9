/** Requests of the delivery log. Its subscriptions and attempts are planted in the database: nothing is called. */
import { mintId } from "../../../domain/messaging/message-id.ts";
import { insertAttempts } from "../../../platform/repositories/delivery-attempts.ts";
import { insertEvents } from "../../../platform/repositories/events.ts";
import type { Planted } from "./plant.ts";
import type { ApiRequest } from "./requests.ts";
import type { PlantedWorld } from "./world.ts";

type Maker = (world: PlantedWorld, mine: Planted) => Promise<ApiRequest>;

/** By operationId. */
export const DELIVERY_REQUESTS: Readonly<Record<string, Maker>> = {
  listSubscriptionDeliveries: async (world, mine) => {
    const { subscription } = await plantAttempt(world, mine);
    return { params: { subscription }, query: { outcome: "success" } };
  },
  // Nobody owns an event's id: a stranger who asks for it sees an empty list of his own.
  listEventDeliveries: async (world, mine) => ({
    params: { event: (await plantAttempt(world, mine)).event },
  }),
  getDelivery: async (world, mine) => ({
    params: { attempt: (await plantAttempt(world, mine)).attempt },
  }),
  resendDelivery: async (world, mine) => ({
    params: { attempt: (await plantAttempt(world, mine)).attempt },
  }),
  recoverSubscription: async (world, mine) => ({
    params: { subscription: (await plantAttempt(world, mine)).subscription },
    body: { since: new Date(Date.now() - 60_000).toISOString() },
  }),
  testSubscription: async (world, mine) => ({
    params: { subscription: (await plantAttempt(world, mine)).subscription },
    body: { data: { word: mine.word } },
  }),
};

/** A subscription that is pulled from, an event of the log, an attempt that failed, and one that delivered it. */
async function plantAttempt(world: PlantedWorld, { tenant, word }: Planted) {
  const db = (await world.hub.mf.getD1Database("DB")) as unknown as D1Database;
  const nowMs = Date.now();
  const subscription = `deliveries-${tenant}`;
  const event = mintId("evt", nowMs, Math.random);
  const config = {
    id: subscription,
    name: word,
    bindings: [{ kind: "direct", key: "planted.delivery" }],
    target: { kind: "pull" },
  };
  const attempt = {
    tenant_id: tenant,
    subscription_id: subscription,
    id: mintId("att", nowMs, Math.random),
    event_id: event,
    event_type: "planted.delivery",
    shard: "1.0",
    seq: nowMs,
    attempt: 1,
    cause: "schedule",
    outcome: "success",
    reason: null,
    status: 200,
    duration_ms: 5,
    request_headers: JSON.stringify({ "webhook-id": event }),
    response_body: word,
    next_at: null,
    created_at: nowMs,
  } as const;
  const failed = {
    ...attempt,
    ...({ id: mintId("att", nowMs, Math.random), outcome: "failure", reason: "timeout" } as const),
    status: null,
  };
  const envelope = {
    event_id: event,
    event_type: "planted.delivery",
    event_version: "1.0",
    timestamp: new Date(nowMs).toISOString(),
    source: "/planted",
    data: { word },
    metadata: {},
  };
  await db
    .prepare(
      "INSERT OR IGNORE INTO subscriptions (tenant_id, id, config, version, state, created_at, updated_at) VALUES (?, ?, ?, 1, 'active', ?, ?)",
    )
    .bind(tenant, subscription, JSON.stringify(config), nowMs, nowMs)
    .run();
  const logged = { tenant, shard: "1.0", seq: nowMs, event: envelope };
  for (const statement of [...insertEvents(db, [logged]), ...insertAttempts(db, [attempt, failed])])
    await statement.run();
  return { subscription, event, attempt: attempt.id };
}
