/**
 * The events queue: a batch of doorbells, each for one subscription of one shard. Leases, hands over, settles,
 * until there is nothing left or the time of one token is over; whatever goes wrong here, the lease runs out and
 * the shard rings again.
 */
import { DEAD_LETTERS } from "../../domain/events/shard/due.ts";
import { insist } from "../../platform/conversations.ts";
import { eventShard } from "../../platform/event-shards.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import { EventToken } from "../../platform/queue-tokens.ts";
import { mapBounded } from "./bounded.ts";
import { type Connections, openConnections } from "./connections.ts";
import { buryDeads } from "./events/dead.ts";
import { handlerOf } from "./events/targets.ts";

/** Subscriptions worked on at the same time; their calls share the invocation's connections. */
const CONCURRENCY_MAX = 6;
/** One token is worked on for this long at most, in ms; then the shard rings again and others have their turn. */
const TOKEN_MS_MAX = 20_000;

export async function consumeEvents(batch: MessageBatch, env: Env): Promise<void> {
  const connections = openConnections();
  await mapBounded(readTokens(batch), CONCURRENCY_MAX, (token) =>
    token.subscription === DEAD_LETTERS ? buryDeads(env, token) : work(env, token, connections),
  );
}

/** One token per subscription and shard; unknown versions come back. */
function readTokens(batch: MessageBatch): readonly EventToken[] {
  const tokens = new Map<string, EventToken>();
  for (const message of batch.messages) {
    const token = EventToken.safeParse(message.body);
    if (!token.success) {
      count("queue_tokens_total", { queue: "events", outcome: "unknown" });
      message.retry({ delaySeconds: 60 });
      continue;
    }
    message.ack();
    const { tenant, shard, subscription } = token.data;
    tokens.set(`${tenant}:${shard}:${subscription}`, token.data);
  }
  return [...tokens.values()];
}

async function work(env: Env, token: EventToken, connections: Connections): Promise<void> {
  const untilMs = Date.now() + TOKEN_MS_MAX;
  let deliveries = 0;
  try {
    const handler = await handlerOf(env, token, connections);
    if (!handler) return;
    for (let more = true; more && Date.now() < untilMs; ) {
      const leased = await eventShard(env, token).lease({
        subscription: token.subscription,
        consumer: crypto.randomUUID(),
        max: handler.max,
      });
      if (leased.is === "idle") break;
      const results = await handler.deliver(leased);
      for (const { is: outcome } of results)
        count("event_deliveries_total", {
          tenant: token.tenant,
          subscription: token.subscription,
          outcome,
        });
      await insist(() => eventShard(env, token).settle(leased.token, results));
      deliveries += leased.deliveries.length;
      const rests = results.some((one) => one.is === "later" && one.rests);
      more = !rests && (leased.more || leased.deliveries.length === handler.max);
    }
  } catch (error) {
    const code = error instanceof Error ? error.name : "unknown";
    logLine("subscription.stalled", {
      tenant: token.tenant,
      subscription: token.subscription,
      code,
    });
  }
  if (deliveries > 0)
    logLine("subscription.delivered", {
      tenant: token.tenant,
      subscription: token.subscription,
      items: deliveries,
    });
}
