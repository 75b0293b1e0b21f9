/**
 * The subscriptions of one tenant as its shards see them: which of them want an event, what a shard has to know of
 * each, and which are held. Read from the tenant's database in one statement.
 */

import type { ShardSubscription } from "../domain/events/shard/rows.ts";
import {
  LOG_SUBSCRIPTION,
  shardSubscriptionOf,
  subscriptionIndex,
} from "../domain/events/subscribing.ts";
import type { EventEnvelope } from "../schema/event.ts";
import { databaseFor } from "./database.ts";
import { readSubscriptions } from "./repositories/subscriptions.ts";

export interface EventCatalogue {
  readonly readAtMs: number;
  /** Ids of the subscriptions that get an event: those in `only`, which have to be known, or those that match. */
  targetsOf(event: RoutedEvent): readonly string[];
  /** The first name in an `only` that is no subscription. */
  unknownIn(events: readonly Pick<RoutedEvent, "only">[]): string | undefined;
  configsOf(ids: ReadonlySet<string>): readonly ShardSubscription[];
  /** Paused, disabled or not verified: what is for it waits. */
  isHeld(id: string): boolean;
}

/** What of an event decides where it goes. */
interface RoutedEvent {
  readonly event: EventEnvelope;
  readonly only?: readonly string[];
  readonly logged: boolean;
}

/** Rejects as D1 does. */
export async function loadCatalogue(
  env: { readonly DB: D1Database },
  tenant: string,
  nowMs: number,
): Promise<EventCatalogue> {
  const rows = await readSubscriptions(databaseFor(env, tenant), tenant);
  const index = subscriptionIndex(rows.map(({ subscription }) => subscription));
  const configs = new Map<string, ShardSubscription>([[LOG_SUBSCRIPTION.id, LOG_SUBSCRIPTION]]);
  for (const { subscription, version } of rows)
    configs.set(subscription.id, shardSubscriptionOf(subscription, version));
  const held = new Set(
    rows.filter(({ state }) => state !== "active").map((row) => row.subscription.id),
  );
  return {
    readAtMs: nowMs,
    targetsOf({ event, only, logged }) {
      const wanted = only ?? index.match(event);
      return logged ? [LOG_SUBSCRIPTION.id, ...wanted] : wanted;
    },
    unknownIn: (events) => events.flatMap(({ only }) => only ?? []).find((id) => !configs.has(id)),
    configsOf: (ids) => [...ids].flatMap((id) => configs.get(id) ?? []),
    isHeld: (id) => held.has(id),
  };
}
