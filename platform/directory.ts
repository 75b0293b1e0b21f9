/**
 * Finds the connection, tenant and access rules a webhook or send is for. Stands on the
 * acknowledgement path: raw prepared statements, one round trip when cold, none when warm, no zod.
 * Answers may be `ttlMs` old; `forget` makes this isolate look again at once, others within the TTL.
 */
import { providersOf, unambiguous } from "../domain/connections/address.ts";
import {
  type ConnectionSecrets,
  joinConnection,
  type OpenConnection,
} from "../domain/connections/secrets.ts";
import {
  resolveConnection,
  resolveRoute,
  type SimulatorOrigins,
} from "../domain/connections/simulator.ts";
import type { Connection } from "../schema/connection.ts";
import type { AccessRule, TenantConfig } from "../schema/tenant.ts";
import { createLookupCache } from "./lookup-cache.ts";
import {
  connectionSecretsKind,
  readTenantConfig,
  type StoredTenantConfig,
} from "./tenant-config.ts";
import type { Vault, WrappedKey } from "./vault.ts";

interface LocatedTenant {
  readonly id: string;
  readonly name: string;
  readonly config: TenantConfig;
  readonly active: boolean;
}

/** A connection ready for use: credentials opened, simulator words replaced. In memory only. */
export interface Located {
  readonly connection: Connection;
  readonly tenant: LocatedTenant;
  /** Rules of the tenant and of this connection, expired ones included. */
  readonly rules: readonly AccessRule[];
}

export interface Directory {
  /** `key`: a connection id, or a tenant id with exactly one active connection of that kind. Active connections only. */
  byPath(channelOrProvider: string, key: string, nowMs: number): Promise<Located | undefined>;
  /** Every active connection with one of these addresses, at most 20: several tenants may share one, except where nothing could tell them apart. */
  byAddress(
    channelOrProvider: string,
    addresses: readonly string[],
    nowMs: number,
  ): Promise<readonly Located[]>;
  /** Any connection, active or not (`connection.active === false`). */
  byId(connectionId: string, nowMs: number): Promise<Located | undefined>;
  tenant(tenantId: string, nowMs?: number): Promise<LocatedTenant | undefined>;
  /** Drops everything this isolate remembers of a tenant or connection, and every negative answer. */
  forget(tenantOrConnectionId: string): void;
}

export interface DirectoryOptions {
  readonly ttlMs: number;
  readonly simulators?: SimulatorOrigins;
}

const ADDRESSES_MAX = 10;
const ADDRESS_MATCHES_MAX = 20;
/** Rules read per tenant; the API refuses to store more. */
export const ACCESS_RULES_MAX = 1000;

interface ConnectionRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly config: string;
  readonly credentials: string;
  readonly active: number;
  readonly tenant_name: string;
  readonly tenant_config: string;
  readonly tenant_active: number;
}

interface RuleRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly connection_id: string | null;
  readonly effect: "allow" | "block";
  readonly pattern: string;
  readonly expires_at: number | null;
}

const CONNECTION = `SELECT c.id, c.tenant_id, c.config, c.credentials, c.active,
  t.name AS tenant_name, t.config AS tenant_config, t.active AS tenant_active
  FROM connections c JOIN tenants t ON t.id = c.tenant_id`;
const RULES = "SELECT tenant_id, id, connection_id, effect, pattern, expires_at FROM access_rules";
const KEYS = "SELECT tenant_id, version, kid, wrapped FROM tenant_keys";

