/**
 * What starts a workflow by itself. Every trigger may say with `input` what the run gets (it sees what happened as
 * `event`; absent: `event.data`), and with `idempotencyKey` and `correlationId` who it is.
 */
import * as z from "zod";
import { CHANNELS } from "./channel-names.ts";
import { BINDING_KEY_CHARS_MAX } from "./subscription.ts";
import { Duration, Expression, Mapping, SecretName } from "./workflow-value.ts";

/** Longest cron text, in characters. */
export const CRON_CHARS_MAX = 200;
/** Longest IANA zone name, in characters. */
export const ZONE_CHARS_MAX = 64;

const common = {
  input: z.optional(Mapping),
  /** Two starts of one key are one run. Absent: the event's, message's or webhook's own id, or the schedule's slot. */
  idempotencyKey: z.optional(Expression),
  /** Absent: the event's correlation id, where it has one. */
  correlationId: z.optional(Expression),
  /** False starts nothing. */
  condition: z.optional(Expression),
};

/** An event was published; `event` is its envelope. */
export const EventTrigger = z.strictObject({
  ...common,
  type: z.literal("event"),
  /** Event type; `*` stands for one word, `#` for any number. */
  event: z.string().min(1).max(BINDING_KEY_CHARS_MAX),
});

/** A message came in; `event` is `{id, data}` with the message as `data`. */
export const MessageTrigger = z.strictObject({
  ...common,
  type: z.literal("message"),
  channel: z.optional(z.enum(CHANNELS)),
  connection: z.optional(z.string().min(1).max(200)),
  /** A regular expression over the text, case-insensitive, as in a direct route. */
  match: z.optional(z.string().max(500)),
});

/** Time has come; `event` is `{id, data: {slot}}`, the slot in ISO 8601. */
export const ScheduleTrigger = z.strictObject({
  ...common,
  type: z.literal("schedule"),
  /** Five fields: minute, hour, day of month, month, day of week. */
  cron: z.string().min(1).max(CRON_CHARS_MAX),
  /** IANA name; absent: UTC. */
  timezone: z.optional(z.string().min(1).max(ZONE_CHARS_MAX)),
  /** While the last run of this schedule goes on. Absent: `skip`; see `schedule.ts`. */
  overlap: z.optional(z.enum(["skip", "queue_one", "queue", "allow", "cancel_other"])),
  /** Slots that passed while nothing could fire: none, the latest (default), or all within `catchUp`. */
  missed: z.optional(z.enum(["skip", "latest", "all"])),
  /** How old a missed slot may be; absent: one hour. */
  catchUp: z.optional(Duration),
  /** A local time that the clocks leave out: the moment after it (default), or not at all. */
  gap: z.optional(z.enum(["shift", "skip"])),
  /** A local time that comes twice: once (default), or both times. */
  repeat: z.optional(z.enum(["first", "both"])),
  startsAt: z.optional(z.iso.datetime({ offset: true })),
  endsAt: z.optional(z.iso.datetime({ offset: true })),
  /** Fires up to this much later, evenly spread. */
  jitter: z.optional(Duration),
});
export type ScheduleTrigger = z.infer<typeof ScheduleTrigger>;

/** Somebody posted JSON; `event` is `{id, data}` with the body as `data`. */
export const WebhookTrigger = z.strictObject({
  ...common,
  type: z.literal("webhook"),
  /** Last part of the URL, `/hooks/workflows/<tenant>/<workflow>/<path>`. */
  path: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  /**
   * The tenant's secret that it is proven by: a Standard Webhooks signature, HMAC-SHA-256 of the body, or the secret
   * itself as a bearer token; several, one a line. Absent: an API key is asked for.
   */
  secret: z.optional(SecretName),
});

export const WorkflowTrigger = z.discriminatedUnion("type", [
  EventTrigger,
  MessageTrigger,
  ScheduleTrigger,
  WebhookTrigger,
]);
export type WorkflowTrigger = z.infer<typeof WorkflowTrigger>;
