/**
 * The event types a tenant has declared, in its database. Versions are written by compare-and-set on how many there
 * are: of two that are registered at once one waits for the other's verdict. Every statement names the tenant.
 */

import type { HubEvent } from "../../domain/events/hub-event.ts";
import type { Compatibility } from "../../domain/events/registry.ts";
import { compareVersions, type EventTypeVersion } from "../../domain/events/registry.ts";
import type { JsonSchema } from "../../domain/events/schema-compatibility.ts";
import { outboxInsert, outboxInsertWhere, writeTelling } from "../outbox.ts";

/** Event types one tenant may have. */
export const EVENT_TYPES_MAX = 1000;

export interface EventTypeHead {
  readonly name: string;
  readonly description: string;
  readonly compatibility: Compatibility;
  readonly createdAtMs: number;
  /** Moves forward with every change. */
  readonly updatedAtMs: number;
  /** Rising. */
  readonly versions: readonly string[];
}

/** An event type with its schemas. */
export interface StoredEventType extends Omit<EventTypeHead, "versions"> {
  readonly versions: readonly (EventTypeVersion & { readonly createdAtMs: number })[];
}

interface TypeRow {
  readonly name: string;
  readonly description: string;
  readonly compatibility: Compatibility;
  readonly created_at: number;
  readonly updated_at: number;
}

interface VersionRow {
  readonly version: string;
  readonly schema: string;
  readonly created_at: number;
}

/** One type with every schema; undefined where the tenant has none of that name. */
export async function findEventType(
  db: D1Database,
  tenant: string,
  name: string,
): Promise<StoredEventType | undefined> {
  const [types, versions] = await db.batch([
    db.prepare("SELECT * FROM event_types WHERE tenant_id = ? AND name = ?").bind(tenant, name),
    db
      .prepare(
        "SELECT version, schema, created_at FROM event_type_versions WHERE tenant_id = ? AND name = ?",
      )
      .bind(tenant, name),
  ]);
  const row = types?.results[0] as TypeRow | undefined;
  if (!row) return undefined;
  const rows = (versions?.results ?? []) as unknown as readonly VersionRow[];
  return {
    ...headOf(row),
    versions: rows
      .map(({ version, schema, created_at }) => ({
        version,
        schema: JSON.parse(schema) as JsonSchema,
        createdAtMs: created_at,
      }))
      .sort((a, b) => compareVersions(a.version, b.version)),
  };
}

/** A page of a tenant's types by name, without schemas. */
export async function listEventTypes(
  db: D1Database,
  tenant: string,
  after: string | undefined,
  limit: number,
): Promise<readonly EventTypeHead[]> {
  const { results } = await db
    .prepare(
      `SELECT t.*, (SELECT group_concat(v.version) FROM event_type_versions v
         WHERE v.tenant_id = t.tenant_id AND v.name = t.name) AS versions
       FROM event_types t WHERE t.tenant_id = ? AND t.name > ? ORDER BY t.name LIMIT ?`,
    )
    .bind(tenant, after ?? "", limit)
    .all<TypeRow & { readonly versions: string | null }>();
  return results.map(({ versions, ...row }) => ({
    ...headOf(row),
    versions: (versions?.split(",") ?? []).sort(compareVersions),
  }));
}

/** The names of all of a tenant's types. */
export async function eventTypeNames(db: D1Database, tenant: string): Promise<readonly string[]> {
  const { results } = await db
    .prepare("SELECT name FROM event_types WHERE tenant_id = ? ORDER BY name LIMIT ?")
    .bind(tenant, EVENT_TYPES_MAX)
    .all<{ name: string }>();
  return results.map(({ name }) => name);
}

/** Of a version, what stands before the dot and behind it. */
const PARTS =
  "CAST(version AS INTEGER) AS major, CAST(substr(version, instr(version || '.', '.') + 1) AS INTEGER) AS minor";

