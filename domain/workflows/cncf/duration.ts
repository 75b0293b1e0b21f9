/** Durations of the DSL: `{days, hours, minutes, seconds, milliseconds}`, or ISO 8601. */
import { DURATION_MS_MAX } from "../../../schema/workflow-value.ts";
import type { Place } from "./faults.ts";
import { membersOf } from "./value.ts";

const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ["days", 86_400_000],
  ["hours", 3_600_000],
  ["minutes", 60_000],
  ["seconds", 1000],
  ["milliseconds", 1],
]);

const ISO =
  /^P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9}(?:\.\d{1,3})?)S)?)?$/;
const ISO_UNITS_MS = [604_800_000, 86_400_000, 3_600_000, 60_000, 1000] as const;

/** In ms; a fault where it is none, or none that has a fixed length. */
export function durationMs(value: unknown, place: Place): number | undefined {
  const ms = typeof value === "string" ? isoMs(value, place) : inlineMs(value, place);
  if (ms === undefined || ms <= DURATION_MS_MAX) return ms;
  place.fault("too_large", "longer than 365 days");
  return undefined;
}

function isoMs(text: string, place: Place): number | undefined {
  if (text.trim().startsWith("${")) {
    place.fault("not_supported", "a duration out of an expression");
    return undefined;
  }
  const found = ISO.exec(text);
  const parts = found?.slice(1) ?? [];
  if (parts.every((part) => part === undefined)) {
    const detail = "is no duration of a fixed length (weeks, days, hours, minutes, seconds)";
    place.fault(/^P\d+[YM]/.test(text) ? "not_supported" : "invalid", detail);
    return undefined;
  }
  const ms = parts.map((part, at) => Number(part ?? 0) * (ISO_UNITS_MS[at] ?? 0));
  return Math.round(ms.reduce((sum, one) => sum + one, 0));
}

function inlineMs(value: unknown, place: Place): number | undefined {
  const members = membersOf(value);
  if (members === undefined || Object.keys(members).length === 0) {
    place.fault("invalid", "is no duration");
    return undefined;
  }
  let ms = 0;
  for (const [name, amount] of Object.entries(members)) {
    const unit = UNITS_MS.get(name);
    const right = unit !== undefined && typeof amount === "number" && amount >= 0;
    if (!right)
      place
        .at(name)
        .fault("invalid", `is none of ${[...UNITS_MS.keys()].join(", ")} with a number`);
    else ms += amount * unit;
  }
  return Math.round(ms);
}
