/**
 * Schedules: when a workflow starts by itself. Cron text in a time zone, a fixed interval, or one moment; with what
 * happens to slots that meet a run which is still going, and to slots that nobody was awake for.
 */
import * as z from "zod";
import { Instant } from "./api/instant.ts";
import { CRON_CHARS_MAX, ZONE_CHARS_MAX } from "./workflow-trigger.ts";
import { WorkflowId, WorkflowVersion } from "./workflow-value.ts";

/** Shortest interval, in ms: one minute, as with cron. */
export const INTERVAL_MS_MIN = 60_000;
/** Longest interval, in ms: 366 days. */
export const INTERVAL_MS_MAX = 366 * 86_400_000;
/** Longest catch-up window, in ms: seven days. */
export const CATCH_UP_MS_MAX = 7 * 86_400_000;
/** Catch-up window of a schedule that names none, in ms: one hour. */
export const CATCH_UP_MS_DEFAULT = 3_600_000;
/** Most a firing is spread over, in ms: one hour. */
export const JITTER_MS_MAX = 3_600_000;
/** Longest id of a schedule, in characters: with `-` and an epoch in ms it stays within 100, the id of an instance. */
export const SCHEDULE_ID_CHARS_MAX = 64;

/**
 * Wall-clock times that a change of clocks leaves out (`gap`) or has twice (`repeat`). Only for cron texts that name
 * their minutes and hours; those with `*` or a step follow elapsed time.
 */
export const ClockChanges = z.strictObject({
  /** `shift` (default): at the first moment after the gap. `skip`: not on that day. */
  gap: z.optional(z.enum(["shift", "skip"])),
  /** `first` (default): once, the first time. `both`: twice. */
  repeat: z.optional(z.enum(["first", "both"])),
});
export type ClockChanges = z.infer<typeof ClockChanges>;

export const ScheduleTiming = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("cron"),
    /** Five fields: minute, hour, day of month, month, day of week; or `@hourly` … `@yearly`. No seconds. */
    cron: z.string().min(1).max(CRON_CHARS_MAX),
    /** IANA name; absent: UTC. */
    timezone: z.optional(z.string().min(1).max(ZONE_CHARS_MAX)),
    clock_changes: z.optional(ClockChanges),
  }),
  z.strictObject({
    kind: z.literal("interval"),
    every_ms: z.int().min(INTERVAL_MS_MIN).max(INTERVAL_MS_MAX),
    /** A slot that all others are counted from; absent: 1970-01-01T00:00:00Z. */
    anchor: z.optional(Instant),
  }),
  z.strictObject({ kind: z.literal("at"), at: Instant }),
]);
export type ScheduleTiming = z.infer<typeof ScheduleTiming>;

/**
 * A slot that comes while a run of this schedule is open. `skip`: left out. `queue_one`: one slot waits, further ones
 * are left out. `queue`: all wait, up to a bound. `allow`: runs side by side. `cancel_other`: the open ones are
 * cancelled.
 */
export const OverlapPolicy = z.enum(["skip", "queue_one", "queue", "allow", "cancel_other"]);
export type OverlapPolicy = z.infer<typeof OverlapPolicy>;

/**
 * Slots that passed while nobody was awake. `skip`: left out. `latest`: the newest fires, the others are left out.
 * `all`: each fires, oldest first. Slots older than the window are always left out.
 */
export const MissedPolicy = z.strictObject({
  policy: z.enum(["skip", "latest", "all"]),
  window_ms: z.optional(z.int().min(0).max(CATCH_UP_MS_MAX)),
});
export type MissedPolicy = z.infer<typeof MissedPolicy>;

export const Schedule = z.strictObject({
  id: z
    .string()
    .max(SCHEDULE_ID_CHARS_MAX)
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_-]*$/),
  name: z.optional(z.string().min(1).max(200)),
  workflow: WorkflowId,
  /** Absent: the version that is active when a slot fires. */
  version: z.optional(WorkflowVersion),
  timing: ScheduleTiming,
  /** Absent: `skip`. */
  overlap: z.optional(OverlapPolicy),
  /** Absent: `latest`, within an hour. */
  missed: z.optional(MissedPolicy),
  /** First moment a slot may have, inclusive. */
  starts_at: z.optional(Instant),
  /** Slots from here on do not exist. */
  ends_at: z.optional(Instant),
  /** A firing comes up to this much after its slot, always before the next one, in ms. */
  jitter_ms: z.optional(z.int().min(0).max(JITTER_MS_MAX)),
  paused: z.optional(z.boolean()),
  /** Input of every run. */
  input: z.optional(z.json()),
});
export type Schedule = z.infer<typeof Schedule>;
