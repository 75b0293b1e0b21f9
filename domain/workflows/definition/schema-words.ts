/** What the schema has against a value, in the words of whoever writes definitions. */
import type * as z from "zod";

export type SchemaIssue = z.core.$ZodIssue;

/** `value` is what stands there. Ends no sentence; the place is told beside it. */
export function schemaWords(issue: SchemaIssue, value: unknown): string {
  if (value === undefined && issue.code === "invalid_type") return "is missing";
  if (value === null) return "is null; leave the field out where there is nothing to say";
  switch (issue.code) {
    case "invalid_key":
      return `the key ${issue.issues[0]?.message ?? "is not allowed"}`;
    case "invalid_union":
      return unionWords(issue);
    case "invalid_type":
      return typeWords(issue, value);
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return sizeWords(issue.origin, Number(issue.minimum), "at least");
    case "too_big":
      return sizeWords(issue.origin, Number(issue.maximum), "at most");
    default:
      return issue.message.replace(/^Invalid (?:input|string): /, "");
  }
}

function unionWords(issue: Extract<SchemaIssue, { code: "invalid_union" }>): string {
  return "options" in issue && Array.isArray(issue.options)
    ? `must be one of ${issue.options.join(", ")}`
    : issue.message;
}

function typeWords(issue: Extract<SchemaIssue, { code: "invalid_type" }>, value: unknown): string {
  const [field, around] = [issue.path.at(-1), issue.path.at(-2)];
  if (field === "next") return nextWords(value);
  if (field === "version") return 'must be a semantic version in quotes, such as "1.0.0"';
  if (around === "compensation") return "must be the id of one step";
  return `must be ${nounOf(issue.expected)}, not ${nounOf(typeOf(value))}`;
}

/** A parallel step takes a list, all but a decision one step. */
function nextWords(value: unknown): string {
  if (typeof value === "string")
    return `must be a list of steps, the first of each branch: [${value.slice(0, 100)}]`;
  return Array.isArray(value)
    ? "must be one step: only a parallel step goes on at several"
    : "must be the id of a step";
}

function sizeWords(origin: string, size: number, bound: "at least" | "at most"): string {
  if (origin !== "string" && origin !== "array") return `must be ${bound} ${size}`;
  if (bound === "at least" && size === 1) return "must not be empty";
  return `must have ${bound} ${size} ${origin === "string" ? "characters" : "items"}`;
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value;
}

const NOUNS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

function nounOf(type: string): string {
  return NOUNS[type] ?? type;
}
