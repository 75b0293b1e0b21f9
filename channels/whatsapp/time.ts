/** Evolution's numbers: 64-bit values arrive as numbers, as strings or as `{low, high, unsigned}`. */
import { fieldsOf, memberOf } from "../shared/fields.ts";

/** Before September 2001 WhatsApp did not exist: such a time is a placeholder. */
const EPOCH_MS_MIN = 1_000_000_000_000;
/** The year 2100: later than any event, and far below where dates stop being valid. */
const EPOCH_MS_MAX = 4_102_444_800_000;
const DIGITS = /^\d{1,19}$/;
const WORD = 2 ** 32;

/** Seconds since the epoch as ms; undefined for what cannot be the time of a message. */
export function timeOfSeconds(value: unknown): number | undefined {
  const seconds = numberOf(value);
  return seconds === undefined ? undefined : plausible(seconds * 1000);
}

/** Milliseconds since the epoch; undefined for what cannot be the time of a message. */
export function timeOfMilliseconds(value: unknown): number | undefined {
  const milliseconds = numberOf(value);
  return milliseconds === undefined ? undefined : plausible(milliseconds);
}

/** A count that fits the unified message: a whole number from 0. */
export function countOf(value: unknown): number | undefined {
  const count = numberOf(value);
  return count !== undefined && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

/** A whole number of any of the three spellings, or undefined. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") {
    return Number.isFinite(value) ? value : undefined;
  }
  if (typeof value === "string") {
    return DIGITS.test(value) ? Number(value) : undefined;
  }
  const long = fieldsOf(value);
  const low = memberOf(long, "low");
  const high = memberOf(long, "high");
  if (!Number.isInteger(low) || !Number.isInteger(high)) {
    return undefined;
  }
  return ((high as number) >>> 0) * WORD + ((low as number) >>> 0);
}

function plausible(ms: number): number | undefined {
  return ms >= EPOCH_MS_MIN && ms <= EPOCH_MS_MAX ? Math.round(ms) : undefined;
}
