/** What the API asks of workflows beside single rows: how many there are, and samples of runs and steps for reports. */
import { whereTenant } from "./where.ts";

/** Versions of one workflow. */
export const WORKFLOW_VERSIONS_MAX = 200;
/** Versions of all of a tenant's workflows. */
export const TENANT_VERSIONS_MAX = 5000;

/** Why a further version may not be stored; undefined where it may, or is there already. Rejects as D1 does. */
export async function limitedVersions(
  db: D1Database,
  tenant: string,
  id: string,
  version: string,
): Promise<string | undefined> {
  const found = await db
    .prepare(
      `SELECT (SELECT count(*) FROM workflows WHERE tenant_id = ?1) AS total,
         (SELECT count(*) FROM workflows WHERE tenant_id = ?1 AND id = ?2) AS own,
         EXISTS (SELECT 1 FROM workflows WHERE tenant_id = ?1 AND id = ?2 AND version = ?3) AS known`,
    )
    .bind(tenant, id, version)
    .first<{ total: number; own: number; known: number }>();
  if (!found || found.known === 1) return undefined;
  if (found.own >= WORKFLOW_VERSIONS_MAX)
    return `a workflow may have ${WORKFLOW_VERSIONS_MAX} versions`;
  if (found.total >= TENANT_VERSIONS_MAX)
    return `a tenant may have ${TENANT_VERSIONS_MAX} versions of workflows`;
  return undefined;
}

/** Takes a route away where it still is at `revision`; its versions stay. Answers whether it was. Rejects as D1 does. */
export async function deleteRoute(
  db: D1Database,
  of: { readonly tenant: string; readonly id: string },
  revision: number,
): Promise<boolean> {
  const gone = await db
    .prepare("DELETE FROM workflow_routes WHERE tenant_id = ? AND id = ? AND revision = ?")
    .bind(of.tenant, of.id, revision)
    .run();
  return gone.meta.changes > 0;
}

export interface SampledRun {
  readonly id: string;
  readonly status: string;
  readonly started_at: number;
  readonly ended_at: number | null;
}

export interface SampledStep {
  readonly run_id: string;
  readonly step_id: string;
  readonly type: string;
  readonly status: string;
  readonly attempts: number;
  readonly reason: string | null;
  readonly started_at: number;
  readonly ended_at: number | null;
}

export interface SampleQuery {
  readonly tenant: string;
  readonly workflow: string;
  readonly version?: string | undefined;
  /** ms since the epoch, inclusive. */
  readonly sinceMs: number;
  /** ms since the epoch, exclusive. */
  readonly untilMs: number;
}

/** Runs of one report. */
export const SAMPLE_RUNS_MAX = 2000;
/** Steps of one report. */
export const SAMPLE_STEPS_MAX = 20_000;
/** Runs of the tenant, of whatever workflow, that one report looks at. */
export const SAMPLE_SCAN_MAX = 20_000;
/** Runs whose steps are read in one statement. */
const RUNS_PER_READ = 200;

/** The newest runs of the span; `complete`: all of them. Rejects as D1 does. */
export async function sampleRuns(
  db: D1Database,
  { tenant, workflow, version, sinceMs, untilMs }: SampleQuery,
): Promise<{ readonly runs: readonly SampledRun[]; readonly complete: boolean }> {
  const span = whereTenant(tenant, [
    ["started_at >= ?", sinceMs],
    ["started_at < ?", untilMs],
  ]);
  const newest = `FROM workflow_runs WHERE ${span.sql} ORDER BY started_at DESC, id DESC`;
  const one = version === undefined ? "" : " AND version = ?";
  const sampled = db
    .prepare(
      `SELECT id, status, started_at, ended_at FROM (SELECT * ${newest} LIMIT ${SAMPLE_SCAN_MAX})
       WHERE workflow_id = ?${one} ORDER BY started_at DESC, id DESC LIMIT ${SAMPLE_RUNS_MAX + 1}`,
    )
    .bind(...span.values, workflow, ...(version === undefined ? [] : [version]));
  const beyond = db
    .prepare(`SELECT id ${newest} LIMIT 1 OFFSET ${SAMPLE_SCAN_MAX}`)
    .bind(...span.values);
  const [rows, more] = await db.batch<SampledRun>([sampled, beyond]);
  const found = rows?.results ?? [];
  const complete = found.length <= SAMPLE_RUNS_MAX && (more?.results.length ?? 0) === 0;
  return { runs: found.slice(0, SAMPLE_RUNS_MAX), complete };
}

/** Steps of these runs, as many whole runs as there is room for; `complete`: of all of them. Rejects as D1 does. */
export async function sampleSteps(
  db: D1Database,
  tenant: string,
  runs: readonly string[],
): Promise<{ readonly steps: readonly SampledStep[]; readonly complete: boolean }> {
  const steps: SampledStep[] = [];
  for (let at = 0; at < runs.length; at += RUNS_PER_READ) {
    const room = SAMPLE_STEPS_MAX - steps.length;
    const { results } = await db
      .prepare(
        `SELECT run_id, step_id, type, status, attempts, reason, started_at, ended_at FROM workflow_steps
         WHERE tenant_id = ?1 AND run_id IN (SELECT value FROM json_each(?2)) LIMIT ?3`,
      )
      .bind(tenant, JSON.stringify(runs.slice(at, at + RUNS_PER_READ)), room + 1)
      .all<SampledStep>();
    if (results.length > room) return { steps, complete: false };
    steps.push(...results);
  }
  return { steps, complete: true };
}
