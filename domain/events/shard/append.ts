/**
 * Takes events in: deduplicates, numbers, stores, and gives every subscription that wants one a delivery. The
 * answer may only go out after the writes are committed; a duplicate writes nothing.
 */
import type { EventEnvelope } from "../../../schema/event.ts";
import { fail, ok, type Result } from "../../result.ts";
import { effectivePriority, effectiveTtlMs } from "../urgency.ts";
import type { Draft } from "./draft.ts";
import {
  depthOf,
  groupName,
  newSubscription,
  openDraft,
  putDelivery,
  subscriptionIn,
  writesOf,
} from "./draft.ts";
import {
  APPEND_EVENTS_MAX,
  BACKLOG_RETRY_AFTER_SECONDS,
  DEDUP_WINDOW_MS,
  DEPTH_MAX,
} from "./limits.ts";
import { overflow } from "./outcomes.ts";
import {
  type DeliveryRow,
  ownGroup,
  type Place,
  partitionGroup,
  type ShardMeta,
  type ShardSubscription,
  type ShardView,
  type Step,
  type SubscriptionRow,
} from "./rows.ts";

/** One event and the ids of the subscriptions that want it. */
export interface AppendEvent {
  /** Deduplication key. */
  readonly key: string;
  readonly event: EventEnvelope;
  /** Serialised size. */
  readonly bytes: number;
  readonly targets: readonly string[];
  readonly ttlMs?: number;
  readonly delayMs?: number;
}

/** `subscriptions`: the configuration of every target that the shard may not know yet. */
export interface AppendRequest {
  readonly events: readonly AppendEvent[];
  readonly subscriptions: readonly ShardSubscription[];
  readonly nowMs: number;
}

/** In the order of the request; a duplicate has the id and number of the first. */
export interface Appended {
  readonly key: string;
  readonly id: string;
  readonly seq: number;
  readonly duplicate: boolean;
}

export type AppendFailure =
  | { readonly reason: "backlog_full"; readonly depth: number; readonly retryAfterSeconds: number }
  | { readonly reason: "too_many"; readonly max: number }
  | { readonly reason: "unknown_subscription"; readonly id: string };

export type AppendReply = Result<readonly Appended[], AppendFailure>;

/** `random` yields numbers in [0, 1), for the ids of deliveries there is no room for. */
export function append(
  view: ShardView,
  request: AppendRequest,
  random: () => number,
): Step<AppendReply> {
  const refused = refusal(view, request);
  if (refused) return { writes: [], reply: fail(refused) };
  const draft = openDraft(view, request.nowMs, random);
  const known = new Map(view.known(request.events.map(({ key }) => key)));
  const meta = view.meta() ?? { table: 0, startedMs: request.nowMs, lastSeq: 0 };
  const appended: Appended[] = [];
  let lastSeq = highestSeq(view, meta);
  for (const one of request.events) {
    const first = known.get(one.key);
    if (first) {
      appended.push({ key: one.key, ...first, duplicate: true });
      continue;
    }
    lastSeq = Math.max(lastSeq + 1, Math.floor(request.nowMs));
    known.set(one.key, { id: one.event.event_id, seq: lastSeq });
    take(draft, one, lastSeq, request);
    appended.push({ key: one.key, id: one.event.event_id, seq: lastSeq, duplicate: false });
  }
  if (appended.some(({ duplicate }) => !duplicate)) keepMeta(draft, meta, view, lastSeq);
  return { writes: writesOf(draft), reply: ok(appended) };
}

function refusal(view: ShardView, request: AppendRequest): AppendFailure | undefined {
  if (request.events.length > APPEND_EVENTS_MAX)
    return { reason: "too_many", max: APPEND_EVENTS_MAX };
  const named = new Set(request.subscriptions.map(({ id }) => id));
  const unknown = request.events
    .flatMap(({ targets }) => targets)
    .find((id) => !named.has(id) && !view.subscription(id));
  if (unknown !== undefined) return { reason: "unknown_subscription", id: unknown };
  const depth = view.subscriptions().reduce((sum, row) => sum + depthOf(row), 0);
  if (depth < DEPTH_MAX) return undefined;
  return { reason: "backlog_full", depth, retryAfterSeconds: BACKLOG_RETRY_AFTER_SECONDS };
}

