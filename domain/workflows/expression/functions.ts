/** The functions of expressions: CEL's own that make sense over JSON, and its string extensions. */
import { type CostBudget, spend, stop } from "./failure.ts";
import { CHARS_PER_UNIT } from "./limits.ts";
import { isMatch } from "./matching.ts";
import { joined } from "./operators.ts";
import {
  MOMENT_PARTS,
  momentOf,
  momentPart,
  momentText,
  spanOf,
  spanPart,
  spanText,
  timestampOf,
} from "./time.ts";
import { isList, isMap, Maybe, Span, Timestamp, typeOf, type Value } from "./value.ts";

type Callable = (args: readonly Value[], budget: CostBudget) => Value;

/** Units for a look at a time zone: the runtime's tables are slow. */
const ZONE_COST = 500;

const globals: Readonly<Record<string, Callable>> = {
  size: ([value], budget) => sizeOf(value ?? null, budget),
  string: ([value]) => textOf(value ?? null),
  int: ([value]) => intOf(value ?? null),
  double: ([value]) => doubleOf(value ?? null),
  bool: ([value]) => boolOf(value ?? null),
  dyn: ([value]) => value ?? null,
  timestamp: ([value]) => {
    if (value instanceof Timestamp) return value;
    if (typeof value === "bigint") return momentOf(Number(value) * 1000);
    return timestampOf(text(value, "timestamp"));
  },
  duration: ([value]) => (value instanceof Span ? value : spanOf(text(value, "duration"))),
};

const methods: Readonly<Record<string, Callable>> = {
  size: ([value], budget) => sizeOf(value ?? null, budget),
  startsWith: ([a, b]) => text(a, "startsWith").startsWith(text(b, "startsWith")),
  endsWith: ([a, b]) => text(a, "endsWith").endsWith(text(b, "endsWith")),
  contains: (args, budget) => firstIndex(args, "contains", budget) >= 0,
  matches: ([a, b], budget) => isMatch(text(a, "matches"), text(b, "matches"), budget),
  lowerAscii: ([a], budget) => whole(a, budget).replace(/[A-Z]/g, (one) => one.toLowerCase()),
  upperAscii: ([a], budget) => whole(a, budget).replace(/[a-z]/g, (one) => one.toUpperCase()),
  trim: ([a], budget) => whole(a, budget).trim(),
  indexOf: (args, budget) => BigInt(firstIndex(args, "indexOf", budget)),
  lastIndexOf: (args, budget) => BigInt(lastIndex(args, budget)),
  substring: ([a, from, to], budget) => substring(whole(a, budget), from, to),
  replace: (args, budget) =>
    joined(pieces(args, "replace", budget), text(args[2], "replace"), budget),
  split: (args, budget) => pieces(args, "split", budget),
  join: ([list, between], budget) => join(list ?? null, between ?? "", budget),
  orValue: ([maybe, other]) => maybeOf(maybe).value ?? other ?? null,
  hasValue: ([maybe]) => maybeOf(maybe).value !== undefined,
  ...Object.fromEntries(MOMENT_PARTS.map((part) => [part, partOf(part)])),
};

/** How many arguments, the receiver of a method not counted; those not named take one, or as a method none. */
const ARITIES: Readonly<Record<string, readonly [number, number]>> = {
  substring: [1, 2],
  replace: [2, 2],
  join: [0, 1],
  split: [1, 1],
  ...Object.fromEntries(
    ["startsWith", "endsWith", "contains", "matches", "indexOf", "lastIndexOf", "orValue"].map(
      (name) => [name, [1, 1] as const],
    ),
  ),
  ...Object.fromEntries(MOMENT_PARTS.map((part) => [part, [0, 1] as const])),
};

/** Names of all functions and methods. */
export const FUNCTION_NAMES: readonly string[] = [
  ...new Set([...Object.keys(globals), ...Object.keys(methods)]),
];

/** The function of a name and number of arguments (without the receiver), or undefined. */
export function findFunction(name: string, args: number, method: boolean): Callable | undefined {
  const table = method ? methods : globals;
  if (!Object.hasOwn(table, name)) return undefined;
  const [least, most] = (method && ARITIES[name]) || (method ? [0, 0] : [1, 1]);
  return args >= least && args <= most ? table[name] : undefined;
}

function text(value: Value | undefined, name: string): string {
  return typeof value === "string"
    ? value
    : stop("type", `${name}() takes a string, not a ${typeOf(value ?? null)}`);
}

