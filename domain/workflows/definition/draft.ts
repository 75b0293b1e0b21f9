/**
 * A definition as far as it can be read: what has its form, beside the faults of what has not. Later checks look at the
 * good parts even where others are bad, so that an author is told everything at once.
 */
import type * as z from "zod";
import { WorkflowDefinition } from "../../../schema/workflow.ts";
import { WorkflowStepDefinition } from "../../../schema/workflow-step.ts";
import { WorkflowTrigger } from "../../../schema/workflow-trigger.ts";
import { nearestName } from "../../events/nearest-name.ts";
import type { PathFault } from "./fault.ts";
import { FAULTS_MAX } from "./limits.ts";
import { type SchemaIssue, schemaWords } from "./schema-words.ts";

export interface Indexed<T> {
  readonly at: number;
  readonly value: T;
}

export interface Draft {
  readonly steps: readonly Indexed<WorkflowStepDefinition>[];
  /** Ids of bad steps too, in order. */
  readonly idList: readonly Indexed<string>[];
  readonly ids: ReadonlySet<string>;
  readonly triggers: readonly Indexed<WorkflowTrigger>[];
  /** The document, whatever it is; only for members that are read with care. */
  readonly raw: Readonly<Record<string, unknown>>;
  /** The whole of it has its form. */
  readonly definition?: WorkflowDefinition;
  readonly faults: readonly PathFault[];
}

/** Total over every value. */
export function draftOf(value: unknown): Draft {
  const parsed = WorkflowDefinition.safeParse(value);
  const raw = isObject(value) ? value : {};
  const steps = listOf(raw.steps);
  const idList = steps.flatMap((step, at) =>
    isObject(step) && typeof step.id === "string" ? [{ at, value: step.id }] : [],
  );
  return {
    steps: goodOnes(steps, WorkflowStepDefinition),
    idList,
    ids: new Set(idList.map(({ value }) => value)),
    triggers: goodOnes(listOf(raw.triggers), WorkflowTrigger),
    raw,
    ...(parsed.success ? { definition: parsed.data } : {}),
    faults: parsed.success
      ? []
      : firstOfEach(parsed.error.issues).flatMap((issue) => faultsOf(issue, value)),
  };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function goodOnes<T>(list: readonly unknown[], schema: z.ZodType<T>): readonly Indexed<T>[] {
  return list.flatMap((one, at) => {
    const parsed = schema.safeParse(one);
    const usable = parsed.success ? parsed : schema.safeParse(withoutBad(one, parsed.error.issues));
    return usable.success ? [{ at, value: usable.data }] : [];
  });
}

/** Without the members that are at fault, so that the others can still be looked at. */
function withoutBad(value: unknown, issues: readonly SchemaIssue[]): unknown {
  if (!isObject(value)) return value;
  const bad = new Set<unknown>(
    issues.flatMap((issue) =>
      issue.code === "unrecognized_keys" && issue.path.length === 0 ? issue.keys : issue.path[0],
    ),
  );
  return Object.fromEntries(Object.entries(value).filter(([key]) => !bad.has(key)));
}

/** A value that has no form at all has several faults: the first says it. */
function firstOfEach(issues: readonly SchemaIssue[]): readonly SchemaIssue[] {
  const places = new Set<string>();
  return issues.filter((issue) => {
    const place = JSON.stringify([issue.path, issue.code === "unrecognized_keys"]);
    return !places.has(place) && places.add(place);
  });
}

function faultsOf(issue: SchemaIssue, root: unknown): readonly PathFault[] {
  const path = issue.path.filter((part): part is string | number => typeof part !== "symbol");
  const value = valueAt(root, path);
  const missing = issue.code === "invalid_type" && value === undefined;
  if (issue.code === "unrecognized_keys")
    return issue.keys.slice(0, FAULTS_MAX).map((key) => unknownKey(path, key));
  if (missing && path.length === 3 && path[0] === "steps" && path[2] === "action")
    return [{ path, reason: "missing_action", message: "an action step needs an action" }];
  if (path.length === 0)
    return [
      { path, reason: "schema", message: "must be an object with id, name, version and steps" },
    ];
  const onKey = issue.code === "invalid_key";
  return [{ path, reason: "schema", message: schemaWords(issue, value), onKey }];
}

/** Every field name of every step type, for guesses. */
const FIELDS: readonly string[] = [
  ...new Set([
    ...Object.keys(WorkflowDefinition.shape),
    ...WorkflowStepDefinition.options.flatMap((option) => Object.keys(option.shape)),
  ]),
];

function unknownKey(path: PathFault["path"], key: string): PathFault {
  const nearest = nearestName(key, FIELDS);
  const guess = nearest === undefined || nearest === key ? "" : `; did you mean ${nearest}?`;
  return {
    path: [...path, key],
    reason: "schema",
    message: `there is no field ${key.slice(0, 100)} here${guess}`,
    onKey: true,
  };
}

function valueAt(root: unknown, path: readonly (string | number)[]): unknown {
  let value: unknown = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part))
      return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[part];
  }
  return value;
}
