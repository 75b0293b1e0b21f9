/** Which of the events that come in are those that a step waits for. */
import { typeMatches } from "../run/plan.ts";

/**
 * An event that came before its wait was known is kept this long, in ms: a step whose correlation is computed waits
 * only from the moment it begins, and what it asked for may answer sooner.
 */
export const EARLY_EVENT_MS = 600_000;
/** Events kept so, per tenant; the oldest go. */
export const EARLY_EVENTS_MAX = 2000;
/** Characters of all of them; the oldest go. */
export const EARLY_EVENTS_CHARS_MAX = 16_000_000;

interface Wanted {
  /** Event type; `*` stands for one word, `#` for any number. */
  readonly type: string;
  /** Absent: only events that have none. */
  readonly correlationId?: string | undefined;
  /** What came before was not meant, in ms. */
  readonly sinceMs: number;
}

interface Came {
  readonly type: string;
  readonly correlationId?: string | undefined;
  /** When it came in, in ms. */
  readonly atMs: number;
}

export function isAwaited(wanted: Wanted, came: Came): boolean {
  return (
    came.atMs >= wanted.sinceMs &&
    came.correlationId === wanted.correlationId &&
    typeMatches(wanted.type, came.type)
  );
}
