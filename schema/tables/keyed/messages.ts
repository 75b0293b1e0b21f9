/**
 * The hot tables. Natural keys and `WITHOUT ROWID` (one billed row per write instead of two), which
 * drizzle-kit cannot say: their SQL is a custom migration, and a test holds it against these columns.
 *
 * Messages live in three slots by the age of their id (30 days each, `domain/messaging/message-id.ts`):
 * a slot whose time is over is dropped, never deleted from row by row. The view `messages` joins them.
 */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { MessageContent } from "../../message.ts";

/** Columns shared by the view `messages` and the slots `messages_0` … `messages_2`. Times in ms since the epoch. */
export const messages = sqliteTable("messages", {
  tenantId: text("tenant_id").notNull(),
  /** `msg_` + 48-bit time + entropy, so that ids of a tenant sort by time. Primary key with tenant_id. */
  id: text("id").notNull(),
  conversationId: text("conversation_id").notNull(),
  connectionId: text("connection_id").notNull(),
  source: text("source").notNull(),
  direction: text("direction", { enum: ["inbound", "outbound"] }).notNull(),
  kind: text("kind").notNull(),
  platformId: text("platform_id"),
  targetId: text("target_id"),
  content: text("content", { mode: "json" }).$type<MessageContent>().notNull(),
  /** Everything else of the unified message, the turn, and the times of each hop (`MessageRowMetadata`). */
  metadata: text("metadata", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
  createdAt: integer("created_at").notNull(),
  processedAt: integer("processed_at"),
  status: text("status").notNull().default("pending"),
  statusRank: integer("status_rank").notNull().default(0),
});

/** Statuses that came before the answer of the send they belong to. Keyed (tenant_id, connection_id, platform_id). */
export const pendingStatuses = sqliteTable("pending_statuses", {
  tenantId: text("tenant_id").notNull(),
  connectionId: text("connection_id").notNull(),
  platformId: text("platform_id").notNull(),
  status: text("status").notNull(),
  statusRank: integer("status_rank").notNull(),
  detail: text("detail"),
  at: integer("at").notNull(),
});

/** One row per conversation, written with its first message; the sweeper walks it. Keyed (tenant_id, id). */
export const conversations = sqliteTable("conversations", {
  tenantId: text("tenant_id").notNull(),
  id: text("id").notNull(),
  connectionId: text("connection_id").notNull(),
  /** The platform's address (may be a phone number): tenant data, never logged. */
  conversationKey: text("conversation_key").notNull(),
  createdAt: integer("created_at").notNull(),
  sweepAt: integer("sweep_at").notNull(),
});

/** Other names of one person on one connection, learned when two come together. Keyed (tenant_id, connection_id, alias). */
export const aliases = sqliteTable("aliases", {
  tenantId: text("tenant_id").notNull(),
  connectionId: text("connection_id").notNull(),
  alias: text("alias").notNull(),
  personId: text("person_id").notNull(),
  createdAt: integer("created_at").notNull(),
});

/** What could not be done, with its payload: the projection of the conversation's own state. Keyed (tenant_id, id). */
export const deadLetters = sqliteTable("dead_letters", {
  tenantId: text("tenant_id").notNull(),
  /** `dl_` + time + entropy. */
  id: text("id").notNull(),
  /** quarantine (a webhook that could not be read), turn (a route that kept failing), send (a message not delivered), event (a delivery nobody took). */
  stage: text("stage", { enum: ["quarantine", "turn", "send", "event"] }).notNull(),
  reason: text("reason").notNull(),
  connectionId: text("connection_id"),
  conversationId: text("conversation_id"),
  messageId: text("message_id"),
  /** Groups equal failures: stage, reason and the error's shape. */
  fingerprint: text("fingerprint").notNull(),
  /** Raw bytes in base64 (quarantine), or the item as JSON. */
  payload: text("payload").notNull(),
  /** `[{atMs, attempt, reason, detail?}]`, newest last, at most 20. */
  history: text("history", { mode: "json" }).$type<DeadLetterAttempt[]>().notNull(),
  state: text("state", { enum: ["dead", "replaying", "replayed", "discarded"] })
    .notNull()
    .default("dead"),
  createdAt: integer("created_at").notNull(),
  expiresAt: integer("expires_at").notNull(),
  /** Of a dead event: who should have had it, and which it was. */
  subscriptionId: text("subscription_id"),
  eventType: text("event_type"),
  eventId: text("event_id"),
});

export interface DeadLetterAttempt {
  readonly atMs: number;
  readonly attempt: number;
  readonly reason: string;
  readonly detail?: string;
}
