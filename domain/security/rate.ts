/** Admission of one tenant's API requests in one isolate: a rate per minute and a number at once. */

/** In memory only; losing it loses nothing. */
export interface RateState {
  readonly tokens: number;
  readonly atMs: number;
  readonly inFlight: number;
}

export interface RateLimits {
  readonly perMinute: number;
  readonly concurrentMax: number;
}

export type Admission =
  | { readonly admitted: true; readonly state: RateState }
  | { readonly admitted: false; readonly reason: "rate" | "concurrency"; readonly afterMs: number };

const MINUTE_MS = 60_000;
/** A request in flight ends in about this time; a guess for Retry-After. */
const BUSY_RETRY_MS = 1000;

/** Takes one token and one slot, or says when to come again. Undefined: nothing was asked before. */
export function admit(
  before: RateState | undefined,
  { perMinute, concurrentMax }: RateLimits,
  nowMs: number,
): Admission {
  const { tokens, atMs, inFlight } = before ?? { tokens: perMinute, atMs: nowMs, inFlight: 0 };
  if (inFlight >= concurrentMax) {
    return { admitted: false, reason: "concurrency", afterMs: BUSY_RETRY_MS };
  }
  const earned = (Math.max(0, nowMs - atMs) * perMinute) / MINUTE_MS;
  const filled = Math.min(perMinute, tokens + earned);
  if (filled < 1) {
    return { admitted: false, reason: "rate", afterMs: ((1 - filled) * MINUTE_MS) / perMinute };
  }
  return { admitted: true, state: { tokens: filled - 1, atMs: nowMs, inFlight: inFlight + 1 } };
}

/** Gives the slot back when the request has ended. */
export function release(state: RateState): RateState {
  return { ...state, inFlight: Math.max(0, state.inFlight - 1) };
}
