/**
 * Tenants in the database. A tenant comes with its connections and keys in one transaction, or not at
 * all; it goes with everything that is its own.
 */
import { asc, eq, gt } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { splitRoute } from "../../domain/connections/secrets.ts";
import { HubError } from "../../domain/errors.ts";
import { changedMembers } from "../../domain/events/hub-changes.ts";
import type { HubEvent } from "../../domain/events/hub-event.ts";
import { SLOT_COUNT } from "../../domain/messaging/message-id.ts";
import type { TenantView } from "../../schema/api/tenants.ts";
import { tenants } from "../../schema/tables/tenants.ts";
import type { TenantConfig, TenantInput } from "../../schema/tenant.ts";
import { outboxInsert, writeTelling } from "../outbox.ts";
import { readTenantConfig, type StoredTenantConfig, TENANT_ROUTE_KIND } from "../tenant-config.ts";
import type { Vault } from "../vault.ts";
import { givenKeyInserts, KEY_REFUSALS } from "./api-keys.ts";
import { connectionInserts, type Store, writeConnections } from "./connections.ts";
import { guarded } from "./constraint.ts";
import { SLOTTED_VIEWS } from "./slots.ts";

export type TenantRow = typeof tenants.$inferSelect;

export interface StoredTenant {
  readonly row: TenantRow;
  /** With its route's secrets. */
  readonly config: TenantConfig;
}

/** NULL stands for a refusal: what a deleted namesake has left is not erased yet. */
const INSERT = `INSERT INTO tenants (id, name, config, active, created_at, updated_at)
  VALUES (?1, CASE WHEN EXISTS (SELECT 1 FROM jobs WHERE name = 'erase:' || ?1) THEN NULL ELSE ?2 END, ?3, ?4, ?5, ?5)`;

/** Stores a tenant with its connections and keys, for the operator. Throws conflict, naming what exists already. */
export async function createTenant(
  store: Store,
  input: TenantInput,
  nowMs: number,
): Promise<StoredTenant> {
  const { id, name = input.id, active, config, connections, apiKeys } = input;
  const stored = await sealConfig(store.vault, id, config);
  const statements = [
    store.db.prepare(INSERT).bind(id, name, stored, active ? 1 : 0, nowMs),
    outboxInsert(store.db, id, tenantEvent("tenant.created", id, { active }), nowMs),
    ...(await connectionInserts(store, id, connections, nowMs, { byOperator: true })),
    ...(await givenKeyInserts(store.db, id, apiKeys, nowMs)),
  ];
  await writeConnections(store.db, id, statements, {
    "tenants.id": new HubError("conflict", "a tenant with this id exists"),
    "tenants.name": new HubError("conflict", "a deleted tenant of this id is still being erased"),
    ...KEY_REFUSALS,
  });
  return needTenant(store, id);
}

/** Throws not_found. */
export async function needTenant(store: Store, id: string): Promise<StoredTenant> {
  const [row] = await drizzle(store.db).select().from(tenants).where(eq(tenants.id, id));
  if (!row) throw new HubError("not_found");
  return open(store.vault, row);
}

/** A page of all tenants by id, at most `limit`. */
export async function listTenants(
  { db, vault }: Store,
  after: string | undefined,
  limit: number,
): Promise<readonly StoredTenant[]> {
  const rows = await drizzle(db)
    .select()
    .from(tenants)
    .where(gt(tenants.id, after ?? ""))
    .orderBy(asc(tenants.id))
    .limit(limit);
  return Promise.all(rows.map((row) => open(vault, row)));
}

/** Replaces name, switch and configuration, if the row is still as `before` knew it. Throws precondition_failed. */
export async function updateTenant(
  store: Store,
  before: TenantRow,
  next: { readonly name: string; readonly active: boolean; readonly config: TenantConfig },
  nowMs: number,
): Promise<StoredTenant> {
  const stored = await sealConfig(store.vault, before.id, next.config);
  const updatedAt = Math.max(nowMs, before.updatedAt + 1);
  const update = store.db
    .prepare(
      `UPDATE tenants SET name = ?1, active = ?2, config = ?3, updated_at = ?4
       WHERE id = ?5 AND updated_at = ?6`,
    )
    .bind(next.name, next.active ? 1 : 0, stored, updatedAt, before.id, before.updatedAt);
  const known = await open(store.vault, before);
  const telling = tellUpdate(store.db, known, next, nowMs);
  const [updated] = await guarded(writeTelling(store.db, before.id, [update, ...telling]), {});
  if (updated?.meta.changes === 0) throw new HubError("precondition_failed");
  return needTenant(store, before.id);
}

