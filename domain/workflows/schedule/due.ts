/**
 * What a schedule does at a moment: which slots fire, which are left out and why, which runs are cancelled, when to
 * look again. A pure function of the schedule, its state and the moment.
 *
 * No slot fires twice: its id is made of schedule and slot, so starting it is idempotent, and the watermark of
 * decided slots only rises. Keep the new state before starting what fires; after a crash, start every id in `open`
 * once more.
 */
import { CATCH_UP_MS_DEFAULT, type MissedPolicy, type Schedule } from "../../../schema/schedule.ts";
import type { Slots } from "./cron.ts";
import { type Firing, fireIdOf, type ScheduleState } from "./firing.ts";
import { admission } from "./overlap.ts";
import { type Skipped, type SkipReason, skipTally } from "./skipped.ts";

/** A slot noticed within this time is not missed, in ms: the supervisor's alarm may come some seconds late. */
export const LATE_AFTER_MS = 60_000;
/** Slots decided at once. Where more are due, the next look is at once. */
export const SLOTS_PER_DECISION_MAX = 100;
/** Slots that are counted where many are left out together; beyond, their number stays open. */
export const COUNTED_SLOTS_MAX = 200;

const MISSED_DEFAULT: MissedPolicy = { policy: "latest" };

export interface ScheduleDecision {
  readonly fire: readonly Firing[];
  /** Ids of firings whose runs are to be cancelled. */
  readonly cancel: readonly string[];
  readonly skipped: readonly Skipped[];
  readonly state: ScheduleState;
  /** When to decide again, in ms since the epoch; absent: when a run ends, or never. */
  readonly wakeAtMs?: number;
}

/** State of a schedule that is new at `nowMs`: slots up to then are not its own. */
export function freshState(nowMs: number): ScheduleState {
  return { decidedMs: nowMs, open: [], waiting: [] };
}

/** The state after a run has ended, however it did. Decide again: a waiting slot may fire. */
export function ended(state: ScheduleState, fireId: string): ScheduleState {
  return { ...state, open: state.open.filter((id) => id !== fireId) };
}

/** Decides every slot that is due at `nowMs`. `slots` are those of the schedule (`slotsOf`). */
export function due(
  schedule: Schedule,
  slots: Slots,
  state: ScheduleState,
  nowMs: number,
): ScheduleDecision {
  const skipped = skipTally();
  if (schedule.paused === true) {
    const decidedMs = leaveOut(slots, state.decidedMs, nowMs, "paused", skipped);
    return {
      fire: [],
      cancel: [],
      skipped: skipped.all(),
      state: { ...state, decidedMs },
    };
  }
  const cutMs = nowMs - Math.max(windowMs(schedule), LATE_AFTER_MS);
  const fromMs = leaveOut(
    slots,
    state.decidedMs,
    cutMs - (schedule.jitter_ms ?? 0) - 1,
    tooOld(schedule),
    skipped,
  );
  const batch = dueSlots(schedule, slots, fromMs, nowMs);
  const admit = admission(schedule, state, skipped);
  for (const [at, slot] of batch.slots.entries()) {
    const newest = at === batch.slots.length - 1 && !batch.more;
    const reason = missedReason(schedule, slot, { cutMs, nowMs, newest });
    if (reason === undefined) admit.take(slot.slotMs);
    else skipped.add(reason, slot.slotMs);
  }
  const decidedMs = batch.slots.at(-1)?.slotMs ?? fromMs;
  const wakeAtMs = batch.more ? nowMs : dueOf(schedule, slots, slots.next(decidedMs))?.dueMs;
  const { fire, cancel, open, waiting } = admit.outcome();
  return {
    fire,
    cancel,
    skipped: skipped.all(),
    state: { decidedMs, open, waiting },
    ...(wakeAtMs === undefined ? {} : { wakeAtMs }),
  };
}

interface DueSlot {
  readonly slotMs: number;
  /** The slot and its share of the jitter. */
  readonly dueMs: number;
}

function dueSlots(
  schedule: Schedule,
  slots: Slots,
  fromMs: number,
  nowMs: number,
): { readonly slots: readonly DueSlot[]; readonly more: boolean } {
  const found: DueSlot[] = [];
  let next = dueOf(schedule, slots, slots.next(fromMs));
  while (next !== undefined && next.dueMs <= nowMs && found.length < SLOTS_PER_DECISION_MAX) {
    found.push(next);
    next = dueOf(schedule, slots, slots.next(next.slotMs));
  }
  return { slots: found, more: next !== undefined && next.dueMs <= nowMs };
}

/** The jitter of a slot follows from its id and ends before the next slot: the order of slots never changes. */
function dueOf(schedule: Schedule, slots: Slots, slotMs: number | undefined): DueSlot | undefined {
  if (slotMs === undefined) return undefined;
  const jitterMs = schedule.jitter_ms ?? 0;
  if (jitterMs === 0) return { slotMs, dueMs: slotMs };
  const roomMs = (slots.next(slotMs) ?? Infinity) - slotMs;
  const share = fractionOf(fireIdOf(schedule.id, slotMs));
  return { slotMs, dueMs: slotMs + Math.floor(share * Math.min(jitterMs, roomMs)) };
}

function missedReason(
  schedule: Schedule,
  { dueMs }: DueSlot,
  { cutMs, nowMs, newest }: { cutMs: number; nowMs: number; newest: boolean },
): SkipReason | undefined {
  if (dueMs < cutMs) return tooOld(schedule);
  if (newest) return undefined;
  if (schedule.overlap === "cancel_other") return "superseded";
  const late = dueMs < nowMs - LATE_AFTER_MS;
  const { policy } = schedule.missed ?? MISSED_DEFAULT;
  return late && policy === "latest" ? "superseded" : undefined;
}

/** To skip what is missed is to have no window at all. */
function windowMs(schedule: Schedule): number {
  const { policy, window_ms } = schedule.missed ?? MISSED_DEFAULT;
  return policy === "skip" ? 0 : (window_ms ?? CATCH_UP_MS_DEFAULT);
}

function tooOld(schedule: Schedule): SkipReason {
  return schedule.missed?.policy === "skip" ? "missed" : "outside_window";
}

/** Leaves out every slot in (`fromMs`, `untilMs`] together, and says up to where slots are now decided. */
function leaveOut(
  slots: Slots,
  fromMs: number,
  untilMs: number,
  reason: SkipReason,
  skipped: ReturnType<typeof skipTally>,
): number {
  if (untilMs <= fromMs) return fromMs;
  let at = slots.next(fromMs);
  for (let count = 0; at !== undefined && at <= untilMs; count += 1) {
    if (count === COUNTED_SLOTS_MAX) {
      skipped.addUncounted(reason, untilMs);
      break;
    }
    skipped.add(reason, at);
    at = slots.next(at);
  }
  return untilMs;
}

/** FNV-1a of the text, as a number in [0, 1). */
function fractionOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0) / 2 ** 32;
}
