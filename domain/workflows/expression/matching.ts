/**
 * `text.matches(pattern)` in time proportional to the text (`domain/messaging/pattern-run.ts`). As CEL demands, and
 * unlike the patterns of routes, letters are compared as they are written.
 */
import {
  compile,
  PROGRAM_LENGTH_MAX,
  type Program,
  programLength,
} from "../../messaging/pattern-program.ts";
import { run } from "../../messaging/pattern-run.ts";
import { type PatternNode, parsePattern } from "../../messaging/pattern-syntax.ts";
import { type CostBudget, spend, stop } from "./failure.ts";
import { MATCHED_TEXT_CHARS_MAX, PATTERNS_MAX } from "./limits.ts";

/** Capture groups of one pattern: each is copied whenever a thread passes a parenthesis. */
const GROUPS_MAX = 20;
/** Slots that are copied for one unit of cost. */
const SLOTS_PER_UNIT = 64;

/** @throws Stop `type` for a pattern that is not usable, `too_large` for a longer text, `too_slow` out of budget. */
export function isMatch(text: string, pattern: string, budget: CostBudget): boolean {
  if (text.length > MATCHED_TEXT_CHARS_MAX)
    stop("too_large", "matches() reads a text that is too long");
  const program = programOf(pattern);
  if (!program) return stop("type", "matches() has a pattern that cannot be used");
  const unitsPerStep = Math.max(0.25, program.slots / SLOTS_PER_UNIT);
  const allowed = Math.floor(budget.units / unitsPerStep);
  const left = { steps: allowed };
  const found = run(program, Array.from(text), left);
  spend(budget, left.steps <= 0 ? Infinity : 1 + (allowed - left.steps) * unitsPerStep);
  return found !== undefined;
}

/** Whether `matches()` takes a pattern. */
export function isPattern(pattern: string): boolean {
  return programOf(pattern) !== undefined;
}

const programs = new Map<string, Program | undefined>();

/** Remembered by source: a pure function's results, so tenants cannot notice each other. */
function programOf(pattern: string): Program | undefined {
  if (programs.has(pattern)) return programs.get(pattern);
  const program = compilePattern(pattern);
  if (programs.size >= PATTERNS_MAX) programs.delete(programs.keys().next().value ?? "");
  if (program) programs.set(pattern, program);
  return program;
}

function compilePattern(pattern: string): Program | undefined {
  const parsed = parsePattern(pattern);
  if (!parsed.ok) return undefined;
  const node = withCase(parsed.value.node);
  const fits = parsed.value.groups <= GROUPS_MAX && programLength(node) <= PROGRAM_LENGTH_MAX;
  return fits ? compile(node, parsed.value.groups) : undefined;
}

/** The compiler ignores case; a modifier (ECMAScript 2025) around each character takes that back. */
function withCase(node: PatternNode): PatternNode {
  switch (node.is) {
    case "char":
      return { is: "char", source: `(?-i:${node.source})` };
    case "assert":
      return node;
    case "group":
      return { ...node, node: withCase(node.node) };
    case "repeat":
      return { ...node, node: withCase(node.node) };
    case "sequence":
      return { is: "sequence", nodes: node.nodes.map(withCase) };
    case "choice":
      return { is: "choice", nodes: node.nodes.map(withCase) };
  }
}
