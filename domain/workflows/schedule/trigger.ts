/** The schedule that a definition's trigger stands for. */
import { type ClockChanges, type MissedPolicy, Schedule } from "../../../schema/schedule.ts";
import type { ScheduleTrigger } from "../../../schema/workflow-trigger.ts";
import { fail, ok, type Result } from "../../result.ts";
import { checkedMs } from "../run/timing.ts";

/** Who the schedule is for; `id` is stable over versions of the definition, so that no slot fires for two of them. */
export type ScheduleOwner = Pick<Schedule, "id" | "workflow" | "version" | "paused">;

/** A duration of the trigger that is longer than a schedule takes. */
export interface TriggerFailure {
  readonly reason: "out_of_bounds";
  /** JSON pointer into the schedule. */
  readonly pointer: string;
  readonly detail: string;
}

/** Input and condition stay with the trigger: they are evaluated when a slot fires. */
export function scheduleOf(
  trigger: ScheduleTrigger,
  owner: ScheduleOwner,
): Result<Schedule, TriggerFailure> {
  const checked = Schedule.safeParse(draftOf(trigger, owner));
  if (checked.success) return ok(checked.data);
  const [issue] = checked.error.issues;
  const pointer = `/${issue?.path.join("/") ?? ""}`;
  return fail({ reason: "out_of_bounds", pointer, detail: issue?.message ?? "is out of bounds" });
}

function draftOf(trigger: ScheduleTrigger, owner: ScheduleOwner): Schedule {
  const { cron, timezone, overlap, startsAt, endsAt } = trigger;
  const jitterMs = checkedMs(trigger.jitter);
  const changes = clockChanges(trigger);
  return {
    ...owner,
    timing: {
      kind: "cron",
      cron,
      ...(timezone === undefined ? {} : { timezone }),
      ...(changes === undefined ? {} : { clock_changes: changes }),
    },
    missed: missedOf(trigger),
    ...(overlap === undefined ? {} : { overlap }),
    ...(startsAt === undefined ? {} : { starts_at: startsAt }),
    ...(endsAt === undefined ? {} : { ends_at: endsAt }),
    ...(jitterMs === undefined ? {} : { jitter_ms: jitterMs }),
  };
}

function clockChanges({ gap, repeat }: ScheduleTrigger): ClockChanges | undefined {
  if (gap === undefined && repeat === undefined) return undefined;
  return {
    ...(gap === undefined ? {} : { gap }),
    ...(repeat === undefined ? {} : { repeat }),
  };
}

function missedOf({ missed, catchUp }: ScheduleTrigger): MissedPolicy {
  const windowMs = checkedMs(catchUp);
  const window = windowMs === undefined ? {} : { window_ms: windowMs };
  return { policy: missed ?? "latest", ...window };
}
