/**
 * Who is calling: the operator (ADMIN_API_KEY: every tenant, every scope) or a tenant's key. Keys
 * come in `Authorization: Bearer` or `x-api-key`, never in the URL. Every refusal is the same 401.
 */
import { HubError } from "../../domain/errors.ts";
import { hashApiKey, sameSecret } from "../../domain/security/api-key.ts";
import { createLookupCache } from "../../platform/lookup-cache.ts";
import { REQUESTS_PER_MINUTE_DEFAULT } from "../../schema/tenant-defaults.ts";

export type Caller =
  | { readonly kind: "operator" }
  | {
      readonly kind: "tenant";
      readonly tenant: string;
      readonly keyId: string;
      readonly scopes: readonly string[];
      readonly requestsPerMinute: number;
    };

export interface Authenticator {
  /** Throws HubError `unauthorized`. */
  identify(headers: Headers, nowMs: number): Promise<Caller>;
  /** Makes this isolate look at keys of a tenant again at once; others see changes within 30 s. */
  forget(tenant: string): void;
}

/** A key's row is trusted this long: the time a revocation needs to reach every isolate. */
const KEY_TTL_MS = 30_000;
const KEY_CHARS_MAX = 512;

interface KeyRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly scopes: string;
  readonly expires_at: number | null;
  readonly requests_per_minute: number | null;
}

const SELECT = `SELECT k.id, k.tenant_id, k.scopes, k.expires_at,
  json_extract(t.config, '$.limits.requestsPerMinute') AS requests_per_minute
  FROM api_keys k JOIN tenants t ON t.id = k.tenant_id AND t.active = 1
  WHERE k.hash = ?1 AND k.revoked_at IS NULL`;

export function createAuthenticator(db: D1Database, adminKey: string | undefined): Authenticator {
  const rows = createLookupCache<KeyRow | undefined>(KEY_TTL_MS);

  async function findRow(hash: string): Promise<KeyRow | undefined> {
    return (await db.prepare(SELECT).bind(hash).first<KeyRow>()) ?? undefined;
  }

  return {
    async identify(headers, nowMs) {
      const key = keyOf(headers);
      if (key === undefined) throw new HubError("unauthorized");
      if (adminKey !== undefined && (await sameSecret(key, adminKey))) return { kind: "operator" };
      const hash = await hashApiKey(key);
      const row = await rows.get(hash, nowMs, () => findRow(hash));
      if (!row || (row.expires_at !== null && row.expires_at <= nowMs)) {
        throw new HubError("unauthorized");
      }
      return callerOf(row);
    },
    forget(tenant) {
      rows.drop((row) => row === undefined || row.tenant_id === tenant);
    },
  };
}

function keyOf(headers: Headers): string | undefined {
  const bearer = /^bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  const key = bearer ?? headers.get("x-api-key") ?? undefined;
  return key !== undefined && key.length > 0 && key.length <= KEY_CHARS_MAX ? key : undefined;
}

function callerOf(row: KeyRow): Caller {
  return {
    kind: "tenant",
    tenant: row.tenant_id,
    keyId: row.id,
    scopes: JSON.parse(row.scopes) as string[],
    requestsPerMinute: row.requests_per_minute ?? REQUESTS_PER_MINUTE_DEFAULT,
  };
}
