/**
 * Subscriptions: which events somebody wants, and how they are handed over. Bindings read as RabbitMQ's do;
 * filters are JSON (`domain/events/filter.ts` compiles them).
 */
import * as z from "zod";
import { TTL_MS_MAX } from "./event.ts";

/** Longest binding key, in characters (RabbitMQ, shortstr). */
export const BINDING_KEY_CHARS_MAX = 255;
/** Bindings of one subscription. */
export const BINDINGS_MAX = 100;
/** Deliveries one consumer may hold at once. */
export const PREFETCH_MAX = 1000;
/** Deliveries of one subscription that may wait in one shard. */
export const DEPTH_MAX = 400_000;
/** Longest retry schedule: attempts of one delivery, the first included. */
export const DELIVERY_ATTEMPTS_MAX = 20;

/** `topic` reads `*` and `#`; `direct` compares the whole key; `fanout` takes everything. */
export const Binding = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("topic"), key: z.string().max(BINDING_KEY_CHARS_MAX) }),
  z.strictObject({ kind: z.literal("direct"), key: z.string().max(BINDING_KEY_CHARS_MAX) }),
  z.strictObject({ kind: z.literal("fanout") }),
]);
export type Binding = z.infer<typeof Binding>;

/**
 * What happens to a partition whose oldest delivery keeps failing. `block`: it waits, when exhausted for an
 * operator. `skip`: after so many failures the delivery steps aside, is tried on its own, and the others pass.
 * `dead_letter`: it is tried until exhausted, becomes a dead letter, and the others go on.
 */
export const HeadPolicy = z.discriminatedUnion("is", [
  z.strictObject({ is: z.literal("block") }),
  z.strictObject({ is: z.literal("skip"), after: z.int().min(1).max(DELIVERY_ATTEMPTS_MAX) }),
  z.strictObject({ is: z.literal("dead_letter") }),
]);
export type HeadPolicy = z.infer<typeof HeadPolicy>;

/** Waits before the second, third … attempt. */
export const RetrySchedule = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("listed"),
    waits_s: z
      .array(
        z
          .number()
          .min(0)
          .max(7 * 86_400),
      )
      .max(DELIVERY_ATTEMPTS_MAX - 1),
  }),
  z.strictObject({
    kind: z.literal("exponential"),
    base_s: z.number().min(1).max(3600),
    cap_s: z.number().min(1).max(86_400),
    retries: z
      .int()
      .min(0)
      .max(DELIVERY_ATTEMPTS_MAX - 1),
  }),
]);
export type RetrySchedule = z.infer<typeof RetrySchedule>;

/** How an event is written into a request: our envelope, or CloudEvents 1.0 (structured or binary mode). */
export const DeliveryFormat = z.enum(["envelope", "cloudevents", "cloudevents_binary"]);
export type DeliveryFormat = z.infer<typeof DeliveryFormat>;

/** Where deliveries go: pushed to a URL or into the hub itself, or waiting to be pulled. */
export const SubscriptionTarget = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("webhook"),
    url: z.string().max(2048),
    secrets: z
      .optional(z.array(z.string()).min(1).max(5))
      .describe(
        "Standard Webhooks secrets, newest first. Sealed at rest, never read back. Absent at creation: one is made.",
      ),
    format: z.optional(DeliveryFormat),
    timeout_ms: z.optional(z.int().min(100).max(30_000)),
    terminal_statuses: z
      .optional(z.array(z.int().min(400).max(599)).max(50))
      .describe("Statuses that end the delivery at once instead of being tried again."),
    /** Requests a second this endpoint may get, and how many at once after a rest. Those above wait. */
    rate: z.optional(
      z.strictObject({
        per_second: z.number().min(0.01).max(1000),
        burst: z.int().min(1).max(1000),
      }),
    ),
  }),
  z.strictObject({ kind: z.literal("pull") }),
  /** Into another subscription's queue, whatever its bindings say. Not to one that forwards itself. */
  z.strictObject({ kind: z.literal("queue"), subscription: z.string().min(1).max(64) }),
  /**
   * To the agent, route or person of a conversation: a message as if it had come in on the connection. `text` is
   * Markdown with `{{type}}`, `{{source}}` and `{{data.a.b}}`.
   */
  z.strictObject({
    kind: z.literal("conversation"),
    connection: z.string().min(1).max(64),
    conversation_key: z.string().min(1).max(256),
    text: z.string().min(1).max(20_000),
  }),
  /** Starts a run of a workflow with the event's data as its input; one run per event. */
  z.strictObject({
    kind: z.literal("workflow"),
    workflow: z.string().min(1).max(64),
    version: z.optional(z.string().max(32)),
  }),
]);
export type SubscriptionTarget = z.infer<typeof SubscriptionTarget>;

export const Subscription = z.strictObject({
  id: z.string().min(1).max(64),
  name: z.string().min(1).max(200),
  bindings: z
    .array(Binding)
    .min(1)
    .max(BINDINGS_MAX)
    .describe(
      "One that matches is enough. `topic`: `*` is one word, `#` any number, as whole words; `direct`: the type itself; `fanout`: everything.",
    ),
  /** A JSON filter over the event (`domain/events/filter.ts`); absent: everything. */
  filter: z.optional(z.json()),
  target: SubscriptionTarget,
  retry: z
    .optional(RetrySchedule)
    .describe(
      "Absent: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h, each 20 % more or less. 429, 502, 504 and timeouts wait a minute at least; `Retry-After` counts up to twice the wait.",
    ),
  ordered: z
    .optional(z.boolean())
    .describe(
      "Whether events of one partition key go one after the other (default), or each for itself.",
    ),
  head_policy: z
    .optional(HeadPolicy)
    .describe(
      "What happens to a partition whose oldest delivery keeps failing. `dead_letter` (default): tried until exhausted, then a dead letter, and the others go on. `skip`: after so many failures it steps aside and the others pass. `block`: when exhausted it waits for an operator.",
    ),
  ttl_ms: z
    .optional(z.int().min(0).max(TTL_MS_MAX))
    .describe("Longest time between acceptance and delivery, in ms."),
  expired: z
    .optional(z.enum(["dead_letter", "drop"]))
    .describe(
      "What becomes of an expired delivery: a dead letter (default), or nothing but a count.",
    ),
  prefetch: z
    .optional(z.int().min(1).max(PREFETCH_MAX))
    .describe("Deliveries one consumer may hold at once. Absent: 10."),
  in_flight_max: z
    .optional(z.int().min(1).max(PREFETCH_MAX))
    .describe("Deliveries all consumers together may hold at once. Absent: 100."),
  depth_max: z
    .optional(z.int().min(1).max(DEPTH_MAX))
    .describe(
      "Deliveries that may wait in one shard; what comes on top becomes a dead letter (`maxlen`). Absent: 100,000.",
    ),
  paused: z.optional(z.boolean()).describe("What comes meanwhile waits."),
});
export type Subscription = z.infer<typeof Subscription>;
