/**
 * A tenant's secrets for actions: sealed on the way in, opened only for whoever calls out with them. The hosts that one
 * may be sent to stand beside its ciphertext and are bound into it: a list that was changed in the database opens nothing.
 */
import * as z from "zod/mini";
import { HubError } from "../../domain/errors.ts";
import { canonicalHosts, type SecretRule } from "../../domain/workflows/secrets/hosts.ts";
import type { Vault } from "../vault.ts";

/** Secrets one tenant may have. */
export const TENANT_SECRETS_MAX = 200;

/** Times that a list of hosts is read again because somebody else has just written the secret. */
const READS_MAX = 5;

/** Names of secrets hold no colon, hosts no comma. */
const kindOf = (name: string, { hosts }: SecretRule): string =>
  `workflow_secret:${name}${hosts === undefined ? "" : `:${hosts.join(",")}`}`;

export interface ListedSecret extends SecretRule {
  readonly name: string;
  readonly updatedAtMs: number;
}

/** With its value: must not be stored or logged. */
export interface OpenedSecret extends SecretRule {
  readonly value: string;
}

export interface SecretToWrite {
  readonly tenant: string;
  readonly name: string;
  readonly value: string;
  /** Null: nobody has said. Absent: those that it has. */
  readonly hosts?: readonly string[] | null;
}

/** The column `sealed` of a secret with hosts; of one without it is the ciphertext alone. */
const Bound = z.object({ hosts: z.array(z.string()), sealed: z.string() });

interface StoredSecret extends SecretRule {
  readonly sealed: string;
}

function storedOf(text: string): StoredSecret {
  return text.startsWith("{") ? Bound.parse(JSON.parse(text)) : { sealed: text };
}

/** Writes one, or writes over it. False where the tenant has as many as it may. Rejects as D1 does. */
export async function putSecret(
  db: D1Database,
  vault: Vault,
  of: SecretToWrite,
  nowMs: number,
): Promise<boolean> {
  for (let reads = 0; reads < READS_MAX; reads++) {
    const before = of.hosts === undefined ? await storedText(db, of) : undefined;
    const { hosts = before && storedOf(before).hosts } = of;
    const rule = hosts ? { hosts: canonicalHosts(hosts) } : {};
    const sealed = await vault.seal(of.tenant, kindOf(of.name, rule), of.value);
    const text = rule.hosts === undefined ? sealed : JSON.stringify({ ...rule, sealed });
    if (await written(db, of, { text, before, nowMs })) return true;
    if (before === (await storedText(db, of))) return false;
  }
  throw new HubError("unavailable", "the secret is being written by others");
}

async function storedText(
  db: D1Database,
  { tenant, name }: SecretToWrite,
): Promise<string | undefined> {
  const row = await db
    .prepare("SELECT sealed FROM tenant_secrets WHERE tenant_id = ? AND name = ?")
    .bind(tenant, name)
    .first<{ sealed: string }>();
  return row?.sealed;
}

/** Where the hosts are to stay, only over what they were read of. */
async function written(
  db: D1Database,
  { tenant, name, hosts }: SecretToWrite,
  { text, before, nowMs }: { text: string; before: string | undefined; nowMs: number },
): Promise<boolean> {
  const done = await db
    .prepare(
      `INSERT INTO tenant_secrets (tenant_id, name, sealed, updated_at) SELECT ?1, ?2, ?3, ?4
       WHERE (SELECT count(*) FROM tenant_secrets WHERE tenant_id = ?1 AND name <> ?2) < ?5
       ON CONFLICT (tenant_id, name) DO UPDATE SET sealed = ?3, updated_at = ?4
       WHERE ?6 OR tenant_secrets.sealed IS ?7`,
    )
    .bind(
      tenant,
      name,
      text,
      nowMs,
      TENANT_SECRETS_MAX,
      hosts === undefined ? 0 : 1,
      before ?? null,
    )
    .run();
  return done.meta.changes > 0;
}

/** False where there was none. */
export async function deleteSecret(db: D1Database, tenant: string, name: string): Promise<boolean> {
  const gone = await db
    .prepare("DELETE FROM tenant_secrets WHERE tenant_id = ? AND name = ?")
    .bind(tenant, name)
    .run();
  return gone.meta.changes > 0;
}

/** Names and hosts, never values. */
export async function listSecrets(
  db: D1Database,
  tenant: string,
): Promise<readonly ListedSecret[]> {
  const { results } = await db
    .prepare(
      "SELECT name, sealed, updated_at FROM tenant_secrets WHERE tenant_id = ? ORDER BY name",
    )
    .bind(tenant)
    .all<{ name: string; sealed: string; updated_at: number }>();
  return results.map(({ name, sealed, updated_at: updatedAtMs }) => {
    const { hosts } = storedOf(sealed);
    return { name, updatedAtMs, ...(hosts === undefined ? {} : { hosts }) };
  });
}

/** Those that are there, by name. Rejects as D1 and the vault do. */
export async function openSecrets(
  db: D1Database,
  vault: Vault,
  tenant: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, OpenedSecret>> {
  const { results } = await db
    .prepare(
      `SELECT name, sealed FROM tenant_secrets WHERE tenant_id = ?1
       AND name IN (SELECT value FROM json_each(?2))`,
    )
    .bind(tenant, JSON.stringify(names))
    .all<{ name: string; sealed: string }>();
  const opened = results.map(async ({ name, sealed: text }) => {
    const { sealed, ...rule } = storedOf(text);
    const value = await vault.open(tenant, kindOf(name, rule), sealed);
    return [name, { value, ...rule }] as const;
  });
  return new Map(await Promise.all(opened));
}

/** Whether a secret of the tenant's that names no hosts is sent nowhere. `db`: the one that tenants are in. Rejects as D1 does. */
export async function secretsNeedHosts(db: D1Database, tenant: string): Promise<boolean> {
  const row = await db
    .prepare("SELECT json_extract(config, '$.secretsNeedHosts') AS need FROM tenants WHERE id = ?")
    .bind(tenant)
    .first<{ need: number | null }>();
  return row?.need === 1;
}
