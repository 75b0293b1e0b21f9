/** What consumers that come by themselves take and answer: leases of deliveries, and how they went. */
import * as z from "zod";
import { EventEnvelope } from "../event.ts";
import { PREFETCH_MAX } from "../subscription.ts";

/** Longest wait before another attempt that a consumer may ask for, in ms: 7 days. */
export const RETRY_AFTER_MS_MAX = 7 * 86_400_000;
/** Characters of a consumer's name. */
const CONSUMER_CHARS_MAX = 64;
/** Characters of a reason: what a delivery's notes keep of it. */
const REASON_CHARS_MAX = 200;

/**
 * `consumer`: a name of the caller's own choice; what it holds under all its leases of one shard stays within the
 * subscription's `prefetch`. Absent: each call is a consumer of its own. `max` above `prefetch` counts as `prefetch`.
 */
export const LeaseInput = z.strictObject({
  max: z.int().min(1).max(PREFETCH_MAX).default(10),
  consumer: z.string().min(1).max(CONSUMER_CHARS_MAX).optional(),
});

const LeasedDelivery = z.strictObject({
  seq: z.int(),
  /** From 1: the one that is about to be made. */
  attempt: z.int(),
  priority: z.int(),
  /** Not to be used after this instant. */
  expires_at: z.iso.datetime().nullable(),
  event: EventEnvelope,
});

/** Without deliveries there is no token; `why` says what there is instead. */
export const LeaseView = z.strictObject({
  deliveries: z.array(LeasedDelivery),
  token: z.string().optional(),
  /** Until then they are nobody else's. */
  until: z.iso.datetime().optional(),
  /** Ask again at once: there may be more. */
  more: z.boolean(),
  why: z.enum(["empty", "paused", "full"]).optional(),
});
export type LeaseView = z.infer<typeof LeaseView>;

const seq = z.int().min(0);

/** One result per delivery. What is left out is given to somebody else when the lease ends. */
export const SettleInput = z.strictObject({
  token: z.string().min(1).max(4096),
  results: z
    .array(
      z.discriminatedUnion("is", [
        z.strictObject({ seq, is: z.literal("ack") }),
        z.strictObject({
          seq,
          is: z.literal("retry"),
          after_ms: z.int().min(0).max(RETRY_AFTER_MS_MAX).default(0),
          reason: z.string().min(1).max(REASON_CHARS_MAX).default("consumer"),
        }),
        z.strictObject({
          seq,
          is: z.literal("dead"),
          reason: z.string().min(1).max(REASON_CHARS_MAX).default("consumer"),
        }),
      ]),
    )
    .min(1)
    .max(PREFETCH_MAX),
});
export type SettleInput = z.infer<typeof SettleInput>;

/** `already`: settled before, or never part of this lease. `stale`: the lease had ended. */
export const SettleView = z.strictObject({
  results: z.array(z.strictObject({ seq: z.int(), is: z.enum(["settled", "already", "stale"]) })),
});
