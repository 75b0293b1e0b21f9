/** API keys in the database: hashes only. A generated key is handed out once, by the function that makes it. */
import { and, asc, eq, gt } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { HubError } from "../../domain/errors.ts";
import { API_KEY_RANDOM_BYTES, generateApiKey, hashApiKey } from "../../domain/security/api-key.ts";
import type { ApiKeyView } from "../../schema/api/keys.ts";
import { apiKeys } from "../../schema/tables/tenants.ts";
import type { ApiKeyInput } from "../../schema/tenant.ts";
import { outboxInsert, writeTelling } from "../outbox.ts";
import { guarded } from "./constraint.ts";

export type ApiKeyRow = typeof apiKeys.$inferSelect;

/** Keys one tenant may have, revoked ones included. */
const API_KEYS_MAX = 200;

export const KEY_REFUSALS = {
  "api_keys.hash": new HubError("conflict", "this API key is in use"),
  "api_keys.id": new HubError("conflict", "this API key is in use"),
  "api_keys.tenant_id": new HubError("not_found"),
  "api_keys.name": new HubError("conflict", `a tenant may have ${API_KEYS_MAX} keys`),
};

/** NULL in a NOT NULL column refuses the write: no such tenant, or too many keys. */
const INSERT = `INSERT INTO api_keys (id, tenant_id, name, hash, scopes, created_at, expires_at)
  VALUES (?1, (SELECT id FROM tenants WHERE id = ?2),
    CASE WHEN (SELECT count(*) FROM api_keys WHERE tenant_id = ?2) >= ${API_KEYS_MAX}
      THEN NULL ELSE ?3 END, ?4, ?5, ?6, ?7)`;

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expiresAtMs: number | null;
}

/** Makes and stores a key. `key` is shown now or never. */
export async function createApiKey(
  db: D1Database,
  tenant: string,
  environment: string,
  { name, scopes, expiresAtMs }: NewKey,
  nowMs: number,
): Promise<{ readonly key: string; readonly row: ApiKeyRow }> {
  const random = crypto.getRandomValues(new Uint8Array(API_KEY_RANDOM_BYTES));
  const { key, prefix } = generateApiKey(environment, random);
  const hash = await hashApiKey(key);
  const id = `key_${prefix}`;
  const insert = db
    .prepare(INSERT)
    .bind(id, tenant, name, hash, JSON.stringify(scopes), nowMs, expiresAtMs);
  const told = tellKey(db, tenant, { id, scopes, expiresAtMs }, nowMs);
  await guarded(writeTelling(db, tenant, [insert, told]), KEY_REFUSALS);
  const [row] = await drizzle(db).select().from(apiKeys).where(eq(apiKeys.id, id));
  if (!row) throw new HubError("not_found");
  return { key, row };
}

/** The statements that store keys whose text the caller chose, for a batch with their tenant. */
export async function givenKeyInserts(
  db: D1Database,
  tenant: string,
  keys: readonly ApiKeyInput[],
  nowMs: number,
): Promise<D1PreparedStatement[]> {
  const inserts = await Promise.all(
    keys.map(async ({ key, scopes, name }, index) => {
      const hash = await hashApiKey(key);
      const id = `key_${hash.slice(0, 16)}`;
      const named = name ?? `key ${index + 1}`;
      return [
        db.prepare(INSERT).bind(id, tenant, named, hash, JSON.stringify(scopes), nowMs, null),
        tellKey(db, tenant, { id, scopes, expiresAtMs: null }, nowMs),
      ];
    }),
  );
  return inserts.flat();
}

/** Behind the insert of a key. Its name stays out: people write what they like into it. */
function tellKey(
  db: D1Database,
  tenant: string,
  { id, scopes, expiresAtMs }: Omit<NewKey, "name"> & { readonly id: string },
  nowMs: number,
): D1PreparedStatement {
  const expires = expiresAtMs === null ? {} : { expires_at: new Date(expiresAtMs).toISOString() };
  const data = { key: id, scopes, ...expires };
  return outboxInsert(db, tenant, { type: "api_key.created", subject: id, data }, nowMs);
}

/** A page of a tenant's keys by id, revoked ones included. */
export function listApiKeys(
  db: D1Database,
  tenant: string,
  after: string | undefined,
  limit: number,
): Promise<ApiKeyRow[]> {
  return drizzle(db)
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.tenantId, tenant), gt(apiKeys.id, after ?? "")))
    .orderBy(asc(apiKeys.id))
    .limit(limit);
}

/** Revokes a key for good. False where this tenant has no such key; revoking twice is fine. */
export async function revokeApiKey(
  db: D1Database,
  tenant: string,
  id: string,
  nowMs: number,
): Promise<boolean> {
  const revoke = db
    .prepare(
      "UPDATE api_keys SET revoked_at = ?1 WHERE id = ?2 AND tenant_id = ?3 AND revoked_at IS NULL",
    )
    .bind(nowMs, id, tenant);
  const told = { type: "api_key.revoked", subject: id, data: { key: id } } as const;
  const known = db
    .prepare("SELECT 1 FROM api_keys WHERE id = ? AND tenant_id = ?")
    .bind(id, tenant);
  const [, , found] = await writeTelling(db, tenant, [
    revoke,
    outboxInsert(db, tenant, told, nowMs, "if_changed"),
    known,
  ]);
  return (found?.results.length ?? 0) > 0;
}

/** The wire form, without the hash. */
export function viewApiKey(row: ApiKeyRow): ApiKeyView {
  return {
    id: row.id,
    tenant: row.tenantId,
    name: row.name,
    scopes: row.scopes,
    createdAt: new Date(row.createdAt).toISOString(),
    expiresAt: row.expiresAt === null ? null : new Date(row.expiresAt).toISOString(),
    revokedAt: row.revokedAt === null ? null : new Date(row.revokedAt).toISOString(),
  };
}
