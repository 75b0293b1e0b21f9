/** Checks every expression, reference and secret of a definition. */

import type { Result } from "../../result.ts";
import { checkExpression, checkMapping, type Named } from "../expression/check.ts";
import type { ExpressionFailure } from "../expression/failure.ts";
import type { Draft } from "./draft.ts";
import type { PathFault } from "./fault.ts";
import { type Flow, unknownStep } from "./flow.ts";
import { type Place, placesOf } from "./places.ts";

/** Every expression of the good parts of a draft. */
export function checkExpressions(draft: Draft, flow: Flow): readonly PathFault[] {
  return placesOf(draft, flow).flatMap((place) => placeFaults(draft, place));
}

function placeFaults(draft: Draft, place: Place): readonly PathFault[] {
  if (place.is === "expression") {
    const result = checkExpression(String(place.value), place.roots);
    return resultFaults(draft, place, place.path, result);
  }
  return checkMapping(place.value, place.roots).flatMap(({ path, result }) =>
    resultFaults(draft, place, [...place.path, ...path], result),
  );
}

function resultFaults(
  draft: Draft,
  place: Place,
  path: PathFault["path"],
  result: Result<Named, ExpressionFailure>,
): readonly PathFault[] {
  if (!result.ok) return [expressionFault(path, withStepHint(draft, result.failure))];
  const message = "a secret can stand in the input of an action only";
  const secret = result.value.secrets.length > 0 && !place.secrets;
  return [
    ...result.value.steps.flatMap((id) => unknownStep(draft, id, path)),
    ...(secret ? [{ path, reason: "expression" as const, message }] : []),
  ];
}

/** An id of a step by itself is an unknown name. */
function withStepHint(draft: Draft, failure: ExpressionFailure): ExpressionFailure {
  const name = /^Unknown variable: (\w{1,64})/.exec(failure.message)?.[1];
  if (failure.reason !== "unknown_name" || name === undefined || !draft.ids.has(name))
    return failure;
  return { ...failure, message: `Unknown variable: ${name}; the step is steps.${name}` };
}

function expressionFault(
  path: PathFault["path"],
  { message, position }: ExpressionFailure,
): PathFault {
  const offset = position === undefined ? {} : { offset: position };
  return { path, reason: "expression", message, ...offset };
}
