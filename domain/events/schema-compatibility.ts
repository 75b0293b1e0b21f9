/**
 * Whether data written for one JSON Schema can be read with another, decided from the schemas alone. Every place where
 * the reader is narrower than the writer is a break, with its JSON pointer; what cannot be compared (two different
 * `not`, `if`, patterns …) counts as one. A property that only the reader declares is taken as never written by an
 * open writer: adding an optional property is how schemas grow.
 */
import { sameJson } from "./filter-operators.ts";
import { boundBreaks } from "./schema-bounds.ts";
import { type Members, membersOf, refers, resolveSchema, rulesOf } from "./schema-references.ts";

/** A parsed JSON Schema (2020-12, or what older drafts share with it). */
export type JsonSchema = boolean | Readonly<Record<string, unknown>>;

export interface SchemaBreak {
  /** JSON pointer into the reader's schema. */
  readonly pointer: string;
  readonly change:
    | "type"
    | "values"
    | "required"
    | "property_removed"
    | "closed"
    | "bound"
    | "format"
    | "not_comparable"
    | "nothing_valid"
    | "too_deep";
  /** For people: what the writer may write and the reader refuses. */
  readonly message: string;
}

/** Levels that are followed; deeper schemas are refused, not trusted. */
const DEPTH_MAX = 64;
/** Pairs of schemas that are compared; larger schemas are refused, not trusted. */
const PAIRS_MAX = 20_000;
/** Breaks that are reported. */
const BREAKS_MAX = 50;
/** Keywords that only restrict: taken away they break nothing, changed they cannot be compared. */
const OPAQUE = [
  ...["allOf", "oneOf", "not", "if", "then", "else", "patternProperties", "propertyNames"],
  ...["dependentRequired", "dependentSchemas", "contains", "minContains", "maxContains"],
  ...["unevaluatedProperties", "unevaluatedItems", "contentEncoding", "$ref", "$dynamicRef"],
] as const;
const SHAPE = ["properties", "additionalProperties", "patternProperties"] as const;
const TYPES = ["null", "boolean", "object", "array", "number", "string", "integer"] as const;

/** What a writer following `writer` may write that `reader` refuses. Empty: everything can be read. */
export function schemaBreaks(writer: JsonSchema, reader: JsonSchema): readonly SchemaBreak[] {
  const sameRoots = sameJson(writer, reader);
  const comparison = { writer, reader, sameRoots, pairs: { left: PAIRS_MAX } };
  return narrower(writer, reader, { pointer: "", depth: 0, open: [], comparison }).slice(
    0,
    BREAKS_MAX,
  );
}

interface Place {
  readonly pointer: string;
  readonly depth: number;
  /** Pairs that references led to on the way here: met again, they hold if the rest does. */
  readonly open: readonly (readonly [unknown, unknown])[];
  readonly comparison: {
    readonly writer: JsonSchema;
    readonly reader: JsonSchema;
    readonly sameRoots: boolean;
    readonly pairs: { left: number };
  };
}

function narrower(writerIn: unknown, readerIn: unknown, from: Place): readonly SchemaBreak[] {
  const { comparison } = from;
  comparison.pairs.left -= 1;
  if (from.depth > DEPTH_MAX || comparison.pairs.left < 0)
    return [at(from, "too_deep", "is too deep or too large to be compared")];
  const writer = resolveSchema(writerIn, comparison.writer);
  const reader = resolveSchema(readerIn, comparison.reader);
  if (from.open.some(([write, read]) => write === writer && read === reader)) return [];
  if (comparison.sameRoots && sameJson(writer, reader)) return [];
  if (reader === true || writer === false) return [];
  if (reader === false) return [at(from, "nothing_valid", "accepts no value at all any more")];
  const followed = writer !== writerIn || reader !== readerIn;
  const place = followed ? { ...from, open: [...from.open, [writer, reader] as const] } : from;
  return ruleBreaks(membersOf(writer), membersOf(reader), place);
}

function ruleBreaks(write: Members, read: Members, place: Place): readonly SchemaBreak[] {
  if (Array.isArray(write.anyOf)) return anyOfWriter(write.anyOf, write, read, place);
  if (Array.isArray(read.anyOf)) return anyOfReader(write, read.anyOf, read, place);
  return [
    ...typeBreaks(write, read, place),
    ...valueBreaks(write, read, place),
    ...boundBreaks(write, read).map(({ keyword, message, change }) =>
      at(inside(place, keyword), change, message),
    ),
    ...opaqueBreaks(write, read, place),
    ...objectBreaks(write, read, place),
    ...arrayBreaks(write, read, place),
  ];
}

/** Each alternative the writer has must be readable. */
function anyOfWriter(
  alternatives: readonly unknown[],
  write: Members,
  reader: Members,
  place: Place,
): readonly SchemaBreak[] {
  return alternatives.flatMap((one) => {
    const alternative = rulesOf(resolveSchema(one, place.comparison.writer));
    // What an object may have is said in one place only: the alternative's word counts.
    const own = SHAPE.some((name) => Object.hasOwn(alternative, name)) ? SHAPE : [];
    const rest = rulesOf(write, "anyOf", ...own);
    const both = Object.fromEntries([...Object.entries(rest), ...Object.entries(alternative)]);
    return narrower(one === false ? false : both, reader, inside(place));
  });
}

/** One alternative of the reader must take everything, next to what the reader says besides. */
function anyOfReader(
  writer: Members,
  alternatives: readonly unknown[],
  read: Members,
  place: Place,
): readonly SchemaBreak[] {
  const beside = narrower(writer, rulesOf(read, "anyOf"), inside(place));
  const fits = alternatives.some((one) => narrower(writer, one, inside(place)).length === 0);
  if (fits) return beside;
  const message = "none of its alternatives takes everything that could be written before";
  return [...beside, at(inside(place, "anyOf"), "not_comparable", message)];
}

