/**
 * Publishes what stands in the outbox, oldest first, and deletes what the bus has taken. Two at the same time do no
 * harm: each publishes everything older first, and a key counts once within 24 h.
 */
import type { ToldHop } from "../domain/events/hub-message.ts";
import type { EventEnvelope } from "../schema/event.ts";
import { databaseFor } from "./database.ts";
import type { ShardEvent } from "./event-shards.ts";
import {
  type Audience,
  audienceOf,
  messageEventsOf,
  shardEventOf,
  type TellingDeps,
} from "./message-events.ts";
import { count } from "./metrics.ts";
import { type Outcome, publishInOrder } from "./publish-in-order.ts";
import { readMessages } from "./repositories/message-outbox.ts";

/** Rows published at once and rounds of one run. */
const ROWS_MAX = 100;
const ROUNDS_MAX = 20;

interface OutboxRow {
  readonly id: string;
  readonly body: string;
}

/** What an outbox row says: an event of its own, or a message and the hop to be told of it. */
type Body = EventEnvelope | { readonly view: string; readonly hop: ToldHop };

/** Everything a tenant's outboxes hold. True where nothing is left. Never rejects. */
export async function publishOutbox(
  deps: TellingDeps,
  tenant: string,
  nowMs: number,
): Promise<boolean> {
  const own = databaseFor(deps.env, tenant);
  const databases = own === deps.env.DB ? [own] : [deps.env.DB, own];
  let empty = true;
  for (const db of databases) {
    const drained = await drain(deps, db, tenant, nowMs).catch(() => "failed" as const);
    if (drained === "failed") count("outbox_failures_total", { tenant });
    empty &&= drained === "empty";
  }
  return empty;
}

async function drain(
  deps: TellingDeps,
  db: D1Database,
  tenant: string,
  nowMs: number,
): Promise<"empty" | "failed" | "more"> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const rows = await oldest(db, tenant);
    if (rows.length === 0) return "empty";
    const done = await publishRows(deps, db, tenant, rows, nowMs);
    await forget(db, tenant, done);
    if (done.length < rows.length) return "failed";
    if (rows.length < ROWS_MAX) return "empty";
  }
  return "more";
}

async function oldest(db: D1Database, tenant: string): Promise<readonly OutboxRow[]> {
  const found = await db
    .prepare("SELECT id, body FROM outbox WHERE tenant_id = ? ORDER BY created_at, id LIMIT ?")
    .bind(tenant, ROWS_MAX)
    .all<OutboxRow>();
  return found.results;
}

/** Ids of the rows that have been told, or that there is nobody to tell. An event of its own stays until it is taken. */
async function publishRows(
  deps: TellingDeps,
  db: D1Database,
  tenant: string,
  rows: readonly OutboxRow[],
  nowMs: number,
): Promise<readonly string[]> {
  const told = await eventsOf(deps, db, tenant, rows, nowMs);
  const events = told.filter((event) => event !== undefined);
  const outcomes = await publishInOrder(deps, tenant, events);
  const done = new Set<string>();
  for (const [n, { key, logged }] of events.entries()) {
    const outcome = outcomes[n];
    if (!outcome) continue;
    count("outbox_events_total", { tenant, outcome: nameOf(outcome) });
    if (isDone(outcome, logged)) done.add(key);
  }
  return rows
    .filter((_, n) => done.has(told[n]?.key ?? "") || told[n] === undefined)
    .map(({ id }) => id);
}

/** A view that is refused can be replayed from its message; anything else waits until there is room. */
function isDone(outcome: Outcome, logged: boolean): boolean {
  if (outcome.is === "refused") return !logged || outcome.reason === "too_large";
  return outcome.is === "accepted";
}

function nameOf(outcome: Outcome): string {
  return outcome.is === "refused" ? outcome.reason : outcome.is;
}

/** What each row stands for; undefined where its message is gone or nobody wants it. */
async function eventsOf(
  deps: TellingDeps,
  db: D1Database,
  tenant: string,
  rows: readonly OutboxRow[],
  nowMs: number,
): Promise<readonly (ShardEvent | undefined)[]> {
  const bodies = rows.map(({ body }) => JSON.parse(body) as Body);
  const ids = new Set(bodies.flatMap((body) => ("view" in body ? [body.view] : [])));
  const messages = new Map(
    (await readMessages(db, tenant, [...ids])).map((row) => [row.id, messageEventsOf(row)]),
  );
  const audience = ids.size > 0 ? await audienceOf(deps, tenant, nowMs) : undefined;
  return bodies.map((body) => {
    if (!("view" in body)) return shardEventOf(body, true);
    const told = messages.get(body.view)?.find(({ hop }) => hop === body.hop);
    return told && wanted(audience, told.event) ? shardEventOf(told.event, false) : undefined;
  });
}

function wanted(audience: Audience | undefined, event: EventEnvelope): boolean {
  return audience?.wants(event) ?? false;
}

async function forget(db: D1Database, tenant: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db
    .prepare("DELETE FROM outbox WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2))")
    .bind(tenant, JSON.stringify(ids))
    .run();
}
