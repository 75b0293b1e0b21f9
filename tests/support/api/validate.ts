/**
 * Checks a value against a schema of the document. Knows the keywords the document uses and throws at any
 * other, so that nothing is taken as valid because it was not understood.
 */
import { type ApiDocument, followed, type Schema } from "./document.ts";

const KNOWN = new Set([
  ..."$ref type enum properties required additionalProperties items oneOf anyOf allOf pattern".split(
    " ",
  ),
  ..."format minLength maxLength minItems maxItems minimum maximum exclusiveMinimum".split(" "),
  ..."description default title example".split(" "),
]);

interface Options {
  /** Members that the schema does not name are faults, also where it is silent about them. */
  readonly closed?: boolean;
}

/** One line per fault, beginning with where it is; none for a valid value. */
export function faultsOf(
  document: ApiDocument,
  given: Schema,
  value: unknown,
  options: Options = {},
  at = "#",
): readonly string[] {
  const schema = followed(document, given);
  const strange = Object.keys(schema).filter((keyword) => !KNOWN.has(keyword));
  if (strange.length > 0) throw new Error(`${at}: keywords not understood: ${strange.join()}`);
  const deeper = (inner: Schema, part: unknown, where: string) =>
    faultsOf(document, inner, part, options, where);
  return [
    ...typeFaults(schema, value, at),
    ...choiceFaults(schema, value, at, (inner) => deeper(inner, value, at)),
    ...(typeof value === "string" ? textFaults(schema, value, at) : []),
    ...(typeof value === "number" ? numberFaults(schema, value, at) : []),
    ...(Array.isArray(value) ? listFaults(schema, value, at, deeper) : []),
    ...(isObject(value) ? memberFaults(schema, value, at, options, deeper) : []),
  ];
}

type Deeper = (schema: Schema, value: unknown, at: string) => readonly string[];

function typeFaults({ type, enum: values }: Schema, value: unknown, at: string): string[] {
  const types = type === undefined ? [] : [type].flat();
  const fits = types.length === 0 || types.some((name) => isOfType(name, value));
  return [
    ...(fits ? [] : [`${at}: ${kindOf(value)} is not ${types.join(" or ")}`]),
    ...(values && !values.includes(value) ? [`${at}: not one of ${values.join()}`] : []),
  ];
}

function isOfType(type: string, value: unknown): boolean {
  if (type === "integer") return Number.isInteger(value);
  return type === kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function choiceFaults(
  { oneOf, anyOf, allOf }: Schema,
  _value: unknown,
  at: string,
  check: (schema: Schema) => readonly string[],
): string[] {
  const every = (allOf ?? []).flatMap(check);
  const matching = (choices: readonly Schema[]) =>
    choices.filter((choice) => check(choice).length === 0).length;
  return [
    ...every,
    ...(oneOf && matching(oneOf) !== 1 ? [`${at}: fits ${matching(oneOf)} of oneOf`] : []),
    ...(anyOf && matching(anyOf) === 0 ? [`${at}: fits none of anyOf`] : []),
  ];
}

function textFaults(schema: Schema, text: string, at: string): string[] {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern, format } = schema;
  const fits = text.length >= minLength && text.length <= maxLength;
  return [
    ...(fits ? [] : [`${at}: ${text.length} characters`]),
    ...(pattern && !new RegExp(pattern, "u").test(text) ? [`${at}: not ${pattern}`] : []),
    ...(format === undefined || isOfFormat(format, text) ? [] : [`${at}: ${text} is no ${format}`]),
  ];
}

function isOfFormat(format: string, text: string): boolean {
  if (format === "date-time")
    return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  if (format === "uri") return URL.canParse(text);
  throw new Error(`format ${format} is not understood`);
}

function numberFaults(schema: Schema, value: number, at: string): string[] {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity } = schema;
  const fits = value >= minimum && value <= maximum && value > exclusiveMinimum;
  return fits ? [] : [`${at}: ${value} is out of bounds`];
}

function listFaults(schema: Schema, list: unknown[], at: string, deeper: Deeper): string[] {
  const { minItems = 0, maxItems = Infinity, items } = schema;
  const fits = list.length >= minItems && list.length <= maxItems;
  return [
    ...(fits ? [] : [`${at}: ${list.length} items`]),
    ...(items ? list.flatMap((item, index) => deeper(items, item, `${at}/${index}`)) : []),
  ];
}

function memberFaults(
  schema: Schema,
  value: Readonly<Record<string, unknown>>,
  at: string,
  { closed = false }: Options,
  deeper: Deeper,
): string[] {
  const { properties = {}, required = [], additionalProperties } = schema;
  const missing = required.filter((name) => !Object.hasOwn(value, name));
  // A choice names its members itself.
  const open = schema.oneOf ?? schema.anyOf ?? schema.allOf ?? schema.type === undefined;
  const rest = additionalProperties ?? (open ? true : !closed);
  const faults = Object.entries(value).flatMap(([name, part]) => {
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const inner = known ?? (rest === false ? undefined : rest === true ? {} : rest);
    return inner ? deeper(inner, part, `${at}/${name}`) : [`${at}/${name}: not in the document`];
  });
  return [...missing.map((name) => `${at}: lacks ${name}`), ...faults];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return kindOf(value) === "object";
}
