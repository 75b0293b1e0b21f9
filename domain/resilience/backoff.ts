/**
 * Waits between attempts. `random` yields numbers in [0, 1) and is an argument, so every schedule can
 * be tested. A downstream's own `Retry-After` is read here and never trusted beyond its bounds.
 */

/** Longest `Retry-After` that is honoured, in ms: one hour. A larger wish is cut to it. */
export const RETRY_AFTER_MS_MAX = 3_600_000;

export interface BackoffBounds {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Full jitter: anywhere between nothing and the doubled step. `attempt` counts from 1. */
export function fullJitterMs(
  attempt: number,
  { baseMs, capMs }: BackoffBounds,
  random: () => number,
): number {
  const doublings = Math.min(Math.max(attempt - 1, 0), 30);
  return Math.round(Math.min(capMs, baseMs * 2 ** doublings) * random());
}

/** Decorrelated jitter: between the base and three times the previous wait. */
export function decorrelatedJitterMs(
  previousMs: number,
  { baseMs, capMs }: BackoffBounds,
  random: () => number,
): number {
  const upper = Math.max(baseMs, previousMs * 3);
  return Math.round(Math.min(capMs, baseMs + (upper - baseMs) * random()));
}

/**
 * `Retry-After` (RFC 9110 section 10.2.3) as ms from now: seconds (fractions, which some servers send, are rounded
 * up) or an IMF-fixdate. Undefined where it is absent or unreadable; a moment already past is 0; never
 * above `maxMs`.
 */
export function parseRetryAfter(
  header: string | null | undefined,
  nowMs: number,
  maxMs: number = RETRY_AFTER_MS_MAX,
): number | undefined {
  const text = header?.trim() ?? "";
  if (SECONDS.test(text)) return Math.min(Math.ceil(Number(text)) * 1000, maxMs);
  if (!IMF_FIXDATE.test(text)) return undefined;
  const atMs = Date.parse(text);
  if (!Number.isFinite(atMs)) return undefined;
  return Math.min(Math.max(atMs - nowMs, 0), maxMs);
}

const SECONDS = /^\d{1,15}(?:\.\d{1,9})?$/;
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
