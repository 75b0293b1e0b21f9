/**
 * How one delivery ends or goes on, and what that means for those behind it. Shared by settling, by leases that
 * ran out and by the clock, so that all three decide alike.
 */

import type { EventEnvelope } from "../../../schema/event.ts";
import { mintId } from "../../messaging/message-id.ts";
import type { DeathReason } from "../dead-letter.ts";
import { recordDeath } from "../dead-letter.ts";
import { type Draft, dropDelivery, nextIn, putDelivery, subscriptionIn, tell } from "./draft.ts";
import { NOTE_CHARS_MAX, NOTES_MAX } from "./limits.ts";
import { type DeliveryRow, type Note, ownGroup, type SubscriptionRow } from "./rows.ts";

/** The name under which deaths of deliveries are recorded as their exchange. */
const EXCHANGE = "events";

/** It has been taken. */
export function acked(draft: Draft, row: DeliveryRow): void {
  leave(draft, row);
  tell(draft, row.subscription, "acked");
}

/** One attempt failed and another may follow after `afterMs`; what has had its last one dies or blocks. */
export function failed(draft: Draft, row: DeliveryRow, afterMs: number, reason: string): void {
  const subscription = subscriptionIn(draft, row.subscription);
  if (!subscription) return;
  const next: DeliveryRow = {
    ...row,
    attempts: row.attempts + 1,
    notes: [...row.notes, noteOf(draft, reason)].slice(-NOTES_MAX),
    dueMs: draft.nowMs + Math.max(afterMs, 0),
  };
  if (next.attempts >= subscription.config.attemptsMax) {
    end(draft, next, row, "delivery_limit", reason);
    return;
  }
  tell(draft, row.subscription, "retried");
  // It could only be tried when nobody wants it any more.
  if (next.expiresMs !== undefined && next.dueMs > next.expiresMs) expire(draft, next, row);
  else goOn(draft, next, row, subscription);
}

/** Nobody has tried it yet, and nobody is to before `afterMs` are over. One that expires meanwhile leaves by the clock. */
export function postponed(draft: Draft, row: DeliveryRow, afterMs: number): void {
  const dueMs = draft.nowMs + Math.max(afterMs, 0);
  putDelivery(draft, { ...row, dueMs, place: dueMs > draft.nowMs ? "delayed" : "ready" }, row);
}

/** The consumer gives it up. In a partition that blocks, it stays for a person to decide. */
export function rejected(draft: Draft, row: DeliveryRow, detail: string): void {
  const notes = [...row.notes, noteOf(draft, detail)].slice(-NOTES_MAX);
  end(draft, { ...row, attempts: row.attempts + 1, notes }, row, "rejected", detail);
}

/** Its time to live is over: a dead letter or, where the subscription says so, only a count. */
export function expire(draft: Draft, row: DeliveryRow, stored: DeliveryRow = row): void {
  const drop = subscriptionIn(draft, row.subscription)?.config.expired === "drop";
  if (!drop) bury(draft, row, "expired", "expired");
  tell(draft, row.subscription, "expired");
  leave(draft, stored);
}

/** It becomes a dead letter, whatever its subscription's policy is. */
export function die(
  draft: Draft,
  row: DeliveryRow,
  reason: DeathReason,
  detail: string,
  stored: DeliveryRow = row,
): void {
  bury(draft, row, reason, detail);
  tell(draft, row.subscription, "dead");
  leave(draft, stored);
}

/** There is no room for it: a dead letter at once, so that one subscription's backlog stops no publisher. */
export function overflow(draft: Draft, row: DeliveryRow, event: EventEnvelope): void {
  bury(draft, row, "maxlen", "depth_max", event);
  tell(draft, row.subscription, "dead");
}

function end(
  draft: Draft,
  row: DeliveryRow,
  stored: DeliveryRow,
  reason: DeathReason,
  detail: string,
): void {
  const policy = subscriptionIn(draft, row.subscription)?.config.headPolicy.is;
  const alone = row.group === ownGroup(row.seq);
  if (policy === "block" && !alone) putDelivery(draft, { ...row, place: "blocked" }, stored);
  else die(draft, row, reason, detail, stored);
}

function goOn(
  draft: Draft,
  next: DeliveryRow,
  stored: DeliveryRow,
  { config }: SubscriptionRow,
): void {
  const place = next.dueMs > draft.nowMs ? "delayed" : "ready";
  const group = ownGroup(next.seq);
  const { headPolicy } = config;
  const aside =
    headPolicy.is === "skip" && next.attempts >= headPolicy.after && next.group !== group;
  if (!aside) {
    putDelivery(draft, { ...next, place }, stored);
    return;
  }
  leave(draft, stored);
  putDelivery(draft, { ...next, place, group });
  tell(draft, next.subscription, "skipped");
}

/** Takes a delivery out; if it was its group's oldest, the next one is. */
function leave(draft: Draft, row: DeliveryRow): void {
  dropDelivery(draft, row);
  if (row.place === "waiting" || row.group === ownGroup(row.seq)) return;
  const next = nextIn(draft, row.subscription, row.group, row.seq);
  if (!next) return;
  const place = next.dueMs > draft.nowMs ? "delayed" : "ready";
  putDelivery(draft, { ...next, place }, next);
}

function bury(
  draft: Draft,
  row: DeliveryRow,
  reason: DeathReason,
  detail: string,
  event: EventEnvelope = eventOf(draft, row),
): void {
  const { record } = recordDeath(undefined, {
    queue: row.subscription,
    reason,
    exchange: EXCHANGE,
    routingKeys: [event.event_type],
    ...(row.expiresMs === undefined ? {} : { expiration: String(row.expiresMs - row.atMs) }),
    nowMs: draft.nowMs,
  });
  const dead = {
    id: mintId("dl", draft.nowMs, draft.random),
    subscription: row.subscription,
    seq: row.seq,
    event,
    reason,
    detail: detail.slice(0, NOTE_CHARS_MAX),
    attempts: row.attempts,
    notes: row.notes,
    record,
    atMs: draft.nowMs,
  };
  draft.others.push({ put: "dead", row: dead });
}

function eventOf(draft: Draft, { key }: DeliveryRow): EventEnvelope {
  const stored = draft.view.events([key]).get(key);
  if (!stored) throw new Error("a delivery's event is gone");
  return stored.event;
}

function noteOf(draft: Draft, reason: string): Note {
  return { atMs: draft.nowMs, reason: reason.slice(0, NOTE_CHARS_MAX) };
}
