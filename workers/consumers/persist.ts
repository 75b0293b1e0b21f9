/**
 * Writes what is new of many conversations to D1: one statement for the whole batch. If that fails, it is
 * halved until the poison value stands alone, so that one message never holds up ninety-nine others.
 */
import { toUnified } from "../../domain/messaging/unified.ts";
import { databaseFor } from "../../platform/database.ts";
import { count, observe } from "../../platform/metrics.ts";
import { insertMessages, type MessageRow } from "../../platform/repositories/messages.ts";
import type { InboxItem } from "../../schema/conversation.ts";
import type { Leased } from "./leased.ts";
import { attempt, persistOneByOne } from "./poison.ts";
import { audiencesOf, tellReceived } from "./tell-received.ts";

/** When the sweeper first looks at a new conversation, in ms. */
const FIRST_SWEEP_MS = 48 * 3_600_000;

/** For each lease token, whether all of its new messages are in D1 now and told to subscribers. Never rejects. */
export async function persistAll(
  env: Env,
  held: readonly Leased[],
): Promise<ReadonlyMap<string, boolean>> {
  const results = new Map<string, boolean>();
  const hearing = audiencesOf(env, held);
  const groups = Map.groupBy(held, (one) => databaseFor(env, one.of.tenant));
  for (const [db, group] of groups) await persistGroup(db, group, results);
  const persisted = held.filter(({ token }) => results.get(token));
  for (const token of await tellReceived(env, persisted, await hearing)) results.set(token, false);
  return results;
}

async function persistGroup(
  db: D1Database,
  group: readonly Leased[],
  results: Map<string, boolean>,
): Promise<void> {
  const nowMs = Date.now();
  const pairs = newPairs(group);
  try {
    const statements = statementsOf(db, group, pairs, nowMs);
    if (statements.length > 0) await db.batch([...statements]);
    observe(
      "service_data_latency_seconds",
      { service: "d1", operation: "persist" },
      (Date.now() - nowMs) / 1000,
    );
    for (const one of group) results.set(one.token, true);
    remember(pairs);
  } catch {
    await persistSmaller(db, group, results, nowMs);
  }
}

async function persistSmaller(
  db: D1Database,
  group: readonly Leased[],
  results: Map<string, boolean>,
  nowMs: number,
): Promise<void> {
  const [only] = group;
  if (!only) return;
  if (group.length > 1) {
    const middle = Math.ceil(group.length / 2);
    await persistGroup(db, group.slice(0, middle), results);
    await persistGroup(db, group.slice(middle), results);
    return;
  }
  count("persist_failures_total", { tenant: only.of.tenant });
  results.set(only.token, await persistAlone(db, only, nowMs).catch(unwritten));
}

/** A message that no row can be made of: its conversation waits, and no other. */
function unwritten(): false {
  return false;
}

/** A conversation by itself: first what is no message, then each message on its own. */
async function persistAlone(db: D1Database, one: Leased, nowMs: number): Promise<boolean> {
  const pairs = newPairs([one]);
  const fresh = one.work.unregistered ? [one] : [];
  const others = [...registrations(db, fresh, nowMs), ...aliasRows(db, pairs, nowMs)];
  if ((await attempt(db, others)) !== "written") return false;
  remember(pairs);
  return persistOneByOne(db, rowsOf(one, nowMs), nowMs);
}

function statementsOf(
  db: D1Database,
  group: readonly Leased[],
  pairs: readonly AliasPair[],
  nowMs: number,
): readonly D1PreparedStatement[] {
  const rows = group.flatMap((one) => rowsOf(one, nowMs));
  const fresh = group.filter((one) => one.work.unregistered);
  return [
    ...insertMessages(db, rows),
    ...registrations(db, fresh, nowMs),
    ...aliasRows(db, pairs, nowMs),
  ];
}

