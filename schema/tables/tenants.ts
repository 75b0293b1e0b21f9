/** Tenants, their connections, keys and rules: read often, written rarely, so ordinary rowid tables. Times are ms since the epoch. */
import {
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";

/** One customer of this hub. `config` is `TenantConfig` (route, policy, limits, switches). */
export const tenants = sqliteTable("tenants", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  config: text("config", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
  /** The tenant's first Evolution instance, kept for readers of the older table shape. */
  evolutionInstance: text("evolution_instance"),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
  active: integer("active", { mode: "boolean" }).notNull().default(true),
});

/** One account of a tenant on one channel. `credentials` is sealed (`platform/vault.ts`), `config` holds the rest of `ConnectionInput`. */
export const connections = sqliteTable(
  "connections",
  {
    id: text("id").primaryKey(),
    tenantId: text("tenant_id").notNull(),
    channel: text("channel").notNull(),
    provider: text("provider").notNull(),
    /** What a channel-wide webhook names: Evolution instance, Slack `team` , Discord application id. */
    address: text("address").notNull(),
    config: text("config", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
    credentials: text("credentials").notNull(),
    /** Last state the platform told: open, connecting, closed, refused, qr, revoked. */
    state: text("state").notNull().default("unknown"),
    stateDetail: text("state_detail"),
    /** Digest of the webhook registration last confirmed at the platform, to see drift. */
    webhookDigest: text("webhook_digest"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    active: integer("active", { mode: "boolean" }).notNull().default(true),
  },
  (table) => [
    index("connections_tenant").on(table.tenantId, table.channel),
    index("connections_address").on(table.provider, table.address),
  ],
);

/** Hashed API keys. `prefix` finds the row, `hash` (SHA-256, hex) decides. */
export const apiKeys = sqliteTable(
  "api_keys",
  {
    id: text("id").primaryKey(),
    tenantId: text("tenant_id").notNull(),
    name: text("name").notNull(),
    hash: text("hash").notNull(),
    scopes: text("scopes", { mode: "json" }).$type<string[]>().notNull(),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at"),
    revokedAt: integer("revoked_at"),
  },
  (table) => [
    uniqueIndex("api_keys_hash").on(table.hash),
    index("api_keys_tenant").on(table.tenantId),
  ],
);

/** Per-tenant data keys, wrapped by the key-encryption key named `kid`. */
export const tenantKeys = sqliteTable(
  "tenant_keys",
  {
    tenantId: text("tenant_id").notNull(),
    version: integer("version").notNull(),
    kid: text("kid").notNull(),
    wrapped: text("wrapped").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.version] })],
);

/** Allow and block rules over every alias of a sender. `pattern` may end in `*`. */
export const accessRules = sqliteTable(
  "access_rules",
  {
    id: text("id").primaryKey(),
    tenantId: text("tenant_id").notNull(),
    /** Null: every connection of the tenant. */
    connectionId: text("connection_id"),
    effect: text("effect", { enum: ["allow", "block"] }).notNull(),
    pattern: text("pattern").notNull(),
    note: text("note"),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at"),
  },
  (table) => [index("access_rules_tenant").on(table.tenantId)],
);
