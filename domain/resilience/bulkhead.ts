/**
 * Bounded concurrency by leases: a slot that nobody gives back (a worker that died) returns by itself
 * when its lease ends.
 */

/** How long a slot is lent, in ms. Above the longest single call to a platform. */
export const SLOT_LEASE_MS = 60_000;
/** Calls in flight to one downstream by default (requirement SVC-3). */
export const CONCURRENCY_DEFAULT = 10;

export interface Slot {
  readonly id: string;
  readonly untilMs: number;
  /** Lent while the breaker was half-open: its outcome decides whether the breaker closes. */
  readonly probe: boolean;
}

export type Bulkhead = readonly Slot[];

/** The slots whose lease still runs. */
export function unexpired(bulkhead: Bulkhead, nowMs: number): Bulkhead {
  return bulkhead.filter((slot) => slot.untilMs > nowMs);
}

/** How many more calls may start. */
export function freeSlots(bulkhead: Bulkhead, concurrency: number): number {
  return Math.max(0, concurrency - bulkhead.length);
}

/** The bulkhead without a slot, and the slot where it was still there. */
export function release(
  bulkhead: Bulkhead,
  id: string,
): { readonly bulkhead: Bulkhead; readonly slot?: Slot } {
  const slot = bulkhead.find((each) => each.id === id);
  if (!slot) return { bulkhead };
  return { bulkhead: bulkhead.filter((each) => each !== slot), slot };
}
