/**
 * Checks action steps against the catalogue: does the action exist, and does `with` fit its input as far as that can be
 * told before a run. Values that are computed are not looked at; names and constants are.
 */
import { nearestName } from "../../events/nearest-name.ts";
import type { SchemaValidator } from "../../events/registry.ts";
import type { JsonSchema } from "../../events/schema-compatibility.ts";
import { INSTRUCTIONS } from "../expression/mapping.ts";
import { type CallingEntry, type KnownSecrets, secretFaults } from "./action-secrets.ts";
import { type Draft, isObject } from "./draft.ts";
import type { PathFault } from "./fault.ts";
import type { SchemaCheck } from "./schemas.ts";

/** What is known of an action. */
export interface ActionEntry extends CallingEntry {
  /** JSON Schema of its input; absent: anything. */
  readonly input?: JsonSchema;
}

export interface ActionCatalogue {
  readonly actions: ReadonlyMap<string, ActionEntry>;
  /** Checks constants; absent: only names are checked. */
  readonly validate?: SchemaValidator;
  /** Absent: schemas are not looked at. */
  readonly schemaFault?: SchemaCheck;
  /** Absent: where secrets go is not judged. */
  readonly secrets?: KnownSecrets;
}

export function checkActions(draft: Draft, catalogue: ActionCatalogue): readonly PathFault[] {
  return draft.steps.flatMap(({ at, value: step }) => {
    if (step.type !== "action") return [];
    const entry = catalogue.actions.get(step.action);
    if (!entry) return [unknownAction(["steps", at, "action"], step.action, catalogue)];
    if (step.with === undefined) return [];
    const path = ["steps", at, "with"];
    const { input } = entry;
    return [
      ...(isObject(input) ? inputFaults(path, step.with, input, catalogue.validate) : []),
      ...(catalogue.secrets ? secretFaults(path, step.with, entry, catalogue.secrets) : []),
    ];
  });
}

function unknownAction(
  path: PathFault["path"],
  name: string,
  catalogue: ActionCatalogue,
): PathFault {
  const nearest = nearestName(name, catalogue.actions.keys());
  const guess = nearest === undefined ? "" : `; did you mean ${nearest}?`;
  return { path, reason: "unknown_action", message: `there is no action ${name}${guess}` };
}

type ObjectSchema = Readonly<Record<string, unknown>>;

function inputFaults(
  path: PathFault["path"],
  mapping: unknown,
  schema: ObjectSchema,
  validate: SchemaValidator | undefined,
): readonly PathFault[] {
  if (!isComputed(mapping)) return constantFaults(path, mapping, schema, validate);
  if (!isObject(mapping) || isInstruction(mapping)) return [];
  const properties = isObject(schema.properties) ? schema.properties : {};
  return [
    ...missingMembers(path, mapping, schema),
    ...Object.entries(mapping).flatMap(([key, value]) =>
      memberFaults([...path, key], value, { schema, properties, key }, validate),
    ),
  ];
}

function missingMembers(
  path: PathFault["path"],
  mapping: ObjectSchema,
  schema: ObjectSchema,
): readonly PathFault[] {
  const required = Array.isArray(schema.required) ? schema.required : [];
  return required
    .filter((key) => typeof key === "string" && !Object.hasOwn(mapping, key))
    .map((key) => ({ path, reason: "action_input", message: `the action needs ${key}` }));
}

interface Member {
  readonly schema: ObjectSchema;
  readonly properties: ObjectSchema;
  readonly key: string;
}

function memberFaults(
  path: PathFault["path"],
  value: unknown,
  { schema, properties, key }: Member,
  validate: SchemaValidator | undefined,
): readonly PathFault[] {
  const inner = Object.hasOwn(properties, key) ? properties[key] : undefined;
  if (inner === undefined) {
    const closed = schema.additionalProperties === false && schema.patternProperties === undefined;
    const nearest = nearestName(key, Object.keys(properties));
    const guess = nearest === undefined ? "" : `; did you mean ${nearest}?`;
    const message = `the action knows no ${key.slice(0, 100)}${guess}`;
    return closed ? [{ path, reason: "action_input", message, onKey: true }] : [];
  }
  if (!isObject(inner)) return [];
  // References lead into the outer schema.
  const { $defs, definitions } = schema;
  return inputFaults(path, value, { $defs, definitions, ...inner }, validate);
}

function constantFaults(
  path: PathFault["path"],
  value: unknown,
  schema: ObjectSchema,
  validate: SchemaValidator | undefined,
): readonly PathFault[] {
  const defined = Object.fromEntries(Object.entries(schema).filter(([, one]) => one !== undefined));
  return (validate?.(defined, value) ?? []).map(({ pointer, message }) => ({
    path: [...path, ...pointer.split("/").slice(1)],
    reason: "action_input",
    message,
  }));
}

/** Whether any part is only known in a run. */
function isComputed(mapping: unknown): boolean {
  if (typeof mapping === "string") return mapping.includes("{{");
  if (Array.isArray(mapping)) return mapping.some(isComputed);
  if (!isObject(mapping)) return false;
  return isInstruction(mapping) || Object.values(mapping).some(isComputed);
}

function isInstruction(mapping: ObjectSchema): boolean {
  return INSTRUCTIONS.some((name) => Object.hasOwn(mapping, name));
}
