/** Slots that did not fire: each has a reason, neighbours with the same one are told together. */

/**
 * `paused`: the schedule was. `missed`: nobody was awake, and it skips such slots. `outside_window`: too old to catch
 * up. `superseded`: a later slot was due as well. `still_running`: a run was open. `queue_full`: no more may wait.
 */
export type SkipReason =
  | "paused"
  | "missed"
  | "outside_window"
  | "superseded"
  | "still_running"
  | "queue_full";

/** All slots of the schedule from `fromMs` to `untilMs`, both inclusive, in ms since the epoch. */
export interface Skipped {
  readonly reason: SkipReason;
  readonly fromMs: number;
  readonly untilMs: number;
  /** How many they are; null where too many to count. */
  readonly slots: number | null;
}

export interface SkipTally {
  add(reason: SkipReason, slotMs: number): void;
  /** Goes on from the last added slot up to `untilMs`, uncounted. */
  addUncounted(reason: SkipReason, untilMs: number): void;
  all(): readonly Skipped[];
}

/** Slots are added in their order. */
export function skipTally(): SkipTally {
  const runs: Skipped[] = [];
  return {
    add(reason, slotMs) {
      const last = runs.at(-1);
      if (last?.reason !== reason || last.slots === null)
        runs.push({ reason, fromMs: slotMs, untilMs: slotMs, slots: 1 });
      else runs[runs.length - 1] = { ...last, untilMs: slotMs, slots: last.slots + 1 };
    },
    addUncounted(reason, untilMs) {
      const last = runs.at(-1);
      const fromMs = last?.reason === reason ? (runs.pop() ?? last).fromMs : untilMs;
      runs.push({ reason, fromMs, untilMs, slots: null });
    },
    all: () => runs,
  };
}