/** A text that is read to its end. */
function whole(value: Value | undefined, budget: CostBudget): string {
  const all = text(value, "the function");
  spend(budget, 1 + all.length / CHARS_PER_UNIT);
  return all;
}

/** Characters compared for one unit, at worst: each of the text with each of what is looked for. */
const COMPARED_PER_UNIT = 64;

/** A text and what is looked for in it. */
function searched(args: readonly Value[], name: string, budget: CostBudget) {
  const hay = whole(args[0], budget);
  const needle = text(args[1], name);
  spend(budget, (hay.length * needle.length) / COMPARED_PER_UNIT);
  return { hay, needle };
}

function pieces(args: readonly Value[], name: string, budget: CostBudget): readonly string[] {
  const { hay, needle } = searched(args, name, budget);
  if (needle === "") spend(budget, hay.length);
  const found = hay.split(needle);
  spend(budget, found.length);
  return found;
}

function firstIndex(args: readonly Value[], name: string, budget: CostBudget): number {
  const { hay, needle } = searched(args, name, budget);
  return hay.indexOf(needle);
}

function lastIndex(args: readonly Value[], budget: CostBudget): number {
  const { hay, needle } = searched(args, "lastIndexOf", budget);
  return hay.lastIndexOf(needle);
}

function substring(all: string, from: Value | undefined, to: Value | undefined): string {
  const start = positionIn(all, from ?? null);
  const end = to === undefined ? all.length : positionIn(all, to);
  if (end < start) stop("type", "substring() ends before it starts");
  return all.slice(start, end);
}

function positionIn(all: string, at: Value): number {
  const position = typeof at === "bigint" || Number.isInteger(at) ? Number(at) : -1;
  const fits = position >= 0 && position <= all.length;
  return fits ? position : stop("type", "substring() is outside the text");
}

function join(list: Value, between: Value, budget: CostBudget): string {
  if (!isList(list)) return stop("type", "join() takes a list of strings");
  return joined(
    list.map((one) => text(one, "join")),
    text(between, "join"),
    budget,
  );
}

function sizeOf(value: Value, budget: CostBudget): bigint {
  if (typeof value === "string") {
    spend(budget, 1 + value.length / CHARS_PER_UNIT);
    return BigInt(Array.from(value).length);
  }
  if (isList(value)) return BigInt(value.length);
  if (!isMap(value)) return stop("type", `size() does not take a ${typeOf(value)}`);
  const keys = Object.keys(value).length;
  spend(budget, keys);
  return BigInt(keys);
}

/** The text of a value that is no list or map. @throws Stop `type` for those. */
export function textOf(value: Value): string {
  if (typeof value === "string") return value;
  if (value instanceof Timestamp) return momentText(value);
  if (value instanceof Span) return spanText(value);
  const simple =
    typeof value === "boolean" || typeof value === "number" || typeof value === "bigint";
  return simple ? String(value) : stop("type", `string() does not take a ${typeOf(value)}`);
}

function intOf(value: Value): bigint {
  if (typeof value === "bigint") return value;
  if (value instanceof Timestamp) return BigInt(Math.floor(value.ms / 1000));
  if (typeof value === "string" && /^[+-]?\d{1,18}$/.test(value))
    return BigInt(value.replace("+", ""));
  const whole = typeof value === "number" ? Math.trunc(value) : Number.NaN;
  return Math.abs(whole) < 2 ** 63 ? BigInt(whole) : stop("type", "int() cannot read this value");
}

const DOUBLE = /^[+-]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,4})?$/;

function doubleOf(value: Value): number {
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  const readable = typeof value === "string" && DOUBLE.test(value);
  return readable ? Number(value) : stop("type", "double() cannot read this value");
}

function boolOf(value: Value): boolean {
  if (typeof value === "boolean") return value;
  if (value === "true" || value === "false") return value === "true";
  return stop("type", "bool() cannot read this value");
}

function maybeOf(value: Value | undefined): Maybe {
  return value instanceof Maybe ? value : stop("type", "orValue() and hasValue() follow .? or [?]");
}

function partOf(part: string): Callable {
  return ([value, zone], budget) => {
    if (value instanceof Span && zone === undefined) return spanPart(value, part);
    if (!(value instanceof Timestamp)) return stop("type", `${part}() takes a timestamp`);
    if (zone === undefined) return momentPart(value, part);
    spend(budget, ZONE_COST);
    return momentPart(value, part, text(zone, part));
  };
}
