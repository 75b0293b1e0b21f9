/** The slots of a schedule: of its cron text, its interval or its one moment, between its start and its end. */
import type { Schedule, ScheduleTiming } from "../../../schema/schedule.ts";
import { fail, ok, type Result } from "../../result.ts";
import { type CronFailure, compileCron, type Slots } from "./cron.ts";

export type { Slots } from "./cron.ts";

export type ScheduleFailure = (
  | CronFailure
  | { readonly reason: "ends_before_start" | "never_fires"; readonly detail: string }
) & {
  /** JSON pointer into the schedule. */
  readonly pointer: string;
};

const POINTERS: Readonly<Record<CronFailure["reason"], string>> = {
  cron_seconds: "/timing/cron",
  cron_fields: "/timing/cron",
  cron_syntax: "/timing/cron",
  cron_alias: "/timing/cron",
  unknown_timezone: "/timing/timezone",
  clock_changes_without_effect: "/timing/clock_changes",
};

/** Slots a question about the future may ask for at once. */
export const PREVIEW_MAX = 100;

/** Compiles the slots; the failure says what its schema could not. */
export function slotsOf(
  schedule: Pick<Schedule, "timing" | "starts_at" | "ends_at">,
): Result<Slots, ScheduleFailure> {
  const startMs = schedule.starts_at === undefined ? -Infinity : Date.parse(schedule.starts_at);
  const endMs = schedule.ends_at === undefined ? Infinity : Date.parse(schedule.ends_at);
  if (endMs <= startMs)
    return fail({
      reason: "ends_before_start",
      detail: "ends_at is not after starts_at",
      pointer: "/ends_at",
    });
  const slots = timed(schedule.timing);
  if (!slots.ok) return fail({ ...slots.failure, pointer: POINTERS[slots.failure.reason] });
  return ok(between(slots.value, startMs, endMs));
}

/** As `slotsOf`, and refuses a schedule without a single slot after `nowMs`. For schedules that come in. */
export function checkSchedule(schedule: Schedule, nowMs: number): Result<Slots, ScheduleFailure> {
  const slots = slotsOf(schedule);
  if (!slots.ok || slots.value.next(nowMs) !== undefined) return slots;
  return fail({
    reason: "never_fires",
    detail: "there is no slot from now on",
    pointer: schedule.timing.kind === "cron" ? "/timing/cron" : "/timing",
  });
}

/** The next slots after `afterMs`, at most `count` and at most `PREVIEW_MAX` of them. */
export function nextSlots(slots: Slots, afterMs: number, count: number): readonly number[] {
  const found: number[] = [];
  let at = slots.next(afterMs);
  while (at !== undefined && found.length < Math.min(count, PREVIEW_MAX)) {
    found.push(at);
    at = slots.next(at);
  }
  return found;
}

function timed(timing: ScheduleTiming): Result<Slots, CronFailure> {
  if (timing.kind === "cron") return compileCron(timing);
  if (timing.kind === "at") {
    const atMs = Date.parse(timing.at);
    return ok({ next: (afterMs) => (atMs > afterMs ? atMs : undefined) });
  }
  const anchorMs = timing.anchor === undefined ? 0 : Date.parse(timing.anchor);
  const everyMs = timing.every_ms;
  return ok({
    next: (afterMs) => anchorMs + (Math.floor((afterMs - anchorMs) / everyMs) + 1) * everyMs,
  });
}

function between(slots: Slots, startMs: number, endMs: number): Slots {
  return {
    next(afterMs) {
      const at = slots.next(Math.max(afterMs, startMs - 1));
      return at !== undefined && at < endMs ? at : undefined;
    },
  };
}
