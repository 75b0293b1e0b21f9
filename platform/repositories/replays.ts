/** Replays in the tenant's database: what was asked and how far it is, as their objects have last told. */
import { type HubEvent, hubEnvelope } from "../../domain/events/hub-event.ts";
import type { Job, JobState } from "../../domain/events/replay/job.ts";
import { mintId } from "../../domain/messaging/message-id.ts";
import { SQL_NOW_MS, writeTelling } from "../outbox.ts";
import { whereTenant } from "./where.ts";

export interface ReplayRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly kind: "events" | "dead_letters";
  readonly spec: string;
  readonly state: JobState;
  readonly done: number;
  readonly total: number | null;
  readonly reason: string | null;
  readonly created_at: number;
  readonly updated_at: number;
}

/**
 * Writes a job's row, and tells of its begin and its end, each once. Only the job's own object writes it, so that the
 * last word is the newest. Rejects as D1 does.
 */
export async function saveReplay(db: D1Database, job: Job): Promise<void> {
  const { tenant, id, spec, state, progress, reason, createdAtMs, updatedAtMs } = job;
  const row = db
    .prepare(
      `INSERT INTO replays (tenant_id, id, kind, spec, state, done, total, reason, created_at, updated_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
       ON CONFLICT (tenant_id, id) DO UPDATE SET state = ?5, done = ?6, total = ?7, reason = ?8, updated_at = ?10`,
    )
    .bind(
      ...[tenant, id, spec.kind, JSON.stringify(spec), state],
      ...[progress.looked, progress.total ?? null, reason ?? null, createdAtMs, updatedAtMs],
    );
  const ended = state !== "running" && state !== "paused";
  const started = tell(db, job, "replay.started", "true");
  const finished = tell(db, job, "replay.finished", `state IN (${ENDED})`);
  await writeTelling(db, tenant, [started, ...(ended ? [finished] : []), row]);
}

const ENDED = "'done', 'cancelled', 'failed'";

/** Tells unless the row, as it was, already was so. Goes before the write of the row. */
function tell(
  db: D1Database,
  { tenant, id, spec, state, progress, reason }: Job,
  type: "replay.started" | "replay.finished",
  was: string,
): D1PreparedStatement {
  const nowMs = Date.now();
  const { looked, total } = progress;
  const told =
    type === "replay.finished"
      ? { state, done: looked, ...(total === undefined ? {} : { total }) }
      : {};
  const event: HubEvent = {
    type,
    subject: id,
    data: {
      ...{ replay: id, kind: spec.kind, ...told },
      ...(spec.kind === "events" ? { subscription: spec.target } : {}),
      ...(reason === undefined ? {} : { reason }),
    },
  };
  const eventId = mintId("evt", nowMs, Math.random);
  return db
    .prepare(
      `INSERT INTO outbox (tenant_id, id, body, created_at) SELECT ?1, ?2, ?3, ${SQL_NOW_MS}
       WHERE NOT EXISTS (SELECT 1 FROM replays WHERE tenant_id = ?1 AND id = ?4 AND ${was})`,
    )
    .bind(tenant, eventId, JSON.stringify(hubEnvelope(tenant, event, eventId, nowMs)), id);
}

export function deleteReplay(db: D1Database, tenant: string, id: string): D1PreparedStatement {
  return db.prepare("DELETE FROM replays WHERE tenant_id = ? AND id = ?").bind(tenant, id);
}

/** Newest first. */
export async function listReplays(
  db: D1Database,
  query: {
    readonly tenant: string;
    readonly state?: JobState | undefined;
    readonly beforeId?: string | undefined;
    readonly limit: number;
  },
): Promise<readonly ReplayRow[]> {
  const where = whereTenant(query.tenant, [
    ["state = ?", query.state],
    ["id < ?", query.beforeId],
  ]);
  const { results } = await db
    .prepare(`SELECT * FROM replays WHERE ${where.sql} ORDER BY id DESC LIMIT ?`)
    .bind(...where.values, query.limit)
    .all<ReplayRow>();
  return results;
}

/** Jobs of a tenant that have not ended. */
export async function openReplays(db: D1Database, tenant: string): Promise<number> {
  const row = await db
    .prepare(
      "SELECT count(*) AS n FROM replays WHERE tenant_id = ? AND state IN ('running', 'paused')",
    )
    .bind(tenant)
    .first<{ n: number }>();
  return row?.n ?? 0;
}
