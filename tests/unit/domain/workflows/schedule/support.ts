/** Schedules for tests: written short, checked in full. */

import type { Slots } from "../../../../../domain/workflows/schedule/cron.ts";
import { due } from "../../../../../domain/workflows/schedule/due.ts";
import type { ScheduleState } from "../../../../../domain/workflows/schedule/firing.ts";
import { slotsOf } from "../../../../../domain/workflows/schedule/slots.ts";
import { Schedule } from "../../../../../schema/schedule.ts";

export const MIN = 60_000;
export const HOUR = 60 * MIN;
export const DAY = 24 * HOUR;
/** A Monday, midnight in UTC. */
export const T0 = Date.parse("2026-01-05T00:00:00Z");

/** Hourly, where `part` says nothing else. */
export function parsed(part: Record<string, unknown> = {}): Schedule {
  return Schedule.parse({
    id: "s1",
    workflow: "w",
    timing: { kind: "cron", cron: "0 * * * *" },
    ...part,
  });
}

/** Its slots; asked twice, they answer from memory, as time zones are slow. */
export function slotted(schedule: Schedule): Slots {
  const slots = slotsOf(schedule);
  if (!slots.ok) throw new Error(slots.failure.detail);
  const { value } = slots;
  const known = new Map<number, number | undefined>();
  return {
    next(afterMs) {
      if (!known.has(afterMs)) known.set(afterMs, value.next(afterMs));
      return known.get(afterMs);
    },
  };
}

/** What it decides at `nowMs`. */
export function look(schedule: Schedule, state: ScheduleState, nowMs: number) {
  return due(schedule, slotted(schedule), state, nowMs);
}
