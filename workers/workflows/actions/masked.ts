/** What comes back from a call that carried secrets: another side that repeats one does not get it into the run. */
import { ERROR_MESSAGE_CHARS_MAX } from "../../../domain/workflows/run/limits.ts";
import type { Json } from "../../../domain/workflows/run/state.ts";
import type { ActionResult } from "./action.ts";

/** A shorter one is found in texts that have nothing to do with it. */
const MASKED_CHARS_MIN = 8;

/**
 * The result with `[secret <name>]` where a secret's value stands as it is, and its message at a bounded length: cut
 * afterwards, so that no part of one is left at its end. Another form of a value (Base64) is not found.
 */
export function masked(result: ActionResult, secrets: ReadonlyMap<string, string>): ActionResult {
  if (result.ok) return { ok: true, value: without(result.value, secrets) };
  const { message, ...failure } = result.failure;
  if (message === undefined) return result;
  const words = String(without(message, secrets)).slice(0, ERROR_MESSAGE_CHARS_MAX);
  return { ok: false, failure: { ...failure, message: words } };
}

/** As JSON every text is looked at, keys too, and none can be broken: both sides are escaped alike. */
function without(value: Json, secrets: ReadonlyMap<string, string>): Json {
  const values = [...secrets].filter(([, secret]) => secret.length >= MASKED_CHARS_MIN);
  if (values.length === 0) return value;
  const text = values.reduce(
    (all, [name, secret]) =>
      all.replaceAll(JSON.stringify(secret).slice(1, -1), `[secret ${name}]`),
    JSON.stringify(value),
  );
  return JSON.parse(text) as Json;
}
