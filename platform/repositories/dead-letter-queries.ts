/** Dead letters as operators look for them: filtered, counted, grouped. Every query binds a tenant. */
import type { DeadLetterRow, DeadLetterStage } from "./dead-letters.ts";
import { type Where, whereTenant } from "./where.ts";

/** The newest rows that are counted by fingerprint. */
const GROUPED_ROWS_MAX = 50_000;
const GROUPS_MAX = 200;

export interface DeadLetterFilters {
  readonly tenant: string;
  readonly stage?: string | undefined;
  readonly reason?: string | undefined;
  readonly connection?: string | undefined;
  readonly conversation?: string | undefined;
  readonly state?: string | undefined;
  readonly subscription?: string | undefined;
  /** An event type, or one followed by `.#`: it and everything below it. */
  readonly type?: string | undefined;
  readonly fingerprint?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** Only those that can be replayed: dead, or taken by somebody who has not said yet how it went. */
  readonly open?: true | undefined;
  readonly ids?: readonly string[] | undefined;
}

function whereOf(filters: DeadLetterFilters, ids: { after?: string; before?: string }): Where {
  const { type } = filters;
  const below = type?.endsWith(".#") ? type.slice(0, -".#".length) : undefined;
  return whereTenant(filters.tenant, [
    ["stage = ?", filters.stage],
    ["reason = ?", filters.reason],
    ["connection_id = ?", filters.connection],
    ["conversation_id = ?", filters.conversation],
    ["state = ?", filters.state],
    ["state IN (?, 'replaying')", filters.open && "dead"],
    ["id IN (SELECT value FROM json_each(?))", filters.ids && JSON.stringify(filters.ids)],
    ["subscription_id = ?", filters.subscription],
    ["event_type = ?", below === undefined ? type : undefined],
    // With a dot behind it, what is below a type lies between `type.` and `type/`, the character that follows.
    ["event_type || '.' >= ?", below === undefined ? undefined : `${below}.`],
    ["event_type || '.' < ?", below === undefined ? undefined : `${below}/`],
    ["fingerprint = ?", filters.fingerprint],
    ["created_at >= ?", filters.sinceMs],
    ["created_at < ?", filters.untilMs],
    ["id < ?", ids.before],
    ["id > ?", ids.after],
  ]);
}

const SHORT_COLUMNS =
  "tenant_id, id, stage, reason, connection_id, conversation_id, message_id, fingerprint, '' AS payload, history, state, created_at, expires_at, subscription_id, event_type, event_id";

/** Newest first, without payloads. */
export async function listDeadLetters(
  db: D1Database,
  query: DeadLetterFilters & { readonly beforeId?: string; readonly limit: number },
): Promise<readonly DeadLetterRow[]> {
  const where = whereOf(query, query.beforeId === undefined ? {} : { before: query.beforeId });
  const rows = await db
    .prepare(
      `SELECT ${SHORT_COLUMNS} FROM dead_letters WHERE ${where.sql} ORDER BY id DESC LIMIT ?`,
    )
    .bind(...where.values, query.limit)
    .all<DeadLetterRow>();
  return rows.results;
}

/** Ids of what matches, oldest first. */
export async function deadLetterIds(
  db: D1Database,
  query: DeadLetterFilters & { readonly afterId: string; readonly limit: number },
): Promise<readonly string[]> {
  const where = whereOf(query, { after: query.afterId });
  const { results } = await db
    .prepare(`SELECT id FROM dead_letters WHERE ${where.sql} ORDER BY id LIMIT ?`)
    .bind(...where.values, query.limit)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

/** How many match, counted up to `limit`. */
export async function countDeadLetters(
  db: D1Database,
  query: DeadLetterFilters & { readonly limit: number },
): Promise<number> {
  const where = whereOf(query, {});
  const row = await db
    .prepare(
      `SELECT count(*) AS n FROM (SELECT 1 FROM dead_letters WHERE ${where.sql} ORDER BY id DESC LIMIT ?)`,
    )
    .bind(...where.values, query.limit)
    .first<{ n: number }>();
  return row?.n ?? 0;
}

export interface DeadLetterGroup {
  readonly fingerprint: string;
  readonly stage: DeadLetterStage;
  readonly n: number;
  readonly first_at: number;
  readonly last_at: number;
  /** The newest letter of the group. */
  readonly newest: string;
}

/** How many letters of each fingerprint match, the most frequent first; of the newest 50,000 that match. */
export async function groupDeadLetters(
  db: D1Database,
  filters: DeadLetterFilters,
): Promise<readonly DeadLetterGroup[]> {
  const where = whereOf(filters, {});
  const { results } = await db
    .prepare(
      `SELECT fingerprint, stage, count(*) AS n, min(created_at) AS first_at, max(created_at) AS last_at, max(id) AS newest
       FROM (SELECT id, stage, fingerprint, created_at FROM dead_letters WHERE ${where.sql} ORDER BY id DESC LIMIT ${GROUPED_ROWS_MAX})
       GROUP BY fingerprint, stage ORDER BY n DESC, newest DESC LIMIT ${GROUPS_MAX}`,
    )
    .bind(...where.values)
    .all<DeadLetterGroup>();
  return results;
}
