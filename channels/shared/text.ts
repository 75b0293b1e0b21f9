/**
 * Text and keys as every store can hold them: well-formed Unicode without NUL. Lone surrogates would be
 * stored as other characters than they were hashed as, so they are replaced before anything is derived.
 */
import { fail, ok, type Result } from "../../domain/result.ts";
import type { ParseFailure } from "../channel-adapter.ts";

/** Room for ids of every platform; storage keys and indexes stay small (schema: `eventKey`). */
const KEY_CHARS_MAX = 512;

/** Lone surrogates become U+FFFD, NUL characters go. */
export function wellFormed(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "");
}

/** Joins with ":"; `key_too_long` above 512 characters. */
export function boundedKey(parts: readonly string[]): Result<string, ParseFailure> {
  const key = wellFormed(parts.join(":"));
  return key.length > KEY_CHARS_MAX
    ? fail({ reason: "key_too_long", detail: `key: more than ${KEY_CHARS_MAX} characters` })
    : ok(key);
}
