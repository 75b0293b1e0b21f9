/**
 * What one shard of the event bus keeps, how its decisions read it and what they answer. A decision takes the
 * view, its request and `nowMs`, and returns rows to write in one transaction; it changes nothing itself.
 *
 * One invariant carries order: within a subscription and group only the oldest delivery is not `waiting`.
 */
import type { EventEnvelope } from "../../../schema/event.ts";
import type { HeadPolicy } from "../../../schema/subscription.ts";
import type { DeathReason, DeathRecord } from "../dead-letter.ts";

/** `ready` may be leased, `delayed` is not due, `waiting` is behind its group's oldest, `blocked` needs a person. */
export const PLACES = ["ready", "delayed", "waiting", "blocked"] as const;
export type Place = (typeof PLACES)[number];

/** An accepted event; the row is the deduplication record too. */
export interface EventRow {
  readonly key: string;
  readonly seq: number;
  readonly bytes: number;
  readonly event: EventEnvelope;
}

/** One event on its way to one subscription. */
export interface DeliveryRow {
  readonly subscription: string;
  /** Deliveries of one group go out one after the other. Without a partition, a group of its own. */
  readonly group: string;
  readonly seq: number;
  /** Of the event. */
  readonly key: string;
  readonly place: Place;
  readonly priority: number;
  /** When it was accepted; its time to live counts from here. */
  readonly atMs: number;
  /** Not before this instant. */
  readonly dueMs: number;
  /** Not after this instant. */
  readonly expiresMs?: number;
  /** Attempts that ended without success. */
  readonly attempts: number;
  readonly notes: readonly Note[];
}

export interface Note {
  readonly atMs: number;
  readonly reason: string;
}

/** What a shard needs to know of a subscription. A higher `version` replaces a lower one. */
export interface ShardSubscription {
  readonly id: string;
  readonly version: number;
  readonly headPolicy: HeadPolicy;
  readonly ttlMs?: number;
  readonly expired: "dead_letter" | "drop";
  readonly prefetch: number;
  readonly inFlightMax: number;
  readonly attemptsMax: number;
  /** Deliveries it may have here; what comes on top becomes a dead letter. */
  readonly depthMax: number;
  /** Every event goes for itself, partition or not. */
  readonly unordered?: true;
  /** Takes everything at once: no delay, no time to live, no priority. */
  readonly log?: true;
  /** Its consumers come by themselves: nobody is rung for it. */
  readonly pull?: true;
}

/** Deliveries per place, one number per priority. */
export type Depth = Readonly<Record<Place, readonly number[]>>;

/** Since the subscription began; never falls. */
export interface Totals {
  readonly published: number;
  readonly acked: number;
  readonly retried: number;
  readonly dead: number;
  readonly expired: number;
  readonly skipped: number;
}

export interface SubscriptionRow {
  readonly config: ShardSubscription;
  readonly paused: boolean;
  readonly depth: Depth;
  readonly totals: Totals;
  readonly lastSeq: number;
}

/** Deliveries in somebody's hands. The token names its own end, so that it can be judged when the row is gone. */
export interface LeaseRow {
  readonly token: string;
  readonly subscription: string;
  readonly consumer: string;
  readonly untilMs: number;
  readonly open: readonly { readonly group: string; readonly seq: number }[];
}

/** A delivery that ended without success, waiting to be written to the tenant's dead letters. */
export interface DeadRow {
  readonly id: string;
  readonly subscription: string;
  readonly seq: number;
  readonly event: EventEnvelope;
  readonly reason: DeathReason;
  /** What the consumer said last. */
  readonly detail: string;
  readonly attempts: number;
  readonly notes: readonly Note[];
  readonly record: DeathRecord;
  readonly atMs: number;
}

/** Which of the two event tables takes rows, since when, and the highest number given to an event nobody wanted. */
export interface ShardMeta {
  readonly table: 0 | 1;
  readonly startedMs: number;
  readonly lastSeq: number;
}

/** The rows, to be read. Lists are bounded by their `limit`. */
export interface ShardView {
  meta(): ShardMeta | undefined;
  /** What the two event tables still hold of these keys. */
  known(
    keys: readonly string[],
  ): ReadonlyMap<string, { readonly id: string; readonly seq: number }>;
  subscription(id: string): SubscriptionRow | undefined;
  subscriptions(): readonly SubscriptionRow[];
  leases(): readonly LeaseRow[];
  delivery(subscription: string, group: string, seq: number): DeliveryRow | undefined;
  /** The oldest delivery of a group after a number. */
  nextInGroup(subscription: string, group: string, afterSeq: number): DeliveryRow | undefined;
  /** Highest priority first, then oldest; nothing that has expired. */
  ready(subscription: string, nowMs: number, limit: number): readonly DeliveryRow[];
  blocked(subscription: string, limit: number): readonly DeliveryRow[];
  /** Delayed ones whose time has come, soonest first. */
  due(nowMs: number, limit: number): readonly DeliveryRow[];
  /** Those whose time to live is over, soonest first. */
  expired(nowMs: number, limit: number): readonly DeliveryRow[];
  nextDueMs(): number | undefined;
  nextExpiryMs(): number | undefined;
  /** When the oldest delivery in a place was accepted. Not asked for `waiting`: older ones stand before them. */
  oldestAtMs(subscription: string, place: Exclude<Place, "waiting">): number | undefined;
  events(keys: readonly string[]): ReadonlyMap<string, EventRow>;
  deads(limit: number): readonly DeadRow[];
}

/** A row to write, in one transaction with the others of its decision and in their order. */
export type Write =
  | { readonly put: "event"; readonly row: EventRow }
  | { readonly put: "delivery"; readonly row: DeliveryRow }
  | { readonly put: "subscription"; readonly row: SubscriptionRow }
  | { readonly put: "lease"; readonly row: LeaseRow }
  | { readonly put: "dead"; readonly row: DeadRow }
  | { readonly put: "meta"; readonly row: ShardMeta }
  | {
      readonly drop: "delivery";
      readonly subscription: string;
      readonly group: string;
      readonly seq: number;
    }
  | { readonly drop: "lease"; readonly token: string }
  | { readonly drop: "dead"; readonly id: string }
  /** With everything it still has. */
  | { readonly drop: "subscription"; readonly id: string }
  /** Start an empty event table; what deliveries still refer to moves along. */
  | { readonly rotate: 0 | 1 };

/** `writes` in order, and what the caller is told once they are committed. */
export interface Step<R> {
  readonly writes: readonly Write[];
  readonly reply: R;
}

/** A group that one event has for itself. */
export function ownGroup(seq: number): string {
  return `s:${seq}`;
}

/** The group of a partition key. */
export function partitionGroup(partition: string): string {
  return `p:${partition}`;
}
