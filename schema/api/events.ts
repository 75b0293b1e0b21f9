/** Wire shapes of publishing and reading events. */
import * as z from "zod";
import { EVENT_KEY_CHARS_MAX, EventEnvelope, EventType, PublishInput } from "../event.ts";
import { BINDING_KEY_CHARS_MAX } from "../subscription.ts";
import { Instant } from "./instant.ts";

/** Events of one publish call. */
export const PUBLISH_EVENTS_MAX = 100;

const EventBatch = z.strictObject({ events: z.array(PublishInput).min(1).max(PUBLISH_EVENTS_MAX) });

/** What `POST /events` takes as JSON: one event, or several. */
export const PublishBody = z.union([PublishInput, EventBatch]);

/** One accepted event. A duplicate has the id and number of the first. */
const Accepted = {
  id: z.string(),
  /** About ms since the epoch; rising within a partition. */
  seq: z.int(),
  duplicate: z.boolean(),
};
const Pointed = z.object({ pointer: z.string(), detail: z.string() });

/** What became of one event of a batch. */
const PublishedItem = z.discriminatedUnion("status", [
  z.object({ status: z.literal("accepted"), ...Accepted }),
  z.object({
    status: z.literal("refused"),
    /** As in a problem: `validation_failed`, `unprocessable`, `payload_too_large`, `rate_limited`, `unavailable`. */
    code: z.string(),
    /** Why, for programs: `unknown_type`, `invalid_data`, `backlog_full` … */
    reason: z.string(),
    detail: z.string(),
    /** Pointers into this event. */
    errors: z.array(Pointed).optional(),
    /** The known type that was probably meant. */
    nearest: z.string().optional(),
    /** Versions there are. */
    known: z.array(z.string()).optional(),
    retry_after_seconds: z.int().optional(),
  }),
]);
export type PublishedItem = z.infer<typeof PublishedItem>;

export const PublishedBatch = z.object({
  accepted: z.int(),
  refused: z.int(),
  /** In the order of the events. */
  items: z.array(PublishedItem),
});

/** The answer to one event. */
export const PublishedOne = z.object(Accepted);

/** An event with its place in the log. */
export const EventView = z.object({
  seq: z.int(),
  shard: z.string(),
  event: EventEnvelope,
});

/** A CloudEvent 1.0 in the JSON format. */
export const CloudEventView = z
  .object({ specversion: z.literal("1.0"), id: z.string(), source: z.string(), type: EventType })
  .catchall(z.unknown());

export const EventFilter = z.strictObject({
  /** A type, or a topic pattern: `*` stands for one word, `#` for any number. */
  type: z.string().max(BINDING_KEY_CHARS_MAX).optional(),
  partition: z.string().min(1).max(EVENT_KEY_CHARS_MAX).optional(),
  /** Accepted at or after this instant. */
  since: Instant.optional(),
  /** Accepted before this instant. */
  until: Instant.optional(),
  order: z.enum(["newest", "oldest"]).default("newest"),
});

/** What the events of one partition add up to. */
export const AggregateView = z.object({
  partition: z.string(),
  /** Events in it. */
  version: z.int(),
  /** Of the last event in it; null without one. */
  seq: z.int().nullable(),
  /** The events' data, each laid over the state before it (JSON Merge Patch, RFC 7396). */
  state: z.unknown(),
});
