/**
 * The data of a document: JSON in which a text `${ … }` is an expression. Becomes a mapping; what our own mappings
 * would read as an instruction is kept as it was written.
 */
import { EXPRESSION_CHARS_MAX, type Mapping } from "../../../schema/workflow-value.ts";
import { INSTRUCTIONS } from "../expression/mapping.ts";
import type { Place } from "./faults.ts";
import { type Cel, celOf, type Names, truthOf } from "./jq-cel.ts";

/** A member of a document: present, or not. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Readonly<Record<string, unknown>>) : undefined;
}

/** An expression, with or without `${ }` around it; a fault where it cannot be translated. */
export function expression(value: unknown, place: Place, names: Names): Cel | undefined {
  if (typeof value !== "string") {
    place.fault("invalid", "is not an expression");
    return undefined;
  }
  const found = celOf(bare(value) ?? value, names);
  if (!found.ok) {
    place.fault("expression", found.failure);
    return undefined;
  }
  if (found.value.text.length <= EXPRESSION_CHARS_MAX - "{{}}".length) return found.value;
  place.fault("too_large", `longer than ${EXPRESSION_CHARS_MAX} characters in CEL`);
  return undefined;
}

/** The same, as a bool. */
export function condition(value: unknown, place: Place, names: Names): string | undefined {
  const found = expression(value, place, names);
  return found && truthOf(found).text;
}

/** `from` and `as`: a text is an expression even without `${ }`. */
export function shaped(value: unknown, place: Place, names: Names): Mapping {
  if (typeof value !== "string") return mapped(value, place, names);
  const found = expression(value, place, names);
  return found ? asMapping(found) : null;
}

/** Data: only `${ }` is an expression. */
export function mapped(value: unknown, place: Place, names: Names): Mapping {
  if (typeof value === "string") return mappedText(value, place, names);
  if (Array.isArray(value)) return value.map((one, at) => mapped(one, place.at(at), names));
  const members = membersOf(value);
  if (members === undefined) return plainJson(value);
  if (INSTRUCTIONS.some((name) => Object.hasOwn(members, name))) {
    if (holdsExpression(members))
      place.fault("not_supported", "a member that begins with $ beside expressions");
    return { $literal: plainJson(members) };
  }
  return Object.fromEntries(
    Object.entries(members).map(([key, one]) => [key, mapped(one, place.at(key), names)]),
  );
}

/** A mapping that gives the expression's value, of whatever type. */
export function asMapping(value: Cel): Mapping {
  return `{{ ${value.text} }}`;
}

/** What stands between `${` and `}` where that is the whole text. */
export function bare(text: string): string | undefined {
  const trimmed = text.trim();
  return trimmed.startsWith("${") && trimmed.endsWith("}") ? trimmed.slice(2, -1) : undefined;
}

function mappedText(text: string, place: Place, names: Names): Mapping {
  if (bare(text) === undefined) return text.includes("{{") ? { $literal: text } : text;
  const found = expression(text, place, names);
  return found ? asMapping(found) : null;
}

/** What YAML and JSON give is JSON, but for dates and other special values, which become their text. */
function plainJson(value: unknown): Mapping {
  return JSON.parse(JSON.stringify(value ?? null)) as Mapping;
}

function holdsExpression(value: unknown): boolean {
  if (typeof value === "string") return bare(value) !== undefined;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some(holdsExpression);
}

/** A simple value as a text, for messages and names; anything else has none. */
export function shown(value: unknown): string {
  return ["string", "number", "boolean"].includes(typeof value) ? String(value) : "";
}
