/**
 * Mappings: JSON with `{"$ref": path}`, `{"$secret": name}`, `{"$literal": any}` and `{{ expression }}` in its texts
 * (`Mapping` in `schema/workflow-value.ts` says what they mean). Evaluated as a whole within one budget; never throws.
 */
import { fail, ok, type Result } from "../../result.ts";
import { namesOf, newBudget } from "./evaluate.ts";
import { type CostBudget, type ExpressionFailure, Stop, spend, stop } from "./failure.ts";
import { textOf } from "./functions.ts";
import { interpret } from "./interpret.ts";
import { type Json, toJson } from "./json.ts";
import { VALUE_DEPTH_MAX } from "./limits.ts";
import type { Facts } from "./names.ts";
import { joined } from "./operators.ts";
import { parseExpression } from "./parse.ts";
import { follow, parsePath } from "./path.ts";
import { templateParts } from "./template.ts";
import { isList, isMap, typeOf, type Value, type ValueMap } from "./value.ts";

/** Members that make an object an instruction; each stands alone in its object. */
export const INSTRUCTIONS = ["$ref", "$secret", "$literal"] as const;

/** A failure within a mapping, and where. */
export interface MappingFailure extends ExpressionFailure {
  /** Members and indices from the mapping's root. */
  readonly path: readonly (string | number)[];
}

interface Pass {
  readonly names: ValueMap;
  readonly budget: CostBudget;
  readonly path: (string | number)[];
}

/** What a mapping gives; the first failure, where there is one. */
export function evaluateMapping(mapping: unknown, facts: Facts): Result<Json, MappingFailure> {
  const pass: Pass = { names: namesOf(facts), budget: newBudget(), path: [] };
  try {
    return ok(toJson(resultOf(mapping as Value, pass)));
  } catch (error) {
    const path = [...pass.path];
    if (error instanceof Stop) return fail({ ...error.failure, path });
    if (error instanceof RangeError)
      return fail({ reason: "too_large", message: "needs too much memory", path });
    return fail({ reason: "type", message: "cannot be evaluated", path });
  }
}

function resultOf(mapping: Value, pass: Pass): Value {
  spend(pass.budget, 1);
  if (pass.path.length > VALUE_DEPTH_MAX) stop("too_large", "is nested too deeply");
  if (typeof mapping === "string") return filled(mapping, pass);
  if (isList(mapping)) return mapping.map((one, at) => within(at, one, pass));
  if (typeof mapping !== "object" || !isMap(mapping)) return mapping;
  const instruction = INSTRUCTIONS.find((name) => Object.hasOwn(mapping, name));
  if (instruction) return instructed(instruction, mapping, pass);
  return Object.fromEntries(
    Object.entries(mapping).map(([key, value]) => [key, within(key, value, pass)]),
  );
}

/** The path is left as it is where evaluation stops: that is the place. */
function within(key: string | number, mapping: Value, pass: Pass): Value {
  pass.path.push(key);
  const value = resultOf(mapping, pass);
  pass.path.pop();
  return value;
}

function instructed(name: (typeof INSTRUCTIONS)[number], mapping: ValueMap, pass: Pass): Value {
  const alone = Object.keys(mapping).every((key) => key === name || isSecretPrefix(name, key));
  if (!alone) return stop("type", `${name} stands alone in its object`);
  const value = mapping[name] ?? null;
  // Only `putSecrets` replaces it, by its place in the definition: data that looks like one stays data.
  if (name === "$secret") return mapping;
  if (name === "$literal") return value;
  const path = typeof value === "string" ? parsePath(value) : stop("type", "$ref takes a text");
  if (!path.ok) throw new Stop(path.failure);
  spend(pass.budget, path.value.length);
  return follow(pass.names, path.value) ?? null;
}

/** `prefix` may stand beside `$secret`, and nothing else beside anything. */
export function isSecretPrefix(instruction: string, key: string): boolean {
  return instruction === "$secret" && key === "prefix";
}

/** A text that is one expression keeps its type; within a longer text null is nothing, lists and maps are JSON. */
function filled(template: string, pass: Pass): Value {
  if (!template.includes("{{")) return template;
  const parts = templateParts(template);
  if (!parts.ok) throw new Stop(parts.failure);
  const values = parts.value.map((part) =>
    part.is === "text" ? part.text : evaluated(part.text, pass),
  );
  const [only] = values;
  if (values.length === 1 && only !== undefined) return only;
  return joined(values.map(shown), "", pass.budget);
}

function evaluated(text: string, { names, budget }: Pass): Value {
  const tree = parseExpression(text);
  if (!tree.ok) throw new Stop(tree.failure);
  return interpret(tree.value, { facts: names, budget });
}

function shown(value: Value): string {
  if (value === null) return "";
  const type = typeOf(value);
  return type === "list" || type === "map" || type === "optional"
    ? JSON.stringify(toJson(value))
    : textOf(value);
}
