/**
 * Regular expressions of JSON Schemas that tenants write, over data that anybody may send: matched in time
 * proportional to the text. What JavaScript's own engine does in linear time it does; the rest runs in the linear
 * matcher (`domain/messaging/pattern-program.ts`); what neither can is refused.
 */
import {
  type Budget,
  compile,
  PROGRAM_LENGTH_MAX,
  programLength,
} from "../domain/messaging/pattern-program.ts";
import { run } from "../domain/messaging/pattern-run.ts";
import { type PatternNode, parsePattern } from "../domain/messaging/pattern-syntax.ts";
import { fail, ok, type Result } from "../domain/result.ts";

/** True where the pattern is found anywhere in the text; case counts. Without budget the answer means nothing. */
export type PatternTest = (text: string, budget: Budget) => boolean;

/** Capture groups of one pattern: each is copied whenever a thread passes a parenthesis. */
const GROUPS_MAX = 20;

/** Compiles a pattern; the failure says for people why it cannot be taken. */
export function patternTest(source: string): Result<PatternTest, string> {
  const parsed = parsePattern(source);
  if (!parsed.ok) return fail(`${parsed.failure.reason} at ${parsed.failure.position}`);
  const { node, groups } = parsed.value;
  if (isStraight(node)) {
    const own = new RegExp(source, "u");
    return ok((text) => own.test(text));
  }
  if (!(programLength(node) <= PROGRAM_LENGTH_MAX && groups <= GROUPS_MAX))
    return fail("too_large at 0");
  const program = compile(node, groups, "u");
  return ok((text, budget) => run(program, Array.from(text), budget) !== undefined);
}

/**
 * Whether a backtracking engine needs linear time: no choice, and at most one repetition of one character whose
 * length is open, which then starts at the beginning of the text.
 */
function isStraight(node: PatternNode): boolean {
  const nodes = node.is === "sequence" ? node.nodes : [node];
  const open = nodes.filter((one) => one.is === "repeat" && one.min !== one.max);
  const plain = nodes.every(
    (one) =>
      one.is === "char" || one.is === "assert" || (one.is === "repeat" && one.node.is === "char"),
  );
  if (!plain || programLength(node) > PROGRAM_LENGTH_MAX) return false;
  const [first] = nodes;
  const anchored = first?.is === "assert" && first.what === "start";
  return open.length === 0 || (open.length === 1 && anchored);
}

/** The same of an expression. */
export function isStraightSource(source: string): boolean {
  const parsed = parsePattern(source);
  return parsed.ok && isStraight(parsed.value.node);
}
