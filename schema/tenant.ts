/**
 * Tenants: one customer of this hub with its configuration. Adding a tenant with its connections and
 * keys is one value (`TenantInput`); the seed file and `POST /tenants` take the same. Access rules
 * stand here as a type, because the acknowledgement path reads them.
 */
import * as z from "zod";
import { ConnectionInput, Id } from "./connection.ts";
import { TurnPolicy } from "./policy.ts";
import { Route } from "./route.ts";
import {
  HISTORY_WINDOW_DEFAULT,
  HISTORY_WINDOW_MAX,
  MESSAGES_PER_MINUTE_DEFAULT,
  PER_MINUTE_MAX,
  REQUESTS_PER_MINUTE_DEFAULT,
  SESSION_IDLE_MS_DEFAULT,
  SESSION_IDLE_MS_MAX,
} from "./tenant-defaults.ts";

const PerMinute = z.int().gte(1).lte(PER_MINUTE_MAX);

/** Rates above which a tenant's API requests (429) and webhook messages (429) wait. */
const TenantLimits = z.strictObject({
  requestsPerMinute: PerMinute.default(REQUESTS_PER_MINUTE_DEFAULT),
  messagesPerMinute: PerMinute.default(MESSAGES_PER_MINUTE_DEFAULT),
});

/** `export`: traces leave by OTLP. `pii`: they also say what was asked and answered, and the address of the conversation; logs never do. */
const TenantTracing = z.strictObject({
  export: z.boolean().default(false),
  pii: z.boolean().default(false),
});

/** What of the archive is kept. In the database everything is kept 30 to 60 days, whatever stands here. */
const TenantRetention = z.strictObject({
  /** Days after which archived hours are deleted; absent: never. */
  archiveDays: z.int().gte(31).lte(3660).optional(),
  /** Nothing of the archive is deleted, and the tenant cannot be, while this is set. */
  legalHold: z.boolean().default(false),
});

/** How the hub treats a tenant where neither connection nor conversation says otherwise. */
export const TenantConfig = z.strictObject({
  route: Route.optional(),
  policy: TurnPolicy.optional(),
  /** Off: messages are stored, nobody answers. */
  enabled: z.boolean().default(true),
  /** On: editing a message that was already answered starts a turn. */
  editTurns: z.boolean().default(false),
  sessionIdleMs: z.int().gte(1000).lte(SESSION_IDLE_MS_MAX).default(SESSION_IDLE_MS_DEFAULT),
  historyWindow: z.int().gte(0).lte(HISTORY_WINDOW_MAX).default(HISTORY_WINDOW_DEFAULT),
  limits: TenantLimits.prefault({}),
  tracing: TenantTracing.prefault({}),
  /** On: a secret that names no hosts is sent nowhere. Off: to any public host that a definition names. */
  secretsNeedHosts: z.boolean().default(false),
  retention: TenantRetention.prefault({}),
});
export type TenantConfig = z.infer<typeof TenantConfig>;

/** `<noun>:read`, `<noun>:write`, `<noun>:*` or `*`. */
export const Scope = z
  .string()
  .max(64)
  .regex(
    /^(?:\*|[a-z][a-z_-]*:(?:read|write|\*))$/,
    "expected *, <noun>:read, <noun>:write or <noun>:*",
  );
export type Scope = z.infer<typeof Scope>;

export const Scopes = z.array(Scope).min(1).max(64);

/** A key whose text the caller chose. Stored hashed, never read back. */
export const ApiKeyInput = z.strictObject({
  key: z.string().min(1).max(256),
  scopes: Scopes.default(["*"]),
  name: z.string().min(1).max(200).optional(),
});
export type ApiKeyInput = z.infer<typeof ApiKeyInput>;

/** A new tenant: everything it needs in one value. `name` defaults to the id. */
export const TenantInput = z.strictObject({
  id: Id,
  name: z.string().min(1).max(200).optional(),
  config: TenantConfig.prefault({}),
  active: z.boolean().default(true),
  connections: z.array(ConnectionInput).max(100).default([]),
  apiKeys: z.array(ApiKeyInput).max(20).default([]),
});
export type TenantInput = z.infer<typeof TenantInput>;

/** An allow or block rule as it is read on the hot path. `pattern` may end in `*`. */
export interface AccessRule {
  readonly id: string;
  /** Absent: every connection of the tenant. */
  readonly connection?: string;
  readonly effect: "allow" | "block";
  readonly pattern: string;
  /** ms since the epoch; the rule is void from then on. */
  readonly expiresAtMs?: number;
}
