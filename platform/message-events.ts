/**
 * `message.*` events on their way to subscribers: made from stored rows, published only where a subscription of the
 * tenant wants them. A tenant without such a subscription costs one look-up per isolate and cache time.
 */
import type { HubEventType } from "../domain/events/catalogue.ts";
import {
  type MessageEvent,
  messageEvents,
  type ToldHop,
  TYPES_OF_HOP,
} from "../domain/events/hub-message.ts";
import { subscriptionIndex } from "../domain/events/subscribing.ts";
import type { EventEnvelope } from "../schema/event.ts";
import type { Subscription } from "../schema/subscription.ts";
import { databaseFor } from "./database.ts";
import type { BusDeps } from "./event-bus.ts";
import type { ShardEvent } from "./event-shards.ts";
import { createLookupCache, type LookupCache } from "./lookup-cache.ts";
import { count } from "./metrics.ts";
import { publishInOrder } from "./publish-in-order.ts";
import { type RowMetadata, type StoredMessage, toMessage } from "./repositories/messages.ts";
import { readSubscriptions } from "./repositories/subscriptions.ts";

/** What publishing takes. `cacheMs`: how long an isolate trusts its copy of a tenant's subscriptions. */
export interface TellingDeps extends BusDeps {
  readonly cacheMs: number;
}

/** Every event a stored message stands for so far, oldest first: what is published live, replayed and archived. */
export function messageEventsOf(row: StoredMessage): readonly MessageEvent[] {
  const { hops, session, turn, route, answers, attempts, reason, traceparent, depth } = JSON.parse(
    row.metadata,
  ) as RowMetadata;
  const known = { session, turn, route, answers, attempts, reason, traceparent, depth };
  const given = Object.entries(known).filter(([, value]) => value !== undefined);
  return messageEvents({ message: toMessage(row), hops, ...Object.fromEntries(given) });
}

/** Who of a tenant listens to messages. */
export interface Audience {
  readonly tenant: string;
  /** Whether any subscription may want events of these hops, whatever is in them. */
  hears(hops: readonly ToldHop[]): boolean;
  wants(event: EventEnvelope): boolean;
}

const caches = new WeakMap<object, LookupCache<Audience>>();

function cacheOf({ env, cacheMs }: TellingDeps): LookupCache<Audience> {
  const known = caches.get(env);
  if (known) return known;
  const made = createLookupCache<Audience>(cacheMs);
  caches.set(env, made);
  return made;
}

/** Rejects as D1 does. */
export function audienceOf(deps: TellingDeps, tenant: string, nowMs: number): Promise<Audience> {
  return cacheOf(deps).get(tenant, nowMs, async () => {
    const rows = await readSubscriptions(databaseFor(deps.env, tenant), tenant);
    return readAudience(
      tenant,
      rows.map(({ subscription }) => subscription),
    );
  });
}

/** The tenant's subscriptions have changed: this isolate reads them again. */
export function forgetAudience(env: Env, tenant: string): void {
  caches.get(env)?.drop((audience) => audience.tenant === tenant);
}

function readAudience(tenant: string, subscriptions: readonly Subscription[]): Audience {
  const exact = subscriptionIndex(subscriptions);
  const loose = subscriptionIndex(
    subscriptions.map((one) => ({
      id: one.id,
      name: one.name,
      bindings: one.bindings,
      target: one.target,
    })),
  );
  const heard = new Map<ToldHop, boolean>();
  const isHeard = (hop: ToldHop) => {
    const known =
      heard.get(hop) ?? TYPES_OF_HOP[hop].some((type) => loose.match(probe(type)).length > 0);
    heard.set(hop, known);
    return known;
  };
  return {
    tenant,
    hears: (hops) => subscriptions.length > 0 && hops.some(isHeard),
    wants: (event) => exact.match(event).length > 0,
  };
}

/** An event with nothing but a type: bindings look at no more. */
function probe(type: HubEventType): EventEnvelope {
  return {
    event_id: "probe",
    event_type: type,
    event_version: "1.0",
    timestamp: "1970-01-01T00:00:00Z",
    source: "/",
    metadata: {},
  };
}

/** An event on its way into its shard: its id is its key. The log keeps no second copy of a view. */
export function shardEventOf(event: EventEnvelope, logged: boolean): ShardEvent {
  const bytes = new TextEncoder().encode(JSON.stringify(event)).length;
  return { key: event.event_id, event, bytes, logged };
}

/**
 * Publishes views in order. Answers whether each is settled: taken, or refused, which is counted, can be replayed from
 * the stored messages, and never holds up a conversation. Never rejects.
 */
export async function publishViews(
  deps: TellingDeps,
  tenant: string,
  events: readonly EventEnvelope[],
): Promise<readonly boolean[]> {
  const views = events.map((event) => shardEventOf(event, false));
  const published = await publishInOrder(deps, tenant, views);
  return published.map((outcome) => {
    const reason = outcome.is === "refused" ? outcome.reason : outcome.is;
    count("message_events_total", { tenant, outcome: reason });
    return outcome.is !== "unavailable";
  });
}