/** Behind the update; nothing where nothing is different. */
function tellUpdate(
  db: D1Database,
  { row, config }: StoredTenant,
  next: { readonly name: string; readonly active: boolean; readonly config: TenantConfig },
  nowMs: number,
): readonly D1PreparedStatement[] {
  const { id, name, active } = row;
  const changed = changedMembers({ name, active, config }, next);
  if (changed.length === 0) return [];
  const told = tenantEvent("tenant.updated", id, { active: next.active, changed });
  return [outboxInsert(db, id, told, nowMs, "if_changed")];
}

function tenantEvent(type: HubEvent["type"], tenant: string, data: HubEvent["data"]): HubEvent {
  return { type, subject: tenant, data: { tenant, ...data } };
}

/**
 * Removes a tenant with its connections, keys and rules; its data keys go too, so nothing sealed can be opened again.
 * A job row stands for what is left to erase (`workers/operations/erase-tenant.ts`).
 */
export async function deleteTenant(
  { db, vault }: Store,
  id: string,
  nowMs: number,
): Promise<boolean> {
  const owned = ["connections", "api_keys", "access_rules", "tenant_keys", "outbox"];
  const [deleted] = await db.batch([
    db.prepare("DELETE FROM tenants WHERE id = ?1").bind(id),
    ...owned.map((table) => db.prepare(`DELETE FROM ${table} WHERE tenant_id = ?1`).bind(id)),
    db
      .prepare("INSERT OR IGNORE INTO jobs (name, value, updated_at) VALUES (?1, ?2, ?2)")
      .bind(`erase:${id}`, nowMs),
  ]);
  vault.forget(id);
  return (deleted?.meta.changes ?? 0) > 0;
}

/** What a tenant's traffic has written, by table; `cut` is what the rows of one statement are bounded by. */
const TRAFFIC: readonly { readonly table: string; readonly cut?: "id" | "seq" }[] = [
  ...SLOTTED_VIEWS.flatMap(({ view }) =>
    Array.from({ length: SLOT_COUNT }, (_, slot) => ({
      table: `${view}_${slot}`,
      cut: view === "events" ? ("seq" as const) : ("id" as const),
    })),
  ),
  { table: "conversations", cut: "id" },
  ...[
    "pending_statuses",
    "aliases",
    "dead_letters",
    "outbox",
    "subscriptions",
    "event_types",
    "event_type_versions",
    "segments",
    "replays",
    "alert_rules",
    "workflows",
    "workflow_routes",
    "workflow_runs",
    "workflow_steps",
    "workflow_audit",
    "workflow_tasks",
    "schedules",
    "schedule_slots",
    "tenant_secrets",
    "tenant_data",
  ].map((table) => ({ table })),
];
const PURGE_ROWS = 2000;
const PURGE_ROUNDS_MAX = 500;

/** Removes what a deleted tenant wrote, in bounded steps, so that a namesake made later finds nothing. */
export async function purgeTraffic(db: D1Database, tenant: string): Promise<void> {
  for (const { table, cut } of TRAFFIC) {
    const sql = purgeStatement(table, cut);
    for (let round = 0; round < PURGE_ROUNDS_MAX; round += 1) {
      const { meta } = await db.prepare(sql).bind(tenant).run();
      if (meta.changes < PURGE_ROWS) break;
    }
  }
}

/** The wire form: everything open, and the names of what is sealed. */
export function viewTenant({ row, config }: StoredTenant): TenantView {
  const split = config.route && splitRoute(config.route);
  return {
    id: row.id,
    name: row.name,
    active: row.active,
    config: split ? { ...config, route: split.route } : config,
    secretsSet: Object.keys(split?.secrets ?? {}).map((name) => `route.${name}`),
    evolutionInstance: row.evolutionInstance,
    createdAt: new Date(row.createdAt).toISOString(),
    updatedAt: new Date(row.updatedAt).toISOString(),
  };
}

function purgeStatement(table: string, cut: "id" | "seq" | undefined): string {
  if (cut === undefined) return `DELETE FROM ${table} WHERE tenant_id = ?1`;
  return `DELETE FROM ${table} WHERE tenant_id = ?1 AND ${cut} IN
    (SELECT ${cut} FROM ${table} WHERE tenant_id = ?1 LIMIT ${PURGE_ROWS})`;
}

async function sealConfig(vault: Vault, tenant: string, config: TenantConfig): Promise<string> {
  if (!config.route) return JSON.stringify(config);
  const { route, secrets } = splitRoute(config.route);
  if (Object.keys(secrets).length === 0) return JSON.stringify(config);
  const sealedRoute = await vault.seal(tenant, TENANT_ROUTE_KIND, JSON.stringify(secrets));
  return JSON.stringify({ ...config, route, sealedRoute } satisfies StoredTenantConfig);
}

async function open(vault: Vault, row: TenantRow): Promise<StoredTenant> {
  return { row, config: await readTenantConfig(vault, row.id, row.config as StoredTenantConfig) };
}
