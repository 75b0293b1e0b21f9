/**
 * Events sent to a subscription again because somebody asks for it: one, all that have not arrived, or a test. What
 * still waits for its next attempt is made due instead, so that nothing goes out twice. They pass the same pipeline
 * as everything else, marked by their `replay_id`.
 */
import { asTest, resent } from "../../domain/events/resending.ts";
import { mintId } from "../../domain/messaging/message-id.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { insist } from "../../platform/conversations.ts";
import { databaseFor } from "../../platform/database.ts";
import { type Published, publishEvents } from "../../platform/event-bus.ts";
import { eventShard, type ShardEvent } from "../../platform/event-shards.ts";
import {
  type DeliveryAttempt,
  listAttempts,
  listUndelivered,
} from "../../platform/repositories/delivery-attempts.ts";
import type { StoredSubscription } from "../../platform/repositories/subscriptions.ts";
import type { EventEnvelope } from "../../schema/event.ts";
import { mapBounded } from "../consumers/bounded.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type EventPlace, storedEvents } from "./endpoint-events.ts";

/** Shards asked at once about what may still wait. */
const SHARD_CALLS_AT_ONCE = 6;

type Deps = Pick<ApiDeps, "env" | "vars">;

/** `published`: on its way as a new delivery. `hastened`: its next attempt is now. `pending`: it is on its way already. */
export type Resent = "published" | "hastened" | "pending";

export interface ResendFailure {
  /** Nobody keeps the event any more; its time is over; it could not be handed over. */
  readonly reason: "event_gone" | "expired" | "unavailable";
}

/** Sends the event of an attempt again. Rejects as D1 and the shard do. */
export async function resendAttempt(
  deps: Deps,
  attempt: DeliveryAttempt,
  nowMs: number,
): Promise<Result<Resent, ResendFailure>> {
  const { tenant_id: tenant, subscription_id: subscription, event_id } = attempt;
  const db = databaseFor(deps.env, tenant);
  const [event] = (await storedEvents(deps.env, tenant, [attempt])).values();
  if (!event) return fail({ reason: "event_gone" });
  const [last = attempt] = await listAttempts(db, {
    tenant,
    subscription,
    event: event_id,
    limit: 1,
  });
  const waiting = await hasten(deps, tenant, subscription, last, event);
  if (waiting !== "absent") return ok(waiting);
  if (isOver(event, nowMs)) return fail({ reason: "expired" });
  const key = `resend:${attempt.id}:${crypto.randomUUID()}`;
  const [published] = await publish(deps, tenant, [again(event, attempt.id, subscription, key)]);
  return published?.is === "accepted" ? ok("published") : fail({ reason: "unavailable" });
}

export interface RecoverSpan {
  readonly sinceMs: number;
  readonly nowMs: number;
  /** As an earlier call said it. */
  readonly afterId?: string;
  /** Events looked at in one call. */
  readonly limit: number;
}

export interface Recovered {
  readonly matched: number;
  readonly resent: number;
  /** Not sent: on their way already, expired, kept by nobody any more, or not handed over. */
  readonly skipped: number;
  /** After which attempt the next call goes on; absent where everything was looked at. */
  readonly lastId?: string;
}

/**
 * Sends everything again that ended without success since a moment, longest waiting first. Said twice it sends once:
 * the last attempt of an event is its key. Rejects as D1 and the shards do.
 */
export async function recover(
  deps: Deps,
  { tenant, subscription: { id } }: StoredSubscription,
  span: RecoverSpan,
): Promise<Recovered> {
  const db = databaseFor(deps.env, tenant);
  const { nowMs, limit } = span;
  const rows = await listUndelivered(db, { ...span, tenant, subscription: id, limit: limit + 1 });
  const page = rows.slice(0, limit);
  const events = await storedEvents(deps.env, tenant, page);
  // Published in the order of the log, so that a partition keeps its order.
  const inOrder = page.toSorted((a, b) => a.seq - b.seq);
  const prepared = await mapBounded(inOrder, SHARD_CALLS_AT_ONCE, async (row) => {
    const event = events.get(row.event_id);
    if (!event) return undefined;
    const waiting = await hasten(deps, tenant, id, row, event);
    if (waiting !== "absent") return waiting;
    return isOver(event, nowMs) ? undefined : again(event, row.id, id, `recover:${id}:${row.id}`);
  });
  const fresh = prepared.filter((one) => typeof one === "object");
  const published = await publish(deps, tenant, fresh);
  const accepted = published.filter((one) => one.is === "accepted" && !one.duplicate).length;
  const resentCount = accepted + prepared.filter((one) => one === "hastened").length;
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    matched: page.length,
    resent: resentCount,
    skipped: page.length - resentCount,
    ...(last ? { lastId: last.id } : {}),
  };
}

/** A test event, of a type and with data as given. Answers its id. */
export async function sendTest(
  deps: Deps,
  { tenant, subscription: { id } }: StoredSubscription,
  given: { readonly type: string; readonly data?: unknown },
  nowMs: number,
): Promise<Result<string, ResendFailure>> {
  const now = new Date(nowMs).toISOString();
  const event = asTest({
    event_id: mintId("evt", nowMs, Math.random),
    event_type: given.type,
    event_version: "1.0",
    timestamp: now,
    source: `/subscriptions/${id}`,
    data: given.data ?? { subscription: id, requested_at: now },
    metadata: { subject: id },
  });
  const key = `test:${event.event_id}`;
  const [published] = await publish(deps, tenant, [shardEventOf(event, id, key)]);
  return published?.is === "accepted" ? ok(event.event_id) : fail({ reason: "unavailable" });
}

async function hasten(
  { env }: Deps,
  tenant: string,
  subscription: string,
  { shard, seq }: EventPlace,
  { metadata }: EventEnvelope,
): Promise<Resent | "absent"> {
  const { partition_key: partition } = metadata;
  const request = { subscription, seq, ...(partition === undefined ? {} : { partition }) };
  const found = await insist(() => eventShard(env, { tenant, shard }).hasten(request));
  return found === "due" ? "hastened" : found;
}

function again(
  event: EventEnvelope,
  attempt: string,
  subscription: string,
  key: string,
): ShardEvent {
  return shardEventOf(resent(event, attempt), subscription, key);
}

/** For this subscription only, and not for the log: it has the event. */
function shardEventOf(event: EventEnvelope, subscription: string, key: string): ShardEvent {
  const bytes = new TextEncoder().encode(JSON.stringify(event)).length;
  return { key, event, bytes, only: [subscription], logged: false };
}

function publish(
  { env, vars }: Deps,
  tenant: string,
  events: readonly ShardEvent[],
): Promise<readonly Published[]> {
  return publishEvents({ env, shards: vars.EVENT_SHARDS }, tenant, events);
}

function isOver({ metadata: { expires_at } }: EventEnvelope, nowMs: number): boolean {
  return expires_at !== undefined && Date.parse(expires_at) <= nowMs;
}