/** Echoes of what we sent ourselves are already there, under our own id. */
function rowsOf({ work, located }: Leased, nowMs: number): readonly MessageRow[] {
  const own = new Set(work.ownPlatformIds);
  const echo = (item: InboxItem) =>
    item.message.origin === "api" && own.has(item.message.platformId);
  for (const _ of work.persist.filter(echo)) {
    count("messages_ignored_total", { channel: located.connection.channel, type: "own_echo" });
  }
  return work.persist
    .filter((item) => !echo(item))
    .map((item) => rowOf(item, work.config.conversation, located, nowMs));
}

/** The row of an inbox item. */
export function rowOf(
  item: InboxItem,
  conversation: string,
  { connection, tenant }: Leased["located"],
  nowMs: number,
): MessageRow {
  const message = toUnified(item.message, {
    id: item.id,
    tenant: tenant.id,
    connection: connection.id,
    source: connection.channel,
    conversation,
    receivedAtMs: item.atMs,
  });
  return {
    tenantId: tenant.id,
    id: item.id,
    conversationId: conversation,
    connectionId: connection.id,
    source: message.source,
    direction: message.direction,
    kind: message.kind,
    platformId: message.platform_id,
    ...(message.target_id ? { targetId: message.target_id } : {}),
    content: message.content,
    metadata: {
      event_key: message.eventKey,
      timestamp: message.timestamp,
      sender: message.sender,
      group: message.group,
      mentions: message.mentions,
      session: item.session,
      ...(message.reply_to ? { reply_to: message.reply_to } : {}),
      ...(message.thread ? { thread: message.thread } : {}),
      ...(item.traceparent ? { traceparent: item.traceparent } : {}),
      ...(item.depth === undefined ? {} : { depth: item.depth }),
      hops: { received: item.atMs, accepted: item.atMs, persisted: nowMs },
    },
    createdAt: item.atMs,
    processedAt: nowMs,
    status: message.direction === "inbound" ? "received" : "sent",
  };
}

function registrations(
  db: D1Database,
  fresh: readonly Leased[],
  nowMs: number,
): readonly D1PreparedStatement[] {
  return fresh.map(({ work }) =>
    db
      .prepare(
        "INSERT OR IGNORE INTO conversations (tenant_id, id, connection_id, conversation_key, created_at, sweep_at) VALUES (?, ?, ?, ?, ?, ?)",
      )
      .bind(
        work.config.tenant,
        work.config.conversation,
        work.config.connection,
        work.config.conversationKey,
        nowMs,
        nowMs + FIRST_SWEEP_MS,
      ),
  );
}

/** Tenant, connection, alias, person. */
type AliasPair = readonly [string, string, string, string];

/** Two names of one person that this isolate has not seen together yet. */
function newPairs(group: readonly Leased[]): readonly AliasPair[] {
  const pairs = group.flatMap(({ work, of }) =>
    work.persist
      .filter(({ message }) => message.origin === "contact" && message.sender.aliases.length > 1)
      .flatMap(({ message: { sender } }) =>
        sender.aliases.map(
          (alias): AliasPair => [of.tenant, work.config.connection, alias, sender.id],
        ),
      ),
  );
  return pairs.filter((pair) => !knownPairs.has(pair.join("|")));
}

/** Writing a known pair again costs no row. */
function aliasRows(
  db: D1Database,
  pairs: readonly AliasPair[],
  nowMs: number,
): readonly D1PreparedStatement[] {
  if (pairs.length === 0) return [];
  const sql = `INSERT OR IGNORE INTO aliases (tenant_id, connection_id, alias, person_id, created_at)
    SELECT j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3, ?2 FROM json_each(?1) AS j WHERE true`;
  return [db.prepare(sql).bind(JSON.stringify(pairs), nowMs)];
}

const PAIRS_MAX = 20_000;
const knownPairs = new Set<string>();

function remember(pairs: readonly AliasPair[]): void {
  if (knownPairs.size >= PAIRS_MAX) knownPairs.clear();
  for (const pair of pairs) knownPairs.add(pair.join("|"));
}
