/**
 * Publishing from inside the hub: hands events to their shards and says of each what became of it. An event is
 * durable when its answer is `accepted`; a call that was lost is made again, which its key makes harmless.
 */
import type { AppendFailure } from "../domain/events/shard/append.ts";
import { insist } from "./conversations.ts";
import { countShards } from "./event-shard-count.ts";
import {
  eventShard,
  SHARD_CALL_BYTES_MAX,
  SHARD_CALL_EVENTS_MAX,
  type ShardEvent,
  type ShardName,
  shardOf,
} from "./event-shards.ts";
import { count } from "./metrics.ts";

export type Published =
  | {
      readonly is: "accepted";
      /** Of the event; a duplicate has the first one's. */
      readonly id: string;
      readonly seq: number;
      readonly shard: string;
      readonly duplicate: boolean;
    }
  | ({ readonly is: "refused" } & AppendFailure)
  /** The shard could not be reached: it may or may not have it, and the same key may be sent again. */
  | { readonly is: "unavailable" };

export interface BusDeps {
  readonly env: Env;
  /** Shards of a tenant that has none yet (`EVENT_SHARDS`). */
  readonly shards: number;
}

/** In the order of the events. Never rejects. */
export async function publishEvents(
  { env, shards }: BusDeps,
  tenant: string,
  events: readonly ShardEvent[],
): Promise<readonly Published[]> {
  const outcomes = events.map((): Published => ({ is: "unavailable" }));
  const own = await countShards({ env, shards }, tenant).catch(() => 0);
  const placed =
    own === 0 ? [] : events.map((event, at) => ({ event, at, of: shardOf(tenant, event, own) }));
  const groups = Map.groupBy(placed, ({ of }) => of.shard);
  await Promise.all(
    [...groups.values()].map(async (group) => {
      for (const part of cut(group)) await handOver(env, part, outcomes);
    }),
  );
  countPublished(tenant, outcomes);
  return outcomes;
}

function countPublished(tenant: string, outcomes: readonly Published[]): void {
  for (const one of outcomes) {
    if (one.is === "accepted")
      count(one.duplicate ? "events_duplicate_total" : "events_published_total", { tenant });
    else {
      const reason = one.is === "refused" ? one.reason : "unavailable";
      count("events_refused_total", { tenant, reason });
    }
  }
}

interface Placed {
  readonly event: ShardEvent;
  readonly at: number;
  readonly of: ShardName;
}

/** Parts that one call may carry, in order. */
function cut(group: readonly Placed[]): readonly (readonly Placed[])[] {
  const parts: Placed[][] = [];
  let bytes = Infinity;
  for (const one of group) {
    const last = parts.at(-1);
    bytes += one.event.bytes;
    if (last && last.length < SHARD_CALL_EVENTS_MAX && bytes <= SHARD_CALL_BYTES_MAX)
      last.push(one);
    else {
      parts.push([one]);
      bytes = one.event.bytes;
    }
  }
  return parts;
}

async function handOver(env: Env, part: readonly Placed[], outcomes: Published[]): Promise<void> {
  const [first] = part;
  if (!first) return;
  const events = part.map(({ event }) => event);
  const reply = await insist(() => eventShard(env, first.of).publish(first.of, events)).catch(
    () => undefined,
  );
  for (const [n, { at, of }] of part.entries()) {
    const one = reply?.ok ? reply.value[n] : undefined;
    if (one) outcomes[at] = { is: "accepted", ...one, shard: of.shard };
    else if (reply && !reply.ok) outcomes[at] = { is: "refused", ...reply.failure };
    else outcomes[at] = { is: "unavailable" };
  }
}
