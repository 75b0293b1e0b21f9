/** Wire shapes of replays on the REST API. */
import * as z from "zod";
import { Id } from "../connection.ts";
import { EVENT_KEY_CHARS_MAX } from "../event.ts";
import { BINDING_KEY_CHARS_MAX } from "../subscription.ts";
import { Instant } from "./instant.ts";

/** Types and patterns of one replay. */
const TYPES_MAX = 50;
/** Fastest rate that may be asked for, events per second. */
const RATE_MAX = 5000;
/** Where none is asked for. */
const RATE_DEFAULT = 1000;

export const ReplayId = z.string().regex(/^rpl_[0-9a-z]{22}$/, "expected a replay id (rpl_…)");
const State = z.enum(["running", "paused", "done", "cancelled", "failed"]);

/** Events accepted from `since` until `until` (default: now), as the subscription would have had them. */
export const StartReplay = z.strictObject({
  tenant: Id.optional(),
  since: Instant,
  until: Instant.optional(),
  subscription: Id.describe("Its bindings and its filter choose the events."),
  target: Id.optional().describe(
    "Who gets them; default: the same. Any subscription of the tenant.",
  ),
  types: z
    .array(z.string().min(1).max(BINDING_KEY_CHARS_MAX))
    .min(1)
    .max(TYPES_MAX)
    .optional()
    .describe("Event types or patterns (`order.*`, `order.#`)."),
  partition: z
    .string()
    .min(1)
    .max(EVENT_KEY_CHARS_MAX)
    .optional()
    .describe("Only events of this partition key."),
  rate: z.number().min(0.1).max(RATE_MAX).default(RATE_DEFAULT).describe("Events a second."),
  dry_run: z
    .boolean()
    .default(false)
    .describe("Only says how many there are, and the first of them."),
});
export type StartReplay = z.infer<typeof StartReplay>;

export const ReplayView = z
  .object({
    id: ReplayId,
    tenant: Id,
    kind: z.enum(["events", "dead_letters"]),
    state: State,
    reason: z
      .string()
      .nullable()
      .describe(
        "Why it failed, or what it waits for: `backlog`, `tail` (the log is not there yet), `busy`.",
      ),
    spec: z.record(z.string(), z.unknown()).describe("What was asked for."),
    done: z.int().describe("Gone through, whether they were wanted or not; of about `total`."),
    total: z.int().nullable(),
    replayed: z.int().nullable().describe("Handed over; null where nobody knows any more."),
    rate: z.number().nullable().describe("Gone through per second, at present."),
    seconds_left: z.int().nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: "Replay" });
export type ReplayView = z.infer<typeof ReplayView>;

/** What a dry run has found. Without `complete`, it stopped after the first 5,000: there may be more. */
export const ReplayDryRun = z.object({
  dry_run: z.literal(true),
  matched: z.int(),
  looked: z.int().describe("Gone through."),
  complete: z.boolean(),
  first: z.array(z.string()).describe("Ids of the first."),
});
