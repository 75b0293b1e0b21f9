/** Versions of definitions, and which of them new runs get, in the tenant's database. Every statement names the tenant. */
import { fail, ok, type Result } from "../../domain/result.ts";
import type { WorkflowDefinition } from "../../schema/workflow.ts";

/** A version as it was uploaded; it never changes. */
export interface StoredVersion {
  readonly tenant: string;
  readonly id: string;
  readonly version: string;
  readonly name: string;
  readonly source: string;
  readonly definition: WorkflowDefinition;
  /** SHA-256 of the canonical definition, hexadecimal. */
  readonly digest: string;
  readonly createdAtMs: number;
}

/** A version in lists: without its texts. */
export type ListedVersion = Omit<StoredVersion, "source" | "definition">;

export interface Rollout {
  readonly version: string;
  /** 0 to 100, of the starts. */
  readonly percent: number;
  /** Correlation ids, or idempotency keys of starts without one, that get it in any case. */
  readonly keys: readonly string[];
}

/** Where new runs of a workflow go. */
export interface WorkflowRoute {
  readonly active: string;
  readonly previous?: string;
  readonly rollout?: Rollout;
  /** No run starts. */
  readonly paused: boolean;
  /** Rises with every change. */
  readonly revision: number;
  readonly updatedAtMs: number;
}

export interface ListedWorkflow {
  readonly id: string;
  /** Of the active version. */
  readonly name: string;
  readonly route: WorkflowRoute;
}

interface VersionRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly version: string;
  readonly name: string;
  readonly source: string;
  readonly definition: string;
  readonly digest: string;
  readonly created_at: number;
}

export interface RouteRow {
  readonly id: string;
  readonly active: string;
  readonly previous: string | null;
  readonly rollout: string | null;
  readonly paused: number;
  readonly revision: number;
  readonly updated_at: number;
}

/** Adds a version once. The same digest again is no change; another one is a conflict. Rejects as D1 does. */
export async function insertVersion(
  db: D1Database,
  { tenant, id, version, name, source, definition, digest, createdAtMs }: StoredVersion,
): Promise<Result<{ readonly created: boolean }, { readonly reason: "version_exists" }>> {
  const insert = db
    .prepare(
      `INSERT INTO workflows (tenant_id, id, version, name, source, definition, digest, created_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (tenant_id, id, version) DO NOTHING`,
    )
    .bind(tenant, id, version, name, source, JSON.stringify(definition), digest, createdAtMs);
  const stored = db
    .prepare("SELECT digest FROM workflows WHERE tenant_id = ? AND id = ? AND version = ?")
    .bind(tenant, id, version);
  const [inserted, found] = await db.batch<{ digest: string }>([insert, stored]);
  if (found?.results[0]?.digest !== digest) return fail({ reason: "version_exists" });
  return ok({ created: (inserted?.meta.changes ?? 0) > 0 });
}

export async function findVersion(
  db: D1Database,
  tenant: string,
  id: string,
  version: string,
): Promise<StoredVersion | undefined> {
  const row = await db
    .prepare("SELECT * FROM workflows WHERE tenant_id = ? AND id = ? AND version = ?")
    .bind(tenant, id, version)
    .first<VersionRow>();
  return row ? versionOf(row) : undefined;
}

/** Newest upload first. */
export async function listVersions(
  db: D1Database,
  tenant: string,
  id: string,
  limit: number,
): Promise<readonly ListedVersion[]> {
  const { results } = await db
    .prepare(
      `SELECT tenant_id, id, version, name, digest, created_at FROM workflows
       WHERE tenant_id = ? AND id = ? ORDER BY created_at DESC, version DESC LIMIT ?`,
    )
    .bind(tenant, id, limit)
    .all<Omit<VersionRow, "source" | "definition">>();
  return results.map(listedOf);
}

/** Those that have a route, by id, behind `after`. */
export async function listWorkflows(
  db: D1Database,
  tenant: string,
  after: string | undefined,
  limit: number,
): Promise<readonly ListedWorkflow[]> {
  const { results } = await db
    .prepare(
      `SELECT r.*, coalesce(w.name, r.id) AS name FROM workflow_routes r
       LEFT JOIN workflows w ON w.tenant_id = r.tenant_id AND w.id = r.id AND w.version = r.active
       WHERE r.tenant_id = ? AND r.id > ? ORDER BY r.id LIMIT ?`,
    )
    .bind(tenant, after ?? "", limit)
    .all<RouteRow & { name: string }>();
  return results.map((row) => ({ id: row.id, name: row.name, route: routeOf(row) }));
}

export async function readRoute(
  db: D1Database,
  tenant: string,
  id: string,
): Promise<WorkflowRoute | undefined> {
  const row = await routeQuery(db, tenant, id).first<RouteRow>();
  return row ? routeOf(row) : undefined;
}

export function routeQuery(db: D1Database, tenant: string, id: string): D1PreparedStatement {
  return db
    .prepare("SELECT * FROM workflow_routes WHERE tenant_id = ? AND id = ?")
    .bind(tenant, id);
}

/**
 * Writes a route where it still is at `revision` (0: there is none yet); the new one is at `revision + 1`.
 * Answers whether it was. Rejects as D1 does.
 */
export async function replaceRoute(
  db: D1Database,
  of: { readonly tenant: string; readonly id: string },
  route: Omit<WorkflowRoute, "revision">,
  revision: number,
): Promise<boolean> {
  const { active, previous = null, rollout, paused, updatedAtMs } = route;
  const values = [active, previous, rollout ? JSON.stringify(rollout) : null, paused ? 1 : 0];
  const sql =
    revision === 0
      ? `INSERT INTO workflow_routes (tenant_id, id, active, previous, rollout, paused, revision, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?8 + 1, ?7) ON CONFLICT (tenant_id, id) DO NOTHING`
      : `UPDATE workflow_routes SET active = ?3, previous = ?4, rollout = ?5, paused = ?6, revision = ?8 + 1,
         updated_at = ?7 WHERE tenant_id = ?1 AND id = ?2 AND revision = ?8`;
  const written = await db
    .prepare(sql)
    .bind(of.tenant, of.id, ...values, updatedAtMs, revision)
    .run();
  return written.meta.changes > 0;
}

function versionOf(row: VersionRow): StoredVersion {
  const definition = JSON.parse(row.definition) as WorkflowDefinition;
  return { ...listedOf(row), source: row.source, definition };
}

function listedOf(row: Omit<VersionRow, "source" | "definition">): ListedVersion {
  const { tenant_id: tenant, id, version, name, digest, created_at: createdAtMs } = row;
  return { tenant, id, version, name, digest, createdAtMs };
}

export function routeOf(row: RouteRow): WorkflowRoute {
  return {
    active: row.active,
    ...(row.previous === null ? {} : { previous: row.previous }),
    ...(row.rollout === null ? {} : { rollout: JSON.parse(row.rollout) as Rollout }),
    paused: row.paused === 1,
    revision: row.revision,
    updatedAtMs: row.updated_at,
  };
}
