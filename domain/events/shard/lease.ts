/**
 * Hands deliveries to a consumer for a while: the most urgent first, never more than it and its subscription may
 * hold, never one that has expired, one of a partition at a time. Nothing but the lease itself is written.
 */
import type { EventEnvelope } from "../../../schema/event.ts";
import { LEASE_BYTES_MAX, LEASE_MS } from "./limits.ts";
import type {
  DeliveryRow,
  EventRow,
  LeaseRow,
  ShardView,
  Step,
  SubscriptionRow,
  Write,
} from "./rows.ts";

export interface LeaseRequest {
  readonly subscription: string;
  /** Who asks; its prefetch limit counts over all of its leases. */
  readonly consumer: string;
  readonly max: number;
  readonly bytesMax?: number;
  /** Unguessable, fresh. */
  readonly secret: string;
  readonly nowMs: number;
}

export interface LeasedDelivery {
  readonly seq: number;
  /** From 1: the one that is about to be made. */
  readonly attempt: number;
  readonly priority: number;
  /** Not to be delivered after this instant, which may come before the lease ends. */
  readonly expiresMs?: number;
  readonly event: EventEnvelope;
}

export type LeaseReply =
  | { readonly is: "idle"; readonly why: "empty" | "paused" | "full" | "unknown_subscription" }
  | {
      readonly is: "leased";
      readonly token: string;
      readonly untilMs: number;
      /** Of the subscription's configuration. */
      readonly version: number;
      readonly deliveries: readonly LeasedDelivery[];
      /** There is more that could be leased now. */
      readonly more: boolean;
    };

/** Run `tick` first: it brings in what is due and takes out what has expired. */
export function lease(view: ShardView, request: LeaseRequest): Step<LeaseReply> {
  const subscription = view.subscription(request.subscription);
  if (!subscription) return idle("unknown_subscription");
  if (subscription.paused) return idle("paused");
  const leases = view.leases().filter((row) => row.subscription === request.subscription);
  const room = roomFor(subscription, leases, request);
  if (room <= 0) return idle("full");
  const inHand = new Set(leases.flatMap(({ open }) => open.map(({ seq }) => seq)));
  const candidates = view
    .ready(request.subscription, request.nowMs, room + inHand.size + 1)
    .filter(({ seq }) => !inHand.has(seq));
  const taken = within(candidates.slice(0, room), view, request.bytesMax ?? LEASE_BYTES_MAX);
  if (taken.length === 0) return idle("empty");
  return leased(taken, candidates.length, subscription.config.version, request);
}

/** Deliveries in somebody's hands, over some leases. */
export function inFlight(leases: readonly LeaseRow[]): number {
  return leases.reduce((sum, { open }) => sum + open.length, 0);
}

/** When the lease of a token ends or ended; undefined where it is no token of ours. */
export function untilOf(token: string): number | undefined {
  const until = /^(\d{1,16})\./.exec(token)?.[1];
  return until === undefined ? undefined : Number(until);
}

function roomFor(
  { config }: SubscriptionRow,
  leases: readonly LeaseRow[],
  { consumer, max }: LeaseRequest,
): number {
  const own = inFlight(leases.filter((row) => row.consumer === consumer));
  return Math.min(max, config.prefetch - own, config.inFlightMax - inFlight(leases));
}

interface Taken {
  readonly row: DeliveryRow;
  readonly stored: EventRow;
}

/** As many as the bytes allow, but always one: an event larger than the bound must go out too. */
function within(rows: readonly DeliveryRow[], view: ShardView, bytesMax: number): readonly Taken[] {
  const events = view.events(rows.map(({ key }) => key));
  const taken: Taken[] = [];
  let bytes = 0;
  for (const row of rows) {
    const stored = events.get(row.key);
    if (!stored) throw new Error("a delivery's event is gone");
    bytes += stored.bytes;
    if (taken.length > 0 && bytes > bytesMax) break;
    taken.push({ row, stored });
  }
  return taken;
}

function leased(
  taken: readonly Taken[],
  candidates: number,
  version: number,
  { subscription, consumer, secret, nowMs }: LeaseRequest,
): Step<LeaseReply> {
  const untilMs = nowMs + LEASE_MS;
  const token = `${untilMs}.${secret}`;
  const open = taken.map(({ row: { group, seq } }) => ({ group, seq }));
  const write: Write = { put: "lease", row: { token, subscription, consumer, untilMs, open } };
  const deliveries = taken.map(({ row, stored }) => ({
    seq: row.seq,
    attempt: row.attempts + 1,
    priority: row.priority,
    ...(row.expiresMs === undefined ? {} : { expiresMs: row.expiresMs }),
    event: stored.event,
  }));
  const more = candidates > taken.length;
  return { writes: [write], reply: { is: "leased", token, untilMs, version, deliveries, more } };
}

function idle(why: Extract<LeaseReply, { is: "idle" }>["why"]): Step<LeaseReply> {
  return { writes: [], reply: { is: "idle", why } };
}
