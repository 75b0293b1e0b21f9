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

/** How much to take, and as whom. */
export const LeaseInput = z.strictObject({
  max: z
    .int()
    .min(1)
    .max(PREFETCH_MAX)
    .default(10)
    .describe("At most so many; above the subscription's `prefetch` that counts."),
  consumer: z
    .string()
    .min(1)
    .max(CONSUMER_CHARS_MAX)
    .optional()
    .describe(
      "A name of your own: what it holds under all its leases stays within `prefetch`. Absent: each call is a consumer of its own.",
    ),
});

const LeasedDelivery = z.strictObject({
  seq: z.int(),
  attempt: z.int().describe("From 1: the one that is about to be made."),
  priority: z.int(),
  expires_at: z.iso.datetime().nullable().describe("Not to be used after this instant."),
  event: EventEnvelope,
});

/** Without deliveries there is no token. */
export const LeaseView = z.strictObject({
  deliveries: z.array(LeasedDelivery),
  token: z.string().optional(),
  until: z.iso.datetime().optional().describe("Until then they are nobody else's."),
  more: z.boolean().describe("Ask again at once: there may be more."),
  why: z
    .enum(["empty", "paused", "full"])
    .optional()
    .describe(
      "Why there is nothing. `empty`: nothing can go out now (others of a partition wait for its first, retries and delays for their time). `full`: you, or all consumers together, hold as much as they may. `paused`: not active.",
    ),
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
