/**
 * The log of delivery attempts in the tenant's database: three slots of 30 days, chosen by the time inside the
 * attempt's id. Written in one statement for all attempts of a lease. Every query binds a tenant.
 */
import type { DeliveryCause } from "../../domain/events/resending.ts";
import { firstIdAt, seqOfId, slotOf } from "../../domain/messaging/message-id.ts";
import { whereTenant } from "./where.ts";

export type AttemptResult =
  | "success"
  | "failure"
  | "rejected"
  | "gone"
  | "aborted"
  /** Not made, because the event's time to live was over. */
  | "skipped";

export interface DeliveryAttempt {
  readonly tenant_id: string;
  readonly subscription_id: string;
  /** `att_…` of the moment it began. */
  readonly id: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly shard: string;
  readonly seq: number;
  /** From 1. */
  readonly attempt: number;
  readonly cause: DeliveryCause;
  readonly outcome: AttemptResult;
  readonly reason: string | null;
  readonly status: number | null;
  readonly duration_ms: number;
  /** JSON object, signatures and secrets left out. */
  readonly request_headers: string;
  readonly response_body: string | null;
  /** When it is tried again, ms; null where it is not. */
  readonly next_at: number | null;
  readonly created_at: number;
}

const COLUMNS = [
  "tenant_id",
  "subscription_id",
  "id",
  "event_id",
  "event_type",
  "shard",
  "seq",
  "attempt",
  "cause",
  "outcome",
  "reason",
  "status",
  "duration_ms",
  "request_headers",
  "response_body",
  "next_at",
  "created_at",
] as const satisfies readonly (keyof DeliveryAttempt)[];

/** The statements that write attempts: one, or two where a slot ends between them. Each row once, however often. */
export function insertAttempts(
  db: D1Database,
  attempts: readonly DeliveryAttempt[],
): readonly D1PreparedStatement[] {
  const slots = Map.groupBy(attempts, ({ id, created_at }) => slotOf(seqOfId(id) ?? created_at));
  const values = COLUMNS.map((_, at) => `j.value ->> ${at}`).join(", ");
  return [...slots].map(([slot, group]) => {
    const rows = group.map((attempt) => COLUMNS.map((column) => attempt[column]));
    return db
      .prepare(
        `INSERT OR IGNORE INTO delivery_attempts_${slot} (${COLUMNS.join(", ")}) SELECT ${values} FROM json_each(?) AS j WHERE true`,
      )
      .bind(JSON.stringify(rows));
  });
}

export interface AttemptQuery {
  readonly tenant: string;
  readonly subscription?: string;
  readonly event?: string;
  readonly outcome?: AttemptResult;
  readonly sinceMs?: number;
  readonly beforeId?: string;
  readonly limit: number;
}

/** Newest first, without answers' bodies. Name a subscription or an event: each has its index. */
export async function listAttempts(
  db: D1Database,
  query: AttemptQuery,
): Promise<readonly DeliveryAttempt[]> {
  const where = whereTenant(query.tenant, [
    ["subscription_id = ?", query.subscription],
    ["event_id = ?", query.event],
    ["outcome = ?", query.outcome],
    ["id >= ?", query.sinceMs === undefined ? undefined : firstIdAt(query.sinceMs, "att")],
    ["id < ?", query.beforeId],
  ]);
  const columns = COLUMNS.map((column) =>
    column === "response_body" ? `NULL AS ${column}` : column,
  );
  const { results } = await db
    .prepare(
      `SELECT ${columns.join(", ")} FROM delivery_attempts WHERE ${where.sql} ORDER BY id DESC LIMIT ?`,
    )
    .bind(...where.values, query.limit)
    .all<DeliveryAttempt>();
  return results;
}

/** One attempt by its id, of a subscription that is still there: one seek for each of them. */
export async function findAttempt(
  db: D1Database,
  tenant: string,
  id: string,
): Promise<DeliveryAttempt | undefined> {
  const seq = seqOfId(id);
  if (seq === undefined) return undefined;
  const statement = db.prepare(
    `SELECT * FROM delivery_attempts_${slotOf(seq)}
     WHERE tenant_id = ?1 AND subscription_id IN (SELECT id FROM subscriptions WHERE tenant_id = ?1) AND id = ?2`,
  );
  return (await statement.bind(tenant, id).first<DeliveryAttempt>()) ?? undefined;
}

/** The last attempt of an event that has not arrived. */
export type LastAttempt = Pick<DeliveryAttempt, "id" | "event_id" | "shard" | "seq">;

/**
 * Events that no attempt since `sinceMs` has brought to a subscription and that are not tried again after `nowMs`,
 * longest waiting first. Tests are left out. Reads every attempt of the span.
 */
export async function listUndelivered(
  db: D1Database,
  of: {
    readonly tenant: string;
    readonly subscription: string;
    readonly sinceMs: number;
    readonly nowMs: number;
    /** Only last attempts after this one. */
    readonly afterId?: string;
    readonly limit: number;
  },
): Promise<readonly LastAttempt[]> {
  const { results } = await db
    .prepare(
      `SELECT max(id) AS id, event_id, shard, seq FROM delivery_attempts
       WHERE tenant_id = ?1 AND subscription_id = ?2 AND id >= ?3 AND cause <> 'test'
       GROUP BY event_id HAVING sum(outcome = 'success') = 0 AND coalesce(next_at, 0) <= ?4 AND max(id) > ?5
       ORDER BY 1 LIMIT ?6`,
    )
    .bind(
      of.tenant,
      of.subscription,
      firstIdAt(of.sinceMs, "att"),
      of.nowMs,
      of.afterId ?? "",
      of.limit,
    )
    .all<LastAttempt>();
  return results;
}
