/**
 * Events: the envelope that is stored, routed and delivered, and what a publisher hands in. Types are routing
 * keys (words between dots); everything that is about the event rather than in it is `metadata`.
 */
import * as z from "zod";
import { EVENT_DEPTH_MAX } from "./event-depth.ts";

/** Longest event type, in characters: a routing key has at most 255 bytes (RabbitMQ, shortstr). */
export const EVENT_TYPE_CHARS_MAX = 255;
/** Priorities go from 0 (also: none given) to this; higher goes first. */
export const PRIORITY_MAX = 9;
/** Longest delay of one event, in ms: 7 days. */
export const DELAY_MS_MAX = 7 * 24 * 3_600_000;
/** Longest time to live of one event, in ms: 14 days. 0 means "now or never". */
export const TTL_MS_MAX = 14 * 24 * 3_600_000;
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
  correlation_id: z.optional(key).describe("The conversation of events this one belongs to."),
  causation_id: z.optional(key).describe("The event that caused this one."),
  depth: z
    .optional(z.int().min(0).max(EVENT_DEPTH_MAX))
    .describe(
      "How often the hub went on by itself from one event to another before this one. Absent: 0.",
    ),
  subject: z.optional(z.string().min(1)),
  partition_key: z
    .optional(key)
    .describe(
      "Events of one partition key are delivered in the order in which they were accepted.",
    ),
  priority: z.optional(z.int().min(0).max(PRIORITY_MAX)),
  expires_at: z
    .optional(z.iso.datetime({ offset: true }))
    .describe("ISO 8601: not delivered after this instant."),
  traceparent: z.optional(z.string()),
  tracestate: z.optional(z.string()),
  content_type: z.optional(z.string()).describe("Media type of `data`; JSON where absent."),
  data_encoding: z.optional(DataEncoding).describe("Absent: `json`."),
  schema: z.optional(z.string()).describe("Absolute URI of the schema that `data` follows."),
  replay_id: z.optional(key).describe("Present on a delivery that a replay caused."),
  extensions: z
    .optional(z.record(z.string(), AttributeValue))
    .describe("CloudEvents extension attributes that mean nothing to the hub."),
});
export type EventMetadata = z.infer<typeof EventMetadata>;

/** One event as it is stored and delivered. `data` is absent for an event without a payload. */
export const EventEnvelope = z.strictObject({
  event_id: key,
  event_type: EventType,
  event_version: EventVersion,
  timestamp: z.iso.datetime({ offset: true }).describe("When it happened, ISO 8601 with zone."),
  source: key.describe("Who says so: a URI reference."),
  data: z.optional(z.unknown()),
  metadata: EventMetadata,
});
export type EventEnvelope = z.infer<typeof EventEnvelope>;

/** What a publisher hands in; the hub adds what is missing. */
export const PublishInput = z.strictObject({
  event_type: EventType,
  data: z.optional(z.unknown()).describe("Checked against the JSON Schema of the type's version."),
  event_id: z.optional(key).describe("Unique within its `source`. Absent: the hub makes one."),
  event_version: z.optional(EventVersion).describe("Absent: the newest version of the type."),
  timestamp: z
    .optional(z.iso.datetime({ offset: true }))
    .describe("When it happened. Absent: now. Nothing is ordered by it."),
  source: z.optional(key).describe("Who says so: a URI reference. Absent: `/`."),
  idempotency_key: z
    .optional(key)
    .describe(
      "Two inputs with one key within 24 h are one event. Absent: source and `event_id`; without those each is an event of its own.",
    ),
  partition_key: z
    .optional(key)
    .describe(
      "Events of one key are delivered in the order in which they were accepted. Absent: in no order.",
    ),
  priority: z
    .optional(z.int().min(0).max(PRIORITY_MAX))
    .describe(
      "9 goes first. Absent: 0. Within a partition key the order of acceptance counts instead.",
    ),
  ttl_ms: z
    .optional(z.int().min(0).max(TTL_MS_MAX))
    .describe(
      "Not delivered later than this after acceptance; the subscription's `expired` says what becomes of it.",
    ),
  delay_ms: z
    .optional(z.int().min(0).max(DELAY_MS_MAX))
    .describe(
      "Not delivered earlier than this after acceptance. Those behind it in its partition wait with it.",
    ),
  metadata: z.optional(EventMetadata),
});
export type PublishInput = z.infer<typeof PublishInput>;
