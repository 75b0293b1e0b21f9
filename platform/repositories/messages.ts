/**
 * Message rows: written once each, in batches, idempotent by id; the only translator between rows and
 * unified messages. Hot path: raw statements and `json_each`. Every query binds a tenant.
 */
import { SLOT_COUNT, seqOfId, slotOf } from "../../domain/messaging/message-id.ts";
import { STATUS_RANK } from "../../domain/messaging/status.ts";
import type { MessageContent, MessageStatus, UnifiedMessage } from "../../schema/message.ts";
import type { ParsedStatus } from "../../schema/parsed.ts";
import { type Where, whereTenant } from "./where.ts";

/** Everything of a row that is not a column of its own. Times of hops in ms since the epoch. */
export interface RowMetadata {
  readonly event_key: string;
  readonly timestamp: string;
  readonly sender: UnifiedMessage["sender"];
  readonly group: boolean;
  readonly reply_to?: string;
  readonly thread?: string;
  readonly mentions: UnifiedMessage["mentions"];
  readonly session?: string;
  readonly turn?: string;
  /** Ids of the inbound messages an outbound one answers. */
  readonly answers?: readonly string[];
  readonly hops: Readonly<Partial<Record<Hop, number>>>;
  readonly route?: string;
  readonly attempts?: number;
  readonly reason?: string;
  readonly traceparent?: string;
  /** Of the chain of events that it belongs to; absent: its beginning. */
  readonly depth?: number;
}

export type Hop =
  | "received"
  | "accepted"
  | "persisted"
  | "routed"
  | "agent_start"
  | "agent_end"
  | "committed"
  | "sent"
  | "delivered"
  | "read"
  | "failed"
  | "uncertain";

export interface MessageRow {
  readonly tenantId: string;
  readonly id: string;
  readonly conversationId: string;
  readonly connectionId: string;
  readonly source: string;
  readonly direction: "inbound" | "outbound";
  readonly kind: string;
  readonly platformId?: string;
  readonly targetId?: string;
  readonly content: MessageContent;
  readonly metadata: RowMetadata;
  readonly createdAt: number;
  readonly processedAt?: number;
  readonly status: MessageStatus;
}

const COLUMNS =
  "tenant_id, id, conversation_id, connection_id, source, direction, kind, platform_id, target_id, content, metadata, created_at, processed_at, status, status_rank";

const FROM_JSON = `SELECT j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3, j.value ->> 4, j.value ->> 5, j.value ->> 6, j.value ->> 7, j.value ->> 8, j.value ->> 9, j.value ->> 10, j.value ->> 11, j.value ->> 12, j.value ->> 13, j.value ->> 14 FROM json_each(?) AS j`;

/** Inserts many rows in one statement per slot; rows already there stay as they are. */
export function insertMessages(
  db: D1Database,
  rows: readonly MessageRow[],
): readonly D1PreparedStatement[] {
  const slots = Map.groupBy(rows, (row) => slotOf(seqOfId(row.id) ?? row.createdAt));
  return [...slots].map(([slot, group]) =>
    db
      .prepare(`INSERT OR IGNORE INTO messages_${slot} (${COLUMNS}) ${FROM_JSON} WHERE true`)
      .bind(JSON.stringify(group.map(values))),
  );
}

/**
 * Writes a finished send. A status that overtook the platform's answer is merged in; a row of an earlier,
 * failed life of the same message (a replay) is brought up to date.
 */
export function recordOutbound(db: D1Database, row: MessageRow): readonly D1PreparedStatement[] {
  const slot = slotOf(seqOfId(row.id) ?? row.createdAt);
  const insert = db
    .prepare(
      `INSERT INTO messages_${slot} (${COLUMNS})
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,
         CASE WHEN coalesce(p.status_rank, -1) > ?15 THEN json_set(?11, '$.hops.' || p.status, p.at) ELSE ?11 END, ?12, ?13,
         CASE WHEN coalesce(p.status_rank, -1) > ?15 THEN p.status ELSE ?14 END, max(coalesce(p.status_rank, -1), ?15)
       FROM (SELECT 1) LEFT JOIN pending_statuses p ON p.tenant_id = ?1 AND p.connection_id = ?4 AND p.platform_id = ?8
       WHERE true
       ON CONFLICT (tenant_id, id) DO UPDATE SET platform_id = excluded.platform_id, metadata = excluded.metadata,
         processed_at = excluded.processed_at, status = excluded.status, status_rank = excluded.status_rank
       WHERE messages_${slot}.status IN ('failed', 'uncertain', 'pending')`,
    )
    .bind(...values(row));
  if (row.platformId === undefined) return [insert];
  const merged = db
    .prepare(
      "DELETE FROM pending_statuses WHERE tenant_id = ? AND connection_id = ? AND platform_id = ?",
    )
    .bind(row.tenantId, row.connectionId, row.platformId);
  return [insert, merged];
}

/**
 * Moves the status of a sent message forward, never back; one that comes too early waits in
 * `pending_statuses`. One round trip for all.
 */
