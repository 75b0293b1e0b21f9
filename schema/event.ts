/**
 * Events: the envelope that is stored, routed and delivered, and what a publisher hands in. Types are routing
 * keys (words between dots); everything that is about the event rather than in it is `metadata`.
 */
import * as z from "zod";

/** Longest event type, in characters: a routing key has at most 255 bytes (RabbitMQ, shortstr). */
export const EVENT_TYPE_CHARS_MAX = 255;
/** Priorities go from 0 (also: none given) to this; higher goes first. */
export const PRIORITY_MAX = 9;
/** Longest delay of one event, in ms: 7 days. */
export const DELAY_MS_MAX = 7 * 24 * 3_600_000;
/** Longest time to live of one event, in ms: 14 days. 0 means "now or never". */
export const TTL_MS_MAX = 14 * 24 * 3_600_000;
/**
 * How deep a chain of events may be in which the hub itself goes on from one to the next. An event that deep starts no
 * run and goes into no conversation. AWS Lambda ends recursive invocations after about as many (AWS Lambda docs: "Use
 * Lambda recursive loop detection").
 */
export const EVENT_DEPTH_MAX = 16;
/** Longest idempotency key, partition key, source or id, in characters. */
export const EVENT_KEY_CHARS_MAX = 512;

const key = z.string().min(1).max(EVENT_KEY_CHARS_MAX);

/** Words of letters, digits, `_` and `-`, with dots between them. */
export const EventType = z
  .string()
  .max(EVENT_TYPE_CHARS_MAX)
  .regex(/^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/);

/** `1`, `1.0`, `2.1`: the version of the event type's schema, major before minor. */
export const EventVersion = z.string().regex(/^\d{1,6}(?:\.\d{1,6})?$/);

/** A CloudEvents attribute value: text, truth or a 32-bit integer. */
export const AttributeValue = z.union([z.string(), z.boolean(), z.int32()]);
export type AttributeValue = z.infer<typeof AttributeValue>;

/** How `data` reads where it is no JSON value: `text` as it is, `base64` for bytes. */
export const DataEncoding = z.enum(["json", "text", "base64"]);
export type DataEncoding = z.infer<typeof DataEncoding>;

/** What is known about an event. Every name the CloudEvents extensions have keeps its meaning. */
export const EventMetadata = z.strictObject({
  /** The conversation of events this one belongs to. */
  correlation_id: z.optional(key),
  /** The event that caused this one. */
  causation_id: z.optional(key),
  /** How often the hub went on by itself from one event to another before this one. Absent: 0. */
  depth: z.optional(z.int().min(0).max(EVENT_DEPTH_MAX)),
  subject: z.optional(z.string().min(1)),
  /** Events of one partition key are delivered in the order in which they were accepted. */
  partition_key: z.optional(key),
  priority: z.optional(z.int().min(0).max(PRIORITY_MAX)),
  /** ISO 8601: not delivered after this instant. */
  expires_at: z.optional(z.iso.datetime({ offset: true })),
  traceparent: z.optional(z.string()),
  tracestate: z.optional(z.string()),
  /** Media type of `data`; JSON where absent. */
  content_type: z.optional(z.string()),
  /** Absent: `json`. */
  data_encoding: z.optional(DataEncoding),
  /** Absolute URI of the schema that `data` follows. */
  schema: z.optional(z.string()),
  /** Present on a delivery that a replay caused. */
  replay_id: z.optional(key),
  /** CloudEvents extension attributes that mean nothing to the hub. */
  extensions: z.optional(z.record(z.string(), AttributeValue)),
});
export type EventMetadata = z.infer<typeof EventMetadata>;

/** One event as it is stored and delivered. `data` is absent for an event without a payload. */
export const EventEnvelope = z.strictObject({
  event_id: key,
  event_type: EventType,
  event_version: EventVersion,
  /** When it happened, ISO 8601 with zone. */
  timestamp: z.iso.datetime({ offset: true }),
  /** Who says so: a URI reference. */
  source: key,
  data: z.optional(z.unknown()),
  metadata: EventMetadata,
});
export type EventEnvelope = z.infer<typeof EventEnvelope>;

/** What a publisher hands in; the hub adds what is missing. */
export const PublishInput = z.strictObject({
  event_type: EventType,
  data: z.optional(z.unknown()),
  event_id: z.optional(key),
  event_version: z.optional(EventVersion),
  timestamp: z.optional(z.iso.datetime({ offset: true })),
  source: z.optional(key),
  /** Two inputs with one key within 24 h are one event. Absent: source and id, else the content. */
  idempotency_key: z.optional(key),
  partition_key: z.optional(key),
  priority: z.optional(z.int().min(0).max(PRIORITY_MAX)),
  ttl_ms: z.optional(z.int().min(0).max(TTL_MS_MAX)),
  delay_ms: z.optional(z.int().min(0).max(DELAY_MS_MAX)),
  metadata: z.optional(EventMetadata),
});
export type PublishInput = z.infer<typeof PublishInput>;
