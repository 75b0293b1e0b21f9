/** A tenant's shards asked together: told of changes, added up, and searched for what stands still. */

import { HubError } from "../../domain/errors.ts";
import type { Gauges } from "../../domain/events/shard/due.ts";
import type { Depth, Totals } from "../../domain/events/shard/rows.ts";
import { PLACES } from "../../domain/events/shard/rows.ts";
import { insist } from "../../platform/conversations.ts";
import { tenantShards } from "../../platform/event-shard-count.ts";
import {
  type BlockedDelivery,
  type EventShardRpc,
  eventShard,
  type ShardName,
} from "../../platform/event-shards.ts";
import { forgetAudience } from "../../platform/message-events.ts";
import type { SubscriptionStats } from "../../schema/api/subscriptions.ts";
import { PRIORITY_MAX } from "../../schema/event.ts";
import type { ApiDeps } from "../http/deps.ts";

/**
 * Tells every shard that the subscriptions have changed, and waits for it, so that what is published after the
 * answer meets them. Never rejects: a shard that could not be told reads them again by itself within a minute.
 */
export async function announce(deps: ApiDeps, tenant: string): Promise<void> {
  const { env, log } = deps;
  forgetAudience(env, tenant);
  const shards = await knownShards(deps, tenant).catch(() => undefined);
  const told = await Promise.allSettled(
    (shards ?? []).map((of) => insist(() => eventShard(env, of).refresh(of))),
  );
  const items = shards ? told.filter(({ status }) => status === "rejected").length : 1;
  if (items > 0) log("subscription.unannounced", { tenant, items });
}

/** Every shard of a tenant. Throws unavailable where the database does not say how many there are. */
export async function knownShards(
  { env, vars }: Pick<ApiDeps, "env" | "vars">,
  tenant: string,
): Promise<readonly ShardName[]> {
  return tenantShards({ env, shards: vars.EVENT_SHARDS }, tenant).catch((cause: unknown) => {
    throw new HubError("unavailable", "the database does not answer", { cause });
  });
}

/** Asks every shard the same. Throws unavailable where one does not answer: a part would look like the whole. */
export async function askShards<T>(
  deps: ApiDeps,
  tenant: string,
  ask: (shard: EventShardRpc, of: ShardName) => Promise<T>,
): Promise<readonly { readonly of: ShardName; readonly answer: T }[]> {
  const shards = await knownShards(deps, tenant);
  try {
    return await Promise.all(
      shards.map(async (of) => {
        return { of, answer: await insist(() => ask(eventShard(deps.env, of), of)) };
      }),
    );
  } catch (cause) {
    throw new HubError("unavailable", "a shard does not answer", { cause });
  }
}

/** The gauges of all shards by subscription. */
export async function gaugesOf(
  deps: ApiDeps,
  tenant: string,
): Promise<ReadonlyMap<string, SubscriptionStats>> {
  const answers = await askShards(deps, tenant, (shard) => shard.gauges());
  const all = new Map<string, SubscriptionStats>();
  for (const gauge of answers.flatMap(({ answer }) => answer)) {
    const id = gauge.subscription;
    all.set(id, added(all.get(id) ?? noStats(id), gauge));
  }
  return all;
}

/** Of a subscription no shard knows yet. */
export function noStats(subscription: string): SubscriptionStats {
  const none = () => new Array<number>(PRIORITY_MAX + 1).fill(0);
  return {
    subscription,
    total: 0,
    depth: { ready: none(), delayed: none(), waiting: none(), blocked: none() },
    in_flight: 0,
    consumers: 0,
    blocked_groups: 0,
    oldest_age_ms: 0,
    oldest_ready_age_ms: 0,
    totals: { published: 0, acked: 0, retried: 0, dead: 0, expired: 0, skipped: 0 },
  };
}

/** Blocked deliveries with the shard they are in, at most `limit` of each. */
export async function blockedIn(
  deps: ApiDeps,
  tenant: string,
  subscription: string,
  limit: number,
): Promise<readonly (BlockedDelivery & { readonly shard: string })[]> {
  const answers = await askShards(deps, tenant, (shard) => shard.blocked(subscription, limit));
  return answers.flatMap(({ of, answer }) => answer.map((one) => ({ ...one, shard: of.shard })));
}

function added(sum: SubscriptionStats, gauge: Gauges): SubscriptionStats {
  const depth = depthSum(sum.depth, gauge.depth);
  return {
    subscription: sum.subscription,
    total: PLACES.flatMap((place) => depth[place]).reduce((all, one) => all + one, 0),
    depth,
    in_flight: sum.in_flight + gauge.inFlight,
    consumers: sum.consumers + gauge.consumers,
    blocked_groups: sum.blocked_groups + gauge.blockedGroups,
    oldest_age_ms: Math.max(sum.oldest_age_ms, gauge.oldestAgeMs),
    oldest_ready_age_ms: Math.max(sum.oldest_ready_age_ms, gauge.oldestReadyAgeMs),
    totals: totalsSum(sum.totals, gauge.totals),
  };
}

function depthSum(one: SubscriptionStats["depth"], other: Depth): SubscriptionStats["depth"] {
  const place = (name: (typeof PLACES)[number]) =>
    one[name].map((count, level) => count + (other[name][level] ?? 0));
  return {
    ready: place("ready"),
    delayed: place("delayed"),
    waiting: place("waiting"),
    blocked: place("blocked"),
  };
}

function totalsSum(one: SubscriptionStats["totals"], other: Totals): SubscriptionStats["totals"] {
  return {
    published: one.published + other.published,
    acked: one.acked + other.acked,
    retried: one.retried + other.retried,
    dead: one.dead + other.dead,
    expired: one.expired + other.expired,
    skipped: one.skipped + other.skipped,
  };
}