export function applyStatuses(
  db: D1Database,
  tenant: string,
  connection: string,
  statuses: readonly ParsedStatus[],
  nowMs: number,
): readonly D1PreparedStatement[] {
  return statuses.flatMap((status) => {
    const rank = STATUS_RANK[status.status];
    const atMs = status.timestampMs ?? nowMs;
    const path = `$.hops.${status.status}`;
    const moves = Array.from({ length: SLOT_COUNT }, (_, slot) =>
      db
        .prepare(
          `UPDATE messages_${slot} INDEXED BY messages_${slot}_platform SET status = ?1, status_rank = ?2, metadata = json_set(metadata, ?3, ?4)
           WHERE tenant_id = ?5 AND connection_id = ?6 AND platform_id = ?7 AND direction = 'outbound' AND status_rank < ?2`,
        )
        .bind(status.status, rank, path, atMs, tenant, connection, status.platformId),
    );
    const early = db
      .prepare(
        `INSERT INTO pending_statuses (tenant_id, connection_id, platform_id, status, status_rank, detail, at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
         WHERE NOT EXISTS (SELECT 1 FROM messages WHERE tenant_id = ?1 AND connection_id = ?2 AND platform_id = ?3 AND direction = 'outbound')
         ON CONFLICT (tenant_id, connection_id, platform_id) DO UPDATE
         SET status = excluded.status, status_rank = excluded.status_rank, at = excluded.at WHERE excluded.status_rank > status_rank`,
      )
      .bind(
        tenant,
        connection,
        status.platformId,
        status.status,
        rank,
        status.detail ?? null,
        nowMs,
      );
    return [...moves, early];
  });
}

/** Writes where a message's files are now. */
export function updateMedia(
  db: D1Database,
  tenant: string,
  id: string,
  content: MessageContent,
): D1PreparedStatement {
  const slot = slotOf(seqOfId(id) ?? 0);
  return db
    .prepare(`UPDATE messages_${slot} SET content = ? WHERE tenant_id = ? AND id = ?`)
    .bind(JSON.stringify(content), tenant, id);
}

/** A row as it comes out of D1. */
export interface StoredMessage {
  readonly tenant_id: string;
  readonly id: string;
  readonly conversation_id: string;
  readonly connection_id: string;
  readonly source: string;
  readonly direction: "inbound" | "outbound";
  readonly kind: string;
  readonly platform_id: string | null;
  readonly target_id: string | null;
  readonly content: string;
  readonly metadata: string;
  readonly created_at: number;
  readonly processed_at: number | null;
  readonly status: MessageStatus;
  readonly status_rank: number;
}

/** One message by its id, in the one slot it can be in. */
export async function findMessage(
  db: D1Database,
  tenant: string,
  id: string,
): Promise<StoredMessage | undefined> {
  const seq = seqOfId(id);
  if (seq === undefined) return undefined;
  const statement = db.prepare(
    `SELECT * FROM messages_${slotOf(seq)} WHERE tenant_id = ? AND id = ?`,
  );
  return (await statement.bind(tenant, id).first<StoredMessage>()) ?? undefined;
}

export interface HistoryQuery {
  readonly tenant: string;
  readonly conversation?: string;
  readonly connection?: string;
  readonly direction?: "inbound" | "outbound";
  /** Only ids below / above this one. */
  readonly beforeId?: string;
  readonly afterId?: string;
  readonly limit: number;
}

/** Newest first; with only `afterId`, oldest first. */
export async function listMessages(
  db: D1Database,
  query: HistoryQuery,
): Promise<readonly StoredMessage[]> {
  const where = whereTenant(query.tenant, [
    ["conversation_id = ?", query.conversation],
    ["connection_id = ?", query.connection],
    ["direction = ?", query.direction],
    ["id < ?", query.beforeId],
    ["id > ?", query.afterId],
  ]);
  const order = query.afterId !== undefined && query.beforeId === undefined ? "ASC" : "DESC";
  const { sql, values } =
    query.conversation === undefined
      ? { sql: `SELECT * FROM messages WHERE ${where.sql}`, values: where.values }
      : ofConversation(where, order, query.limit);
  const rows = await db
    .prepare(`${sql} ORDER BY id ${order} LIMIT ?`)
    .bind(...values, query.limit)
    .all<StoredMessage>();
  return rows.results;
}

/** SQLite would rather walk all of the tenant in order than use the conversation's index: it is told to. */
function ofConversation(where: Where, order: "ASC" | "DESC", limit: number): Where {
  const parts = Array.from(
    { length: SLOT_COUNT },
    (_, slot) =>
      `SELECT * FROM (SELECT * FROM messages_${slot} INDEXED BY messages_${slot}_conversation WHERE ${where.sql} ORDER BY id ${order} LIMIT ?)`,
  );
  const values = parts.flatMap(() => [...where.values, limit]);
  return { sql: `SELECT * FROM (${parts.join(" UNION ALL ")})`, values };
}

/** The unified message a row stands for. */
export function toMessage(row: StoredMessage): UnifiedMessage {
  const metadata = JSON.parse(row.metadata) as RowMetadata;
  return {
    id: row.id,
    source: row.source as UnifiedMessage["source"],
    tenant: row.tenant_id,
    content: JSON.parse(row.content) as MessageContent,
    timestamp: metadata.timestamp,
    connection: row.connection_id,
    conversation: row.conversation_id,
    direction: row.direction,
    kind: row.kind as UnifiedMessage["kind"],
    eventKey: metadata.event_key,
    platform_id: row.platform_id ?? "",
    ...(row.target_id ? { target_id: row.target_id } : {}),
    sender: metadata.sender,
    group: metadata.group,
    ...(metadata.reply_to ? { reply_to: metadata.reply_to } : {}),
    ...(metadata.thread ? { thread: metadata.thread } : {}),
    mentions: metadata.mentions,
  };
}

function values(row: MessageRow): (string | number | null)[] {
  return [
    row.tenantId,
    row.id,
    row.conversationId,
    row.connectionId,
    row.source,
    row.direction,
    row.kind,
    row.platformId ?? null,
    row.targetId ?? null,
    JSON.stringify(row.content),
    JSON.stringify(row.metadata),
    row.createdAt,
    row.processedAt ?? null,
    row.status,
    STATUS_RANK[row.status],
  ];
}
