/**
 * What a subscription could ask for and would never get: keys that no event type can have, and filters that ask for
 * members no event has. Taken silently, such a subscription would wait for ever and nobody would know why.
 */
import type { Binding } from "../../schema/subscription.ts";

/** The members a filter looks into, by both of their names: the envelope's, and the short one. */
export const FILTER_MEMBERS = [
  "id",
  "event_id",
  "type",
  "event_type",
  "version",
  "event_version",
  "source",
  "timestamp",
  "metadata",
  "data",
] as const;

const WORD = /^[A-Za-z0-9_-]+$/;

/** Whether no event type can match: its words are letters, digits, `_` and `-`, and wildcards stand alone. */
export function matchesNothing(binding: Binding): boolean {
  if (binding.kind === "fanout") return false;
  const wild = binding.kind === "topic" ? ["*", "#"] : [];
  return !binding.key.split(".").every((word) => wild.includes(word) || WORD.test(word));
}

/** JSON pointer into the filter of what no event can have; undefined where there is nothing of the kind. */
export function strangerIn(filter: unknown, pointer = ""): string | undefined {
  if (typeof filter !== "object" || filter === null || Array.isArray(filter)) return pointer;
  for (const [name, inner] of Object.entries(filter)) {
    const at = `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const found = name.startsWith("$") ? strangerBelow(name, inner, at) : unknownName(name, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function unknownName(name: string, at: string): string | undefined {
  return FILTER_MEMBERS.some((known) => known === name) ? undefined : at;
}

/** `$and`, `$or` and `$not` look at the event again; the other operators cannot be answered by a whole event. */
function strangerBelow(name: string, operand: unknown, at: string): string | undefined {
  if (name === "$not") return strangerIn(operand, at);
  if (name !== "$and" && name !== "$or") return undefined;
  const all: readonly unknown[] = Array.isArray(operand) ? operand : [];
  for (const [index, one] of all.entries()) {
    const found = strangerIn(one, `${at}/${index}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
