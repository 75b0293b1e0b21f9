/**
 * Reads stored tenants back without zod: what lies in `tenants.config` passed its schema when it was
 * written; members added to the schema since then get their defaults here.
 */
import { joinRoute, type RouteSecrets } from "../domain/connections/secrets.ts";
import type { TenantConfig } from "../schema/tenant.ts";
import {
  HISTORY_WINDOW_DEFAULT,
  MESSAGES_PER_MINUTE_DEFAULT,
  REQUESTS_PER_MINUTE_DEFAULT,
  SESSION_IDLE_MS_DEFAULT,
} from "../schema/tenant-defaults.ts";
import type { Vault } from "./vault.ts";

/** The shape of `tenants.config`: the configuration, with its route's secrets sealed apart. */
export interface StoredTenantConfig extends Partial<TenantConfig> {
  readonly sealedRoute?: string;
}

export const TENANT_ROUTE_KIND = "tenant-route";

/** The kind a connection's secrets are sealed under: a ciphertext never opens for another connection. */
export function connectionSecretsKind(connectionId: string): string {
  return `connection:${connectionId}`;
}

/** Opens and completes a stored configuration. */
export async function readTenantConfig(
  vault: Vault,
  tenant: string,
  stored: StoredTenantConfig,
): Promise<TenantConfig> {
  const { sealedRoute, route, ...rest } = stored;
  const config = withDefaults(rest);
  if (!route) return config;
  if (!sealedRoute) return { ...config, route };
  const opened = await vault.open(tenant, TENANT_ROUTE_KIND, sealedRoute);
  return { ...config, route: joinRoute(route, JSON.parse(opened) as RouteSecrets) };
}

function withDefaults(stored: Partial<TenantConfig>): TenantConfig {
  return {
    enabled: true,
    editTurns: false,
    sessionIdleMs: SESSION_IDLE_MS_DEFAULT,
    historyWindow: HISTORY_WINDOW_DEFAULT,
    secretsNeedHosts: false,
    ...stored,
    limits: {
      requestsPerMinute: REQUESTS_PER_MINUTE_DEFAULT,
      messagesPerMinute: MESSAGES_PER_MINUTE_DEFAULT,
      ...stored.limits,
    },
    tracing: { export: false, pii: false, ...stored.tracing },
    retention: { legalHold: false, ...stored.retention },
  };
}
