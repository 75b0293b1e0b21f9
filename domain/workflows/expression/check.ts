/**
 * What is wrong with an expression or a mapping before it runs: it cannot be read, or names what is not there. Gives
 * everything that is named too, so that callers can check steps and secrets.
 */
import { fail, ok, type Result } from "../../result.ts";
import type { ExpressionFailure } from "./failure.ts";
import { MAPPING_EXPRESSIONS_MAX, VALUE_DEPTH_MAX } from "./limits.ts";
import { INSTRUCTIONS, isSecretPrefix } from "./mapping.ts";
import { isPattern } from "./matching.ts";
import { ROOTS, type Root } from "./names.ts";
import { nodesOf, parseExpression } from "./parse.ts";
import { parsePath } from "./path.ts";
import { referencesOf } from "./references.ts";
import { templateParts } from "./template.ts";

/** What expressions name, each with where it was found. */
export interface Named {
  readonly steps: readonly string[];
  readonly secrets: readonly string[];
}

/** Checks one expression; `roots` are those that its place has. */
export function checkExpression(
  text: string,
  roots: ReadonlySet<Root>,
): Result<Named, ExpressionFailure> {
  const parsed = parseExpression(text);
  if (!parsed.ok) return parsed;
  for (const node of nodesOf(parsed.value)) {
    if (node.op !== "rcall" || node.args[0] !== "matches") continue;
    const pattern = node.args[2][0];
    if (pattern?.op === "value" && !isPattern(String(pattern.args)))
      return fail({
        reason: "syntax",
        message: "matches() has a pattern that cannot be used",
        position: pattern.pos,
      });
  }
  const { names, steps } = referencesOf(parsed.value);
  for (const [name, position] of names) {
    const failure = rootFailure(name, roots);
    if (failure) return fail({ ...failure, position });
  }
  return ok({ steps: [...steps.keys()], secrets: [] });
}

function rootFailure(name: string, roots: ReadonlySet<Root>): ExpressionFailure | undefined {
  if ((roots as ReadonlySet<string>).has(name)) return undefined;
  const known = (ROOTS as readonly string[]).includes(name);
  const message = known
    ? `${name} is not known here; there is ${[...roots].join(", ")}`
    : `there is no ${name}; there is ${[...roots].join(", ")}`;
  return { reason: "unknown_name", message };
}

/** What one place within a mapping names, or what is wrong there. */
export type MappingFinding = {
  readonly path: readonly (string | number)[];
  readonly result: Result<Named, ExpressionFailure>;
};

/** Looks at every expression, reference and secret of a mapping; stops after `MAPPING_EXPRESSIONS_MAX`. */
export function checkMapping(
  mapping: unknown,
  roots: ReadonlySet<Root>,
): readonly MappingFinding[] {
  const found: MappingFinding[] = [];
  visit(mapping, [], { roots, found });
  return found;
}

interface Visit {
  readonly roots: ReadonlySet<Root>;
  readonly found: MappingFinding[];
}

function visit(value: unknown, path: readonly (string | number)[], pass: Visit): void {
  const note = (result: MappingFinding["result"]) => pass.found.push({ path, result });
  if (pass.found.length > MAPPING_EXPRESSIONS_MAX) return;
  if (pass.found.length === MAPPING_EXPRESSIONS_MAX || path.length > VALUE_DEPTH_MAX)
    note(fail({ reason: "too_large", message: "holds too much or is nested too deeply" }));
  else if (typeof value === "string") visitText(value, path, pass);
  else if (Array.isArray(value)) {
    for (const [at, one] of value.entries()) visit(one, [...path, at], pass);
  } else if (typeof value === "object" && value !== null) visitObject(value, path, pass);
}

function visitText(text: string, path: readonly (string | number)[], pass: Visit): void {
  if (!text.includes("{{")) return;
  const parts = templateParts(text);
  if (!parts.ok) pass.found.push({ path, result: parts });
  else for (const part of parts.value) if (part.is === "expression") visitPart(part, path, pass);
}

/** Positions count from the start of the whole text. */
function visitPart(
  part: { readonly text: string; readonly position: number },
  path: readonly (string | number)[],
  { roots, found }: Visit,
): void {
  const result = checkExpression(part.text, roots);
  const position = part.position + ((!result.ok && result.failure.position) || 0);
  found.push({ path, result: result.ok ? result : fail({ ...result.failure, position }) });
}

function visitObject(value: object, path: readonly (string | number)[], pass: Visit): void {
  const members = Object.entries(value) as readonly (readonly [string, unknown])[];
  const instruction = INSTRUCTIONS.find((name) => Object.hasOwn(value, name));
  if (!instruction) {
    for (const [key, one] of members) visit(one, [...path, key], pass);
    return;
  }
  const argument = members.find(([key]) => key === instruction)?.[1];
  const result = members.some(([key]) => key !== instruction && !isSecretPrefix(instruction, key))
    ? fail({ reason: "type" as const, message: `${instruction} stands alone in its object` })
    : checkInstruction(instruction, argument, pass.roots);
  pass.found.push({ path, result });
}

function checkInstruction(
  name: (typeof INSTRUCTIONS)[number],
  argument: unknown,
  roots: ReadonlySet<Root>,
): MappingFinding["result"] {
  if (name === "$literal") return ok({ steps: [], secrets: [] });
  if (typeof argument !== "string")
    return fail({ reason: "type", message: `${name} takes a text` });
  if (name === "$secret") return ok({ steps: [], secrets: [argument] });
  const path = parsePath(argument);
  if (!path.ok) return path;
  const [root = "", second] = path.value;
  const failure = rootFailure(root, roots);
  if (failure) return fail(failure);
  return ok({ steps: root === "steps" && second !== undefined ? [second] : [], secrets: [] });
}
