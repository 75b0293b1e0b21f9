/**
 * Platform JSON, read once and bounded: UTF-8 is checked strictly, nesting is measured by one linear
 * scan before the parser may recurse into it. Says nothing about shape; that is each adapter's.
 */
import { fail, ok, type Result } from "../../domain/result.ts";
import type { ParseFailure } from "../channel-adapter.ts";

/** Deepest nesting of any payload a platform sends is about 20 (quoted messages in wrappers). */
const DEPTH_MAX = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** A leading BOM is tolerated; `detail` never holds content. `depthMax` counts arrays and objects. */
export function readJson(body: Uint8Array, depthMax = DEPTH_MAX): Result<unknown, ParseFailure> {
  if (nestsDeeperThan(body, depthMax)) {
    return fail({ reason: "too_deep", detail: `body: nested deeper than ${depthMax}` });
  }
  const text = decode(body);
  if (text === undefined) {
    return fail({ reason: "invalid_utf8", detail: "body: not UTF-8" });
  }
  try {
    return ok(JSON.parse(text));
  } catch {
    return fail({ reason: "invalid_json", detail: "body: not JSON" });
  }
}

/** Bytes above 0x7f are parts of longer characters, so the scan needs no decoding. */
function nestsDeeperThan(body: Uint8Array, depthMax: number): boolean {
  let depth = 0;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i];
    if (byte === QUOTE) {
      i = endOfString(body, i);
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++;
      if (depth > depthMax) {
        return true;
      }
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
    }
  }
  return false;
}

/** Index of the quote that ends the string begun at `start`, or the body's end. */
function endOfString(body: Uint8Array, start: number): number {
  let i = start + 1;
  while (i < body.length && body[i] !== QUOTE) {
    i += body[i] === BACKSLASH ? 2 : 1;
  }
  return i;
}

/** `ignoreBOM: false` means that a leading BOM is dropped, not decoded. */
function decode(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body);
  } catch {
    return undefined;
  }
}