/** One version's schema, the last one's without a version; undefined where there is no such type or version. */
export async function findEventSchema(
  db: D1Database,
  tenant: string,
  name: string,
  version: string | undefined,
): Promise<EventTypeVersion | undefined> {
  const [major = null, minor = 0] = version?.split(".").map(Number) ?? [];
  const row = await db
    .prepare(
      `SELECT version, schema FROM (SELECT version, schema, ${PARTS} FROM event_type_versions
         WHERE tenant_id = ?1 AND name = ?2)
       WHERE ?3 IS NULL OR (major = ?3 AND minor = ?4) ORDER BY major DESC, minor DESC LIMIT 1`,
    )
    .bind(tenant, name, major, minor)
    .first<Omit<VersionRow, "created_at">>();
  return row ? { version: row.version, schema: JSON.parse(row.schema) as JsonSchema } : undefined;
}

/** The versions of one type, rising; none where there is no such type or it has none yet. */
export async function eventTypeVersions(
  db: D1Database,
  tenant: string,
  name: string,
): Promise<readonly string[]> {
  const { results } = await db
    .prepare("SELECT version FROM event_type_versions WHERE tenant_id = ? AND name = ?")
    .bind(tenant, name)
    .all<{ version: string }>();
  return results.map(({ version }) => version).sort(compareVersions);
}

/** Adds a type, with its first version where there is one. Nothing is written unless all of it is. */
export async function createEventType(
  db: D1Database,
  tenant: string,
  type: Pick<EventTypeHead, "name" | "description" | "compatibility">,
  first: EventTypeVersion | undefined,
  nowMs: number,
): Promise<"created" | "exists" | "too_many"> {
  const { name, description, compatibility } = type;
  // Both statements ask the same of the table that only the second one writes to: both write or none does.
  const isNew = `NOT EXISTS (SELECT 1 FROM event_types WHERE tenant_id = ?1 AND name = ?2)
    AND (SELECT count(*) FROM event_types WHERE tenant_id = ?1) < ${EVENT_TYPES_MAX}`;
  const version = db
    .prepare(
      `INSERT INTO event_type_versions (tenant_id, name, version, schema, created_at)
       SELECT ?1, ?2, ?3, ?4, ?5 WHERE ?3 IS NOT NULL AND ${isNew}`,
    )
    .bind(tenant, name, first?.version ?? null, JSON.stringify(first?.schema ?? null), nowMs);
  const insert = db
    .prepare(
      `INSERT INTO event_types (tenant_id, name, description, compatibility, created_at, updated_at)
       SELECT ?1, ?2, ?3, ?4, ?5, ?5 WHERE ${isNew}`,
    )
    .bind(tenant, name, description, compatibility, nowMs);
  const told = { tenant, name, nowMs };
  const created = tell(db, told, "event_type.created", { name });
  const registered = first && tellRegistered(db, told, first.version);
  const statements = [version, insert, created, ...(registered ? [registered] : [])];
  const [, done] = await writeTelling(db, tenant, statements);
  if (done?.meta.changes) return "created";
  return (await findEventType(db, tenant, name)) ? "exists" : "too_many";
}

/**
 * Adds a version to a type that still has `known.count` versions and was last changed at `known.updatedAtMs`.
 * False where somebody was faster: read again, decide again.
 */
export async function addEventTypeVersion(
  db: D1Database,
  tenant: string,
  name: string,
  next: EventTypeVersion,
  known: { readonly count: number; readonly updatedAtMs: number; readonly nowMs: number },
): Promise<boolean> {
  const { count, updatedAtMs, nowMs } = known;
  const [added] = await writeTelling(db, tenant, [
    insertVersion(db, tenant, name, next, known),
    tellRegistered(db, { tenant, name, nowMs }, next.version),
    db
      .prepare(
        `UPDATE event_types SET updated_at = max(?3, updated_at + 1)
         WHERE tenant_id = ?1 AND name = ?2 AND updated_at = ?4 AND
           (SELECT count(*) FROM event_type_versions WHERE tenant_id = ?1 AND name = ?2) = ?5`,
      )
      .bind(tenant, name, nowMs, updatedAtMs, count + 1),
  ]);
  return added?.meta.changes === 1;
}