/** One per isolate: it owns the cache. */
export function createDirectory(
  db: D1Database,
  vault: Vault,
  { ttlMs, simulators = {} }: DirectoryOptions,
): Directory {
  const located = createLookupCache<readonly Located[]>(ttlMs);
  const tenants = createLookupCache<LocatedTenant | undefined>(ttlMs);

  /** Runs one lookup: connections by `where`, with the rules and keys of the tenants they belong to. */
  async function find(
    where: string,
    parameters: readonly string[],
    order = "",
  ): Promise<readonly Located[]> {
    const owners = `SELECT c.tenant_id FROM connections c WHERE ${where}`;
    const [rows, rules, keys] = await db.batch([
      db
        .prepare(`${CONNECTION} WHERE ${where} ${order} LIMIT ${ADDRESS_MATCHES_MAX}`)
        .bind(...parameters),
      db
        .prepare(
          `${RULES} WHERE tenant_id IN (${owners}) LIMIT ${ACCESS_RULES_MAX * ADDRESS_MATCHES_MAX}`,
        )
        .bind(...parameters),
      db.prepare(`${KEYS} WHERE tenant_id IN (${owners})`).bind(...parameters),
    ]);
    const found = (rows?.results ?? []) as ConnectionRow[];
    if (found.length === 0) return [];
    await vault.prime((keys?.results ?? []) as WrappedKey[]);
    const allRules = (rules?.results ?? []) as RuleRow[];
    return Promise.all(found.map((row) => locate(vault, row, allRules, simulators)));
  }

  return {
    async byPath(channelOrProvider, key, nowMs) {
      const providers = JSON.stringify(providersOf(channelOrProvider));
      const name = `path|${channelOrProvider}|${key}`;
      const matches = await located.get(name, nowMs, () =>
        find(
          `c.provider IN (SELECT value FROM json_each(?1)) AND c.active = 1 AND c.id = ?2
           OR c.provider IN (SELECT value FROM json_each(?1)) AND c.active = 1 AND c.tenant_id = ?2`,
          [providers, key],
          "ORDER BY c.id = ?2 DESC",
        ),
      );
      return matches.find((match) => match.connection.id === key) ?? only(matches);
    },
    async byAddress(channelOrProvider, addresses, nowMs) {
      const wanted = JSON.stringify(addresses.slice(0, ADDRESSES_MAX));
      const providers = JSON.stringify(providersOf(channelOrProvider));
      const matches = await located.get(`address|${channelOrProvider}|${wanted}`, nowMs, () =>
        find(
          `c.provider IN (SELECT value FROM json_each(?1))
           AND c.address IN (SELECT value FROM json_each(?2)) AND c.active = 1`,
          [providers, wanted],
        ),
      );
      return unambiguous(matches);
    },
    async byId(connectionId, nowMs) {
      const name = `id|${connectionId}`;
      const matches = await located.get(name, nowMs, () => find("c.id = ?1", [connectionId]));
      return matches[0];
    },
    tenant(tenantId, nowMs = Date.now()) {
      return tenants.get(tenantId, nowMs, () => findTenant(db, vault, tenantId, simulators));
    },
    forget(id) {
      located.drop(
        (matches) => matches.length === 0 || matches.some((match) => isAbout(match, id)),
      );
      tenants.drop((tenant) => tenant === undefined || tenant.id === id);
    },
  };
}

async function locate(
  vault: Vault,
  row: ConnectionRow,
  rules: readonly RuleRow[],
  simulators: SimulatorOrigins,
): Promise<Located> {
  const kind = connectionSecretsKind(row.id);
  const secrets = JSON.parse(await vault.open(row.tenant_id, kind, row.credentials));
  const input = joinConnection(
    JSON.parse(row.config) as OpenConnection,
    secrets as ConnectionSecrets,
  );
  const active = row.active === 1;
  const connection = { ...resolveConnection(input, simulators), active, tenant: row.tenant_id };
  return {
    connection,
    tenant: await tenantOf(vault, row, simulators),
    rules: rules.filter((rule) => concerns(rule, row)).map(ruleOf),
  };
}

async function tenantOf(
  vault: Vault,
  row: Pick<ConnectionRow, "tenant_id" | "tenant_name" | "tenant_config" | "tenant_active">,
  simulators: SimulatorOrigins,
): Promise<LocatedTenant> {
  const stored = JSON.parse(row.tenant_config) as StoredTenantConfig;
  const config = await readTenantConfig(vault, row.tenant_id, stored);
  return {
    id: row.tenant_id,
    name: row.tenant_name,
    config: config.route ? { ...config, route: resolveRoute(config.route, simulators) } : config,
    active: row.tenant_active === 1,
  };
}

async function findTenant(
  db: D1Database,
  vault: Vault,
  tenantId: string,
  simulators: SimulatorOrigins,
): Promise<LocatedTenant | undefined> {
  const [rows, keys] = await db.batch([
    db
      .prepare(
        `SELECT id AS tenant_id, name AS tenant_name, config AS tenant_config,
         active AS tenant_active FROM tenants WHERE id = ?1`,
      )
      .bind(tenantId),
    db.prepare(`${KEYS} WHERE tenant_id = ?1`).bind(tenantId),
  ]);
  const row = rows?.results[0] as ConnectionRow | undefined;
  if (!row) return undefined;
  await vault.prime((keys?.results ?? []) as WrappedKey[]);
  return tenantOf(vault, row, simulators);
}

function concerns(rule: RuleRow, row: ConnectionRow): boolean {
  const ofConnection = rule.connection_id === null || rule.connection_id === row.id;
  return rule.tenant_id === row.tenant_id && ofConnection;
}

function ruleOf(row: RuleRow): AccessRule {
  return {
    id: row.id,
    effect: row.effect,
    pattern: row.pattern,
    ...(row.connection_id === null ? {} : { connection: row.connection_id }),
    ...(row.expires_at === null ? {} : { expiresAtMs: row.expires_at }),
  };
}

function only(matches: readonly Located[]): Located | undefined {
  return matches.length === 1 ? matches[0] : undefined;
}

function isAbout(match: Located, id: string): boolean {
  return match.connection.id === id || match.tenant.id === id;
}
