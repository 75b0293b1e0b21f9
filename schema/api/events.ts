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
  seq: z.int().describe("About ms since the epoch; rising within a partition."),
  duplicate: z.boolean(),
};
const Pointed = z.object({ pointer: z.string(), detail: z.string() });

/** What became of one event of a batch. */
const PublishedItem = z.discriminatedUnion("status", [
  z.object({ status: z.literal("accepted"), ...Accepted }),
  z.object({
    status: z.literal("refused"),
    code: z
      .string()
      .describe(
        "As in a problem: `validation_failed`, `unprocessable`, `payload_too_large`, `rate_limited`, `unavailable`.",
      ),
    reason: z
      .string()
      .describe("Why, for programs: `unknown_type`, `invalid_data`, `backlog_full` …"),
    detail: z.string(),
    errors: z.array(Pointed).optional().describe("Pointers into this event."),
    nearest: z.string().optional().describe("The known type that was probably meant."),
    known: z.array(z.string()).optional().describe("Versions there are."),
    retry_after_seconds: z.int().optional(),
  }),
]);
export type PublishedItem = z.infer<typeof PublishedItem>;

export const PublishedBatch = z.object({
  accepted: z.int(),
  refused: z.int(),
  items: z.array(PublishedItem).describe("In the order of the events."),
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
  type: z
    .string()
    .max(BINDING_KEY_CHARS_MAX)
    .optional()
    .describe("A type, or a topic pattern: `*` stands for one word, `#` for any number."),
  partition: z.string().min(1).max(EVENT_KEY_CHARS_MAX).optional(),
  since: Instant.optional().describe("Accepted at or after this instant."),
  until: Instant.optional().describe("Accepted before this instant."),
  order: z.enum(["newest", "oldest"]).default("newest"),
});

/** What the events of one partition add up to. */
export const AggregateView = z.object({
  partition: z.string(),
  version: z.int().describe("Events in it."),
  seq: z.int().nullable().describe("Of the last event in it; null without one."),
  state: z
    .unknown()
    .describe("The events' data, each laid over the state before it (JSON Merge Patch, RFC 7396)."),
});
