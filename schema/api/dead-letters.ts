/** Wire shapes of dead letters on the REST API. */
import * as z from "zod";
import { Id } from "../connection.ts";
import { EventType } from "../event.ts";
import { Instant } from "./instant.ts";
import { ConversationId } from "./messages.ts";

/** Letters one job replays at most. */
export const LETTERS_MAX = 10_000;
/** Letters one job may name by their ids. */
const LETTER_IDS_MAX = 1000;

export const DeadLetterId = z
  .string()
  .regex(/^dl_[0-9a-z]{22}$/, "expected a dead letter id (dl_…)");

/**
 * `quarantine`: a webhook that could not be read. `turn`: a route that kept failing. `send`: a message that was not
 * delivered. `event`: a delivery that a subscription did not take.
 */
const Stage = z.enum(["quarantine", "turn", "send", "event"]);
const State = z.enum(["dead", "replaying", "replayed", "discarded"]);

export const DeadLetterView = z.object({
  id: DeadLetterId,
  tenant: Id,
  stage: Stage,
  reason: z.string(),
  connection: z.string().nullable(),
  conversation: z.string().nullable(),
  message: z.string().nullable(),
  subscription: z
    .string()
    .nullable()
    .describe("Of an event: who should have had it, and which it was."),
  event_type: z.string().nullable(),
  event: z.string().nullable(),
  fingerprint: z.string(),
  state: State,
  /** Replays are noted too, as `replay` and `edited_replay`. */
  attempts: z.array(
    z.object({
      at: z.iso.datetime(),
      attempt: z.int(),
      reason: z.string(),
      detail: z.string().optional(),
    }),
  ),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime(),
});

/** `replayed_as`: the id of the new version that was sent instead. */
export const ReplayedLetter = DeadLetterView.extend({ replayed_as: z.string().optional() });

/** Of an event, `payload` is `{shard, seq, event, detail, attempts, record, first_letter?, edited?}`. */
export const DeadLetterDetail = z.object({ ...DeadLetterView.shape, payload: z.unknown() });

/** An event type, or one followed by `.#`: it and everything below it. */
const TypeFilter = z.union([
  EventType,
  z.string().regex(/^[A-Za-z0-9_-]{1,100}(?:\.[A-Za-z0-9_-]{1,100}){0,10}\.#$/),
]);

const filters = {
  stage: Stage.optional(),
  reason: z.string().max(100).optional(),
  connection: Id.optional(),
  conversation: z.string().max(64).optional(),
  subscription: Id.optional(),
  type: TypeFilter.optional(),
  fingerprint: z.string().max(300).optional(),
};

/** Filters of a query string. */
export const DeadLetterQuery = z.strictObject({
  ...filters,
  tenant: Id.optional(),
  state: State.optional(),
  since: Instant.optional(),
  until: Instant.optional(),
});

export const DeadLetterGroups = z.object({
  items: z.array(
    z.object({
      fingerprint: z.string(),
      stage: Stage,
      count: z.int(),
      first_at: z.iso.datetime(),
      last_at: z.iso.datetime(),
      newest: DeadLetterId,
    }),
  ),
});

/** Filters of a body. */
const BodyFilter = {
  ...filters,
  conversation: ConversationId.optional(),
  since: Instant.optional(),
  until: Instant.optional(),
};

export const DeadLetterFilter = z.strictObject({
  ...BodyFilter,
  limit: z.int().min(1).max(100).default(50),
  dryRun: z.boolean().default(false),
});

export const BulkReplay = z.object({
  matched: z.int(),
  replayed: z.int(),
  skipped: z.int(),
  dryRun: z.boolean(),
});

/** Nothing, or new data: then a new version of the event is sent. */
export const ReplayOne = z.strictObject({ data: z.unknown().optional() });

/** Letters by their ids, or by a filter. */
export const LettersReplay = z
  .strictObject({
    tenant: Id.optional(),
    ids: z.array(DeadLetterId).min(1).max(LETTER_IDS_MAX).optional(),
    filter: z.strictObject(BodyFilter).optional(),
    limit: z.int().min(1).max(LETTERS_MAX).default(1000),
    rate: z.number().min(0.1).max(100).default(20).describe("Letters a second."),
    dry_run: z
      .boolean()
      .default(false)
      .describe("Only says how many there are, and the first of them."),
  })
  .refine(
    ({ ids, filter }) => (ids === undefined) !== (filter === undefined),
    "exactly one of ids and filter",
  );
export type LettersReplay = z.infer<typeof LettersReplay>;
