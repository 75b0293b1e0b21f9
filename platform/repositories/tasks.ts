/** Tasks as they stand in the tenant's database, and which of our messages a platform's id means. */
import { whereTenant } from "./where.ts";

export interface TaskRow {
  readonly tenant_id: string;
  /** `<run>:<task>`: unique within the tenant. */
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

export interface TaskQuery {
  readonly tenant: string;
  readonly state?: string | undefined;
  readonly run?: string | undefined;
  readonly workflow?: string | undefined;
  /** Spelt as in the definition or its input; upper and lower case are one. */
  readonly assignee?: string | undefined;
  /** ms since the epoch, exclusive; tasks without a time are never due. */
  readonly dueBeforeMs?: number | undefined;
  /** ms since the epoch, inclusive. */
  readonly dueSinceMs?: number | undefined;
  /** The last one of the page before. */
  readonly after?: { readonly openedAtMs: number; readonly id: string } | undefined;
  readonly limit: number;
}

const ASKED = `EXISTS (SELECT 1 FROM (SELECT value FROM json_each(details, '$.assignees')
  UNION ALL SELECT value FROM json_each(details, '$.escalatedTo')) WHERE lower(value) = lower(?))`;

/** Tasks that one page of a search looks at. */
export const SEARCH_TASKS_MAX = 2000;

/** Where a page ended. */
export type TaskPlace = NonNullable<TaskQuery["after"]>;

/** Latest first. A page may be short, or empty: while there is `next`, there may be more behind it. */
export async function listTasks(
  db: D1Database,
  query: TaskQuery,
): Promise<{ readonly rows: readonly TaskRow[]; readonly next?: TaskPlace }> {
  const { tenant, after, limit } = query;
  const span = whereTenant(tenant, [["run_id = ?", query.run]]);
  const wanted = whereTenant(tenant, [
    ["state = ?", query.state],
    ["workflow_id = ?", query.workflow],
    ["due_at < ?", query.dueBeforeMs],
    ["due_at >= ?", query.dueSinceMs],
    // Last: it reads the task's JSON.
    [ASKED, query.assignee],
  ]);
  const behind = after ? " AND (opened_at, id) < (?, ?)" : "";
  const place = after ? [after.openedAtMs, after.id] : [];
  // Left to itself SQLite goes by the order, through all of the tenant's tasks.
  const index = query.run === undefined ? "workflow_tasks_opened" : "workflow_tasks_run";
  const newest = `FROM workflow_tasks INDEXED BY ${index} WHERE ${span.sql}${behind} ORDER BY opened_at DESC, id DESC`;
  const { results } = await db
    .prepare(
      `SELECT * FROM (SELECT * ${newest} LIMIT ${SEARCH_TASKS_MAX}) WHERE ${wanted.sql}
       ORDER BY opened_at DESC, id DESC LIMIT ?`,
    )
    .bind(...span.values, ...place, ...wanted.values, limit + 1)
    .all<TaskRow>();
  const rows = results.slice(0, limit);
  const end = rows.at(-1);
  if (results.length > limit && end) return { rows, next: placeOf(end) };
  const last = await db
    .prepare(`SELECT opened_at, id ${newest} LIMIT 1 OFFSET ${SEARCH_TASKS_MAX - 1}`)
    .bind(...span.values, ...place)
    .first<Pick<TaskRow, "opened_at" | "id">>();
  return last ? { rows, next: placeOf(last) } : { rows };
}

function placeOf({ opened_at: openedAtMs, id }: Pick<TaskRow, "opened_at" | "id">): TaskPlace {
  return { openedAtMs, id };
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

export interface TaskAuditRow {
  readonly at: number;
  readonly what: string;
  readonly outcome: string | null;
  readonly reason: string | null;
}

/** Entries of one task's history: bounded by its reminders, escalations and notes. */
const HISTORY_MAX = 200;

/** What happened to the task of one attempt of a step, in order: ids and codes. */
export async function historyOf(
  db: D1Database,
  of: Pick<TaskRow, "tenant_id" | "run_id" | "step_key">,
  attempt: number,
): Promise<readonly TaskAuditRow[]> {
  const { results } = await db
    .prepare(
      `SELECT at, what, outcome, reason FROM workflow_audit WHERE tenant_id = ? AND run_id = ? AND step = ?
       AND attempt = ? AND what IN ('task_opened', 'task_reminded', 'task_escalated', 'task_reassigned',
       'task_commented', 'task_answered', 'step_failed', 'step_cancelled') ORDER BY seq, part LIMIT ${HISTORY_MAX}`,
    )
    .bind(of.tenant_id, of.run_id, of.step_key, attempt)
    .all<TaskAuditRow>();
  return results;
}

/** The id of the message that a platform knows by this one; undefined where none was sent as it. */
export async function findSentAs(
  db: D1Database,
  place: { readonly tenant: string; readonly connection: string; readonly platformId: string },
): Promise<string | undefined> {
  const row = await db
    .prepare(
      `SELECT id FROM messages WHERE tenant_id = ? AND connection_id = ? AND platform_id = ? AND direction = 'outbound' LIMIT 1`,
    )
    .bind(place.tenant, place.connection, place.platformId)
    .first<{ id: string }>();
  return row?.id;
}
