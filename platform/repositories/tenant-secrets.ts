/** A tenant's secrets for actions: sealed on the way in, opened only for whoever calls out with them. */
import type { Vault } from "../vault.ts";

/** Secrets one tenant may have. */
export const TENANT_SECRETS_MAX = 200;

const kindOf = (name: string): string => `workflow_secret:${name}`;

export interface ListedSecret {
  readonly name: string;
  readonly updatedAtMs: number;
}

/** Writes one, or writes over it. False where the tenant has as many as it may. Rejects as D1 does. */
export async function putSecret(
  db: D1Database,
  vault: Vault,
  of: { readonly tenant: string; readonly name: string; readonly value: string },
  nowMs: number,
): Promise<boolean> {
  const sealed = await vault.seal(of.tenant, kindOf(of.name), of.value);
  const written = await db
    .prepare(
      `INSERT INTO tenant_secrets (tenant_id, name, sealed, updated_at) SELECT ?1, ?2, ?3, ?4
       WHERE (SELECT count(*) FROM tenant_secrets WHERE tenant_id = ?1 AND name <> ?2) < ?5
       ON CONFLICT (tenant_id, name) DO UPDATE SET sealed = ?3, updated_at = ?4`,
    )
    .bind(of.tenant, of.name, sealed, nowMs, TENANT_SECRETS_MAX)
    .run();
  return written.meta.changes > 0;
}

/** False where there was none. */
export async function deleteSecret(db: D1Database, tenant: string, name: string): Promise<boolean> {
  const gone = await db
    .prepare("DELETE FROM tenant_secrets WHERE tenant_id = ? AND name = ?")
    .bind(tenant, name)
    .run();
  return gone.meta.changes > 0;
}

/** Names, never values. */
export async function listSecrets(
  db: D1Database,
  tenant: string,
): Promise<readonly ListedSecret[]> {
  const { results } = await db
    .prepare("SELECT name, updated_at FROM tenant_secrets WHERE tenant_id = ? ORDER BY name")
    .bind(tenant)
    .all<{ name: string; updated_at: number }>();
  return results.map(({ name, updated_at: updatedAtMs }) => ({ name, updatedAtMs }));
}

/** Opened values of those that are there, by name. Must not be stored or logged. Rejects as D1 and the vault do. */
export async function openSecrets(
  db: D1Database,
  vault: Vault,
  tenant: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { results } = await db
    .prepare(
      `SELECT name, sealed FROM tenant_secrets WHERE tenant_id = ?1
       AND name IN (SELECT value FROM json_each(?2))`,
    )
    .bind(tenant, JSON.stringify(names))
    .all<{ name: string; sealed: string }>();
  const opened = results.map(
    async ({ name, sealed }) => [name, await vault.open(tenant, kindOf(name), sealed)] as const,
  );
  return new Map(await Promise.all(opened));
}
