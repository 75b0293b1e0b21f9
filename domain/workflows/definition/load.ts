/**
 * From a text, JSON or YAML, to a definition that can run, or to everything that is wrong with it at once. The one
 * entrance for uploads; what an import makes is checked by `checkDefinition`.
 */
import type { WorkflowDefinition } from "../../../schema/workflow.ts";
import { fail, ok, type Result } from "../../result.ts";
import { type ActionCatalogue, checkActions } from "./actions.ts";
import { checkDetails } from "./details.ts";
import { draftOf } from "./draft.ts";
import { checkExpressions } from "./expressions.ts";
import type { DefinitionFault, PathFault } from "./fault.ts";
import { checkFlow } from "./flow.ts";
import { FAULTS_MAX } from "./limits.ts";
import { checkSchemas } from "./schemas.ts";
import { readSource } from "./source.ts";

/** Faults come in the order of the text. Without a catalogue any action may be named. */
export function loadDefinition(
  text: string,
  catalogue?: ActionCatalogue,
): Result<WorkflowDefinition, readonly DefinitionFault[]> {
  const source = readSource(text);
  if (!source.ok) return source;
  const { value, place } = source.value;
  const checked = checkDefinition(value, catalogue);
  if (checked.ok) return checked;
  const placed = checked.failure.map(place);
  return fail(placed.toSorted((a, b) => a.line - b.line || a.column - b.column));
}

/** As `loadDefinition`, for a document that has no text. Total over every JSON value of bounded depth. */
export function checkDefinition(
  value: unknown,
  catalogue?: ActionCatalogue,
): Result<WorkflowDefinition, readonly PathFault[]> {
  const draft = draftOf(value);
  const flow = checkFlow(draft);
  const faults = [
    ...draft.faults,
    ...flow.faults,
    ...checkDetails(draft),
    ...checkExpressions(draft, flow),
    ...(catalogue ? checkActions(draft, catalogue) : []),
    ...(catalogue?.schemaFault ? checkSchemas(draft, catalogue.schemaFault) : []),
  ];
  if (draft.definition && faults.length === 0) return ok(draft.definition);
  return fail(bounded(faults));
}

function bounded(faults: readonly PathFault[]): readonly PathFault[] {
  if (faults.length <= FAULTS_MAX) return faults;
  const message = `there are ${faults.length} faults; these are the first ${FAULTS_MAX}`;
  return [...faults.slice(0, FAULTS_MAX), { path: [], reason: "too_many_faults", message }];
}
