/** Runs, their steps, trail and tasks as they stand in the tenant's database: what lists and reports are made of. */
import { whereTenant } from "./where.ts";

export interface RunRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly workflow_id: string;
  readonly version: string;
  readonly status: string;
  readonly trigger: string;
  readonly correlation_id: string | null;
  readonly parent_run: string | null;
  readonly reason: string | null;
  readonly undos_failed: number;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly updated_at: number;
  readonly seq: number;
  readonly archived_at: number | null;
}

export interface StepRow {
  readonly tenant_id: string;
  readonly run_id: string;
  /** `<id>`, `<id>[i]`, `#n`; an undo's begins with `undo:`. */
  readonly key: string;
  readonly step_id: string;
  readonly workflow_id: string;
  readonly version: string;
  readonly type: string;
  readonly status: string;
  readonly attempts: number;
  readonly reason: string | null;
  readonly started_at: number;
  readonly ended_at: number | null;
}

export interface AuditRow {
  readonly tenant_id: string;
  readonly run_id: string;
  readonly seq: number;
  readonly part: number;
  readonly at: number;
  readonly what: string;
  readonly step: string | null;
  readonly attempt: number | null;
  readonly outcome: string | null;
  readonly reason: string | null;
}

export interface TaskRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly run_id: string;
  readonly step_key: string;
  readonly workflow_id: string;
  readonly state: "open" | "answered" | "expired" | "closed";
  /** `TaskDetails` as JSON. */
  readonly details: string;
  readonly choice: string | null;
  readonly answered_by: string | null;
  readonly opened_at: number;
  readonly due_at: number | null;
  readonly updated_at: number;
}

export interface RunQuery {
  readonly tenant: string;
  readonly status?: string | undefined;
  readonly workflow?: string | undefined;
  readonly version?: string | undefined;
  readonly correlation?: string | undefined;
  readonly parent?: string | undefined;
  /** ms since the epoch, inclusive. */
  readonly sinceMs?: number | undefined;
  /** ms since the epoch, exclusive. */
  readonly untilMs?: number | undefined;
  /** The last one of the page before. */
  readonly after?: { readonly startedAtMs: number; readonly id: string } | undefined;
  readonly limit: number;
}

/** Latest start first. */
export async function listRuns(db: D1Database, query: RunQuery): Promise<readonly RunRow[]> {
  const { tenant, after } = query;
  const where = whereTenant(tenant, [
    ["status = ?", query.status],
    ["workflow_id = ?", query.workflow],
    ["version = ?", query.version],
    ["correlation_id = ?", query.correlation],
    ["parent_run = ?", query.parent],
    ["started_at >= ?", query.sinceMs],
    ["started_at < ?", query.untilMs],
  ]);
  const behind = after ? " AND (started_at, id) < (?, ?)" : "";
  const { results } = await db
    .prepare(
      `SELECT * FROM workflow_runs WHERE ${where.sql}${behind} ORDER BY started_at DESC, id DESC LIMIT ?`,
    )
    .bind(...where.values, ...(after ? [after.startedAtMs, after.id] : []), query.limit)
    .all<RunRow>();
  return results;
}

export async function findRun(
  db: D1Database,
  tenant: string,
  run: string,
): Promise<RunRow | undefined> {
  return (await runQuery(db, tenant, run).first<RunRow>()) ?? undefined;
}

export function runQuery(db: D1Database, tenant: string, run: string): D1PreparedStatement {
  return db.prepare("SELECT * FROM workflow_runs WHERE tenant_id = ? AND id = ?").bind(tenant, run);
}

/** In the order in which they began. */
export async function stepsOf(
  db: D1Database,
  tenant: string,
  run: string,
): Promise<readonly StepRow[]> {
  const { results } = await db
    .prepare(
      "SELECT * FROM workflow_steps WHERE tenant_id = ? AND run_id = ? ORDER BY started_at, key",
    )
    .bind(tenant, run)
    .all<StepRow>();
  return results;
}

/** A page of the trail in its order, behind `after`. */
export async function auditOf(
  db: D1Database,
  of: { readonly tenant: string; readonly run: string },
  after: { readonly seq: number; readonly part: number } | undefined,
  limit: number,
): Promise<readonly AuditRow[]> {
  const { seq, part } = after ?? { seq: 0, part: 0 };
  const { results } = await db
    .prepare(
      `SELECT * FROM workflow_audit WHERE tenant_id = ? AND run_id = ? AND (seq, part) > (?, ?)
       ORDER BY seq, part LIMIT ?`,
    )
    .bind(of.tenant, of.run, seq, part, limit)
    .all<AuditRow>();
  return results;
}

export interface TaskQuery {
  readonly tenant: string;
  readonly state?: string | undefined;
  readonly run?: string | undefined;
  readonly workflow?: string | undefined;
  readonly after?: { readonly openedAtMs: number; readonly id: string } | undefined;
  readonly limit: number;
}

/** Latest first. Ids of tasks are unique within a tenant: `<run>:<task>`. */
export async function listTasks(db: D1Database, query: TaskQuery): Promise<readonly TaskRow[]> {
  const { tenant, after } = query;
  const where = whereTenant(tenant, [
    ["state = ?", query.state],
    ["run_id = ?", query.run],
    ["workflow_id = ?", query.workflow],
  ]);
  const behind = after ? " AND (opened_at, id) < (?, ?)" : "";
  const { results } = await db
    .prepare(
      `SELECT * FROM workflow_tasks WHERE ${where.sql}${behind} ORDER BY opened_at DESC, id DESC LIMIT ?`,
    )
    .bind(...where.values, ...(after ? [after.openedAtMs, after.id] : []), query.limit)
    .all<TaskRow>();
  return results;
}

export async function findTask(
  db: D1Database,
  tenant: string,
  id: string,
): Promise<TaskRow | undefined> {
  const row = await db
    .prepare("SELECT * FROM workflow_tasks WHERE tenant_id = ? AND id = ?")
    .bind(tenant, id)
    .first<TaskRow>();
  return row ?? undefined;
}
