/** How fast a replay goes, and how far it is. Times in ms since the epoch, rates per second. */

/** Events read and handed over in one step at most. */
export const STEP_EVENTS_MAX = 500;
/** The present rate is measured over at least this, in ms. */
const WINDOW_MS = 5000;
/** A replay stops filling a subscription above this many deliveries per shard, whatever it may hold. */
const BACKLOG_MAX = 10_000;

/** What of a subscription's room a replay may use: half of it, so that live events never find it full. */
export function headroomOf(depthMax: number, depth: number): number {
  return Math.max(0, Math.min(BACKLOG_MAX, Math.ceil(depthMax / 2)) - depth);
}

/** Events one step may hand over: at most what a second allows. */
export function stepBudget(ratePerSecond: number, headroom: number): number {
  return Math.min(STEP_EVENTS_MAX, Math.max(1, Math.floor(ratePerSecond)), headroom);
}

/** When the next step may begin, after one that began at `startedMs` and handed `sent` over. */
export function nextStepMs(startedMs: number, sent: number, ratePerSecond: number): number {
  return startedMs + Math.ceil((sent * 1000) / ratePerSecond);
}

/** How far a job is. */
export interface Progress {
  /** Gone through, whether they were wanted or not. */
  readonly looked: number;
  /** Handed over. */
  readonly sent: number;
  /** Estimate of how many there are to go through; absent until it is known. */
  readonly total?: number;
  /** Since when, and from how many on, the present rate is measured. */
  readonly window: { readonly atMs: number; readonly looked: number };
  readonly ratePerSecond: number;
}

export function openProgress(nowMs: number): Progress {
  return { looked: 0, sent: 0, window: { atMs: nowMs, looked: 0 }, ratePerSecond: 0 };
}

/**
 * After a step that ends at `nowMs`, the wait that its rate imposes included: measured without it, a replay would look
 * as fast as its reading. Events are read in pages, so a window without one says nothing and goes on.
 */
export function advance(
  progress: Progress,
  step: { readonly looked: number; readonly sent: number },
  nowMs: number,
): Progress {
  const looked = progress.looked + step.looked;
  const sent = progress.sent + step.sent;
  const { window } = progress;
  const spanMs = nowMs - window.atMs;
  const measured = ((looked - window.looked) * 1000) / Math.max(spanMs, 1);
  if (spanMs < WINDOW_MS || looked === window.looked)
    return { ...progress, looked, sent, ratePerSecond: progress.ratePerSecond || measured };
  return { ...progress, looked, sent, window: { atMs: nowMs, looked }, ratePerSecond: measured };
}

/** Counting the rate begins anew: nothing has moved meanwhile. */
export function restart(progress: Progress, nowMs: number): Progress {
  return { ...progress, window: { atMs: nowMs, looked: progress.looked }, ratePerSecond: 0 };
}

/** Seconds until the estimate is reached; undefined while nobody can say. */
export function secondsLeft({ total, looked, ratePerSecond }: Progress): number | undefined {
  if (total === undefined || ratePerSecond <= 0) return undefined;
  return Math.ceil(Math.max(0, total - looked) / ratePerSecond);
}
