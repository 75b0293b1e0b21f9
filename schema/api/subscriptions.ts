/** What `/subscriptions` takes and answers. Secrets go in; one comes out only in the answer that made it. */
import * as z from "zod";
import { Id } from "../connection.ts";
import { PRIORITY_MAX } from "../event.ts";
import { RetrySchedule, Subscription } from "../subscription.ts";

/** Paths of this noun that an id would hide. */
const TAKEN_NAMES: ReadonlySet<string> = new Set(["stats", "dry-run"]);

/** Like every id that stands in a URL. */
export const SubscriptionId = Id;
const GivenId = Id.refine((id) => !TAKEN_NAMES.has(id), "is the name of something else");

const members = Subscription.shape;

/** JSON as it is: the document says so much, the compiler of filters has the last word. */
const Filter = z
  .unknown()
  .describe(
    'What an event must look like: `{"data": {"total": {"$gte": 100}}}`, over `type`, `version`, `id`, `source`, `timestamp`, `metadata`, `data`. Operators: `$eq`, `$neq`, `$gt`, `$gte`, `$lt`, `$lte`, `$in`, `$nin`, `$startsWith`, `$endsWith`, `$exist`, `$not`, `$and`, `$or`.',
  );

export const CreateSubscription = z.strictObject({
  ...members,
  id: GivenId.optional(),
  filter: Filter.optional(),
  ownership: z
    .enum(["challenge", "assumed"])
    .default("challenge")
    .describe(
      "`assumed`: nobody asks the endpoint whether it wants deliveries. The operator's key only.",
    ),
});
export type CreateSubscription = z.infer<typeof CreateSubscription>;

/** Members left out stay as they are; `null` takes one away. `target` is replaced as a whole. */
export const SubscriptionPatch = z.strictObject({
  name: members.name.optional(),
  bindings: members.bindings.optional(),
  filter: Filter.optional(),
  target: members.target.optional(),
  retry: RetrySchedule.nullable().optional(),
  ordered: z.boolean().nullable().optional(),
  head_policy: members.head_policy.unwrap().nullable().optional(),
  ttl_ms: members.ttl_ms.unwrap().nullable().optional(),
  expired: members.expired.unwrap().nullable().optional(),
  prefetch: members.prefetch.unwrap().nullable().optional(),
  in_flight_max: members.in_flight_max.unwrap().nullable().optional(),
  depth_max: members.depth_max.unwrap().nullable().optional(),
  paused: z.boolean().nullable().optional(),
});
export type SubscriptionPatch = z.infer<typeof SubscriptionPatch>;

export const SubscriptionView = z
  .strictObject({
    ...members,
    filter: Filter.optional(),
    tenant: Id,
    paused: z.boolean(),
    state: z
      .enum(["active", "paused", "unverified", "disabled"])
      .describe("Only `active` ones get deliveries; what is for the others waits."),
    state_reason: z.string().nullable().describe("`operator`, `challenge`, `gone`, `failing`."),
    secrets: z.int().describe("How many secrets sign deliveries now."),
    health: z
      .strictObject({ failures: z.int(), failing_since: z.iso.datetime().nullable() })
      .describe("Failures in a row of its endpoint, and since when."),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: "Subscription" });
export type SubscriptionView = z.infer<typeof SubscriptionView>;

/** How the question to the endpoint went. */
const Verification = z.strictObject({
  ok: z.boolean(),
  reason: z.string().optional(),
  detail: z.string().optional(),
});

/** The only answers that ever hold a secret, and only one that the hub has just made. */
export const SubscriptionChanged = SubscriptionView.extend({
  secret: z.string().optional(),
  verification: Verification.optional(),
}).meta({ id: "SubscriptionChanged" });
export type SubscriptionChanged = z.infer<typeof SubscriptionChanged>;

/** How long an old secret may go on signing, in seconds: 7 days. */
export const SECRET_KEEP_SECONDS_MAX = 7 * 86_400;
/** How long it does where nothing is said, in seconds: a day. */
export const SECRET_KEEP_SECONDS_DEFAULT = 86_400;

/** What a subscription still has, one number per priority from 0. `ready` counts what is in flight too. */
const Depth = z.strictObject({
  ready: z.array(z.int()).length(PRIORITY_MAX + 1),
  delayed: z.array(z.int()).length(PRIORITY_MAX + 1),
  waiting: z.array(z.int()).length(PRIORITY_MAX + 1),
  blocked: z.array(z.int()).length(PRIORITY_MAX + 1),
});

/** Over all shards. Ages in ms, 0 where there is nothing. */
export const SubscriptionStats = z
  .strictObject({
    subscription: z.string(),
    total: z.int(),
    depth: Depth,
    in_flight: z.int(),
    consumers: z.int().describe("Holders of leases, those of each shard added up."),
    blocked_groups: z.int(),
    oldest_age_ms: z.int().describe("Of the oldest delivery, whatever holds it up."),
    oldest_ready_age_ms: z
      .int()
      .describe("Of the oldest that could go out now: the one to alert on."),
    /** Since the subscription began. */
    totals: z.strictObject({
      published: z.int(),
      acked: z.int(),
      retried: z.int(),
      dead: z.int(),
      expired: z.int(),
      skipped: z.int(),
    }),
  })
  .meta({ id: "SubscriptionStats" });
export type SubscriptionStats = z.infer<typeof SubscriptionStats>;

/** `log`: how far behind the tenant's own log of events is. */
export const AllStats = z.strictObject({
  items: z.array(SubscriptionStats),
  log: SubscriptionStats,
});

/** A place where a partition stands still until somebody decides. */
export const BlockedView = z.strictObject({
  id: z.string(),
  seq: z.int(),
  partition_key: z.string(),
  event_id: z.string(),
  attempts: z.int(),
  notes: z.array(z.strictObject({ at: z.iso.datetime(), reason: z.string() })),
  accepted_at: z.iso.datetime(),
});
/** Oldest of the highest priority first. `more`: there are others behind these. */
export const BlockedList = z.strictObject({ items: z.array(BlockedView), more: z.boolean() });

/** Try it again from its first attempt, or give it up and let the others go on. */
export const BlockedDecision = z.strictObject({ decision: z.enum(["retry", "dead_letter"]) });

/** What would become of an event at one subscription, and what decides it. */
export const DryRunItem = z.strictObject({
  subscription: z.string(),
  outcome: z
    .enum(["deliver", "hold", "expire", "refuse", "no"])
    .describe(
      "`hold`: it would wait there. `expire`: its time to live would be over. `refuse`: it would be a dead letter.",
    ),
  why: z.enum([
    ...["wanted", "binding", "filter", "expired", "chain_too_long"],
    ...["paused", "unverified", "disabled"],
  ] as const),
  binding: z
    .string()
    .nullable()
    .describe("JSON pointer to the first binding that matches; null where none does."),
  filter: z
    .string()
    .nullable()
    .describe(
      "JSON pointer to the first clause of the filter that does not hold; null where all do.",
    ),
  expires_at: z.iso.datetime().nullable(),
});
export type DryRunItem = z.infer<typeof DryRunItem>;
export const DryRun = z.strictObject({
  event_type: z.string(),
  refused: z
    .strictObject({ reason: z.string(), detail: z.string() })
    .nullable()
    .describe(
      "Why it could not be published at all: `unknown_type`, `unknown_version`, `invalid_data`. Null where it could.",
    ),
  items: z.array(DryRunItem),
});
export type DryRun = z.infer<typeof DryRun>;
