/** Wire shapes of schedules, their next slots and their history. */
import * as z from "zod";
import { Id } from "../connection.ts";
import { Schedule } from "../schedule.ts";
import { type Mapping, WorkflowId } from "../workflow-value.ts";

/** Slots one question about the future may ask for. */
export const NEXT_SLOTS_MAX = 100;

/** JSON as it was parsed. Schemas that hold themselves cannot stand in the API's document. */
const Input = z.unknown() as z.ZodType<Mapping>;

const members = { ...Schedule.shape, input: Input.optional() };

export const ScheduleId = members.id;

/** Ids that begin with `wf_` are those of definitions. */
export const CreateSchedule = z.strictObject({
  tenant: Id.optional(),
  ...members,
  /** Absent: one is made. */
  id: ScheduleId.refine(
    (id) => !id.startsWith("wf_"),
    "wf_ is kept for schedules of definitions",
  ).optional(),
});
export type CreateSchedule = z.infer<typeof CreateSchedule>;

/** Absent members stay, null takes one away. Others than `paused` of a definition's schedule are the definition's. */
export const SchedulePatch = z.strictObject({
  tenant: Id.optional(),
  name: members.name.nullable(),
  workflow: WorkflowId.optional(),
  version: members.version.nullable(),
  timing: members.timing.optional(),
  overlap: members.overlap.nullable(),
  missed: members.missed.nullable(),
  starts_at: members.starts_at.nullable(),
  ends_at: members.ends_at.nullable(),
  jitter_ms: members.jitter_ms.nullable(),
  paused: members.paused,
  input: z.unknown().optional(),
});
export type SchedulePatch = z.infer<typeof SchedulePatch>;

const at = z.iso.datetime();

export const ScheduleView = z
  .object({
    ...members,
    input: z.unknown().optional(),
    paused: z.boolean(),
    /** `definition`: a trigger of the workflow's version in force stands behind it. */
    declared_by: z.enum(["api", "definition"]),
    /** The next slot; null while it is paused, or where there is none. */
    next: at.nullable(),
    created_at: at,
    updated_at: at,
  })
  .meta({ id: "Schedule" });
export type ScheduleView = z.infer<typeof ScheduleView>;

export const NextQuery = z.strictObject({
  tenant: Id.optional(),
  count: z.coerce.number().int().min(1).max(NEXT_SLOTS_MAX).default(5),
});

/** Jitter, where there is some, comes on top. */
export const NextSlots = z.object({ items: z.array(at) });

export const SlotView = z.object({
  /** Of neighbours that were left out together: the last one. */
  slot: at,
  /** `manual`: fired by a person; `skipped`: by a policy of the schedule; `refused`: the run could not be started. */
  outcome: z.enum(["fired", "manual", "skipped", "refused"]),
  /** Why nothing was started. */
  reason: z.string().nullable(),
  run: z.string().nullable(),
  /** Slots this stands for; null: too many to count. */
  slots: z.int().nullable(),
  at,
});

export const FireBody = z.strictObject({ tenant: Id.optional() });

export const FiredView = z.object({
  run: z.string(),
  schedule: ScheduleId,
  /** It had been fired before, under the same key. */
  duplicate: z.boolean(),
});
