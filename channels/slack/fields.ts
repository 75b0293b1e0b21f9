/**
 * Typed looks into unknown JSON, one field at a time: nothing is spread, merged or copied whole, so
 * a hostile `__proto__` stays where it is. Written by hand because the acknowledgement path
 * carries no schema library.
 */
/** Slack ids (`T…`, `C…`, `U…`, `A…`, `Ev…`): no colon, so that keys joined by ":" stay readable. */
const ID = /^[A-Za-z0-9_.-]{1,64}$/;
/** Message timestamps, `seconds.micros`: an id within its channel, kept as a string. */
const TS = /^\d{1,12}\.\d{1,9}$/;
/** Below this (September 2001) a number of seconds is a placeholder, not an event time. */
const PLAUSIBLE_SECONDS_MIN = 1_000_000_000;

/** The value as a list; anything else is an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value as a string of at least one character. */
export function stringOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The value as a Slack id. */
export function idOf(value: unknown): string | undefined {
  return typeof value === "string" && ID.test(value) ? value : undefined;
}

/** The value as a Slack message timestamp. */
export function tsOf(value: unknown): string | undefined {
  return typeof value === "string" && TS.test(value) ? value : undefined;
}

/** A Slack timestamp in ms since the epoch; undefined where it cannot be a real time. */
export function millisecondsOf(ts: string | undefined): number | undefined {
  const seconds = Number(ts);
  return seconds >= PLAUSIBLE_SECONDS_MIN ? Math.round(seconds * 1000) : undefined;
}
