/** Whether a slot may fire beside the runs that are open: the overlap policy of a schedule. */
import type { OverlapPolicy, Schedule } from "../../../schema/schedule.ts";
import { type Firing, fireIdOf, type ScheduleState } from "./firing.ts";
import type { SkipTally } from "./skipped.ts";

/** Slots that may wait for a run to end. */
export const WAITING_SLOTS_MAX = 100;

/** Of a schedule that names none. */
export const OVERLAP_DEFAULT: OverlapPolicy = "skip";

interface Outcome {
  readonly fire: readonly Firing[];
  readonly cancel: readonly string[];
  readonly open: readonly string[];
  readonly waiting: readonly number[];
}

/** Takes the slots that are to fire, in their order. Slots that waited come first. */
export interface Admission {
  take(slotMs: number): void;
  outcome(): Outcome;
}

/** What may not fire is added to `skipped`, or waits. */
export function admission(schedule: Schedule, state: ScheduleState, skipped: SkipTally): Admission {
  const overlap = schedule.overlap ?? OVERLAP_DEFAULT;
  const fire: Firing[] = [];
  const cancel: string[] = [];
  const waiting = [...state.waiting];
  const open = [...state.open];
  const start = (slotMs: number) => {
    const id = fireIdOf(schedule.id, slotMs);
    fire.push({ id, slotMs });
    open.push(id);
  };
  const release = () => {
    while (waiting.length > 0 && (open.length === 0 || overlap === "allow")) {
      const slotMs = waiting.shift();
      if (slotMs !== undefined) start(slotMs);
    }
  };
  release();
  return {
    take(slotMs) {
      const what = open.length === 0 ? "fire" : meeting(overlap, waiting.length);
      if (what === "wait") waiting.push(slotMs);
      else if (what !== "fire" && what !== "cancel") skipped.add(what, slotMs);
      else {
        if (what === "cancel") cancel.push(...open.splice(0));
        start(slotMs);
      }
    },
    outcome: () => ({ fire, cancel, open, waiting }),
  };
}

/** What becomes of a slot that meets an open run. */
function meeting(
  overlap: OverlapPolicy,
  waiting: number,
): "fire" | "cancel" | "wait" | "still_running" | "queue_full" {
  switch (overlap) {
    case "allow":
      return "fire";
    case "cancel_other":
      return "cancel";
    case "skip":
      return "still_running";
    case "queue_one":
      return waiting === 0 ? "wait" : "queue_full";
    case "queue":
      return waiting < WAITING_SLOTS_MAX ? "wait" : "queue_full";
  }
}
