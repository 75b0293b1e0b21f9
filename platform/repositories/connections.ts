/**
 * Connections in the database: sealed on the way in, opened only for whoever must call the platform.
 * Every statement names the tenant, except the look-up by id that `/instances/{id}` begins with.
 */
import { and, asc, eq, gt } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { addressOf, providerOf } from "../../domain/connections/address.ts";
import {
  type ConnectionSecrets,
  joinConnection,
  type OpenConnection,
  splitConnection,
} from "../../domain/connections/secrets.ts";
import { HubError } from "../../domain/errors.ts";
import { changedMembers } from "../../domain/events/hub-changes.ts";
import type { HubEvent } from "../../domain/events/hub-event.ts";
import type { ConnectionInput } from "../../schema/connection.ts";
import { connections } from "../../schema/tables/tenants.ts";
import { outboxInsert, outboxInsertWhere, writeTelling } from "../outbox.ts";
import { connectionSecretsKind } from "../tenant-config.ts";
import type { Vault } from "../vault.ts";
import { guarded } from "./constraint.ts";

export interface Store {
  readonly db: D1Database;
  readonly vault: Vault;
}

export type ConnectionRow = typeof connections.$inferSelect;

/** A row with its secrets opened. Never stored, logged or answered like this. */
export interface StoredConnection {
  readonly row: ConnectionRow;
  readonly input: ConnectionInput;
}

/** Connections one tenant may have. */
const CONNECTIONS_MAX = 500;

/**
 * Whether the connection is written for the operator, who may connect a Discord application twice, or
 * for a tenant, who may not claim another's: a public key is public, so anybody can present it.
 */
export interface WriteOptions {
  readonly byOperator?: boolean;
}

/** True where another connection (`<> id`) has the Discord application and public key of `config`. */
function claimed(address: string, config: string, id: string): string {
  return `EXISTS (SELECT 1 FROM connections AS o WHERE o.provider = 'discord' AND o.address = ${address}
    AND o.id <> ${id} AND lower(json_extract(o.config, '$.credentials.publicKey'))
      = lower(json_extract(${config}, '$.credentials.publicKey')))`;
}

/**
 * NULL stands for a refusal (the column is NOT NULL, so the whole batch fails): a tenant that is not
 * there, a tenant that has its fill, or a Discord application somebody has already.
 */
const INSERT = `INSERT INTO connections
  (id, tenant_id, channel, provider, address, config, credentials, active, created_at, updated_at)
  VALUES (?1, (SELECT id FROM tenants WHERE id = ?2), ?3, ?4,
    CASE WHEN ?10 = 0 AND ?4 = 'discord' AND ${claimed("?5", "?6", "?1")} THEN NULL ELSE ?5 END,
    CASE WHEN (SELECT count(*) FROM connections WHERE tenant_id = ?2) >= ${CONNECTIONS_MAX}
      THEN NULL ELSE ?6 END,
    ?7, ?8, ?9, ?9)`;

const REFUSALS = {
  "connections.id": new HubError("conflict", "a connection with this id exists"),
  "connections.tenant_id": new HubError("not_found"),
  "connections.address": new HubError("conflict", "this Discord application is connected already"),
  "connections.config": new HubError(
    "conflict",
    `a tenant may have ${CONNECTIONS_MAX} connections`,
  ),
};

/** Stores a new connection. Throws conflict or not_found. */
export async function createConnection(
  store: Store,
  tenant: string,
  input: ConnectionInput,
  nowMs: number,
  options: WriteOptions = {},
): Promise<StoredConnection> {
  const statements = await connectionInserts(store, tenant, [input], nowMs, options);
  await writeConnections(store.db, tenant, statements);
  return needConnection(store, tenant, input.id);
}

/** Runs statements that include `connectionInserts`, all or none. */
export async function writeConnections(
  db: D1Database,
  tenant: string,
  statements: readonly D1PreparedStatement[],
  refusals: Readonly<Record<string, HubError>> = {},
): Promise<void> {
  await guarded(writeTelling(db, tenant, statements), { ...REFUSALS, ...refusals });
}

/** The statements that store these connections, for a batch. */
export async function connectionInserts(
  { db, vault }: Store,
  tenant: string,
  inputs: readonly ConnectionInput[],
  nowMs: number,
  { byOperator = false }: WriteOptions = {},
): Promise<D1PreparedStatement[]> {
  const statements = await Promise.all(
    inputs.map(async (input) => {
      const { config, sealed } = await seal(vault, tenant, input);
      const provider = providerOf(input);
      const active = input.active === false ? 0 : 1;
      const insert = db
        .prepare(INSERT)
        .bind(
          input.id,
          tenant,
          input.channel,
          provider,
          addressOf(input),
          config,
          sealed,
          active,
          nowMs,
          byOperator ? 1 : 0,
        );
      const told = connectionEvent("connection.created", input, { active: active === 1 });
      const telling = outboxInsert(db, tenant, told, nowMs);
      return input.channel === "whatsapp"
        ? [insert, telling, noteInstance(db, tenant, input.instance)]
        : [insert, telling];
    }),
  );
  return statements.flat();
}

