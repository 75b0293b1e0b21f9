/** A token bucket: a steady rate with a burst. Refilled by looking at the clock, never by a timer. */

export interface TokenBucket {
  readonly tokens: number;
  readonly atMs: number;
}

export interface BucketLimits {
  /** Tokens gained per second; may be below 1. */
  readonly ratePerSecond: number;
  /** Tokens it holds when full; below 1 counts as 1. */
  readonly burst: number;
}

export interface Taken {
  readonly bucket: TokenBucket;
  readonly taken: number;
  /** Present where fewer than wanted were there: ms until the next token. */
  readonly retryAfterMs?: number;
}

/** A sum of fractions may end this far beside the whole number it stands for. */
const HAIR = 1e-6;

/** A bucket nobody has drawn from. */
export function fullBucket(limits: BucketLimits, nowMs: number): TokenBucket {
  return { tokens: Math.max(1, limits.burst), atMs: nowMs };
}

/** Takes up to `wants` whole tokens. A clock that steps back refills nothing and takes nothing away. */
export function take(
  bucket: TokenBucket,
  wants: number,
  limits: BucketLimits,
  nowMs: number,
): Taken {
  const atMs = Math.max(nowMs, bucket.atMs);
  const gained = ((atMs - bucket.atMs) / 1000) * limits.ratePerSecond;
  const tokens = Math.min(Math.max(1, limits.burst), bucket.tokens + gained);
  const taken = Math.max(0, Math.min(wants, Math.floor(tokens + HAIR)));
  const left = Math.max(0, tokens - taken);
  const next = { bucket: { tokens: left, atMs }, taken };
  if (taken >= wants) return next;
  const waitMs = ((1 - (left % 1)) / limits.ratePerSecond) * 1000;
  return { ...next, retryAfterMs: Math.max(1, Math.ceil(waitMs - HAIR)) };
}
