/**
 * Subscriptions that forward: what they get goes into another subscription's queue, past its bindings. The key of a
 * forwarded event is the delivery it came from, so that forwarding it again after a lost answer adds nothing. It is
 * in the tenant's log already, and it lives no longer than here.
 */
import type { LeasedDelivery } from "../../../domain/events/shard/lease.ts";
import type { Settlement } from "../../../domain/events/shard/settle.ts";
import { databaseFor } from "../../../platform/database.ts";
import { type Published, publishEvents } from "../../../platform/event-bus.ts";
import { SHARD_CALL_EVENTS_MAX, type ShardEvent } from "../../../platform/event-shards.ts";
import { findSubscription } from "../../../platform/repositories/subscriptions.ts";
import type { SubscriptionTarget } from "../../../schema/subscription.ts";
import { isolateOf } from "../../isolate.ts";
import { expiredInHand, tryAgain } from "./again.ts";
import type { DeliveryHandler, HandlerContext } from "./targets.ts";

type QueueTarget = Extract<SubscriptionTarget, { kind: "queue" }>;

export function queueHandler(context: HandlerContext, target: QueueTarget): DeliveryHandler {
  return {
    max: SHARD_CALL_EVENTS_MAX,
    deliver: ({ deliveries }) => forward(context, target.subscription, deliveries),
  };
}

async function forward(
  context: HandlerContext,
  to: string,
  deliveries: readonly LeasedDelivery[],
): Promise<readonly Settlement[]> {
  const { env, token } = context;
  const nowMs = Date.now();
  const { tenant } = token;
  const target = await findSubscription(databaseFor(env, tenant), tenant, to);
  // Where two changes crossed each other, a circle could stand in the database; it is not walked.
  const refusal = !target ? "target_gone" : forwards(target.subscription.target) && "forwards";
  if (refusal) return deliveries.map(({ seq }) => ({ seq, is: "dead", reason: refusal }));
  const late = deliveries.flatMap((one) => expiredInHand(one, nowMs) ?? []);
  const live = deliveries.filter((one) => !expiredInHand(one, nowMs));
  const shards = isolateOf(env).vars.EVENT_SHARDS;
  const events = live.map((one) => eventOf(context, to, one, nowMs));
  const published = await publishEvents({ env, shards }, tenant, events);
  const settled = live.map((one, at) => settlementOf(context, one, published[at]));
  return [...late, ...settled];
}

function forwards(target: SubscriptionTarget): boolean {
  return target.kind === "queue";
}

function eventOf(
  { token, stored }: HandlerContext,
  to: string,
  { seq, event, expiresMs }: LeasedDelivery,
  nowMs: number,
): ShardEvent {
  return {
    key: `f:${JSON.stringify([stored.subscription.id, token.shard, seq])}`,
    event,
    bytes: new TextEncoder().encode(JSON.stringify(event)).length,
    only: [to],
    logged: false,
    ...(expiresMs === undefined ? {} : { ttlMs: Math.max(expiresMs - nowMs, 0) }),
  };
}

function settlementOf(
  { stored: { subscription } }: HandlerContext,
  delivery: LeasedDelivery,
  published: Published | undefined,
): Settlement {
  const { seq } = delivery;
  switch (published?.is) {
    case "accepted":
      return { seq, is: "ack" };
    case "refused":
      if (published.reason === "backlog_full") {
        const afterMs = published.retryAfterSeconds * 1000;
        return { seq, is: "later", afterMs, rests: true };
      }
      return tryAgain(subscription, delivery, published.reason);
    default:
      return tryAgain(subscription, delivery, "unavailable");
  }
}
