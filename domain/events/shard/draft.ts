/**
 * The rows one decision is about to change, each once however often it is touched, with the depth counters
 * following every move. Lives for one decision only; outside it nothing is mutable.
 */
import { PRIORITY_MAX } from "../../../schema/event.ts";
import {
  type DeliveryRow,
  type LeaseRow,
  ownGroup,
  PLACES,
  type Place,
  type ShardSubscription,
  type ShardView,
  type SubscriptionRow,
  type Totals,
  type Write,
} from "./rows.ts";

export interface Draft {
  readonly view: ShardView;
  readonly nowMs: number;
  /** Numbers in [0, 1), for ids. */
  readonly random: () => number;
  /** Undefined: to be dropped. */
  readonly deliveries: Map<string, Touched>;
  readonly subscriptions: Map<string, SubscriptionRow>;
  readonly leases: Map<string, LeaseRow | undefined>;
  /** Partitions that deliveries of this decision were put into, by `groupName`. */
  readonly groups: Set<string>;
  /** Rows of the other kinds, written first. */
  readonly others: Write[];
}

interface Touched {
  readonly row: DeliveryRow;
  readonly dropped: boolean;
}

export function openDraft(view: ShardView, nowMs: number, random: () => number): Draft {
  return {
    view,
    nowMs,
    random,
    deliveries: new Map(),
    subscriptions: new Map(),
    leases: new Map(),
    groups: new Set(),
    others: [],
  };
}

/** The rows to write: drops before puts, so that a delivery can change its group. */
export function writesOf(draft: Draft): readonly Write[] {
  const touched = [...draft.deliveries.values()];
  const drops = touched.filter(({ dropped }) => dropped).map(({ row }) => dropOf(row));
  const puts = touched
    .filter(({ dropped }) => !dropped)
    .map(({ row }): Write => ({ put: "delivery", row }));
  const leases = [...draft.leases].map(([token, row]): Write => {
    return row ? { put: "lease", row } : { drop: "lease", token };
  });
  const subscriptions = [...draft.subscriptions.values()].map((row): Write => {
    return { put: "subscription", row };
  });
  return [...draft.others, ...drops, ...puts, ...leases, ...subscriptions];
}

export function newSubscription(config: ShardSubscription): SubscriptionRow {
  const none = new Array<number>(PRIORITY_MAX + 1).fill(0);
  return {
    config,
    paused: false,
    depth: { ready: none, delayed: none, waiting: none, blocked: none },
    totals: { published: 0, acked: 0, retried: 0, dead: 0, expired: 0, skipped: 0 },
    lastSeq: 0,
  };
}

/** As this decision has left it so far. */
export function subscriptionIn(draft: Draft, id: string): SubscriptionRow | undefined {
  return draft.subscriptions.get(id) ?? draft.view.subscription(id);
}

/** As this decision has left it so far; undefined where it is gone. */
export function deliveryIn(
  draft: Draft,
  subscription: string,
  group: string,
  seq: number,
): DeliveryRow | undefined {
  const touched = draft.deliveries.get(nameOf(subscription, group, seq));
  if (touched) return touched.dropped ? undefined : touched.row;
  return draft.view.delivery(subscription, group, seq);
}

/** The oldest delivery of a group after a number, dropped ones passed over. */
export function nextIn(
  draft: Draft,
  subscription: string,
  group: string,
  afterSeq: number,
): DeliveryRow | undefined {
  let next = draft.view.nextInGroup(subscription, group, afterSeq);
  while (next) {
    const now = deliveryIn(draft, subscription, group, next.seq);
    if (now) return now;
    next = draft.view.nextInGroup(subscription, group, next.seq);
  }
  return undefined;
}

/** Adds a delivery, or changes one that was `before`. */
export function putDelivery(draft: Draft, row: DeliveryRow, before?: DeliveryRow): void {
  draft.deliveries.set(nameOf(row.subscription, row.group, row.seq), { row, dropped: false });
  if (row.group !== ownGroup(row.seq)) draft.groups.add(groupName(row.subscription, row.group));
  if (before?.place === row.place) return;
  if (before) count(draft, before, -1);
  count(draft, row, 1);
}

export function dropDelivery(draft: Draft, row: DeliveryRow): void {
  draft.deliveries.set(nameOf(row.subscription, row.group, row.seq), { row, dropped: true });
  count(draft, row, -1);
}

/** Adds one to a total. */
export function tell(draft: Draft, subscription: string, total: keyof Totals): void {
  const row = subscriptionIn(draft, subscription);
  if (!row) return;
  const totals = { ...row.totals, [total]: row.totals[total] + 1 };
  draft.subscriptions.set(subscription, { ...row, totals });
}

/** Everything a subscription still has, in all places. */
export function depthOf(row: SubscriptionRow): number {
  return PLACES.reduce((sum, place) => sum + depthIn(row, place), 0);
}

/** What a subscription has in one place, over all priorities. */
export function depthIn(row: SubscriptionRow, place: Place): number {
  return row.depth[place].reduce((sum, n) => sum + n, 0);
}

function count(draft: Draft, { subscription, place, priority }: DeliveryRow, by: 1 | -1): void {
  const row = subscriptionIn(draft, subscription);
  if (!row) return;
  const levels = row.depth[place].map((n, level) => (level === priority ? n + by : n));
  draft.subscriptions.set(subscription, { ...row, depth: { ...row.depth, [place]: levels } });
}

function dropOf({ subscription, group, seq }: DeliveryRow): Write {
  return { drop: "delivery", subscription, group, seq };
}

/** One group of one subscription. */
export function groupName(subscription: string, group: string): string {
  return JSON.stringify([subscription, group]);
}

function nameOf(subscription: string, group: string, seq: number): string {
  return JSON.stringify([subscription, group, seq]);
}
