/**
 * Puts secrets into an action's input, right before the call. Where they go is read from the definition's mapping
 * alone: data that came from outside and looks like a reference stays data.
 */
import { fail, ok, type Result } from "../../result.ts";
import type { Json } from "./json.ts";

export interface MissingSecret {
  readonly reason: "missing_secret";
  readonly name: string;
}

/** `value` is what `mapping` gave; the result holds secrets and must not be stored or logged. */
export function putSecrets(
  mapping: Json,
  value: Json,
  secretOf: (name: string) => string | undefined,
): Result<Json, MissingSecret> {
  if (typeof mapping !== "object" || mapping === null) return ok(value);
  if (Array.isArray(mapping)) return putInList(mapping, value, secretOf);
  if (Object.hasOwn(mapping, "$secret")) return secretIn(mapping, secretOf);
  const computed = Object.hasOwn(mapping, "$ref") || Object.hasOwn(mapping, "$literal");
  if (computed || typeof value !== "object" || value === null || Array.isArray(value))
    return ok(value);
  const members: (readonly [string, Json])[] = [];
  for (const [key, one] of Object.entries(value)) {
    const inner = Object.hasOwn(mapping, key)
      ? putSecrets(mapping[key] ?? null, one, secretOf)
      : ok(one);
    if (!inner.ok) return inner;
    members.push([key, inner.value]);
  }
  return ok(Object.fromEntries(members));
}

function putInList(
  mapping: readonly Json[],
  value: Json,
  secretOf: (name: string) => string | undefined,
): Result<Json, MissingSecret> {
  if (!Array.isArray(value)) return ok(value);
  const items: Json[] = [];
  for (const [at, one] of value.entries()) {
    const inner = putSecrets(mapping[at] ?? null, one, secretOf);
    if (!inner.ok) return inner;
    items.push(inner.value);
  }
  return ok(items);
}

function secretIn(
  reference: Readonly<Record<string, Json>>,
  secretOf: (name: string) => string | undefined,
): Result<Json, MissingSecret> {
  const name = String(reference.$secret);
  const secret = secretOf(name);
  const prefix = typeof reference.prefix === "string" ? reference.prefix : "";
  return secret === undefined ? fail({ reason: "missing_secret", name }) : ok(prefix + secret);
}
