/**
 * JSON Schemas that tenants write, over data that anybody may send: what may be registered, and whether data fits.
 * Evaluated by `@cfworker/json-schema` (it needs no `eval`) under a budget: its own patterns could run for ever and
 * references could multiply, so every visit of a schema costs steps and every pattern runs in linear time.
 */
import { dereference, format, type Schema, validate } from "@cfworker/json-schema";
import type { DataError, SchemaValidator } from "../domain/events/registry.ts";
import type { JsonSchema } from "../domain/events/schema-compatibility.ts";
import type { Budget } from "../domain/messaging/pattern-program.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import {
  type PlainSchema,
  type ReadSchema,
  readSchema,
  type SchemaFailure,
} from "./json-schema-dialect.ts";
import { isStraightSource, patternTest } from "./json-schema-pattern.ts";

/** Visits of a schema that one request may cost, for all its events; about 1 µs each. */
export const SCHEMA_STEPS_MAX = 300_000;
/** Steps of the pattern matcher that one request may cost, for all its events. */
export const PATTERN_STEPS_MAX = 3_000_000;
/** Items of an array in data that `uniqueItems` is asked of. */
export const UNIQUE_ITEMS_MAX = 1000;
/** Characters of a text that a `format` is asked of; a longer one does not have it. */
export const FORMAT_CHARS_MAX = 2048;
/** Errors that are told of one event. */
const ERRORS_MAX = 10;
/** Formats that are checked; all others are remarks. `url` and `regex` cannot be checked in linear time. */
const FORMATS = new Set([
  ...["date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6"],
  ...["uri", "uri-reference", "uuid", "json-pointer"],
]);

/** What is left of the steps of one request. */
export interface SchemaBudget {
  readonly schema: Budget;
  readonly pattern: Budget;
}

/** A full one. */
export function newSchemaBudget(): SchemaBudget {
  return { schema: { steps: SCHEMA_STEPS_MAX }, pattern: { steps: PATTERN_STEPS_MAX } };
}

/** Whether a schema may be registered. */
export function checkSchema(schema: unknown): Result<void, SchemaFailure> {
  const compiled = compile(schema);
  return compiled.ok ? ok(undefined) : compiled;
}

/** A validator whose every call draws on one budget. Data of an event without any is checked as `null`. */
export function schemaValidator(budget: SchemaBudget = newSchemaBudget()): SchemaValidator {
  return (schema, data) => {
    const compiled = compiledOf(schema);
    if (!compiled.ok) return [{ pointer: "", message: "its schema cannot be evaluated" }];
    const long = compiled.value.unique ? longArrayIn(data, "") : undefined;
    if (long !== undefined)
      return [{ pointer: long, message: `more than ${UNIQUE_ITEMS_MAX} items to be unique` }];
    return errorsOf(compiled.value, data ?? null, budget);
  };
}

interface Compiled {
  readonly draft: ReadSchema["draft"];
  readonly root: PlainSchema | boolean;
  readonly lookup: Record<string, Schema | boolean>;
  /** What the schema's patterns and formats are checked by, under the names that stand in `format`. */
  readonly texts: ReadonlyMap<string, TextRule>;
  readonly unique: boolean;
}

interface TextRule {
  readonly message: string;
  readonly fits: (text: string) => boolean;
}

class OutOfSteps extends Error {}

/** The budget of the evaluation that is running. It never waits for anything, so there is only one. */
let running: SchemaBudget = newSchemaBudget();

function errorsOf(compiled: Compiled, data: unknown, budget: SchemaBudget): readonly DataError[] {
  const { root, draft, lookup, texts } = compiled;
  running = budget;
  for (const [name, { fits }] of texts) format[name] = fits;
  try {
    const { valid, errors } = validate(data, root as Schema, draft, lookup);
    return valid ? [] : told(errors, texts);
  } catch {
    // Out of steps, or of stack: a reference that leads to itself.
    return [{ pointer: "", message: "too costly to be checked against its schema" }];
  } finally {
    for (const name of texts.keys()) delete format[name];
  }
}

const compiledSchemas = new WeakMap<object, Result<Compiled, SchemaFailure>>();

/** Remembered as long as the schema is: the registry's cache hands out the same object again. */
function compiledOf(schema: JsonSchema): Result<Compiled, SchemaFailure> {
  if (typeof schema === "boolean") return compile(schema);
  const known = compiledSchemas.get(schema);
  if (known) return known;
  const compiled = compile(schema);
  compiledSchemas.set(schema, compiled);
  return compiled;
}

function compile(schema: unknown): Result<Compiled, SchemaFailure> {
  const read = readSchema(schema);
  if (!read.ok) return read;
  const { draft, root, parts } = read.value;
  const texts = new Map<string, TextRule>();
  for (const part of parts) {
    const failure = withTextRules(part, texts);
    if (failure) return fail(failure);
  }
  const lookup = lookupOf(root);
  const lost = parts.find(
    ({ schema: part }) =>
      part.$ref !== undefined && lookup?.[String(part.__absolute_ref__)] === undefined,
  );
  if (!lookup || lost) {
    const message = "leads nowhere within this schema";
    return fail({ reason: "reference", pointer: `${lost?.pointer ?? ""}/$ref`, message });
  }
  for (const { schema: part } of parts) meter(part);
  const unique = parts.some((part) => part.schema.uniqueItems === true);
  return ok({ draft, root, lookup, texts, unique });
}

