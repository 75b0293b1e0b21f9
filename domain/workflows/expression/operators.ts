/**
 * Arithmetic and comparison. Two ints stay an int (64 bits, division cuts off), an int beside a double becomes one:
 * numbers out of JSON are doubles, and `input.n + 1` has to work.
 */
import { type CostBudget, spend, stop } from "./failure.ts";
import { stopAtLarge } from "./large.ts";
import { CHARS_PER_UNIT, TEXT_CHARS_MAX, VALUE_DEPTH_MAX } from "./limits.ts";
import {
  isList,
  isMap,
  Maybe,
  memberOf,
  Span,
  Timestamp,
  typeOf,
  type Value,
  type ValueMap,
} from "./value.ts";

const INT_MAX = 9_223_372_036_854_775_807n;
const INT_MIN = -9_223_372_036_854_775_808n;

/** @throws Stop `type` for anything but numbers, texts, lists and times that fit. */
export function add(a: Value, b: Value, budget: CostBudget): Value {
  if (typeof a === "string" && typeof b === "string") return joined([a, b], "", budget);
  if (isList(a) && isList(b)) {
    spend(budget, a.length + b.length);
    return [...a, ...b];
  }
  if (a instanceof Timestamp && b instanceof Span) return new Timestamp(a.ms + b.ms);
  if (a instanceof Span && b instanceof Timestamp) return new Timestamp(a.ms + b.ms);
  if (a instanceof Span && b instanceof Span) return new Span(a.ms + b.ms);
  return arithmetic("+", a, b);
}

/** As `add`. */
export function subtract(a: Value, b: Value): Value {
  if (a instanceof Timestamp && b instanceof Timestamp) return new Span(a.ms - b.ms);
  if (a instanceof Timestamp && b instanceof Span) return new Timestamp(a.ms - b.ms);
  if (a instanceof Span && b instanceof Span) return new Span(a.ms - b.ms);
  return arithmetic("-", a, b);
}

type Arithmetic = "+" | "-" | "*" | "/" | "%";

/** @throws Stop `type` for what are no numbers, for a division of ints by zero, and beyond 64 bits. */
export function arithmetic(op: Arithmetic, a: Value, b: Value): Value {
  if (typeof a === "bigint" && typeof b === "bigint") return ofInts(op, a, b);
  if (!isNumber(a) || !isNumber(b)) return stop("type", unfit(op, a, b));
  return ofDoubles(op, Number(a), Number(b));
}

function ofInts(op: Arithmetic, a: bigint, b: bigint): bigint {
  if ((op === "/" || op === "%") && b === 0n) stop("type", "division by zero");
  const result = intResult(op, a, b);
  if (result > INT_MAX || result < INT_MIN) stop("type", "a whole number is beyond 64 bits");
  return result;
}

function intResult(op: Arithmetic, a: bigint, b: bigint): bigint {
  if (op === "+") return a + b;
  if (op === "-") return a - b;
  if (op === "*") return a * b;
  return op === "/" ? a / b : a % b;
}

function ofDoubles(op: Arithmetic, a: number, b: number): number {
  if (op === "+") return a + b;
  if (op === "-") return a - b;
  if (op === "*") return a * b;
  if (op === "/") return a / b;
  if (!Number.isInteger(a) || !Number.isInteger(b)) stop("type", "% takes whole numbers");
  if (b === 0) stop("type", "division by zero");
  return a % b;
}

/** @throws Stop `type` for what is no number. */
export function negate(value: Value): Value {
  if (typeof value === "bigint") return ofInts("-", 0n, value);
  if (typeof value === "number") return -value;
  if (value instanceof Span) return new Span(-value.ms);
  return stop("type", `- does not take a ${typeOf(value)}`);
}

/** Which way round two values are. @throws Stop `type` where their types have no order. */
export function isOrdered(op: "<" | "<=" | ">" | ">=", a: Value, b: Value, budget: CostBudget) {
  const [left, right] = comparable(op, a, b);
  if (typeof left === "string") spend(budget, left.length / CHARS_PER_UNIT);
  if (op === "<") return left < right;
  if (op === "<=") return left <= right;
  return op === ">" ? left > right : left >= right;
}

