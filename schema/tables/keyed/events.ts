/**
 * The tables of the event backbone. Natural keys and `WITHOUT ROWID`, like the messages beside them; what grows
 * with traffic lives in three slots of 30 days behind a view (`domain/messaging/message-id.ts`) and leaves by DROP.
 */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Every published event, in the order of its shard. Keyed (tenant_id, seq, shard); index (tenant_id, id). */
export const events = sqliteTable("events", {
  tenantId: text("tenant_id").notNull(),
  /** About ms since the epoch, strictly rising within a shard; names the slot. */
  seq: integer("seq").notNull(),
  shard: text("shard").notNull(),
  id: text("id").notNull(),
  type: text("type").notNull(),
  partitionKey: text("partition_key"),
  /** The envelope (`schema/event.ts`) as JSON. */
  body: text("body").notNull(),
});

/** Who wants which events, and where they go. Keyed (tenant_id, id). */
export const subscriptions = sqliteTable("subscriptions", {
  tenantId: text("tenant_id").notNull(),
  id: text("id").notNull(),
  /** `StoredSubscription` without secrets, as JSON. */
  config: text("config").notNull(),
  /** Sealed JSON list of the target's secrets, newest first; null where it has none. */
  secrets: text("secrets"),
  /** Rises with every change. */
  version: integer("version").notNull(),
  /** `unverified`: its endpoint has not proven that it wants deliveries. Only `active` ones get any; the others keep theirs. */
  state: text("state", { enum: ["active", "paused", "unverified", "disabled"] }).notNull(),
  /** Why, for people and programs: `operator`, `gone`, `failing`, `challenge`. */
  stateReason: text("state_reason"),
  /** Failures in a row of the endpoint, and since when (ms); 0 and null while it works. */
  failures: integer("failures").notNull().default(0),
  failingSince: integer("failing_since"),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** One row per attempt to hand an event over. Keyed (tenant_id, subscription_id, id); index (tenant_id, event_id). */
export const deliveryAttempts = sqliteTable("delivery_attempts", {
  tenantId: text("tenant_id").notNull(),
  subscriptionId: text("subscription_id").notNull(),
  /** `att_` + time + entropy; the time names the slot. */
  id: text("id").notNull(),
  eventId: text("event_id").notNull(),
  eventType: text("event_type").notNull(),
  shard: text("shard").notNull(),
  seq: integer("seq").notNull(),
  attempt: integer("attempt").notNull(),
  /** `schedule`, `resend`, `test` or `replay`. */
  cause: text("cause").notNull(),
  /** `success`, `failure`, `rejected`, `gone`, `aborted`, `skipped`. */
  outcome: text("outcome").notNull(),
  /** A failure's name: `timeout`, `http_500`, `refused_private_address` …; null for a success. */
  reason: text("reason"),
  status: integer("status"),
  durationMs: integer("duration_ms").notNull(),
  /** JSON, secrets and signatures left out. */
  requestHeaders: text("request_headers").notNull(),
  /** The first 16 KiB of the answer. */
  responseBody: text("response_body"),
  /** When it is tried again, ms; null where it is not. */
  nextAt: integer("next_at"),
  createdAt: integer("created_at").notNull(),
});

/** Event types a tenant has declared. Keyed (tenant_id, name). */
export const eventTypes = sqliteTable("event_types", {
  tenantId: text("tenant_id").notNull(),
  name: text("name").notNull(),
  description: text("description").notNull().default(""),
  compatibility: text("compatibility", { enum: ["backward", "forward", "full", "none"] }).notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** Their schemas. Keyed (tenant_id, name, version). */
export const eventTypeVersions = sqliteTable("event_type_versions", {
  tenantId: text("tenant_id").notNull(),
  name: text("name").notNull(),
  version: text("version").notNull(),
  /** JSON Schema. */
  schema: text("schema").notNull(),
  createdAt: integer("created_at").notNull(),
});

/** State changes that were written together with what they tell of and have not been published yet. Keyed (tenant_id, id). */
export const outbox = sqliteTable("outbox", {
  tenantId: text("tenant_id").notNull(),
  id: text("id").notNull(),
  /** The envelope as JSON. */
  body: text("body").notNull(),
  createdAt: integer("created_at").notNull(),
});

/** Archive objects. Keyed (tenant_id, kind, hour, part). Can be made anew from the objects alone. */
export const segments = sqliteTable("segments", {
  tenantId: text("tenant_id").notNull(),
  kind: text("kind", { enum: ["messages", "events"] }).notNull(),
  /** Start of the hour, ms. */
  hour: integer("hour").notNull(),
  part: integer("part").notNull(),
  key: text("key").notNull(),
  rows: integer("rows").notNull(),
  /** Of the NDJSON, uncompressed. */
  bytes: integer("bytes").notNull(),
  /** Of the NDJSON, uncompressed; hexadecimal. */
  sha256: text("sha256").notNull(),
  /** First and last row's number or id, as text. */
  first: text("first").notNull(),
  last: text("last").notNull(),
  /** 1: gzip under the cold prefix. */
  cold: integer("cold").notNull().default(0),
  createdAt: integer("created_at").notNull(),
});

/** Replays and bulk replays of dead letters: what was asked and how far it is. Keyed (tenant_id, id). */
export const replays = sqliteTable("replays", {
  tenantId: text("tenant_id").notNull(),
  id: text("id").notNull(),
  kind: text("kind", { enum: ["events", "dead_letters"] }).notNull(),
  spec: text("spec").notNull(),
  state: text("state", {
    enum: ["running", "paused", "done", "cancelled", "failed"],
  }).notNull(),
  done: integer("done").notNull().default(0),
  total: integer("total"),
  reason: text("reason"),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** Alert rules with their state. Keyed (tenant_id, id). */
export const alertRules = sqliteTable("alert_rules", {
  tenantId: text("tenant_id").notNull(),
  id: text("id").notNull(),
  config: text("config").notNull(),
  /** How the last evaluations went, as JSON. */
  state: text("state").notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});