/** Every part by its address; undefined where references or anchors are no addresses, or two parts have one. */
function lookupOf(root: PlainSchema | boolean): Compiled["lookup"] | undefined {
  try {
    return dereference(root as Schema);
  } catch {
    return undefined;
  }
}

/** Replaces the pattern and the format of one part by rules of ours; the failure, where a pattern cannot run. */
function withTextRules(
  { pointer, schema }: ReadSchema["parts"][number],
  texts: Map<string, TextRule>,
): SchemaFailure | undefined {
  const names: string[] = [];
  const { pattern, format: named } = schema;
  delete schema.pattern;
  delete schema.format;
  if (typeof pattern === "string") {
    const test = patternTest(pattern);
    if (!test.ok)
      return { reason: "pattern", pointer: `${pointer}/pattern`, message: test.failure };
    names.push(`pattern ${pattern}`);
    texts.set(`pattern ${pattern}`, patternRule(pattern, test.value));
  }
  if (typeof named === "string" && FORMATS.has(named)) {
    names.push(`format ${named}`);
    texts.set(`format ${named}`, formatRule(named));
  }
  const [one, two] = names;
  if (one !== undefined) schema.format = one;
  // A part has one format: the second goes into a part of its own.
  if (two !== undefined)
    schema.allOf = [...(Array.isArray(schema.allOf) ? schema.allOf : []), { format: two }];
  return namePatternFailure(pointer, schema);
}

/** Names are matched by the engine itself. */
function namePatternFailure(pointer: string, schema: PlainSchema): SchemaFailure | undefined {
  const names = Object.keys((schema.patternProperties as object | undefined) ?? {});
  const bad = names.find((source) => !isStraightSource(source));
  if (bad === undefined) return undefined;
  const message = `"${bad.slice(0, 60)}" may have one open repetition of one character, behind ^; use propertyNames`;
  return { reason: "pattern", pointer: `${pointer}/patternProperties`, message };
}

function patternRule(source: string, test: (text: string, budget: Budget) => boolean): TextRule {
  return {
    message: `does not match ${source}`,
    fits: (text) => {
      const fits = test(text, running.pattern);
      if (running.pattern.steps <= 0) throw new OutOfSteps();
      return fits;
    },
  };
}

function formatRule(name: string): TextRule {
  const own = format[name];
  return {
    message: `is no ${name}`,
    fits: (text) => text.length <= FORMAT_CHARS_MAX && (own?.(text) ?? true),
  };
}

/** The validator reads every keyword once a visit, and this one is not in use: reading it pays for the visit. */
function meter(part: PlainSchema): void {
  const lists = [part.enum, part.required, part.allOf, part.anyOf, part.oneOf];
  const cost = lists.reduce((sum: number, one) => sum + (Array.isArray(one) ? one.length : 0), 1);
  Object.defineProperty(part, "$recursiveAnchor", {
    enumerable: false,
    get() {
      running.schema.steps -= cost;
      if (running.schema.steps < 0) throw new OutOfSteps();
      return undefined;
    },
  });
}

/** Errors that only say that there are others. */
const WRAPPERS = new Set([
  ...["properties", "patternProperties", "additionalProperties", "unevaluatedProperties"],
  ...["items", "prefixItems", "additionalItems", "unevaluatedItems", "propertyNames"],
  ...["$ref", "allOf", "if", "dependentSchemas"],
]);

function told(
  errors: ReturnType<typeof validate>["errors"],
  texts: ReadonlyMap<string, TextRule>,
): readonly DataError[] {
  const causes = errors.filter(({ keyword }) => !WRAPPERS.has(keyword));
  return (causes.length > 0 ? causes : errors).slice(0, ERRORS_MAX).map((one) => ({
    pointer: decodeURI(one.instanceLocation.slice(1)).replaceAll("%23", "#"),
    message: messageOf(one, texts),
  }));
}

function messageOf(
  { keyword, error }: ReturnType<typeof validate>["errors"][number],
  texts: ReadonlyMap<string, TextRule>,
): string {
  if (keyword === "false") return "is not allowed here";
  if (keyword !== "format") return error.slice(0, 300);
  const name = error.slice(error.indexOf('"') + 1, error.lastIndexOf('"'));
  return (texts.get(name)?.message ?? error).slice(0, 300);
}

function longArrayIn(data: unknown, pointer: string): string | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  if (Array.isArray(data) && data.length > UNIQUE_ITEMS_MAX) return pointer;
  for (const [name, inner] of Object.entries(data)) {
    const found = longArrayIn(
      inner,
      `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}
