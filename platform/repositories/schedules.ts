/** Schedules in the tenant's database, those of the API and those of definitions' triggers. Every statement names the tenant. */
import type { TriggerStart } from "../../domain/workflows/triggers/start.ts";
import type { Schedule } from "../../schema/schedule.ts";

/** Schedules one tenant may have, those of definitions included. */
export const SCHEDULES_MAX = 500;

export interface StoredSchedule {
  readonly tenant: string;
  readonly schedule: Schedule;
  /** Set where a definition's trigger stands behind it: what the trigger says of the runs. */
  readonly declared?: TriggerStart;
  /** Rises with every change. */
  readonly revision: number;
  /** A schedule that is deleted and made anew is another one. */
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

interface ScheduleRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly config: string;
  readonly revision: number;
  readonly created_at: number;
  readonly updated_at: number;
}

type Config = Pick<StoredSchedule, "schedule" | "declared">;

/** All of a tenant, by id. Rejects as D1 does. */
export async function readSchedules(
  db: D1Database,
  tenant: string,
): Promise<readonly StoredSchedule[]> {
  return listSchedules(db, { tenant, limit: SCHEDULES_MAX });
}

/** By id, behind `after`. */
export async function listSchedules(
  db: D1Database,
  {
    tenant,
    workflow,
    after,
    limit,
  }: {
    readonly tenant: string;
    readonly workflow?: string | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<readonly StoredSchedule[]> {
  const { results } = await db
    .prepare(
      `SELECT * FROM schedules WHERE tenant_id = ?1 AND id > ?2
       AND (?3 IS NULL OR json_extract(config, '$.schedule.workflow') = ?3) ORDER BY id LIMIT ?4`,
    )
    .bind(tenant, after ?? "", workflow ?? null, limit)
    .all<ScheduleRow>();
  return results.map(storedOf);
}

export async function findSchedule(
  db: D1Database,
  tenant: string,
  id: string,
): Promise<StoredSchedule | undefined> {
  const row = await db
    .prepare("SELECT * FROM schedules WHERE tenant_id = ? AND id = ?")
    .bind(tenant, id)
    .first<ScheduleRow>();
  return row ? storedOf(row) : undefined;
}

/** The statement that stores a new one; none where the id is taken or the tenant has its fill (`changes` is 0). */
export function insertSchedule(db: D1Database, stored: StoredSchedule): D1PreparedStatement {
  const { tenant, schedule, revision, createdAtMs, updatedAtMs } = stored;
  return db
    .prepare(
      `INSERT INTO schedules (tenant_id, id, config, revision, created_at, updated_at)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6
       WHERE (SELECT count(*) FROM schedules WHERE tenant_id = ?1) < ${SCHEDULES_MAX}
       ON CONFLICT (tenant_id, id) DO NOTHING`,
    )
    .bind(tenant, schedule.id, configOf(stored), revision, createdAtMs, updatedAtMs);
}

/** The statement that replaces the one of revision `revision - 1`; none where somebody else was first. */
export function replaceSchedule(db: D1Database, stored: StoredSchedule): D1PreparedStatement {
  const { tenant, schedule, revision, updatedAtMs } = stored;
  return db
    .prepare(
      `UPDATE schedules SET config = ?3, revision = ?4, updated_at = ?5
       WHERE tenant_id = ?1 AND id = ?2 AND revision = ?4 - 1`,
    )
    .bind(tenant, schedule.id, configOf(stored), revision, updatedAtMs);
}

/** The statements that delete one with its history. */
export function deleteSchedule(
  db: D1Database,
  tenant: string,
  id: string,
): readonly D1PreparedStatement[] {
  return [
    db.prepare("DELETE FROM schedules WHERE tenant_id = ? AND id = ?").bind(tenant, id),
    db
      .prepare("DELETE FROM schedule_slots WHERE tenant_id = ? AND schedule_id = ?")
      .bind(tenant, id),
  ];
}

/** Tenants that have a schedule or a workflow, by id, behind `after`: two index steps for each. */
export async function tenantsWithWorkflows(
  db: D1Database,
  after: string,
  limit: number,
): Promise<readonly string[]> {
  const next = (from: string) =>
    `SELECT min(id) FROM (SELECT min(tenant_id) AS id FROM schedules WHERE tenant_id > ${from}
     UNION ALL SELECT min(tenant_id) FROM workflow_routes WHERE tenant_id > ${from})`;
  const { results } = await db
    .prepare(
      `WITH RECURSIVE known(id) AS (
         SELECT (${next("?1")}) UNION ALL SELECT (${next("known.id")}) FROM known WHERE id IS NOT NULL LIMIT ?2)
       SELECT id FROM known WHERE id IS NOT NULL`,
    )
    .bind(after, limit)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

/** Workflows of a tenant with the revisions of their routes. Rejects as D1 does. */
export async function routeRevisions(
  db: D1Database,
  tenant: string,
): Promise<ReadonlyMap<string, number>> {
  const { results } = await db
    .prepare("SELECT id, revision FROM workflow_routes WHERE tenant_id = ?")
    .bind(tenant)
    .all<{ id: string; revision: number }>();
  return new Map(results.map(({ id, revision }) => [id, revision]));
}

function configOf({ schedule, declared }: Config): string {
  return JSON.stringify({ schedule, ...(declared === undefined ? {} : { declared }) });
}

function storedOf(row: ScheduleRow): StoredSchedule {
  const { schedule, declared } = JSON.parse(row.config) as Config;
  return {
    tenant: row.tenant_id,
    schedule,
    ...(declared === undefined ? {} : { declared }),
    revision: row.revision,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}