type Ordered = number | bigint | string | boolean;

function comparable(op: string, a: Value, b: Value): readonly [Ordered, Ordered] {
  if (isNumber(a) && isNumber(b)) return [a, b];
  if (typeof a === "string" && typeof b === "string") return [a, b];
  if (typeof a === "boolean" && typeof b === "boolean") return [a, b];
  if (a instanceof Timestamp && b instanceof Timestamp) return [a.ms, b.ms];
  if (a instanceof Span && b instanceof Span) return [a.ms, b.ms];
  return stop("type", unfit(op, a, b));
}

/** Values of different types are different; numbers are compared as numbers. */
export function isEqual(a: Value, b: Value, budget: CostBudget, depth = 0): boolean {
  if (depth > VALUE_DEPTH_MAX) stop("too_large", "compares values that are nested too deeply");
  spend(budget, typeof a === "string" ? 1 + a.length / CHARS_PER_UNIT : 1);
  // Neither is converted: an int and a double are compared exactly.
  if (isNumber(a) && isNumber(b)) return !(a < b) && !(a > b);
  if (a instanceof Timestamp && b instanceof Timestamp) return a.ms === b.ms;
  if (a instanceof Span && b instanceof Span) return a.ms === b.ms;
  if (isList(a) && isList(b)) {
    return (
      a.length === b.length && a.every((one, at) => isEqual(one, b[at] ?? null, budget, depth + 1))
    );
  }
  return isMap(a) && isMap(b) ? areMapsEqual(a, b, budget, depth) : a === b;
}

function areMapsEqual(a: ValueMap, b: ValueMap, budget: CostBudget, depth: number): boolean {
  const keys = Object.keys(a);
  const others = Object.keys(b);
  spend(budget, keys.length + others.length);
  return (
    keys.length === others.length &&
    keys.every((key) => {
      const other = memberOf(b, key);
      return other !== undefined && isEqual(a[key] ?? null, other, budget, depth + 1);
    })
  );
}

/** `in`: an element of a list, a key of a map. @throws Stop `type` for anything else. */
export function isIn(value: Value, collection: Value, budget: CostBudget): boolean {
  if (isList(collection)) return collection.some((one) => isEqual(value, one, budget));
  if (isMap(collection)) return typeof value === "string" && Object.hasOwn(collection, value);
  return stop("type", unfit("in", value, collection));
}

/** `written`: the key stands in the expression, so a message may name it. @throws Stop where nothing is there. */
export function itemAt(value: Value, key: Value, written: boolean): Value {
  const found = findItem(value, key);
  if (found !== undefined) return found;
  const what = isList(value) ? "no such item" : "no such key";
  return stop("unknown_name", written ? `${what}: ${String(key).slice(0, 100)}` : what);
}

/** As `itemAt`, undefined where nothing is there. */
export function findItem(value: Value, key: Value): Value | undefined {
  if (value instanceof Maybe)
    return value.value === undefined ? undefined : findItem(value.value, key);
  if (isList(value)) {
    if (typeof key !== "bigint" && !Number.isInteger(key)) stop("type", "a list is read by number");
    return value[Number(key)];
  }
  if (!isMap(value)) return stop("type", `a ${typeOf(value)} has no members`);
  if (typeof key !== "string") return stop("type", "a map is read by text");
  const found = memberOf(value, key);
  return found === undefined ? stopAtLarge(value) : found;
}

/** One text of many. @throws Stop `too_large` above `TEXT_CHARS_MAX`. */
export function joined(texts: readonly string[], between: string, budget: CostBudget): string {
  const chars = texts.reduce((sum, text) => sum + text.length + between.length, 0);
  spend(budget, texts.length + chars / CHARS_PER_UNIT);
  if (chars > TEXT_CHARS_MAX) stop("too_large", "makes a text that is too long");
  return texts.join(between);
}

function isNumber(value: Value): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function unfit(op: string, a: Value, b: Value): string {
  return `${op} does not take ${typeOf(a)} and ${typeOf(b)}`;
}
