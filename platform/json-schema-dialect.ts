/**
 * Which JSON Schemas are taken: 2020-12, 2019-09 and draft-07, self-contained, every keyword with a value of the
 * right kind. Reads a schema into a copy that holds nothing but what is checked, so that the validator never meets
 * a schema it would stumble over while an event waits.
 */
import { isDeeper } from "../domain/events/schema-references.ts";
import { fail, ok, type Result } from "../domain/result.ts";

/** Largest schema, in bytes of its JSON. */
export const SCHEMA_BYTES_MAX = 65_536;
/** Levels of objects and arrays in one schema. */
export const SCHEMA_DEPTH_MAX = 64;
/** `uniqueItems` in one schema: each compares every item with every other. */
export const UNIQUE_ITEMS_KEYWORDS_MAX = 10;

export type Draft = "2020-12" | "2019-09" | "7";

/** A schema as the validator gets it. */
export type PlainSchema = { [keyword: string]: unknown };

export interface SchemaFailure {
  readonly reason:
    | "too_large"
    | "too_deep"
    | "not_a_schema"
    | "unsupported"
    | "pattern"
    | "reference";
  /** JSON pointer into the schema. */
  readonly pointer: string;
  /** For people. */
  readonly message: string;
}

export interface ReadSchema {
  readonly draft: Draft;
  readonly root: PlainSchema | boolean;
  /** Every object schema in it, with its place. */
  readonly parts: readonly { readonly pointer: string; readonly schema: PlainSchema }[];
}

const DRAFTS: ReadonlyMap<string, Draft> = new Map([
  ["https://json-schema.org/draft/2020-12/schema", "2020-12"],
  ["https://json-schema.org/draft/2019-09/schema", "2019-09"],
  ["http://json-schema.org/draft-07/schema", "7"],
]);

type Kind =
  | "schema"
  | "schemas"
  | "schema_map"
  | "items"
  | "dependencies"
  | "count"
  | "number"
  | "positive"
  | "text"
  | "texts"
  | "text_lists"
  | "types"
  | "flag"
  | "list"
  | "any";

const KINDS: Readonly<Record<Kind, readonly string[]>> = {
  schema: [
    ...["additionalProperties", "propertyNames", "unevaluatedProperties", "unevaluatedItems"],
    ...["not", "if", "then", "else", "contains", "additionalItems"],
  ],
  schemas: ["allOf", "anyOf", "oneOf", "prefixItems"],
  schema_map: ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"],
  items: ["items"],
  dependencies: ["dependencies"],
  count: [
    ...["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"],
    ...["minContains", "maxContains"],
  ],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  positive: ["multipleOf"],
  text: ["pattern", "format", "$ref", "$anchor"],
  texts: ["required"],
  text_lists: ["dependentRequired"],
  types: ["type"],
  flag: ["uniqueItems"],
  list: ["enum"],
  any: ["const"],
};
const KIND_OF: ReadonlyMap<string, Kind> = new Map(
  Object.entries(KINDS).flatMap(([kind, names]) => names.map((name) => [name, kind as Kind])),
);
/** Would change what `$ref` means, or cannot be evaluated here. Elsewhere unknown keywords are remarks. */
const REFUSED = new Set([
  ...["$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$id", "id"],
]);
const TYPES = new Set(["null", "boolean", "object", "array", "number", "string", "integer"]);

/** Reads and judges a schema as it was parsed from JSON. */
export function readSchema(schema: unknown): Result<ReadSchema, SchemaFailure> {
  const whole = { pointer: "" };
  if (isDeeper(schema, SCHEMA_DEPTH_MAX))
    return fail({ reason: "too_deep", ...whole, message: `more than ${SCHEMA_DEPTH_MAX} levels` });
  const bytes = new TextEncoder().encode(JSON.stringify(schema) ?? "").length;
  if (bytes > SCHEMA_BYTES_MAX)
    return fail({ reason: "too_large", ...whole, message: `more than ${SCHEMA_BYTES_MAX} bytes` });
  const reader: Reader = { parts: [], unique: 0 };
  const draft = draftOf(schema, reader);
  const root = readPart(withoutName(schema), "", reader);
  return reader.failure ? fail(reader.failure) : ok({ draft, root, parts: reader.parts });
}

