/**
 * Subscriptions in the tenant's database. Secrets are sealed on the way in and opened only for whoever has to sign.
 * Every statement names the tenant.
 */
import type { EndpointHealth } from "../../domain/events/delivery.ts";
import type { Subscription } from "../../schema/subscription.ts";
import type { Vault } from "../vault.ts";

/** Subscriptions one tenant may have. */
export const SUBSCRIPTIONS_MAX = 1000;

export type SubscriptionState = "active" | "paused" | "unverified" | "disabled";

/** A subscription as it is stored; the secrets of its target are not in it. */
export interface StoredSubscription {
  readonly tenant: string;
  readonly subscription: Subscription;
  /** Rises with every change. */
  readonly version: number;
  readonly state: SubscriptionState;
  readonly stateReason: string | undefined;
  readonly health: EndpointHealth;
  readonly sealedSecrets: string | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

interface SubscriptionRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly config: string;
  readonly secrets: string | null;
  readonly version: number;
  readonly state: SubscriptionState;
  readonly state_reason: string | null;
  readonly failures: number;
  readonly failing_since: number | null;
  readonly created_at: number;
  readonly updated_at: number;
}

/** All of a tenant, by id. */
export async function readSubscriptions(
  db: D1Database,
  tenant: string,
): Promise<readonly StoredSubscription[]> {
  const { results } = await db
    .prepare("SELECT * FROM subscriptions WHERE tenant_id = ? ORDER BY id LIMIT ?")
    .bind(tenant, SUBSCRIPTIONS_MAX)
    .all<SubscriptionRow>();
  return results.map(storedOf);
}

/** A page of a tenant's own subscriptions by id, at most `limit`; those that workflows keep (`$…`) are not among them. */
export async function listSubscriptions(
  db: D1Database,
  tenant: string,
  after: string | undefined,
  limit: number,
): Promise<readonly StoredSubscription[]> {
  const { results } = await db
    .prepare("SELECT * FROM subscriptions WHERE tenant_id = ? AND id > ? ORDER BY id LIMIT ?")
    .bind(tenant, after ?? "%", limit)
    .all<SubscriptionRow>();
  return results.map(storedOf);
}

/** Ids of the subscriptions that forward into one. */
export async function forwardersTo(
  db: D1Database,
  tenant: string,
  id: string,
): Promise<readonly string[]> {
  const { results } = await db
    .prepare(
      `SELECT id FROM subscriptions WHERE tenant_id = ? AND json_extract(config, '$.target.kind') = 'queue'
       AND json_extract(config, '$.target.subscription') = ? ORDER BY id LIMIT 10`,
    )
    .bind(tenant, id)
    .all<{ id: string }>();
  return results.map((row) => row.id);
}

export async function findSubscription(
  db: D1Database,
  tenant: string,
  id: string,
): Promise<StoredSubscription | undefined> {
  const row = await db
    .prepare("SELECT * FROM subscriptions WHERE tenant_id = ? AND id = ?")
    .bind(tenant, id)
    .first<SubscriptionRow>();
  return row ? storedOf(row) : undefined;
}

/** The statement that stores a new one; none where the id is taken or the tenant has its fill (`changes` is 0). */
export function insertSubscription(
  db: D1Database,
  stored: StoredSubscription,
): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO subscriptions (tenant_id, id, config, secrets, version, state, state_reason, created_at, updated_at)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8
       WHERE (SELECT count(*) FROM subscriptions WHERE tenant_id = ?1) < ${SUBSCRIPTIONS_MAX}
       ON CONFLICT DO NOTHING`,
    )
    .bind(
      stored.tenant,
      stored.subscription.id,
      JSON.stringify(stored.subscription),
      stored.sealedSecrets ?? null,
      stored.version,
      stored.state,
      stored.stateReason ?? null,
      stored.createdAtMs,
    );
}

/** The statement that replaces one of version `version - 1`; none where somebody else was first (`changes` is 0). */
export function replaceSubscription(
  db: D1Database,
  stored: StoredSubscription,
): D1PreparedStatement {
  return db
    .prepare(
      `UPDATE subscriptions SET config = ?3, secrets = ?4, version = ?5, state = ?6, state_reason = ?7, failures = ?8, failing_since = ?9, updated_at = ?10
       WHERE tenant_id = ?1 AND id = ?2 AND version = ?5 - 1`,
    )
    .bind(
      stored.tenant,
      stored.subscription.id,
      JSON.stringify(stored.subscription),
      stored.sealedSecrets ?? null,
      stored.version,
      stored.state,
      stored.stateReason ?? null,
      stored.health.failures,
      stored.health.failingSinceMs ?? null,
      stored.updatedAtMs,
    );
}

export function deleteSubscription(
  db: D1Database,
  tenant: string,
  id: string,
): D1PreparedStatement {
  return db.prepare("DELETE FROM subscriptions WHERE tenant_id = ? AND id = ?").bind(tenant, id);
}

/** The statement that notes how an endpoint does, without a new version; none where somebody noted meanwhile. */
export function updateHealth(
  db: D1Database,
  { tenant, subscription, health: before }: StoredSubscription,
  health: EndpointHealth,
): D1PreparedStatement {
  return db
    .prepare(
      `UPDATE subscriptions SET failures = ?, failing_since = ?
       WHERE tenant_id = ? AND id = ? AND failures = ? AND failing_since IS ?`,
    )
    .bind(
      health.failures,
      health.failingSinceMs ?? null,
      tenant,
      subscription.id,
      before.failures,
      before.failingSinceMs ?? null,
    );
}

/** A secret, and until when it signs (ms); absent: until it is taken away. */
export interface SigningSecret {
  readonly text: string;
  readonly untilMs?: number;
}

/** Seals the secrets of a webhook, newest first. */
export function sealSecrets(
  vault: Vault,
  tenant: string,
  id: string,
  secrets: readonly SigningSecret[],
): Promise<string> {
  return vault.seal(tenant, secretsKind(id), JSON.stringify(secrets));
}

/** Opens those that still sign, newest first; none where nothing is sealed. */
export async function openSigningSecrets(
  vault: Vault,
  stored: StoredSubscription,
  nowMs: number,
): Promise<readonly SigningSecret[]> {
  if (stored.sealedSecrets === undefined) return [];
  const kind = secretsKind(stored.subscription.id);
  const opened = await vault.open(stored.tenant, kind, stored.sealedSecrets);
  const secrets = JSON.parse(opened) as SigningSecret[];
  return secrets.filter(({ untilMs }) => untilMs === undefined || untilMs > nowMs);
}

/** A ciphertext never opens for another subscription. */
function secretsKind(id: string): string {
  return `subscription:${id}`;
}

function storedOf(row: SubscriptionRow): StoredSubscription {
  return {
    tenant: row.tenant_id,
    subscription: JSON.parse(row.config) as Subscription,
    version: row.version,
    state: row.state,
    stateReason: row.state_reason ?? undefined,
    health: {
      failures: row.failures,
      ...(row.failing_since === null ? {} : { failingSinceMs: row.failing_since }),
    },
    sealedSecrets: row.secrets ?? undefined,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}
