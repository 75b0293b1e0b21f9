/**
 * Regular expressions that tenants write, over text that strangers write: matched in time proportional
 * to the text, so that no pair of them can hold the hub. The expression language and its limits:
 * `pattern-syntax.ts`.
 */
import { fail, ok, type Result } from "../result.ts";
import {
  type Budget,
  compile,
  PROGRAM_LENGTH_MAX,
  type Program,
  programLength,
} from "./pattern-program.ts";
import { type Captures, run } from "./pattern-run.ts";
import { PATTERN_CHARS_MAX, type PatternFailure, parsePattern } from "./pattern-syntax.ts";

export type { PatternFailure } from "./pattern-syntax.ts";

/** Only this many characters of a message are matched; the rest cannot make a rule fire. */
export const MATCHED_CHARS_MAX = 4000;

/** Whether an expression may be stored. Called where routes are written. */
export function checkPattern(source: string): Result<void, PatternFailure> {
  const compiled = compiledOf(source);
  return compiled.ok ? ok(undefined) : compiled;
}

/**
 * The whole match and its groups (`undefined` where a group took no part), or undefined where the
 * expression does not match, is not usable, or the budget ran out (then `budget.steps` is 0).
 */
export function matchPattern(source: string, text: string, budget: Budget): Captures | undefined {
  const compiled = compiledOf(source);
  if (!compiled.ok) return undefined;
  return run(compiled.value, Array.from(text.slice(0, MATCHED_CHARS_MAX)), budget);
}

/** Capture groups of one expression: each is copied whenever a thread passes a parenthesis. */
const GROUPS_MAX = 20;
const PROGRAMS_MAX = 200;
const programs = new Map<string, Result<Program, PatternFailure>>();

/** Remembered by source: a pure function's results, so tenants cannot notice each other. */
function compiledOf(source: string): Result<Program, PatternFailure> {
  const known = programs.get(source);
  if (known) return known;
  const compiled = compileSource(source);
  if (programs.size >= PROGRAMS_MAX) programs.delete(programs.keys().next().value ?? "");
  if (source.length <= PATTERN_CHARS_MAX) programs.set(source, compiled);
  return compiled;
}

function compileSource(source: string): Result<Program, PatternFailure> {
  const parsed = parsePattern(source);
  if (!parsed.ok) return parsed;
  const { node, groups } = parsed.value;
  // Written so that an overflow to NaN is refused too.
  const fits = programLength(node) <= PROGRAM_LENGTH_MAX && groups <= GROUPS_MAX;
  if (!fits) return fail({ reason: "too_large", position: 0 });
  return ok(compile(node, groups));
}
