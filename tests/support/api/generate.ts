/**
 * Requests made up from the document: values that fit a schema, and values that are one hostile step away from
 * it. Pure arbitraries of fast-check; ids that exist are given by the caller.
 */
import fc from "fast-check";
import { type ApiDocument, followed, type Operation, type Schema } from "./document.ts";

export interface MadeUp {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** Depth from which on only the smallest values are made. */
const DEPTH_MAX = 5;

/** Values that fit. Members whose names are in `known` mostly get one of its values. */
export function fitting(
  document: ApiDocument,
  given: Schema,
  known: Readonly<Record<string, readonly string[]>>,
  depth = 0,
): fc.Arbitrary<unknown> {
  const schema = followed(document, given);
  const deeper = (inner: Schema) => fitting(document, inner, known, depth + 1);
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return fc.oneof(...choices.map(deeper));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length === 0) return fc.jsonValue({ maxDepth: 2 });
  return fc.oneof(...types.map((type) => ofType(type, schema, known, depth, deeper)));
}

function ofType(
  type: string,
  schema: Schema,
  known: Readonly<Record<string, readonly string[]>>,
  depth: number,
  deeper: (schema: Schema) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  switch (type) {
    case "string":
      return textOf(schema);
    case "integer":
      return fc.integer({
        min: Math.ceil(schema.minimum ?? (schema.exclusiveMinimum ?? -2) + 1),
        max: schema.maximum ?? 1_000_000,
      });
    case "number":
      return fc.double({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9, noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return fc.array(deeper(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 4, depth > DEPTH_MAX ? (schema.minItems ?? 0) : 4),
      });
    case "object":
      return objectOf(schema, known, depth, deeper);
    default:
      throw new Error(`type ${type} is not understood`);
  }
}

function objectOf(
  schema: Schema,
  known: Readonly<Record<string, readonly string[]>>,
  depth: number,
  deeper: (schema: Schema) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties: rest } = schema;
  if (Object.keys(properties).length === 0 && rest !== undefined && rest !== false)
    return fc.dictionary(TEXT, deeper(rest === true ? {} : rest), { maxKeys: 4 });
  const members = Object.entries(properties)
    .filter(([name]) => depth <= DEPTH_MAX || required.includes(name))
    .map(([name, inner]) => [name, memberOf(deeper(inner), known[name])] as const);
  return fc.record(Object.fromEntries(members), { requiredKeys: [...required] });
}

function memberOf(made: fc.Arbitrary<unknown>, known: readonly string[] | undefined) {
  if (!known || known.length === 0) return made;
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...known) },
    { weight: 1, arbitrary: made },
  );
}

const TEXT = fc.string({ unit: "grapheme", maxLength: 40 });

/** Of the whole length now and then: what fits at its limit must fit everywhere. */
function textOf({ pattern, format, minLength = 0, maxLength = 60 }: Schema): fc.Arbitrary<string> {
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  if (format === "date-time") return DATE_TIMES;
  if (format === "uri") return fc.webUrl();
  const short = fc.string({
    unit: "grapheme",
    minLength,
    maxLength: Math.min(maxLength, minLength + 40),
  });
  const fit = short
    .map((text) => text.slice(0, maxLength))
    .filter((text) => text.length >= minLength);
  return fc.oneof(
    { weight: 8, arbitrary: fit },
    {
      weight: 1,
      arbitrary: fc.constant("x".repeat(Math.max(minLength, Math.min(maxLength, 5000)))),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(...HOSTILE_TEXTS).map((text) => text.slice(0, maxLength)),
    },
  );
}

const DATE_TIMES = fc.oneof(
  fc
    .date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true })
    .map((date) => date.toISOString()),
  fc.constantFrom(
    "0000-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "1970-01-01T00:00:00Z",
    "2026-02-28T23:59:60Z",
    "2026-11-21T10:00:00.123456789+05:30",
  ),
);

/** Texts that break what forgets to expect them: encodings, quotes, paths, markup, limits of stores. */
export const HOSTILE_TEXTS: readonly string[] = [
  "\ud800",
  "a\u0000b",
  "\r\nx-injected: 1",
  "'; DROP TABLE messages; --",
  "%00%ff",
  "../../etc/passwd",
  "<script>alert(1)</script>",
  "{{text}}{{sender.name}}",
  "\u202etxt.exe",
  "__proto__",
  "simulator",
  "http://127.0.0.1:1/",
  "https://",
  "whsec_!!!",
  "((a+)+)+$",
  "NaN",
  "-0",
  "1e999",
  " ",
];

const HOSTILE_VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  1e308,
  Number.MAX_SAFE_INTEGER,
  [],
  {},
  "",
  ...HOSTILE_TEXTS,
  "x".repeat(100_001),
  [[[[[[]]]]]],
  { $gt: "" },
  { toString: 1, valueOf: 2 },
];