/** Changes what the patch names, unless the type has changed since `updatedAtMs`: false. */
export async function patchEventType(
  db: D1Database,
  tenant: string,
  name: string,
  patch: {
    readonly description?: string | undefined;
    readonly compatibility?: Compatibility | undefined;
  },
  known: { readonly updatedAtMs: number; readonly nowMs: number },
): Promise<boolean> {
  const update = db
    .prepare(
      `UPDATE event_types SET description = coalesce(?3, description),
         compatibility = coalesce(?4, compatibility), updated_at = max(?5, updated_at + 1)
       WHERE tenant_id = ?1 AND name = ?2 AND updated_at = ?6`,
    )
    .bind(
      ...[tenant, name, patch.description ?? null, patch.compatibility ?? null],
      ...[known.nowMs, known.updatedAtMs],
    );
  const told = tell(db, { tenant, name, nowMs: known.nowMs }, "event_type.updated", { name });
  const [updated] = await writeTelling(db, tenant, [update, told]);
  return updated?.meta.changes === 1;
}

/** A change of a type; its compatibility is told as the row has it. */
interface Told {
  readonly tenant: string;
  readonly name: string;
  readonly nowMs: number;
}

/** Right behind the statement that changes the type or adds to it. */
function tell(
  db: D1Database,
  { tenant, name, nowMs }: Told,
  type: HubEvent["type"],
  data: HubEvent["data"],
): D1PreparedStatement {
  const row = { from: "event_types", column: "compatibility", key: "name", id: name } as const;
  return outboxInsertWhere(db, tenant, { type, subject: name, data }, nowMs, row);
}

function tellRegistered(db: D1Database, told: Told, version: string): D1PreparedStatement {
  return tell(db, told, "event_type.registered", { name: told.name, version });
}

/** Forgets a type and its schemas. False where there is none. */
export async function deleteEventType(
  db: D1Database,
  tenant: string,
  name: string,
): Promise<boolean> {
  const told = { type: "event_type.deleted", subject: name, data: { name } } as const;
  const [types] = await writeTelling(db, tenant, [
    db.prepare("DELETE FROM event_types WHERE tenant_id = ? AND name = ?").bind(tenant, name),
    outboxInsert(db, tenant, told, Date.now(), "if_changed"),
    db
      .prepare("DELETE FROM event_type_versions WHERE tenant_id = ? AND name = ?")
      .bind(tenant, name),
  ]);
  return types?.meta.changes === 1;
}

/** Nothing where the type is gone, was changed since, or has another number of versions. */
function insertVersion(
  db: D1Database,
  tenant: string,
  name: string,
  { version, schema }: EventTypeVersion,
  known: { readonly count: number; readonly updatedAtMs: number; readonly nowMs: number },
): D1PreparedStatement {
  const { count, updatedAtMs, nowMs } = known;
  return db
    .prepare(
      `INSERT INTO event_type_versions (tenant_id, name, version, schema, created_at)
       SELECT ?1, ?2, ?3, ?4, ?5
       WHERE EXISTS (SELECT 1 FROM event_types WHERE tenant_id = ?1 AND name = ?2 AND updated_at = ?6)
         AND (SELECT count(*) FROM event_type_versions WHERE tenant_id = ?1 AND name = ?2) = ?7`,
    )
    .bind(tenant, name, version, JSON.stringify(schema), nowMs, updatedAtMs, count);
}

function headOf(row: TypeRow): Omit<EventTypeHead, "versions"> {
  const { name, description, compatibility, created_at, updated_at } = row;
  return { name, description, compatibility, createdAtMs: created_at, updatedAtMs: updated_at };
}
