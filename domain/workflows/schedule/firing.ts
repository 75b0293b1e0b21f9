/** A slot that fires, and what a schedule remembers between two looks. */

export interface ScheduleState {
  /** Every slot up to and including this moment is decided, in ms since the epoch. */
  readonly decidedMs: number;
  /** Ids of firings whose run has not ended. */
  readonly open: readonly string[];
  /** Slots that wait for a run to end, oldest first. */
  readonly waiting: readonly number[];
}

export interface Firing {
  /** `<schedule>-<slot in ms>`: the idempotency key of the start. */
  readonly id: string;
  readonly slotMs: number;
}

/** Stable over repeats, restarts and edits of the schedule. */
export function fireIdOf(scheduleId: string, slotMs: number): string {
  return `${scheduleId}-${slotMs}`;
}
