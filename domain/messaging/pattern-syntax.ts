/**
 * Reads a tenant's regular expression into a tree. The syntax is JavaScript's with the flags `iu`, without
 * what no linear-time matcher can do: backreferences and look-around. Whether a single character fits
 * an atom is left to the runtime's own engine (one character at a time, so it cannot run away).
 */
import { fail, ok, type Result } from "../result.ts";

export type PatternNode =
  /** One character; `source` is its text in the expression (`a`, `\d`, `[^x-z]`, `.`). */
  | { readonly is: "char"; readonly source: string }
  | { readonly is: "assert"; readonly what: "start" | "end" | "word" | "not_word" }
  | { readonly is: "group"; readonly index: number; readonly node: PatternNode }
  | { readonly is: "sequence"; readonly nodes: readonly PatternNode[] }
  | { readonly is: "choice"; readonly nodes: readonly PatternNode[] }
  | {
      readonly is: "repeat";
      readonly node: PatternNode;
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
      /** Capture groups inside: forgotten at the start of each round, as JavaScript does. */
      readonly groups: { readonly from: number; readonly to: number };
    };

export interface PatternFailure {
  readonly reason:
    | "syntax"
    | "too_long"
    | "too_large"
    | "backreference"
    | "lookaround"
    | "modifiers";
  /** Index into the expression. */
  readonly position: number;
}

export interface ParsedPattern {
  readonly node: PatternNode;
  readonly groups: number;
}

/** Longest expression, in characters (`DirectRule.match`). */
export const PATTERN_CHARS_MAX = 500;

interface Reader {
  readonly source: string;
  at: number;
  groups: number;
  failure?: PatternFailure;
}

/** The tree of an expression, or where and why it cannot be used. */
export function parsePattern(source: string): Result<ParsedPattern, PatternFailure> {
  if (source.length > PATTERN_CHARS_MAX) {
    return fail({ reason: "too_long", position: PATTERN_CHARS_MAX });
  }
  const reader: Reader = { source, at: 0, groups: 0 };
  const node = readChoice(reader);
  if (reader.failure) return fail(reader.failure);
  if (reader.at < source.length || !compiles(source)) {
    return fail({ reason: "syntax", position: reader.at });
  }
  return ok({ node, groups: reader.groups });
}

function compiles(source: string): boolean {
  try {
    return Boolean(new RegExp(source, "iu"));
  } catch {
    return false;
  }
}

function readChoice(reader: Reader): PatternNode {
  const nodes = [readSequence(reader)];
  while (peek(reader) === "|" && !reader.failure) {
    reader.at += 1;
    nodes.push(readSequence(reader));
  }
  return nodes.length === 1 && nodes[0] ? nodes[0] : { is: "choice", nodes };
}

function readSequence(reader: Reader): PatternNode {
  const nodes: PatternNode[] = [];
  while (reader.at < reader.source.length && !reader.failure) {
    const char = peek(reader);
    if (char === "|" || char === ")") break;
    nodes.push(readTerm(reader));
  }
  return { is: "sequence", nodes };
}

function readTerm(reader: Reader): PatternNode {
  const from = reader.groups + 1;
  const node = readAtom(reader);
  const counts = readQuantifier(reader);
  if (!counts) return node;
  return { is: "repeat", node, ...counts, groups: { from, to: reader.groups } };
}

function readAtom(reader: Reader): PatternNode {
  const char = peek(reader);
  switch (char) {
    case "(":
      return readGroup(reader);
    case "^":
      reader.at += 1;
      return { is: "assert", what: "start" };
    case "$":
      reader.at += 1;
      return { is: "assert", what: "end" };
    case "[":
      return readClass(reader);
    case "\\":
      return readEscape(reader);
    case "*":
    case "+":
    case "?":
      return stop(reader, "syntax");
    default: {
      const source = String.fromCodePoint(reader.source.codePointAt(reader.at) ?? 0);
      reader.at += source.length;
      return { is: "char", source };
    }
  }
}

function readGroup(reader: Reader): PatternNode {
  const opening = /^\((?:\?(?:<[^=!>]{1,100}>|[^<]|<[=!]))?/.exec(rest(reader))?.[0] ?? "(";
  if (/^\(\?<?[=!]/.test(opening)) return stop(reader, "lookaround");
  const captures = opening === "(" || opening.startsWith("(?<");
  if (!captures && opening !== "(?:") return stop(reader, "modifiers");
  reader.at += opening.length;
  if (captures) reader.groups += 1;
  const index = reader.groups;
  const node = readChoice(reader);
  if (peek(reader) !== ")") return stop(reader, "syntax");
  reader.at += 1;
  return captures ? { is: "group", index, node } : node;
}

function readClass(reader: Reader): PatternNode {
  const source = /^\[(?:\\[\s\S]|[^\]\\])*\]/u.exec(rest(reader))?.[0];
  if (source === undefined) return stop(reader, "syntax");
  reader.at += source.length;
  return { is: "char", source };
}

const ESCAPE =
  /^\\(?:u\{[\da-fA-F]{1,6}\}|u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[a-zA-Z]|[pP]\{[^}]{1,60}\}|[\s\S])/u;

function readEscape(reader: Reader): PatternNode {
  const source = ESCAPE.exec(rest(reader))?.[0];
  if (source === undefined) return stop(reader, "syntax");
  if (/^\\[1-9k]/.test(source)) return stop(reader, "backreference");
  reader.at += source.length;
  if (source === "\\b") return { is: "assert", what: "word" };
  if (source === "\\B") return { is: "assert", what: "not_word" };
  return { is: "char", source };
}

function readQuantifier(
  reader: Reader,
): { readonly min: number; readonly max: number; readonly lazy: boolean } | undefined {
  const match = /^(?:([*+?])|\{(\d{1,9})(,?)(\d{0,9})\})(\??)/.exec(rest(reader));
  if (!match) return undefined;
  reader.at += match[0].length;
  const lazy = match[5] === "?";
  if (match[1])
    return { min: match[1] === "+" ? 1 : 0, max: match[1] === "?" ? 1 : INFINITE, lazy };
  const min = Number(match[2]);
  if (!match[3]) return { min, max: min, lazy };
  return { min, max: match[4] ? Number(match[4]) : INFINITE, lazy };
}

const INFINITE = Number.POSITIVE_INFINITY;

function stop(reader: Reader, reason: PatternFailure["reason"]): PatternNode {
  reader.failure ??= { reason, position: reader.at };
  return { is: "sequence", nodes: [] };
}

function peek(reader: Reader): string | undefined {
  return reader.source[reader.at];
}

function rest(reader: Reader): string {
  return reader.source.slice(reader.at);
}