function highestSeq(view: ShardView, meta: ShardMeta): number {
  return view.subscriptions().reduce((max, row) => Math.max(max, row.lastSeq), meta.lastSeq);
}

function take(draft: Draft, one: AppendEvent, seq: number, request: AppendRequest): void {
  const { key, event, bytes } = one;
  draft.others.push({ put: "event", row: { key, seq, bytes, event } });
  for (const id of new Set(one.targets)) {
    const row = targetRow(draft, id, request.subscriptions);
    if (!row) continue;
    const totals = { ...row.totals, published: row.totals.published + 1 };
    draft.subscriptions.set(id, { ...row, totals, lastSeq: seq });
    const delivery = deliveryOf(draft, one, row, seq);
    if (depthOf(row) >= row.config.depthMax) overflow(draft, delivery, event);
    else putDelivery(draft, delivery);
  }
}

/** The subscription as stored, or as the request knows it better. */
function targetRow(
  draft: Draft,
  id: string,
  configs: readonly ShardSubscription[],
): SubscriptionRow | undefined {
  const stored = subscriptionIn(draft, id);
  const config = configs.find((other) => other.id === id);
  if (!config || (stored && stored.config.version >= config.version)) return stored;
  return stored ? { ...stored, config } : newSubscription(config);
}

function deliveryOf(
  draft: Draft,
  one: AppendEvent,
  { config }: SubscriptionRow,
  seq: number,
): DeliveryRow {
  const { nowMs } = draft;
  const { metadata } = one.event;
  const partition = config.unordered ? undefined : metadata.partition_key;
  const group = partition === undefined ? ownGroup(seq) : partitionGroup(partition);
  const dueMs = nowMs + (config.log ? 0 : Math.max(one.delayMs ?? 0, 0));
  const priority = effectivePriority(config.log ? 0 : metadata.priority);
  const expiresMs = config.log ? undefined : expiryOf(one, config, nowMs);
  return {
    subscription: config.id,
    group,
    seq,
    key: one.key,
    place: placeOf(partition !== undefined && hasOlder(draft, config.id, group), dueMs > nowMs),
    priority: priority.ok ? priority.value : 0,
    atMs: nowMs,
    dueMs,
    ...(expiresMs === undefined ? {} : { expiresMs }),
    attempts: 0,
    notes: [],
  };
}

function placeOf(behind: boolean, early: boolean): Place {
  if (behind) return "waiting";
  return early ? "delayed" : "ready";
}

/** Asks the rows once per partition, however many of its events come together. */
function hasOlder(draft: Draft, subscription: string, group: string): boolean {
  return (
    draft.groups.has(groupName(subscription, group)) ||
    draft.view.nextInGroup(subscription, group, 0) !== undefined
  );
}

/** The earliest of: the event's own instant, its time to live, the subscription's. */
function expiryOf(one: AppendEvent, config: ShardSubscription, nowMs: number): number | undefined {
  const ttl = effectiveTtlMs(config.ttlMs, one.ttlMs);
  const ttlMs = ttl.ok ? ttl.value : 0;
  const byTtlMs = ttlMs === undefined ? Infinity : nowMs + ttlMs;
  const named = one.event.metadata.expires_at;
  const byNameMs = named === undefined ? Infinity : Date.parse(named);
  const expiresMs = Math.min(byTtlMs, byNameMs);
  return Number.isFinite(expiresMs) ? expiresMs : undefined;
}

/** Turns the tables over once a day, and remembers a number that no subscription row carries. */
function keepMeta(draft: Draft, meta: ShardMeta, view: ShardView, lastSeq: number): void {
  const over = draft.nowMs - meta.startedMs >= DEDUP_WINDOW_MS;
  const table = meta.table === 0 ? 1 : 0;
  if (over) draft.others.unshift({ rotate: table });
  const next = over ? ({ table, startedMs: draft.nowMs, lastSeq } as const) : { ...meta, lastSeq };
  const carried = [...draft.subscriptions.values()].some((row) => row.lastSeq === lastSeq);
  if (over || !carried || view.meta() === undefined)
    draft.others.splice(over ? 1 : 0, 0, { put: "meta", row: next });
}