/** Throws not_found where this tenant has no such connection. */
export async function needConnection(
  store: Store,
  tenant: string,
  id: string,
): Promise<StoredConnection> {
  const found = await findConnection(store, id);
  if (found?.row.tenantId !== tenant) throw new HubError("not_found");
  return found;
}

/** By id alone: the caller must check whose it is before it says anything. */
export async function findConnection(
  { db, vault }: Store,
  id: string,
): Promise<StoredConnection | undefined> {
  const [row] = await drizzle(db).select().from(connections).where(eq(connections.id, id));
  return row && open(vault, row);
}

/** A page of a tenant's connections by id, at most `limit`. */
export async function listConnections(
  { db, vault }: Store,
  tenant: string,
  after: string | undefined,
  limit: number,
): Promise<readonly StoredConnection[]> {
  const rows = await drizzle(db)
    .select()
    .from(connections)
    .where(and(eq(connections.tenantId, tenant), gt(connections.id, after ?? "")))
    .orderBy(asc(connections.id))
    .limit(limit);
  return Promise.all(rows.map((row) => open(vault, row)));
}

/** Replaces a connection, if it is still as `before` knew it. Throws precondition_failed. */
export async function updateConnection(
  store: Store,
  before: ConnectionRow,
  input: ConnectionInput,
  nowMs: number,
  { byOperator = false }: WriteOptions = {},
): Promise<StoredConnection> {
  const { id, tenantId } = before;
  const { config, sealed } = await seal(store.vault, tenantId, input);
  const updatedAt = Math.max(nowMs, before.updatedAt + 1);
  const update = store.db
    .prepare(
      `UPDATE connections SET config = ?1, credentials = ?2, active = ?3, updated_at = ?4,
       webhook_digest = NULL,
       address = CASE WHEN ?10 = 0 AND ?5 = 'discord' AND ${claimed("?6", "?1", "?7")}
         THEN NULL ELSE ?6 END
       WHERE id = ?7 AND tenant_id = ?8 AND updated_at = ?9`,
    )
    .bind(
      config,
      sealed,
      input.active === false ? 0 : 1,
      updatedAt,
      before.provider,
      addressOf(input),
      id,
      tenantId,
      before.updatedAt,
      byOperator ? 1 : 0,
    );
  const known = await open(store.vault, before);
  const telling = tellUpdate(store.db, known, input, nowMs);
  const written = writeTelling(store.db, tenantId, [update, ...telling]);
  const [updated] = await guarded(written, REFUSALS);
  if (updated?.meta.changes === 0) throw new HubError("precondition_failed");
  return needConnection(store, tenantId, id);
}

/** Behind the update; nothing where nothing is different. Of credentials the names. */
function tellUpdate(
  db: D1Database,
  before: StoredConnection,
  input: ConnectionInput,
  nowMs: number,
): readonly D1PreparedStatement[] {
  const active = input.active !== false;
  const changed = changedMembers(before.input, { ...input, active });
  if (changed.length === 0) return [];
  const told = connectionEvent("connection.updated", input, { active, changed });
  return [outboxInsert(db, before.row.tenantId, told, nowMs, "if_changed")];
}

function connectionEvent(
  type: HubEvent["type"],
  { id, channel }: Pick<ConnectionInput, "id" | "channel">,
  data: HubEvent["data"],
): HubEvent {
  return { type, subject: id, connection: id, data: { connection: id, channel, ...data } };
}

/** Forgets a connection and its rules. True where there was one. */
export async function deleteConnection(
  { db }: Store,
  tenant: string,
  id: string,
): Promise<boolean> {
  const data = { connection: id };
  const event = { type: "connection.deleted", subject: id, connection: id, data } as const;
  const own = { from: "connections", column: "channel", id, where: ["true"] } as const;
  const [, deleted] = await writeTelling(db, tenant, [
    outboxInsertWhere(db, tenant, event, Date.now(), own),
    db.prepare("DELETE FROM connections WHERE id = ?1 AND tenant_id = ?2").bind(id, tenant),
    db
      .prepare("DELETE FROM access_rules WHERE connection_id = ?1 AND tenant_id = ?2")
      .bind(id, tenant),
  ]);
  return (deleted?.meta.changes ?? 0) > 0;
}

async function seal(vault: Vault, tenant: string, input: ConnectionInput) {
  const { config, secrets } = splitConnection(input);
  const kind = connectionSecretsKind(input.id);
  const sealed = await vault.seal(tenant, kind, JSON.stringify(secrets));
  return { config: JSON.stringify(config), sealed };
}

async function open(vault: Vault, row: ConnectionRow): Promise<StoredConnection> {
  const opened = await vault.open(row.tenantId, connectionSecretsKind(row.id), row.credentials);
  const secrets = JSON.parse(opened) as ConnectionSecrets;
  const input = joinConnection(row.config as unknown as OpenConnection, secrets);
  return { row, input: { ...input, active: row.active } };
}

function noteInstance(db: D1Database, tenant: string, instance: string): D1PreparedStatement {
  return db
    .prepare(
      "UPDATE tenants SET evolution_instance = coalesce(evolution_instance, ?1) WHERE id = ?2",
    )
    .bind(instance, tenant);
}
