/**
 * Writes what a run's object knows into the tenant's tables: one batch, all or nothing, that may be repeated. Nothing
 * goes back: a batch that comes late finds a row with a higher number and changes nothing.
 */
import { codeOf } from "../../domain/workflows/run/audit.ts";
import {
  type RunState,
  type StepRecord,
  shownStatus,
  type Undo,
} from "../../domain/workflows/run/state.ts";
import type { LogRow, TaskChange, TaskDetails } from "../workflow-log.ts";

export interface Projection {
  readonly state: RunState;
  /** Steps and undos that may have changed since the last one. */
  readonly steps: readonly StepRecord[];
  readonly undos: readonly Undo[];
  /** Entries of the log since the last one, in order. */
  readonly rows: readonly LogRow[];
}

/** Rejects as D1 does; then nothing is written. */
export async function projectRun(db: D1Database, projection: Projection): Promise<void> {
  const { state, rows } = projection;
  const { tenant, run } = state;
  const audit = rows.flatMap((row) => row.audit.map((one, part) => ({ ...one, part })));
  const tasks = rows.flatMap((row) =>
    row.tasks.map((change) => ({ change, atMs: row.entry.atMs })),
  );
  await db.batch([
    ...stepStatements(db, projection),
    ...(audit.length > 0 ? [db.prepare(AUDIT).bind(tenant, run, JSON.stringify(audit))] : []),
    ...tasks.map(({ change, atMs }) => taskStatement(db, state, change, atMs)),
    runStatement(db, state),
  ]);
}

/** Says that the run's object has forgotten it. */
export async function markArchived(
  db: D1Database,
  { tenant, run }: { readonly tenant: string; readonly run: string },
  atMs: number,
): Promise<void> {
  await db
    .prepare("UPDATE workflow_runs SET archived_at = ? WHERE tenant_id = ? AND id = ?")
    .bind(atMs, tenant, run)
    .run();
}

const RUN = `INSERT INTO workflow_runs (tenant_id, id, workflow_id, version, status, trigger, correlation_id, parent_run,
  reason, undos_failed, started_at, ended_at, updated_at, seq)
 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
 ON CONFLICT (tenant_id, id) DO UPDATE SET status = ?5, reason = ?9, undos_failed = ?10, ended_at = ?12, updated_at = ?13,
  seq = ?14 WHERE workflow_runs.seq <= ?14`;

function runStatement(db: D1Database, state: RunState): D1PreparedStatement {
  const { tenant, run, workflow, version, trigger, correlationId, parent, ending } = state;
  const error = ending && "error" in ending ? ending.error : undefined;
  const failed = state.undos.filter(({ status }) => status === "failed").length;
  return db
    .prepare(RUN)
    .bind(
      ...[tenant, run, workflow, version, shownStatus(state), trigger ?? "api"],
      ...[correlationId ?? null, parent?.run ?? null, error ? codeOf(error.reason) : null],
      ...[failed, state.startedAtMs, state.endedAtMs ?? null, Date.now(), state.seq],
    );
}

/** A row of the run with a higher number forbids it. */
const STEPS = `INSERT INTO workflow_steps (tenant_id, run_id, key, step_id, workflow_id, version, type, status, attempts,
  reason, started_at, ended_at)
 SELECT ?1, ?2, value ->> 'key', value ->> 'id', ?3, ?4, value ->> 'type', value ->> 'status', value ->> 'attempts',
  value ->> 'reason', value ->> 'startedAtMs', value ->> 'endedAtMs' FROM json_each(?5)
 WHERE coalesce((SELECT seq FROM workflow_runs WHERE tenant_id = ?1 AND id = ?2), 0) <= ?6
 ON CONFLICT (tenant_id, run_id, key) DO UPDATE SET status = excluded.status, attempts = excluded.attempts,
  reason = excluded.reason, started_at = excluded.started_at, ended_at = excluded.ended_at`;
/** Rows of one statement: a bound text has at most 2 MB (D1, limits). */
const STEP_ROWS_MAX = 1000;

function stepStatements(
  db: D1Database,
  { state, steps, undos }: Projection,
): readonly D1PreparedStatement[] {
  const { tenant, run, workflow, version, seq } = state;
  const rows = [...steps.map(stepRow), ...undos.flatMap(undoRow)];
  const statements: D1PreparedStatement[] = [];
  for (let at = 0; at < rows.length; at += STEP_ROWS_MAX) {
    const part = JSON.stringify(rows.slice(at, at + STEP_ROWS_MAX));
    statements.push(db.prepare(STEPS).bind(tenant, run, workflow, version, part, seq));
  }
  return statements;
}

function stepRow(record: StepRecord) {
  const { key, id, type, status, attempt: attempts, error, startedAtMs, endedAtMs } = record;
  const reason = error ? { reason: codeOf(error.reason) } : {};
  return { key, id, type, status, attempts, startedAtMs, endedAtMs, ...reason };
}

/** An undo that has not begun has no row yet. */
function undoRow({ key, undo: id, status, reason, attempt: attempts, error, ...times }: Undo) {
  const { startedAtMs, endedAtMs } = times;
  if (startedAtMs === undefined) return [];
  const why = reason ?? (error ? codeOf(error.reason) : undefined);
  return [
    { key: `undo:${key}`, id, type: "undo", status, attempts, startedAtMs, endedAtMs, reason: why },
  ];
}

/** An entry of the trail never changes. */
const AUDIT = `INSERT INTO workflow_audit (tenant_id, run_id, seq, part, at, what, step, attempt, outcome, reason)
 SELECT ?1, ?2, value ->> 'seq', value ->> 'part', value ->> 'atMs', value ->> 'what', value ->> 'step',
  value ->> 'attempt', value ->> 'outcome', value ->> 'reason' FROM json_each(?3) WHERE true
 ON CONFLICT (tenant_id, run_id, seq, part) DO NOTHING`;

function taskStatement(
  db: D1Database,
  { tenant, run, workflow }: RunState,
  change: TaskChange,
  atMs: number,
): D1PreparedStatement {
  if (change.is === "open") {
    const of = { tenant, run, workflow };
    return openStatement(db, of, change.details, atMs);
  }
  const { task, how, details } = change;
  const { choice = null, by = null } = details.end ?? {};
  return db
    .prepare(
      `UPDATE workflow_tasks SET state = ?3, choice = ?4, answered_by = ?5, updated_at = ?6, details = ?7
       WHERE tenant_id = ?1 AND id = ?2 AND state = 'open'`,
    )
    .bind(tenant, taskRowId(run, task), how, choice, by, atMs, JSON.stringify(details));
}

function openStatement(
  db: D1Database,
  {
    tenant,
    run,
    workflow,
  }: { readonly tenant: string; readonly run: string; readonly workflow: string },
  details: TaskDetails,
  atMs: number,
): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO workflow_tasks (tenant_id, id, run_id, step_key, workflow_id, state, details, opened_at, due_at, updated_at)
       VALUES (?1, ?2, ?3, ?4, ?5, 'open', ?6, ?7, ?8, ?9)
       ON CONFLICT (tenant_id, id) DO UPDATE SET details = ?6, updated_at = ?9 WHERE state = 'open' AND updated_at <= ?9`,
    )
    .bind(
      ...[tenant, taskRowId(run, details.id), run, details.step, workflow, JSON.stringify(details)],
      ...[details.openedAtMs, details.dueAtMs ?? null, atMs],
    );
}

/** Ids of tasks are unique within a run; with it, within a tenant. */
export function taskRowId(run: string, task: string): string {
  return `${run}:${task}`;
}
