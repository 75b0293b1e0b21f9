/**
 * The shards of the event bus: which one an event belongs to, what a shard's object answers, and how many events
 * are handed over at once. How many a tenant has says `event-shard-count.ts`; their number is part of their name.
 */
import type { AppendEvent, AppendReply } from "../domain/events/shard/append.ts";
import type { Hastened, HastenRequest, UnblockRequest } from "../domain/events/shard/control.ts";
import type { Gauges } from "../domain/events/shard/due.ts";
import type { LeaseReply, LeaseRequest } from "../domain/events/shard/lease.ts";
import type { DeadRow, DeliveryRow } from "../domain/events/shard/rows.ts";
import type { Settled, Settlement } from "../domain/events/shard/settle.ts";
import { hash32 } from "./queues.ts";

/** Names one shard: `shard` is `<number of shards>.<index>`. */
export interface ShardName {
  readonly tenant: string;
  readonly shard: string;
}

/** An event on its way into a shard. */
export interface ShardEvent extends Omit<AppendEvent, "targets"> {
  /** Only these subscriptions, whatever their bindings say (replays, tests, forwards). Absent: those that match. */
  readonly only?: readonly string[];
  /** The shard that its key belongs to, where that is not its partition's. */
  readonly home?: string;
  /** Whether the tenant's log keeps it. False for views of what is stored elsewhere, and for what is logged already. */
  readonly logged: boolean;
}

/** A place where a partition stands still until a person decides. */
export type BlockedDelivery = Pick<DeliveryRow, "group" | "seq" | "attempts" | "notes" | "atMs"> & {
  readonly eventId: string;
};

/**
 * See `durable-objects/event-shard.ts`, which implements it. Times in ms since the epoch. Rejects as the object
 * does; every call may be made again.
 */
export interface EventShardRpc {
  /** Stores events, each key once within 24 h, and gives the matching subscriptions their deliveries. */
  publish(of: ShardName, events: readonly ShardEvent[]): Promise<AppendReply>;
  /** Deliveries for one consumer. `token` says what the caller was rung by. */
  lease(request: Omit<LeaseRequest, "secret" | "nowMs">): Promise<LeaseReply>;
  settle(token: string, results: readonly Settlement[]): Promise<readonly Settled[]>;
  /** The tenant's subscriptions have changed: reads them again. */
  refresh(of: ShardName): Promise<void>;
  unblock(request: Omit<UnblockRequest, "nowMs">): Promise<boolean>;
  /** Makes the next attempt of a delivery now instead of at its time. `absent`: it has ended. */
  hasten(request: Omit<HastenRequest, "nowMs">): Promise<Hastened>;
  blocked(subscription: string, limit: number): Promise<readonly BlockedDelivery[]>;
  /** Dead letters to be written down elsewhere; they stay until `forgetDeads`. */
  deads(limit: number): Promise<readonly DeadRow[]>;
  forgetDeads(ids: readonly string[]): Promise<void>;
  gauges(): Promise<readonly Gauges[]>;
  /** Forgets everything: its tenant is gone. */
  destroy(): Promise<void>;
}

/** Events handed to a shard in one call (`APPEND_EVENTS_MAX`). */
export const SHARD_CALL_EVENTS_MAX = 100;
/** Bytes of events handed to a shard in one call: far below the 32 MiB of one RPC. */
export const SHARD_CALL_BYTES_MAX = 8_000_000;

/** The shard of an event: its key's, else by its partition, else by its deduplication key. */
export function shardOf(tenant: string, event: ShardEvent, shards: number): ShardName {
  if (event.home !== undefined) return { tenant, shard: event.home };
  const partition = event.event.metadata.partition_key;
  const by = partition === undefined ? `k:${event.key}` : `p:${partition}`;
  return { tenant, shard: `${shards}.${hash32(by) % shards}` };
}

/** The shards of a tenant that has so many. */
export function shardsOf(tenant: string, shards: number): readonly ShardName[] {
  return Array.from({ length: shards }, (_, index) => ({ tenant, shard: `${shards}.${index}` }));
}

/** The one object of a shard. A stub that has failed is not used again: ask for a new one. */
export function eventShard(
  env: Pick<Env, "EVENT_SHARD">,
  { tenant, shard }: ShardName,
): EventShardRpc {
  return env.EVENT_SHARD.getByName(`${tenant}:${shard}`) as unknown as EventShardRpc;
}
