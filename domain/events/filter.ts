/**
 * JSON filters: a shape that an event must have. Plain values must be equal, an array lists what an array must
 * contain, an object looks into an object (into any one element of an array), `$` operators judge the value
 * itself. Compiled once with every operand checked; matching never throws and is linear in filter times input.
 */
import { fail, ok, type Result } from "../result.ts";
import { type FilterOperator, OPERATORS } from "./filter-operators.ts";

/** Levels of objects and arrays in a filter. */
export const FILTER_DEPTH_MAX = 16;
/** Values in a filter, inner ones included. */
export const FILTER_NODES_MAX = 500;

/** A checked filter. Made by `compileFilter` only. */
export type Filter =
  | { readonly is: "value"; readonly value: string | number | boolean | null }
  | { readonly is: "contains"; readonly items: readonly Filter[] }
  | {
      readonly is: "object";
      readonly fields: readonly (readonly [string, Filter])[];
      readonly tests: readonly ((value: unknown) => boolean)[];
    };

/** `pointer` is the JSON pointer of the filter's offending part. */
export interface FilterFailure {
  readonly reason: "unknown_operator" | "operand" | "too_deep" | "too_large" | "not_json";
  readonly pointer: string;
}

/** Reads a filter as parsed from JSON. */
export function compileFilter(json: unknown): Result<Filter, FilterFailure> {
  const budget = { left: FILTER_NODES_MAX };
  try {
    return ok(compile(json, "", 0, budget));
  } catch (error) {
    if (error instanceof Refusal) return fail(error.failure);
    throw error;
  }
}

/** Whether an input, as parsed from JSON, has the filter's shape. */
export function matchFilter(filter: Filter, input: unknown): boolean {
  switch (filter.is) {
    case "value":
      return input === filter.value || (Array.isArray(input) && input.includes(filter.value));
    case "contains":
      return (
        Array.isArray(input) &&
        filter.items.every((item) => input.some((element) => matchFilter(item, element)))
      );
    case "object":
      return filter.tests.every((test) => test(input)) && matchFields(filter, input);
  }
}

function matchFields(filter: Extract<Filter, { is: "object" }>, input: unknown): boolean {
  if (filter.fields.length === 0) return filter.tests.length > 0 || isObject(input);
  // One level only: arrays inside arrays are not searched, so the input's depth does not matter.
  if (Array.isArray(input)) return input.some((one) => isObject(one) && matchFields(filter, one));
  return filter.fields.every(([name, inner]) => matchFilter(inner, fieldOf(input, name)));
}

/** A refusal deep inside the recursion; never leaves `compileFilter`. */
class Refusal extends Error {
  readonly failure: FilterFailure;
  constructor(reason: FilterFailure["reason"], pointer: string) {
    super(reason);
    this.failure = { reason, pointer };
  }
}

interface Budget {
  left: number;
}

function compile(json: unknown, pointer: string, depth: number, budget: Budget): Filter {
  budget.left -= 1;
  if (budget.left < 0) throw new Refusal("too_large", pointer);
  if (depth > FILTER_DEPTH_MAX) throw new Refusal("too_deep", pointer);
  if (Array.isArray(json)) {
    const items = json.map((item, at) => compile(item, `${pointer}/${at}`, depth + 1, budget));
    return { is: "contains", items };
  }
  if (isObject(json)) return compileObject(json, pointer, depth, budget);
  if (json === null || ["string", "number", "boolean"].includes(typeof json)) {
    return { is: "value", value: json as string | number | boolean | null };
  }
  throw new Refusal("not_json", pointer);
}

function compileObject(
  json: Readonly<Record<string, unknown>>,
  pointer: string,
  depth: number,
  budget: Budget,
): Filter {
  const fields: (readonly [string, Filter])[] = [];
  const tests: ((value: unknown) => boolean)[] = [];
  for (const [name, operand] of Object.entries(json)) {
    const at = `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const inner = (value: unknown, part = "") => compile(value, at + part, depth + 1, budget);
    if (name.startsWith("$")) tests.push(compileOperator(name, operand, at, inner));
    else fields.push([name, inner(operand)]);
  }
  return { is: "object", fields, tests };
}

function compileOperator(
  name: string,
  operand: unknown,
  pointer: string,
  inner: (value: unknown, part?: string) => Filter,
): (value: unknown) => boolean {
  if (name === "$not") {
    const filter = inner(operand);
    return (value) => !matchFilter(filter, value);
  }
  if (name === "$and" || name === "$or") {
    if (!Array.isArray(operand) || operand.length === 0) throw new Refusal("operand", pointer);
    const filters = operand.map((one, at) => inner(one, `/${at}`));
    return name === "$and"
      ? (value) => filters.every((filter) => matchFilter(filter, value))
      : (value) => filters.some((filter) => matchFilter(filter, value));
  }
  const operator: FilterOperator | undefined = OPERATORS.get(name);
  if (!operator) throw new Refusal("unknown_operator", pointer);
  inner(operand);
  if (!operator.takes(operand)) throw new Refusal("operand", pointer);
  return (value) => operator.holds(value, operand);
}

function fieldOf(input: unknown, name: string): unknown {
  return isObject(input) && Object.hasOwn(input, name) ? input[name] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