interface Reader {
  readonly parts: { readonly pointer: string; readonly schema: PlainSchema }[];
  unique: number;
  failure?: SchemaFailure;
}

/** The name of the whole document leads nowhere here: references are within it. */
function withoutName(schema: unknown): unknown {
  if (!isObject(schema)) return schema;
  const { $id: _, $schema: __, ...rest } = schema;
  return rest;
}

function draftOf(schema: unknown, reader: Reader): Draft {
  const named = isObject(schema) ? schema.$schema : undefined;
  if (named === undefined) return "2020-12";
  const draft = typeof named === "string" ? DRAFTS.get(named.replace(/#$/, "")) : undefined;
  if (!draft) refuse(reader, "unsupported", "/$schema", "not a dialect that is known here");
  return draft ?? "2020-12";
}

function readPart(schema: unknown, pointer: string, reader: Reader): PlainSchema | boolean {
  if (typeof schema === "boolean") return schema;
  if (!isObject(schema)) {
    refuse(reader, "not_a_schema", pointer, "a schema is an object, true or false");
    return true;
  }
  const copy: PlainSchema = {};
  reader.parts.push({ pointer, schema: copy });
  for (const [name, value] of Object.entries(schema)) {
    const at = `${pointer}/${escaped(name)}`;
    if (REFUSED.has(name)) refuse(reader, "unsupported", at, `"${name}" cannot be evaluated here`);
    const kind = KIND_OF.get(name);
    if (kind) copy[name] = readValue(kind, value, at, reader);
  }
  if (copy.uniqueItems === true) reader.unique += 1;
  if (reader.unique > UNIQUE_ITEMS_KEYWORDS_MAX)
    refuse(reader, "unsupported", pointer, `more than ${UNIQUE_ITEMS_KEYWORDS_MAX} uniqueItems`);
  return copy;
}

function readValue(kind: Kind, value: unknown, at: string, reader: Reader): unknown {
  switch (kind) {
    case "schema":
      return readPart(value, at, reader);
    case "schemas":
      return readParts(value, at, reader);
    case "items":
      return Array.isArray(value) ? readParts(value, at, reader) : readPart(value, at, reader);
    case "schema_map":
      return readMap(value, at, reader, (inner, place) => readPart(inner, place, reader));
    case "dependencies":
      return readMap(value, at, reader, (inner, place) =>
        isTexts(inner) ? inner : readPart(inner, place, reader),
      );
    default:
      if (!FITS[kind](value)) refuse(reader, "not_a_schema", at, "has a value that it cannot have");
      return value;
  }
}

const FITS: Readonly<
  Record<
    Exclude<Kind, "schema" | "schemas" | "schema_map" | "items" | "dependencies">,
    (value: unknown) => boolean
  >
> = {
  count: (value) => Number.isInteger(value) && Number(value) >= 0,
  number: (value) => typeof value === "number",
  positive: (value) => typeof value === "number" && value > 0,
  text: (value) => typeof value === "string",
  texts: isTexts,
  text_lists: (value) => isObject(value) && Object.values(value).every(isTexts),
  types: (value) =>
    typeof value === "string"
      ? TYPES.has(value)
      : isTexts(value) && value.every((one) => TYPES.has(one)),
  flag: (value) => typeof value === "boolean",
  list: Array.isArray,
  any: () => true,
};

function readParts(value: unknown, at: string, reader: Reader): unknown {
  if (Array.isArray(value) && value.length > 0)
    return value.map((one, index) => readPart(one, `${at}/${index}`, reader));
  refuse(reader, "not_a_schema", at, "is a list of schemas");
  return [];
}

function readMap(
  value: unknown,
  at: string,
  reader: Reader,
  read: (inner: unknown, place: string) => unknown,
): unknown {
  if (isObject(value)) {
    const members = Object.entries(value);
    return Object.fromEntries(
      members.map(([name, one]) => [name, read(one, `${at}/${escaped(name)}`)]),
    );
  }
  refuse(reader, "not_a_schema", at, "is an object of schemas");
  return {};
}

/** The first reason is the one that is told. */
function refuse(
  reader: Reader,
  reason: SchemaFailure["reason"],
  pointer: string,
  message: string,
): void {
  reader.failure ??= { reason, pointer, message };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
