/** Wire shapes of delivery attempts: the log of what was sent to endpoints and what they answered. */
import * as z from "zod";
import { EventType } from "../event.ts";
import { Instant } from "./instant.ts";

/** Events looked at by one recovery. */
const RECOVER_EVENTS_MAX = 100;

export const AttemptId = z
  .string()
  .regex(/^att_[0-9a-z]{22}$/, "expected a delivery attempt id (att_…)");

/** `skipped`: not made, because the event's time to live was over. */
export const AttemptOutcomeName = z.enum([
  "success",
  "failure",
  "rejected",
  "gone",
  "aborted",
  "skipped",
]);

export const DeliveryView = z
  .strictObject({
    id: AttemptId,
    tenant: z.string(),
    subscription: z.string(),
    event: z.string(),
    event_type: z.string(),
    attempt: z.int().describe("From 1."),
    cause: z
      .enum(["schedule", "resend", "test", "replay"])
      .describe("What made it: the schedule, a person, a test, or a replay."),
    outcome: AttemptOutcomeName,
    reason: z
      .string()
      .nullable()
      .describe("A failure's name: `timeout`, `http_500`, `refused_private_address` …"),
    status: z.int().nullable(),
    duration_ms: z.int(),
    next_at: z.iso.datetime().nullable().describe("When it is tried again; null where it is not."),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "Delivery" });
export type DeliveryView = z.infer<typeof DeliveryView>;

export const DeliveryDetail = DeliveryView.extend({
  request_headers: z
    .record(z.string(), z.string())
    .describe("As they were sent, without the signature."),
  response_body: z
    .string()
    .nullable()
    .describe("The first 16 KiB of the answer; null where there was none."),
}).meta({ id: "DeliveryDetail" });

export const ResendResult = z.strictObject({
  subscription: z.string(),
  event: z.string(),
  result: z
    .enum(["published", "hastened", "pending"])
    .describe(
      "On its way as a new delivery; its next attempt made at once; or on its way already.",
    ),
});

export const RecoverInput = z.strictObject({
  since: Instant,
  limit: z.int().min(1).max(RECOVER_EVENTS_MAX).default(RECOVER_EVENTS_MAX),
  after: AttemptId.optional().describe("`next` of the answer before."),
});

export const RecoverResult = z.strictObject({
  matched: z.int().describe("Events that had not arrived."),
  resent: z.int(),
  skipped: z.int().describe("On their way already, expired, or kept by nobody any more."),
  next: AttemptId.optional().describe("Present where there is more: `after` of the next call."),
});

export const TestInput = z.strictObject({
  event_type: EventType.default("endpoint.test"),
  data: z.unknown().optional(),
});

export const TestResult = z.strictObject({ subscription: z.string(), event: z.string() });