function typeBreaks(write: Members, read: Members, place: Place): readonly SchemaBreak[] {
  if (read.type === undefined) return [];
  const allowed = typesOf(read);
  const written = listed(write)?.map(typeOf) ?? [...typesOf(write)];
  const lost = new Set(
    written.filter((type) => !allowed.has(type) && !(type === "integer" && allowed.has("number"))),
  );
  if (lost.size === 0) return [];
  const message = `no longer takes ${[...lost].join(", ")}: only ${[...allowed].join(", ")}`;
  return [at(inside(place, "type"), "type", message)];
}

function typesOf({ type }: Members): ReadonlySet<unknown> {
  if (type === undefined) return new Set(TYPES);
  return new Set(Array.isArray(type) ? type : [type]);
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

function valueBreaks(write: Members, read: Members, place: Place): readonly SchemaBreak[] {
  const allowed = listed(read);
  if (!allowed) return [];
  const keyword = read.const === undefined ? "enum" : "const";
  const written = listed(write);
  const show = (values: readonly unknown[]) =>
    values
      .slice(0, 5)
      .map((value) => JSON.stringify(value))
      .join(", ");
  if (!written) return [at(inside(place, keyword), "values", `takes only ${show(allowed)} now`)];
  const lost = written.filter((value) => !allowed.some((other) => sameJson(value, other)));
  if (lost.length === 0) return [];
  return [at(inside(place, keyword), "values", `no longer takes ${show(lost)}`)];
}

function listed(schema: Members): readonly unknown[] | undefined {
  if (Object.hasOwn(schema, "const")) return [schema.const];
  return Array.isArray(schema.enum) ? schema.enum : undefined;
}

function opaqueBreaks(write: Members, read: Members, place: Place): readonly SchemaBreak[] {
  return OPAQUE.filter((keyword) => {
    if (read[keyword] === undefined) return false;
    return (
      !sameJson(write[keyword], read[keyword]) || refersAnew({ [keyword]: read[keyword] }, place)
    );
  }).map((keyword) =>
    at(inside(place, keyword), "not_comparable", `has a new or changed "${keyword}"`),
  );
}

function objectBreaks(write: Members, read: Members, place: Place): readonly SchemaBreak[] {
  const written = membersOf(write.properties);
  const always = new Set(Array.isArray(write.required) ? write.required : []);
  const needed: readonly unknown[] = Array.isArray(read.required) ? read.required : [];
  const missing = needed.filter((name) => !always.has(name));
  return [
    ...missing.map((name) =>
      at(inside(place, "required"), "required", `"${String(name)}" is required now`),
    ),
    ...Object.entries(written).flatMap(([name, schema]) =>
      propertyBreaks(name, schema, read, place),
    ),
    ...newPropertyBreaks(write, read, place),
    ...closedBreaks(write, read, place),
  ];
}

/** A property only the reader declares, against what the writer says of undeclared ones. */
function newPropertyBreaks(write: Members, read: Members, place: Place): readonly SchemaBreak[] {
  const others = write.additionalProperties;
  if (others === undefined || typeof others === "boolean") return [];
  return Object.entries(membersOf(read.properties))
    .filter(([name]) => !Object.hasOwn(membersOf(write.properties), name))
    .flatMap(([name, schema]) => narrower(others, schema, inside(place, "properties", name)));
}

/** A property the writer declares, against what the reader does with that name. */
function propertyBreaks(
  name: string,
  schema: unknown,
  read: Members,
  place: Place,
): readonly SchemaBreak[] {
  const known = membersOf(read.properties);
  if (Object.hasOwn(known, name))
    return narrower(schema, known[name], inside(place, "properties", name));
  const others = read.additionalProperties;
  if (others === undefined || others === true) return [];
  if (others !== false) return narrower(schema, others, inside(place, "additionalProperties"));
  const message = `"${name}" is no longer known, and unknown properties are refused`;
  return [at(inside(place, "properties", name), "property_removed", message)];
}

function closedBreaks(write: Members, read: Members, place: Place): readonly SchemaBreak[] {
  const before = write.additionalProperties ?? true;
  const after = read.additionalProperties ?? true;
  const here = inside(place, "additionalProperties");
  const patterns = write.patternProperties !== undefined;
  if (after !== true && patterns && !sameJson(write.patternProperties, read.patternProperties))
    return [at(here, "not_comparable", "judges properties that had patterns of their own")];
  if (after === true || before === false) return [];
  if (after === false) return [at(here, "closed", "refuses properties that are not declared")];
  return narrower(before, after, here);
}

function arrayBreaks(write: Members, read: Members, place: Place): readonly SchemaBreak[] {
  const positions = [write, read].map(({ prefixItems, items }) =>
    Array.isArray(items) ? items : prefixItems,
  );
  const judged = read.prefixItems !== undefined || read.items !== undefined;
  if (judged && (!sameJson(positions[0], positions[1]) || refersAnew(positions[1], place)))
    return [at(inside(place, "items"), "not_comparable", "has new or changed positions")];
  if (read.items === undefined || Array.isArray(read.items)) return [];
  return narrower(write.items ?? true, read.items, inside(place, "items"));
}

/** Equal texts whose references may have changed. */
function refersAnew(part: unknown, { comparison }: Place): boolean {
  return !comparison.sameRoots && refers(part);
}

function inside(place: Place, ...parts: readonly string[]): Place {
  const path = parts.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  return { ...place, pointer: place.pointer + path.join(""), depth: place.depth + 1 };
}

function at({ pointer }: Place, change: SchemaBreak["change"], message: string): SchemaBreak {
  return { pointer, change, message };
}
