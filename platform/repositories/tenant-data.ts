/** A tenant's own data: JSON by key, with a revision that rises with every change. Every statement names the tenant. */

import { fail, ok, type Result } from "../../domain/result.ts";
import type { Json } from "../../domain/workflows/run/state.ts";

/** Longest key, in characters. */
export const DATA_KEY_CHARS_MAX = 256;
/** Longest value, in characters of JSON. */
export const DATA_VALUE_CHARS_MAX = 262_144;
/** Keys one tenant may have. */
export const DATA_KEYS_MAX = 10_000;
/** Keys that begin so are the hub's own configuration: actions cannot write them. */
export const RESERVED_KEYS = "$";

export interface StoredData {
  readonly key: string;
  readonly value: Json;
  readonly revision: number;
  readonly updatedAtMs: number;
}

interface DataRow {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
  readonly written_by: string | null;
  readonly updated_at: number;
}

export interface DataWrite {
  readonly tenant: string;
  readonly key: string;
  readonly value: Json;
  /** Only if it is at this revision; 0: only if there is none. */
  readonly expected?: number;
  /** Idempotency key: the same write again changes nothing. */
  readonly by?: string;
  readonly nowMs: number;
}

export type DataFailure =
  | { readonly reason: "revision_conflict"; readonly revision: number }
  | { readonly reason: "too_many_keys"; readonly max: number };

export async function readData(
  db: D1Database,
  tenant: string,
  key: string,
): Promise<StoredData | undefined> {
  const row = await select(db, tenant, key).first<DataRow>();
  return row ? dataOf(row) : undefined;
}

/** A value in lists: it is read by itself. */
export type ListedData = Omit<StoredData, "value">;

/** By key, behind `after`, of those that begin with `prefix`; none of the hub's own configuration. */
export async function listData(
  db: D1Database,
  tenant: string,
  {
    prefix = "",
    after,
  }: { readonly prefix?: string | undefined; readonly after?: string | undefined },
  limit: number,
): Promise<readonly ListedData[]> {
  // Keys are of ASCII, so that everything that begins with the prefix is below it with this behind it.
  const end = `${prefix}\u{10ffff}`;
  const { results } = await db
    .prepare(
      `SELECT key, revision, updated_at FROM tenant_data
       WHERE tenant_id = ?1 AND key > ?2 AND key >= ?3 AND key < ?4 AND NOT (key >= '$' AND key < '%')
       ORDER BY key LIMIT ?5`,
    )
    .bind(tenant, after ?? "", prefix, end, limit)
    .all<Omit<DataRow, "value">>();
  return results.map(({ key, revision, updated_at: updatedAtMs }) => ({
    ...{ key, revision, updatedAtMs },
  }));
}

/** The revision it is at now. Rejects as D1 does. */
export async function writeData(
  db: D1Database,
  write: DataWrite,
): Promise<Result<{ readonly revision: number }, DataFailure>> {
  const { tenant, key, by, expected } = write;
  const [written, found] = await db.batch<DataRow>([
    writeStatement(db, write),
    select(db, tenant, key),
  ]);
  const row = found?.results[0];
  const changed = (written?.meta.changes ?? 0) > 0;
  if (row && (changed || (by !== undefined && row.written_by === by)))
    return ok({ revision: row.revision });
  if (!row && (expected ?? 0) === 0) return fail({ reason: "too_many_keys", max: DATA_KEYS_MAX });
  return fail({ reason: "revision_conflict", revision: row?.revision ?? 0 });
}

const INSERT = `INSERT INTO tenant_data (tenant_id, key, value, written_by, updated_at, revision) SELECT ?1, ?2, ?3, ?4, ?5, 1
 WHERE (SELECT count(*) FROM tenant_data WHERE tenant_id = ?1 AND key <> ?2) < ?6 ON CONFLICT (tenant_id, key) DO`;
const SET = "value = ?3, written_by = ?4, updated_at = ?5, revision = revision + 1";
/** Null was written by nobody who could say it again. */
const UNWRITTEN = "(?4 IS NULL OR written_by IS NOT ?4)";

function writeStatement(
  db: D1Database,
  { tenant, key, value, expected, by, nowMs }: DataWrite,
): D1PreparedStatement {
  const values = [tenant, key, JSON.stringify(value), by ?? null, nowMs];
  if (expected === undefined)
    return db
      .prepare(`${INSERT} UPDATE SET ${SET} WHERE ${UNWRITTEN}`)
      .bind(...values, DATA_KEYS_MAX);
  if (expected === 0) return db.prepare(`${INSERT} NOTHING`).bind(...values, DATA_KEYS_MAX);
  return db
    .prepare(
      `UPDATE tenant_data SET ${SET} WHERE tenant_id = ?1 AND key = ?2 AND revision = ?6 AND ${UNWRITTEN}`,
    )
    .bind(...values, expected);
}

/** False where there was none, or where it is not at the revision that is expected. */
export async function deleteData(
  db: D1Database,
  tenant: string,
  key: string,
  expected?: number,
): Promise<boolean> {
  const gone = await db
    .prepare(
      "DELETE FROM tenant_data WHERE tenant_id = ?1 AND key = ?2 AND (?3 IS NULL OR revision = ?3)",
    )
    .bind(tenant, key, expected ?? null)
    .run();
  return gone.meta.changes > 0;
}

function select(db: D1Database, tenant: string, key: string): D1PreparedStatement {
  return db.prepare("SELECT * FROM tenant_data WHERE tenant_id = ? AND key = ?").bind(tenant, key);
}

function dataOf({ key, value, revision, updated_at: updatedAtMs }: DataRow): StoredData {
  return { key, value: JSON.parse(value) as Json, revision, updatedAtMs };
}