/** One hostile step away from a value: a member gone, of another kind, or too many. */
export function misfit(value: unknown): fc.Arbitrary<unknown> {
  const places = placesOf(value);
  return fc
    .tuple(
      fc.nat({ max: Math.max(0, places.length - 1) }),
      fc.constantFrom("drop", "set", "add"),
      fc.constantFrom(...HOSTILE_VALUES),
    )
    .map(([index, step, hostile]) => stepped(value, places[index] ?? [], step, hostile));
}

function placesOf(value: unknown, at: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([name, inner]) => placesOf(inner, [...at, name]))];
}

function stepped(value: unknown, at: readonly string[], step: string, hostile: unknown): unknown {
  const [name, ...rest] = at;
  if (typeof value !== "object" || value === null) return hostile;
  const copy = Object.assign(Array.isArray(value) ? [] : {}, value) as Record<string, unknown>;
  if (name === undefined) {
    if (step !== "add") return hostile;
    return Object.assign(copy, { unheard_of: hostile });
  }
  if (rest.length === 0 && step === "drop") delete copy[name];
  else copy[name] = stepped(copy[name], rest, step, hostile);
  return copy;
}

/** Whole requests of an operation: `own` (a request that succeeds) with parts of it made up. */
export function requestsOf(
  document: ApiDocument,
  operation: Operation,
  own: { readonly path: MadeUp["path"]; readonly query: MadeUp["query"]; readonly body: unknown },
  known: Readonly<Record<string, readonly string[]>>,
): fc.Arbitrary<MadeUp> {
  const body = operation.body ? fitting(document, operation.body, known) : fc.constant(undefined);
  const bodies = fc.oneof(
    { weight: 3, arbitrary: body },
    {
      weight: 3,
      arbitrary: body.chain((made) => (operation.body ? misfit(made) : fc.constant(made))),
    },
    { weight: 2, arbitrary: own.body === undefined ? fc.constant(undefined) : misfit(own.body) },
    { weight: 3, arbitrary: body.chain((made) => mixed(own.body, made)) },
  );
  return fc.record({
    path: partsOf(document, operation, "path", own.path, known, 0.2),
    query: partsOf(document, operation, "query", own.query, known, 0.5),
    body: bodies,
    headers: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: HEADERS }),
  });
}

/** A body that works, with one made-up member in the place of its own. */
function mixed(own: unknown, made: unknown): fc.Arbitrary<unknown> {
  if (typeof own !== "object" || own === null) return fc.constant(own);
  const members = Object.entries(typeof made === "object" && made !== null ? made : {});
  const one = members.map(([name, value]) => Object.assign({}, own, { [name]: value }));
  return fc.constantFrom<unknown>(own, ...one);
}

/** Parameters: mostly the ones that work, else made up, else hostile. */
function partsOf(
  document: ApiDocument,
  { parameters }: Operation,
  where: "path" | "query",
  own: Readonly<Record<string, string>>,
  known: Readonly<Record<string, readonly string[]>>,
  share: number,
): fc.Arbitrary<Readonly<Record<string, string>>> {
  const declared = parameters.filter((one) => one.in === where);
  const made = declared.map(({ name, schema }) => {
    const value = memberOf(fitting(document, schema, known), known[name]);
    const odd = fc.oneof(
      value.map(String),
      fc.constantFrom(...HOSTILE_TEXTS.filter((text) => text.trim())),
    );
    return [name, odd] as const;
  });
  const odd = fc.record(Object.fromEntries(made), where === "path" ? {} : { requiredKeys: [] });
  const weights = [Math.round((1 - share) * 10), Math.round(share * 10)] as const;
  return fc.oneof(
    { weight: weights[0], arbitrary: fc.constant(own) },
    { weight: weights[1], arbitrary: odd.map((some) => Object.assign({}, own, some)) },
  );
}

const HEADERS = fc.record(
  {
    "idempotency-key": fc.constantFrom("k", "", "x".repeat(256), "clé", "a b"),
    "if-match": fc.constantFrom("*", '"x"', "garbage", 'W/"1", "2"'),
    "if-none-match": fc.constantFrom("*", '"x"', '""'),
    traceparent: fc.constantFrom(
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00-00000000000000000000000000000000-0000000000000000-00",
      "garbage",
    ),
    accept: fc.constantFrom("text/html", "application/json", "*/*;q=0", ""),
    "accept-encoding": fc.constantFrom("identity", "gzip", "br;q=nonsense"),
    "x-tenant": fc.constantFrom("acme", "nobody", "'", ""),
  },
  { requiredKeys: [] },
);
