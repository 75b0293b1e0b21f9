/**
 * An action's `output` that needs nothing but what the action gave. Whoever carries the action out makes it, so that the
 * rest of an answer is in nothing that the run keeps, its log included, and a large answer may be looked into.
 */
import type { WorkflowStepDefinition } from "../../../schema/workflow-step.ts";
import { fail, ok, type Result } from "../../result.ts";
import { checkMapping } from "../expression/check.ts";
import { evaluateMapping } from "../expression/mapping.ts";
import { placeText } from "./scope.ts";
import type { Json, StepError } from "./state.ts";

const OWN = new Set(["output"] as const);

/** The mapping; undefined where there is none, or where it names more than `output`. */
export function ownOutput(step: WorkflowStepDefinition | undefined): Json | undefined {
  if (step?.type !== "action" || step.output === undefined) return undefined;
  const named = checkMapping(step.output, OWN);
  return named.every(({ result }) => result.ok) ? step.output : undefined;
}

/** What it gives of an answer, or what the step fails with. */
export function mappedOutput(mapping: Json, answer: Json): Result<Json, StepError> {
  const given = evaluateMapping(mapping, { output: answer });
  if (given.ok) return ok(given.value);
  const { message, path } = given.failure;
  const where = placeText("output", path);
  return fail({ reason: "expression", message: `${where}: ${message}` });
}
