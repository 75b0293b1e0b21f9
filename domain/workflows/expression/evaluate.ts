/**
 * The value of an expression: a CEL text over `Facts`. Never throws: whatever is wrong with the text, the facts or the
 * result, or takes too long, is a failure with its reason.
 */
import type { ASTNode } from "@marcbachmann/cel-js";
import { fail, ok, type Result } from "../../result.ts";
import { type CostBudget, type ExpressionFailure, Stop } from "./failure.ts";
import { interpret } from "./interpret.ts";
import { type Json, toJson } from "./json.ts";
import { EVALUATION_COST_MAX } from "./limits.ts";
import type { Facts } from "./names.ts";
import { parseExpression } from "./parse.ts";
import { Timestamp, type Value, type ValueMap } from "./value.ts";

/** The value as JSON. Moments read as ISO 8601, spans as seconds (`90s`). */
export function evaluateExpression(text: string, facts: Facts): Result<Json, ExpressionFailure> {
  const parsed = parseExpression(text);
  return parsed.ok ? evaluateTree(parsed.value, namesOf(facts), newBudget(), toJson) : parsed;
}

/** As `evaluateExpression`; anything but a bool is a failure `type`. */
export function evaluateCondition(text: string, facts: Facts): Result<boolean, ExpressionFailure> {
  const result = evaluateExpression(text, facts);
  if (!result.ok) return result;
  if (typeof result.value === "boolean") return ok(result.value);
  return fail({ reason: "type", message: "the condition gives no bool" });
}

/** The budget of one evaluation, or of one mapping as a whole. */
export function newBudget(): CostBudget {
  return { units: EVALUATION_COST_MAX };
}

/** Facts as expressions see them: `now` is a timestamp. */
export function namesOf(facts: Facts): ValueMap {
  const { now, ...others } = facts;
  // Facts are JSON by contract; what is not fails where it is read.
  const values = others as ValueMap;
  return now === undefined ? values : { ...values, now: new Timestamp(now) };
}

/** For whoever holds a tree and a budget; `finish` makes something of the value. */
export function evaluateTree<T>(
  tree: ASTNode,
  names: ValueMap,
  budget: CostBudget,
  finish: (value: Value) => T,
): Result<T, ExpressionFailure> {
  try {
    return ok(finish(interpret(tree, { facts: names, budget })));
  } catch (error) {
    if (error instanceof Stop) return fail(error.failure);
    if (error instanceof RangeError)
      return fail({ reason: "too_large", message: "needs too much memory" });
    return fail({ reason: "type", message: "cannot be evaluated" });
  }
}
