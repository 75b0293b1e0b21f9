/**
 * Typed looks into unknown JSON, one member at a time. Only own members are seen and nothing is spread,
 * merged or copied whole, so a hostile `__proto__` stays where it is.
 */
import type { ParseFailure } from "../channel-adapter.ts";

/** A JSON object whose members still have to be checked. */
export type Fields = Readonly<Record<string, unknown>>;

/** The value as an object, or undefined for arrays, null and scalars. */
export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : undefined;
}

/** An own member, or undefined; `constructor` and its kin are not members of an empty object. */
export function memberOf(fields: Fields | undefined, name: string): unknown {
  return fields !== undefined && Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** A member that is an object. */
export function objectOf(fields: Fields | undefined, name: string): Fields | undefined {
  return fieldsOf(memberOf(fields, name));
}

/** A member that is a string of at least one character. */
export function stringOf(fields: Fields | undefined, name: string): string | undefined {
  const value = memberOf(fields, name);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A member that is a list; anything else is an empty one. */
export function listOf(fields: Fields | undefined, name: string): readonly unknown[] {
  const value = memberOf(fields, name);
  return Array.isArray(value) ? value : [];
}

/** The failure "the JSON is fine, its shape is not": path and expectation, never content. */
export function wrongShape(detail: string): { readonly ok: false; readonly failure: ParseFailure } {
  return { ok: false, failure: { reason: "wrong_shape", detail } };
}
