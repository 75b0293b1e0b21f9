/**
 * The values that expressions work with: JSON, whole numbers as bigint (`int`; a number out of JSON is a `double`),
 * moments, spans of time, and what may be missing (`.?`).
 */

/** A moment, in ms since the epoch. */
export class Timestamp {
  readonly ms: number;

  constructor(ms: number) {
    this.ms = ms;
  }
}

/** A span of time, in ms. */
export class Span {
  readonly ms: number;

  constructor(ms: number) {
    this.ms = ms;
  }
}

/** What `.?` gives: a value or nothing. */
export class Maybe {
  readonly value: Value | undefined;

  constructor(value: Value | undefined) {
    this.value = value;
  }
}

export type ValueMap = { readonly [key: string]: Value };
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Timestamp
  | Span
  | Maybe
  | readonly Value[]
  | ValueMap;

export type ValueType =
  | "null"
  | "bool"
  | "double"
  | "int"
  | "string"
  | "timestamp"
  | "duration"
  | "optional"
  | "list"
  | "map";

/** CEL's name of a value's type. */
export function typeOf(value: Value): ValueType {
  if (value === null) return "null";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "double";
  if (typeof value === "bigint") return "int";
  if (typeof value === "string") return "string";
  if (value instanceof Timestamp) return "timestamp";
  if (value instanceof Span) return "duration";
  if (value instanceof Maybe) return "optional";
  return isList(value) ? "list" : "map";
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isMap(value: Value): value is ValueMap {
  return typeOf(value) === "map";
}

/** A member of its own; nothing is ever found on a prototype. */
export function memberOf(map: ValueMap, key: string): Value | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}
