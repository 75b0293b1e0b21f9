/** Building blocks of the schemas of the hub's own events: plain JSON Schema (2020-12), open for new members. */
import type { JsonSchema } from "./schema-compatibility.ts";

/** One event type of the hub, as the registry holds types: new versions read what older ones wrote. */
export interface HubEventDeclaration<Name extends string = string> {
  readonly name: Name;
  readonly description: string;
  readonly compatibility: "backward";
  readonly versions: readonly [{ readonly version: "1.0"; readonly schema: JsonSchema }];
}

type Members = Readonly<Record<string, JsonSchema>>;

/** An object that has all of `required`, may have `optional`, and may get more in later versions. */
export function objectOf(required: Members, optional: Members = {}): JsonSchema {
  return {
    type: "object",
    properties: { ...required, ...optional },
    required: Object.keys(required),
  };
}

/** A type in its first version. */
export function hubType<const Name extends string>(
  name: Name,
  description: string,
  data: JsonSchema,
): HubEventDeclaration<Name> {
  return {
    name,
    description,
    compatibility: "backward",
    versions: [{ version: "1.0", schema: data }],
  };
}

export const text: JsonSchema = { type: "string" };
export const flag: JsonSchema = { type: "boolean" };
export const whole: JsonSchema = { type: "integer", minimum: 0 };
export const number: JsonSchema = { type: "number" };
export const instant: JsonSchema = { type: "string", format: "date-time" };
/** Names of the members that are different now; never their values. */
export const changed: JsonSchema = { type: "array", items: text };

export function oneOf(...values: readonly string[]): JsonSchema {
  return { type: "string", enum: values };
}

export function listOf(items: JsonSchema): JsonSchema {
  return { type: "array", items };
}
