/** The paths of `{"$ref": "steps.create-agent.output.items[0].id"}`: names between dots, items by `[n]` or `.n`. */
import { fail, ok, type Result } from "../../result.ts";
import type { ExpressionFailure } from "./failure.ts";
import { stopAtLarge } from "./large.ts";
import { isList, isMap, memberOf, type Value, type ValueMap } from "./value.ts";

/** Longest path, in characters. */
const PATH_CHARS_MAX = 500;

const SEGMENT = /\.?([^.[\]"]{1,200})|\[(\d{1,6})\]|\["([^"\\]{1,200})"\]/y;

/** The names on the way, the root first. */
export function parsePath(path: string): Result<readonly string[], ExpressionFailure> {
  if (path.length > PATH_CHARS_MAX)
    return fail({ reason: "too_large", message: `is longer than ${PATH_CHARS_MAX} characters` });
  const names: string[] = [];
  for (let at = 0; at < path.length; ) {
    SEGMENT.lastIndex = at;
    const match = SEGMENT.exec(path);
    const dotted = match?.[0].startsWith(".") ?? false;
    const name = match?.[1] ?? match?.[2] ?? match?.[3];
    const misplaced = match?.[1] !== undefined && dotted !== names.length > 0;
    if (name === undefined || misplaced)
      return fail({ reason: "syntax", message: "is not a path", position: at });
    names.push(name);
    at += match?.[0].length ?? 0;
  }
  return names.length > 0 ? ok(names) : fail({ reason: "syntax", message: "is not a path" });
}

function memberAt(map: ValueMap, name: string): Value | undefined {
  const found = memberOf(map, name);
  return found === undefined ? stopAtLarge(map) : found;
}

/** What a path leads to from a value, or undefined. @throws Stop where it leads into a value that is kept apart. */
export function follow(value: Value, names: readonly string[]): Value | undefined {
  let found: Value | undefined = value;
  for (const name of names) {
    if (found === undefined) return undefined;
    if (isList(found)) found = /^\d{1,6}$/.test(name) ? found[Number(name)] : undefined;
    else found = isMap(found) ? memberAt(found, name) : undefined;
  }
  return found;
}
