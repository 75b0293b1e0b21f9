/**
 * What a subscription asks for: whether it may be taken, which events it wants, and what a shard needs to know of it.
 * Its secrets, its URL and its pause stay outside the shard's configuration.
 */
import type { EventEnvelope } from "../../schema/event.ts";
import type { Subscription } from "../../schema/subscription.ts";
import { checkUrl, type EgressPolicy, type UrlFailure } from "../egress/ssrf.ts";
import { fail, ok, type Result } from "../result.ts";
import { attemptsOf, STANDARD_SCHEDULE } from "./delivery.ts";
import { compileFilter, type Filter, type FilterFailure, matchFilter } from "./filter.ts";
import { matchesNothing, strangerIn } from "./never-matching.ts";
import { DEPTH_MAX, LOG_ATTEMPTS_MAX, LOG_PREFETCH } from "./shard/limits.ts";
import type { ShardSubscription } from "./shard/rows.ts";
import { type BindingFailure, checkBindingKey, topicIndex } from "./topic.ts";

/** Deliveries one consumer may hold, where the subscription says nothing. */
export const PREFETCH_DEFAULT = 10;
/** Deliveries all consumers may hold, where the subscription says nothing. */
export const IN_FLIGHT_DEFAULT = 100;

/** Deliveries of one subscription in one shard, where the subscription says nothing. */
export const DEPTH_DEFAULT = 100_000;

export interface SubscriptionFailure {
  readonly reason:
    | BindingFailure["reason"]
    | FilterFailure["reason"]
    | UrlFailure["reason"]
    | "never_matches"
    | "unknown_member";
  /** JSON pointer into the subscription. */
  readonly pointer: string;
}

/** Checks what its schema cannot: binding keys, the filter, where its webhook leads. */
export function checkSubscription(
  subscription: Subscription,
  policy: EgressPolicy,
): Result<void, SubscriptionFailure> {
  for (const [at, binding] of subscription.bindings.entries()) {
    const key = binding.kind === "topic" ? checkBindingKey(binding.key) : ok(undefined);
    const pointer = `/bindings/${at}/key`;
    if (!key.ok) return fail({ reason: key.failure.reason, pointer });
    if (matchesNothing(binding)) return fail({ reason: "never_matches", pointer });
  }
  if (subscription.filter !== undefined) {
    const filter = compileFilter(subscription.filter);
    if (!filter.ok) return fail({ ...filter.failure, pointer: `/filter${filter.failure.pointer}` });
    const stranger = strangerIn(subscription.filter);
    if (stranger !== undefined)
      return fail({ reason: "unknown_member", pointer: `/filter${stranger}` });
  }
  if (subscription.target.kind !== "webhook") return ok(undefined);
  const url = checkUrl(subscription.target.url, policy);
  return url.ok ? ok(undefined) : fail({ reason: url.failure.reason, pointer: "/target/url" });
}

/** Answers for many subscriptions at once; made again when one of them changes. */
export interface SubscriptionIndex {
  /** Ids of those that want an event, each once. */
  match(event: EventEnvelope): readonly string[];
}

/** Subscriptions whose filter cannot be compiled want nothing: they were never let in. */
export function subscriptionIndex(subscriptions: readonly Subscription[]): SubscriptionIndex {
  const entries = subscriptions.flatMap((subscription): readonly Entry[] => {
    if (subscription.filter === undefined) return [{ subscription }];
    const filter = compileFilter(subscription.filter);
    return filter.ok ? [{ subscription, filter: filter.value }] : [];
  });
  const index = topicIndex(
    entries.flatMap((target) =>
      target.subscription.bindings.map((binding) => ({ binding, target })),
    ),
  );
  return {
    match(event) {
      const input = filterInputOf(event);
      return index
        .match(event.event_type)
        .filter(({ filter }) => !filter || matchFilter(filter, input))
        .map(({ subscription }) => subscription.id);
    },
  };
}

/** Its part in a shard. `version` rises with every change. */
export function shardSubscriptionOf(
  subscription: Subscription,
  version: number,
): ShardSubscription {
  return {
    id: subscription.id,
    version,
    headPolicy: subscription.head_policy ?? { is: "dead_letter" },
    ...(subscription.ttl_ms === undefined ? {} : { ttlMs: subscription.ttl_ms }),
    expired: subscription.expired ?? "dead_letter",
    prefetch: subscription.prefetch ?? PREFETCH_DEFAULT,
    inFlightMax: subscription.in_flight_max ?? IN_FLIGHT_DEFAULT,
    attemptsMax: attemptsOf(subscription.retry ?? STANDARD_SCHEDULE),
    depthMax: subscription.depth_max ?? DEPTH_DEFAULT,
    ...(subscription.ordered === false ? { unordered: true } : {}),
    ...(subscription.target.kind === "pull" ? { pull: true } : {}),
  };
}

/** Every published event goes to this one too: its consumer writes them to the tenant's log. */
export const LOG_SUBSCRIPTION: ShardSubscription = {
  id: "$log",
  version: 1,
  headPolicy: { is: "dead_letter" },
  expired: "drop",
  prefetch: LOG_PREFETCH,
  inFlightMax: LOG_PREFETCH,
  attemptsMax: LOG_ATTEMPTS_MAX,
  depthMax: DEPTH_MAX,
  unordered: true,
  log: true,
};

interface Entry {
  readonly subscription: Subscription;
  readonly filter?: Filter;
}

/** The names that filters use (`FILTER_MEMBERS`): an event as it is read from the log fits as well. */
export function filterInputOf(event: EventEnvelope): unknown {
  return {
    id: event.event_id,
    event_id: event.event_id,
    type: event.event_type,
    event_type: event.event_type,
    version: event.event_version,
    event_version: event.event_version,
    source: event.source,
    timestamp: event.timestamp,
    metadata: event.metadata,
    data: event.data,
  };
}
