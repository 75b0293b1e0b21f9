/** Admission of one tenant's API requests in one isolate: a rate per minute and a number at once. */
import { fullBucket, type TokenBucket, take } from "../resilience/token-bucket.ts";

/** In memory only; losing it loses nothing. */
export interface RateState {
  readonly bucket: TokenBucket;
  readonly inFlight: number;
}

export interface RateLimits {
  readonly perMinute: number;
  readonly concurrentMax: number;
}

export type Admission =
  | { readonly admitted: true; readonly state: RateState }
  | { readonly admitted: false; readonly reason: "rate" | "concurrency"; readonly afterMs: number };

const MINUTE_SECONDS = 60;
/** A request in flight ends in about this time; a guess for Retry-After. */
const BUSY_RETRY_MS = 1000;

/** Takes one token and one slot, or says when to come again. Undefined: nothing was asked before. */
export function admit(
  before: RateState | undefined,
  { perMinute, concurrentMax }: RateLimits,
  nowMs: number,
): Admission {
  const limits = { ratePerSecond: perMinute / MINUTE_SECONDS, burst: perMinute };
  const { bucket, inFlight } = before ?? { bucket: fullBucket(limits, nowMs), inFlight: 0 };
  if (inFlight >= concurrentMax) {
    return { admitted: false, reason: "concurrency", afterMs: BUSY_RETRY_MS };
  }
  const next = take(bucket, 1, limits, nowMs);
  if (next.taken < 1) {
    return { admitted: false, reason: "rate", afterMs: next.retryAfterMs ?? BUSY_RETRY_MS };
  }
  return { admitted: true, state: { bucket: next.bucket, inFlight: inFlight + 1 } };
}

/** Gives the slot back when the request has ended. */
export function release(state: RateState): RateState {
  return { ...state, inFlight: Math.max(0, state.inFlight - 1) };
}
