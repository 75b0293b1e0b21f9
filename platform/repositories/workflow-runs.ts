/** Runs, their steps and trail as they stand in the tenant's database: what lists and reports are made of. */
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

export interface RunQuery {
  readonly tenant: string;
  readonly status?: string | undefined;
  readonly workflow?: string | undefined;
  readonly version?: string | undefined;
  readonly correlation?: string | undefined;
  readonly parent?: string | undefined;
  /** At least so many undos that failed. */
  readonly failedUndos?: number | undefined;
  /** ms since the epoch, inclusive. */
  readonly sinceMs?: number | undefined;
  /** ms since the epoch, exclusive. */
  readonly untilMs?: number | undefined;
  /** Where the page before ended. */
  readonly after?: RunPlace | undefined;
  readonly limit: number;
}

/** Runs that one page of a search looks at. */
const SEARCH_RUNS_MAX = 2000;

export interface RunPlace {
  readonly startedAtMs: number;
  readonly id: string;
}

/** Latest start first. A page may be short, or empty: while there is `next`, there may be more behind it. */
export async function listRuns(
  db: D1Database,
  query: RunQuery,
): Promise<{ readonly rows: readonly RunRow[]; readonly next?: RunPlace }> {
  const { tenant, after, limit } = query;
  const span = whereTenant(tenant, [
    ["started_at >= ?", query.sinceMs],
    ["started_at < ?", query.untilMs],
    ["correlation_id = ?", query.correlation],
    ["undos_failed > 0 AND undos_failed >= ?", query.failedUndos],
  ]);
  const wanted = whereTenant(tenant, [
    ["status = ?", query.status],
    ["workflow_id = ?", query.workflow],
    ["version = ?", query.version],
    ["parent_run = ?", query.parent],
  ]);
  const behind = after ? " AND (started_at, id) < (?, ?)" : "";
  const place = after ? [after.startedAtMs, after.id] : [];
  const newest = `FROM workflow_runs WHERE ${span.sql}${behind} ORDER BY started_at DESC, id DESC`;
  const { results } = await db
    .prepare(
      `SELECT * FROM (SELECT * ${newest} LIMIT ${SEARCH_RUNS_MAX}) WHERE ${wanted.sql}
       ORDER BY started_at DESC, id DESC LIMIT ?`,
    )
    .bind(...span.values, ...place, ...wanted.values, limit + 1)
    .all<RunRow>();
  if (results.length > limit) return cut(results.slice(0, limit));
  const last = await db
    .prepare(`SELECT started_at, id ${newest} LIMIT 1 OFFSET ${SEARCH_RUNS_MAX - 1}`)
    .bind(...span.values, ...place)
    .first<Pick<RunRow, "started_at" | "id">>();
  return last ? { rows: results, next: placeOf(last) } : { rows: results };
}

function cut(rows: readonly RunRow[]) {
  const last = rows.at(-1);
  return last ? { rows, next: placeOf(last) } : { rows };
}

function placeOf({ started_at: startedAtMs, id }: Pick<RunRow, "started_at" | "id">): RunPlace {
  return { startedAtMs, id };
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

/** In the order in which they began; of those of one millisecond the trail knows it. */
export async function stepsOf(
  db: D1Database,
  tenant: string,
  run: string,
): Promise<readonly StepRow[]> {
  const { results } = await db
    .prepare(
      // Parts of one entry stay far below the factor.
      `SELECT steps.* FROM workflow_steps AS steps LEFT JOIN
         (SELECT step, MIN(seq * 1000000 + part) AS place FROM workflow_audit
          WHERE tenant_id = ?1 AND run_id = ?2 AND what = 'step_started' GROUP BY step) AS begun
         ON begun.step = steps.key
       WHERE steps.tenant_id = ?1 AND steps.run_id = ?2
       ORDER BY steps.started_at, begun.place IS NULL, begun.place, steps.key`,
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

/** The last entry of a run's log in which this execution ended; undefined while it has not. */
export async function entryOfStep(
  db: D1Database,
  { tenant, run }: { readonly tenant: string; readonly run: string },
  step: string,
): Promise<number | undefined> {
  const row = await db
    .prepare(
      `SELECT max(seq) AS seq FROM workflow_audit WHERE tenant_id = ? AND run_id = ? AND step = ?
       AND what IN ('step_completed', 'step_skipped', 'step_failed', 'step_cancelled')`,
    )
    .bind(tenant, run, step)
    .first<{ seq: number | null }>();
  return row?.seq ?? undefined;
}

/** Undos of these runs that failed, in the order in which they began. */
export async function failedUndosOf(
  db: D1Database,
  tenant: string,
  runs: readonly string[],
): Promise<readonly StepRow[]> {
  const { results } = await db
    .prepare(
      `SELECT * FROM workflow_steps WHERE tenant_id = ?1 AND run_id IN (SELECT value FROM json_each(?2))
       AND type = 'undo' AND status = 'failed' ORDER BY started_at, key`,
    )
    .bind(tenant, JSON.stringify(runs))
    .all<StepRow>();
  return results;
}
