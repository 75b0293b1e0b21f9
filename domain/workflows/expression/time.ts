/** Moments and spans: reading them, writing them, and their parts, in UTC or an IANA zone. */
import { stop } from "./failure.ts";
import { Span, Timestamp } from "./value.ts";

/** Years 1 to 9999, as CEL has them, in ms. */
const MS_MIN = -62_135_596_800_000;
const MS_MAX = 253_402_300_799_999;
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/;
const SPAN = /^([+-]?)((?:\d{1,15}(?:\.\d{1,9})?(?:ms|s|m|h|d)){1,6})$/;
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** RFC 3339 with a zone. @throws Stop `type` for anything else. */
export function timestampOf(text: string): Timestamp {
  const ms = MOMENT.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isFinite(ms)
    ? momentOf(ms)
    : stop("type", "timestamp() reads ISO 8601 with a zone");
}

/** @throws Stop `type` outside the years 1 to 9999. */
export function momentOf(ms: number): Timestamp {
  if (!(ms >= MS_MIN && ms <= MS_MAX)) stop("type", "a timestamp is outside the years 1 to 9999");
  return new Timestamp(ms);
}

/** `1h30m`, `-5s`, `250ms`, `1.5h`, and (unlike CEL) `2d`. @throws Stop `type` for anything else. */
export function spanOf(text: string): Span {
  const match = SPAN.exec(text);
  if (!match) return stop("type", 'duration() reads texts like "1h30m"');
  let ms = 0;
  for (const [, count, unit] of (match[2] ?? "").matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
    ms += Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return new Span(match[1] === "-" ? -ms : ms);
}

/** ISO 8601 in UTC. @throws Stop `type` where arithmetic has left the years 1 to 9999. */
export function momentText({ ms }: Timestamp): string {
  return new Date(momentOf(ms).ms).toISOString();
}

/** As CEL writes it: seconds with `s`. */
export function spanText({ ms }: Span): string {
  return `${ms / 1000}s`;
}

const PARTS: Readonly<Record<string, (local: Date) => number>> = {
  getFullYear: (local) => local.getUTCFullYear(),
  getMonth: (local) => local.getUTCMonth(),
  getDate: (local) => local.getUTCDate(),
  getDayOfMonth: (local) => local.getUTCDate() - 1,
  getDayOfWeek: (local) => local.getUTCDay(),
  getDayOfYear: (local) =>
    Math.floor((local.getTime() - Date.UTC(local.getUTCFullYear(), 0)) / 86_400_000),
  getHours: (local) => local.getUTCHours(),
  getMinutes: (local) => local.getUTCMinutes(),
  getSeconds: (local) => local.getUTCSeconds(),
  getMilliseconds: (local) => local.getUTCMilliseconds(),
};

/** Names of the parts a moment has. */
export const MOMENT_PARTS: readonly string[] = Object.keys(PARTS);

/** A part of a moment, as CEL counts: months, days of a month (`getDayOfMonth`) and of a year from 0, Sunday 0. */
export function momentPart(moment: Timestamp, part: string, zone?: string): bigint {
  const local = zone === undefined ? new Date(moment.ms) : zoned(moment, zone);
  return BigInt(PARTS[part]?.(local) ?? 0);
}

const SPAN_PARTS = {
  getHours: 3_600_000,
  getMinutes: 60_000,
  getSeconds: 1000,
  getMilliseconds: 1,
};

/** A span, whole, in one unit. @throws Stop `type` for a part that only moments have. */
export function spanPart({ ms }: Span, part: string): bigint {
  const unit = Object.hasOwn(SPAN_PARTS, part) && SPAN_PARTS[part as keyof typeof SPAN_PARTS];
  return unit ? BigInt(Math.trunc(ms / unit)) : stop("type", `a duration has no ${part}()`);
}

/** A date whose UTC fields read as the local ones. @throws Stop `type` for an unknown zone. */
function zoned(moment: Timestamp, zone: string): Date {
  const fields = new Map<string, number>();
  try {
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    for (const { type, value } of format.formatToParts(moment.ms)) fields.set(type, Number(value));
  } catch {
    return stop("type", "a time zone is not known");
  }
  const of = (type: string) => fields.get(type) ?? 0;
  const millis = ((moment.ms % 1000) + 1000) % 1000;
  return new Date(
    Date.UTC(
      of("year"),
      of("month") - 1,
      of("day"),
      of("hour"),
      of("minute"),
      of("second"),
      millis,
    ),
  );
}
