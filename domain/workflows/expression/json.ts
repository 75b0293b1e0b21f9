/** Values on their way out: a copy that is JSON and nothing else, within bounds. */
import type { Mapping } from "../../../schema/workflow-value.ts";
import { stop } from "./failure.ts";
import { RESULT_CHARS_MAX, RESULT_VALUES_MAX, VALUE_DEPTH_MAX } from "./limits.ts";
import { momentText, spanText } from "./time.ts";
import { isList, Maybe, Span, Timestamp, type Value, type ValueMap } from "./value.ts";

export type Json = Mapping;

interface Room {
  chars: number;
  values: number;
}

/**
 * Moments become ISO 8601, spans seconds (`90s`), whole numbers numbers, an empty optional null.
 * @throws Stop `not_json` for infinity, NaN and whole numbers beyond 2^53, `too_large` beyond the bounds.
 */
export function toJson(value: Value): Json {
  return copy(value, { chars: RESULT_CHARS_MAX, values: RESULT_VALUES_MAX }, 0);
}

function copy(value: Value, room: Room, depth: number): Json {
  if (depth > VALUE_DEPTH_MAX) stop("too_large", "the result is nested too deeply");
  take(room, 8);
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number" || typeof value === "bigint") return numberOf(value);
  if (value instanceof Maybe) return copy(value.value ?? null, room, depth);
  if (value instanceof Timestamp) return momentText(value);
  if (value instanceof Span) return spanText(value);
  if (typeof value === "string") {
    take(room, value.length);
    return value.toWellFormed();
  }
  if (isList(value)) return value.map((one) => copy(one, room, depth + 1));
  if (typeof value !== "object") return stop("not_json", "the result is not JSON");
  return copyMap(value as ValueMap, room, depth);
}

function copyMap(map: ValueMap, room: Room, depth: number): Json {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => {
      take(room, key.length);
      return [key.toWellFormed(), copy(value, room, depth + 1)];
    }),
  );
}

function numberOf(value: number | bigint): number {
  const number = Number(value);
  if (!Number.isFinite(number)) stop("not_json", "the result is no finite number");
  if (typeof value === "bigint" && !Number.isSafeInteger(number))
    stop("not_json", "the result is a whole number beyond 2^53; make it a string()");
  return number;
}

function take(room: Room, chars: number): void {
  room.chars -= chars;
  room.values -= 1;
  if (room.chars < 0 || room.values < 0) stop("too_large", "the result is too large");
}
