/** Dead letters in D1: the projection operators query and replay from. Every query binds a tenant. */
import type { AttemptNote, DeadItem } from "../../schema/conversation.ts";
import { whereTenant } from "./where.ts";

/** How long a dead letter can be queried and replayed (guarantee G5). */
const DEAD_LETTER_TTL_MS = 7 * 24 * 3_600_000;

export interface DeadLetterRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly stage: "quarantine" | "turn" | "send";
  readonly reason: string;
  readonly connection_id: string | null;
  readonly conversation_id: string | null;
  readonly message_id: string | null;
  readonly fingerprint: string;
  readonly payload: string;
  readonly history: string;
  readonly state: "dead" | "replaying" | "replayed" | "discarded";
  readonly created_at: number;
  readonly expires_at: number;
}

export interface Burial {
  readonly tenant: string;
  readonly id: string;
  readonly stage: "quarantine" | "turn" | "send";
  readonly reason: string;
  readonly connection: string;
  readonly conversation?: string;
  readonly messageId?: string;
  readonly payload: string;
  readonly history: readonly AttemptNote[];
  readonly createdAtMs: number;
}

/** Idempotent by id. */
export function insertDeadLetter(db: D1Database, burial: Burial): D1PreparedStatement {
  return db
    .prepare(
      `INSERT OR IGNORE INTO dead_letters (tenant_id, id, stage, reason, connection_id, conversation_id, message_id, fingerprint, payload, history, state, created_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'dead', ?, ?)`,
    )
    .bind(
      burial.tenant,
      burial.id,
      burial.stage,
      burial.reason,
      burial.connection,
      burial.conversation ?? null,
      burial.messageId ?? null,
      `${burial.stage}:${burial.reason}`,
      burial.payload,
      JSON.stringify(burial.history),
      burial.createdAtMs,
      burial.createdAtMs + DEAD_LETTER_TTL_MS,
    );
}

/** The row of what a conversation has given up on. */
export function projectDead(
  db: D1Database,
  dead: DeadItem,
  of: { readonly tenant: string; readonly connection: string; readonly conversation: string },
): D1PreparedStatement {
  return insertDeadLetter(db, { ...of, ...dead });
}

export interface DeadLetterQuery {
  readonly tenant: string;
  readonly stage?: string;
  readonly reason?: string;
  readonly connection?: string;
  readonly conversation?: string;
  readonly state?: string;
  readonly sinceMs?: number;
  readonly beforeId?: string;
  readonly limit: number;
}

/** Newest first, without payloads. */
export async function listDeadLetters(
  db: D1Database,
  query: DeadLetterQuery,
): Promise<readonly DeadLetterRow[]> {
  const where = whereTenant(query.tenant, [
    ["stage = ?", query.stage],
    ["reason = ?", query.reason],
    ["connection_id = ?", query.connection],
    ["conversation_id = ?", query.conversation],
    ["state = ?", query.state],
    ["created_at >= ?", query.sinceMs],
    ["id < ?", query.beforeId],
  ]);
  const sql = `SELECT tenant_id, id, stage, reason, connection_id, conversation_id, message_id, fingerprint, '' AS payload, history, state, created_at, expires_at FROM dead_letters WHERE ${where.sql} ORDER BY id DESC LIMIT ?`;
  const rows = await db
    .prepare(sql)
    .bind(...where.values, query.limit)
    .all<DeadLetterRow>();
  return rows.results;
}

export async function findDeadLetter(
  db: D1Database,
  tenant: string,
  id: string,
): Promise<DeadLetterRow | undefined> {
  const statement = db.prepare("SELECT * FROM dead_letters WHERE tenant_id = ? AND id = ?");
  return (await statement.bind(tenant, id).first<DeadLetterRow>()) ?? undefined;
}

/** Moves a letter from one state to another; false where somebody else was first. */
export async function moveDeadLetter(
  db: D1Database,
  tenant: string,
  id: string,
  from: DeadLetterRow["state"],
  to: DeadLetterRow["state"],
): Promise<boolean> {
  const moved = await db
    .prepare("UPDATE dead_letters SET state = ? WHERE tenant_id = ? AND id = ? AND state = ?")
    .bind(to, tenant, id, from)
    .run();
  return moved.meta.changes > 0;
}

/** Deletes what is past its time, at most `limit` rows. */
export async function purgeDeadLetters(
  db: D1Database,
  nowMs: number,
  limit: number,
): Promise<number> {
  const purged = await db
    .prepare(
      "DELETE FROM dead_letters WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM dead_letters WHERE expires_at < ? LIMIT ?)",
    )
    .bind(nowMs, limit)
    .run();
  return purged.meta.changes;
}
