/** What changed from one version of a definition to another. */
import type { WorkflowDefinition } from "../../../schema/workflow.ts";
import { canonicalJson } from "./canonical.ts";
import { pathText } from "./fault.ts";

/** A field whose value is another one; `before` or `after` is absent where the field was not there. */
export interface FieldChange {
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface DefinitionDiff {
  /** Step ids. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly { readonly step: string; readonly fields: readonly FieldChange[] }[];
  /** Whether the first step is another one. */
  readonly startMoved: boolean;
  /** Everything beside the steps; the version itself is left out. */
  readonly fields: readonly FieldChange[];
}

/** The order of steps is no change, but for the first one. */
export function diffDefinitions(
  before: WorkflowDefinition,
  after: WorkflowDefinition,
): DefinitionDiff {
  const old = new Map(before.steps.map((step) => [step.id, step]));
  const fresh = new Map(after.steps.map((step) => [step.id, step]));
  const { steps: _a, version: _b, $schema: _c, ...beforeRest } = before;
  const { steps: _d, version: _e, $schema: _f, ...afterRest } = after;
  return {
    added: [...fresh.keys()].filter((id) => !old.has(id)),
    removed: [...old.keys()].filter((id) => !fresh.has(id)),
    changed: [...old].flatMap(([id, step]) => {
      const now = fresh.get(id);
      const fields = now ? changesOf(step, now, []) : [];
      return fields.length > 0 ? [{ step: id, fields }] : [];
    }),
    startMoved: before.steps[0]?.id !== after.steps[0]?.id,
    fields: changesOf(beforeRest, afterRest, []),
  };
}

/** Objects are compared member by member, everything else as a whole. */
function changesOf(
  before: unknown,
  after: unknown,
  path: readonly string[],
): readonly FieldChange[] {
  if (canonicalJson(before) === canonicalJson(after)) return [];
  if (!isPlain(before) || !isPlain(after))
    return [
      {
        path: pathText(path),
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
      },
    ];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => changesOf(before[key], after[key], [...path, key]));
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
