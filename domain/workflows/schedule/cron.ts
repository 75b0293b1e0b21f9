/**
 * Cron text in a time zone, compiled to "the next slot after this moment". Pure: the library's own clock and timers
 * are never used, every question names its moment. What changes of clocks do to slots is decided here as well.
 */
import { Cron } from "croner";
import type { ClockChanges, ScheduleTiming } from "../../../schema/schedule.ts";
import { fail, ok, type Result } from "../../result.ts";

/** Slots of a schedule in order, in ms since the epoch. */
export interface Slots {
  /** The first slot later than `afterMs`; undefined where there is none any more. */
  next(afterMs: number): number | undefined;
}

export type CronFailure =
  | {
      readonly reason: "cron_seconds" | "cron_fields" | "cron_syntax" | "cron_alias";
      readonly detail: string;
    }
  | { readonly reason: "unknown_timezone"; readonly detail: string }
  | { readonly reason: "clock_changes_without_effect"; readonly detail: string };

type CronTiming = Extract<ScheduleTiming, { kind: "cron" }>;

/** Zone of a schedule that names none. */
const UTC = "UTC";
/** Names that stand for five fields. `@reboot` is none: nothing here ever boots. */
const ALIASES: ReadonlyMap<string, readonly string[]> = new Map([
  ["@yearly", ["0", "0", "1", "1", "*"]],
  ["@annually", ["0", "0", "1", "1", "*"]],
  ["@monthly", ["0", "0", "1", "*", "*"]],
  ["@weekly", ["0", "0", "*", "*", "0"]],
  ["@daily", ["0", "0", "*", "*", "*"]],
  ["@midnight", ["0", "0", "*", "*", "*"]],
  ["@hourly", ["0", "*", "*", "*", "*"]],
]);
/** Digits, names of days and months, `*`, lists, ranges, steps, `#`, `L`, `W`, `?`. */
const FIELD = /^[0-9A-Za-z*,/#?-]+$/;
/** Slots that may fall out of two sequences in a row before their intersection counts as empty. */
const FALLEN_OUT_MAX = 1000;

/** Compiles; the failure says in words what is wrong with which part. */
export function compileCron(timing: CronTiming): Result<Slots, CronFailure> {
  const timezone = timing.timezone ?? UTC;
  if (!isTimezone(timezone))
    return fail({ reason: "unknown_timezone", detail: `no IANA time zone ${timezone}` });
  const fields = fieldsOf(timing.cron);
  if (!fields.ok) return fields;
  if (timing.clock_changes !== undefined && !namesItsTimes(fields.value)) {
    const detail = "minute or hour is not named (* or a step): such a text follows elapsed time";
    return fail({ reason: "clock_changes_without_effect", detail });
  }
  try {
    return ok(slotsOfCron(fields.value, timezone, timing.clock_changes ?? {}));
  } catch (error) {
    const text = error instanceof Error ? error.message : "not a cron text";
    return fail({ reason: "cron_syntax", detail: text.replace(/^CronPattern: /, "") });
  }
}

/** True for a name that the platform's own tables know. Offsets such as `+02:00` are no zones. */
export function isTimezone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function fieldsOf(cron: string): Result<readonly string[], CronFailure> {
  const fields = cron.trim().split(/\s+/);
  const [first = ""] = fields;
  if (first.startsWith("@")) {
    const meant = fields.length === 1 ? ALIASES.get(first.toLowerCase()) : undefined;
    const detail = `${first} is none of ${[...ALIASES.keys()].join(", ")}`;
    return meant === undefined ? fail({ reason: "cron_alias", detail }) : ok(meant);
  }
  if (fields.length === 6 || fields.length === 7) {
    const detail = `${fields.length} fields: seconds and years are not offered, the first field is the minute`;
    return fail({ reason: "cron_seconds", detail });
  }
  if (fields.length !== 5) {
    const detail = `${fields.length} fields instead of five: minute, hour, day of month, month, day of week`;
    return fail({ reason: "cron_fields", detail });
  }
  const strange = fields.find((field) => !FIELD.test(field));
  if (strange === undefined) return ok(fields);
  return fail({ reason: "cron_syntax", detail: `${strange} has a character that means nothing` });
}

function namesItsTimes(fields: readonly string[]): boolean {
  const [minute = "", hour = ""] = fields;
  return !/[*/?]/.test(minute) && !/[*/?]/.test(hour);
}

/**
 * The library knows two ways through a change of clocks: times that are named shift out of the gap and come once;
 * all others fall out of it and come twice. The two mixed policies are the union and the intersection of both.
 */
function slotsOfCron(fields: readonly string[], timezone: string, changes: ClockChanges): Slots {
  const shiftOnce = compiled(fields, timezone);
  if (changes.gap !== "skip" && changes.repeat !== "both") return shiftOnce;
  const skipTwice = compiled(elapsed(fields), timezone);
  if (changes.gap === "skip" && changes.repeat === "both") return skipTwice;
  return changes.gap === "skip" ? both(shiftOnce, skipTwice) : either(shiftOnce, skipTwice);
}

function compiled(fields: readonly string[], timezone: string): Slots {
  const cron = new Cron(fields.join(" "), {
    mode: "5-part",
    timezone,
    fixedTimeRule: "no-wildcard",
  });
  return { next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime() };
}

/** The same times, written with a step of one, which the library reads as elapsed time. */
function elapsed(fields: readonly string[]): readonly string[] {
  const [minute = "", ...rest] = fields;
  const [first = "", ...others] = minute.split(",");
  const range = first.includes("-") ? first : `${first}-${first}`;
  return [[`${range}/1`, ...others].join(","), ...rest];
}

function either(left: Slots, right: Slots): Slots {
  return {
    next(afterMs) {
      const at = [left.next(afterMs), right.next(afterMs)].filter((slot) => slot !== undefined);
      return at.length === 0 ? undefined : Math.min(...at);
    },
  };
}

function both(left: Slots, right: Slots): Slots {
  return {
    next(afterMs) {
      let at = left.next(afterMs);
      for (let round = 0; at !== undefined && round < FALLEN_OUT_MAX; round += 1) {
        const other = right.next(at - 1);
        if (other === at || other === undefined) return other;
        at = left.next(other - 1);
      }
      return undefined;
    },
  };
}
