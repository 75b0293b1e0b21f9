/**
 * The context attributes of a CloudEvent 1.0 and their rules (CloudEvents core specification, "Type system" and
 * "Context attributes"). Knows nothing of formats or transports.
 */
import type { AttributeValue } from "../../schema/event.ts";
import { fail, ok, type Result } from "../result.ts";

/** Longest attribute name taken, in characters; 20 is what the specification recommends. */
export const ATTRIBUTE_NAME_CHARS_MAX = 64;
/** Attributes of one event. */
export const ATTRIBUTES_MAX = 64;

/** The payload: none at all, a JSON value (null too), a text of another type, or bytes. */
export type CloudEventData =
  | { readonly is: "none" }
  | { readonly is: "json"; readonly value: unknown }
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "bytes"; readonly bytes: Uint8Array<ArrayBuffer> };

export interface CloudEvent {
  /** Required and optional attributes and extensions, by name; never `data`. */
  readonly attributes: ReadonlyMap<string, AttributeValue>;
  readonly data: CloudEventData;
}

export interface CloudEventFailure {
  readonly reason:
    | "not_an_object"
    | "missing"
    | "name"
    | "value"
    | "specversion"
    | "data_twice"
    | "data_base64"
    | "data_json"
    | "too_many_attributes";
  /** The attribute, where one is to blame. */
  readonly attribute?: string;
}

const REQUIRED = ["id", "source", "specversion", "type"] as const;
/** Attributes that are texts, with what the text must look like. */
const RULES: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ["id", isFilled],
  ["type", isFilled],
  ["subject", isFilled],
  ["source", isUriReference],
  ["dataschema", isAbsoluteUri],
  ["datacontenttype", isMediaType],
  ["time", isTimestamp],
  ["expirytime", isTimestamp],
  ["recordedtime", isTimestamp],
]);

/** Checks names, values and that nothing required is missing. */
export function checkAttributes(
  attributes: ReadonlyMap<string, AttributeValue>,
): Result<ReadonlyMap<string, AttributeValue>, CloudEventFailure> {
  if (attributes.size > ATTRIBUTES_MAX) return fail({ reason: "too_many_attributes" });
  for (const name of REQUIRED) {
    if (!attributes.has(name)) return fail({ reason: "missing", attribute: name });
  }
  if (attributes.get("specversion") !== "1.0")
    return fail({ reason: "specversion", attribute: "specversion" });
  for (const [attribute, value] of attributes) {
    if (!isName(attribute)) return fail({ reason: "name", attribute });
    if (!isValue(attribute, value)) return fail({ reason: "value", attribute });
  }
  return ok(attributes);
}

/** Whether a media type is JSON: `application/json`, `text/json`, or `+json` behind. */
export function isJsonType(mediaType: string): boolean {
  return /^[^;]{0,200}[/+]json\s*(?:;|$)/i.test(mediaType);
}

/** Whether a media type is text in UTF-8 (or ASCII): `text/…`, XML, without another charset. */
export function isUtf8TextType(mediaType: string): boolean {
  const [type = "", ...parameters] = mediaType.toLowerCase().split(";");
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith("charset="));
  const utf8 = /^(?:charset="?(?:utf-8|us-ascii)"?)?$/.test(charset ?? "");
  return utf8 && /^(?:text\/.*|.*[/+]xml)$/.test(type.trim());
}

function isName(name: string): boolean {
  return name.length <= ATTRIBUTE_NAME_CHARS_MAX && name !== "data" && /^[a-z0-9]+$/.test(name);
}

function isValue(name: string, value: AttributeValue): boolean {
  const rule = RULES.get(name);
  if (typeof value === "string") return isCleanText(value) && (!rule || rule(value));
  if (rule) return false;
  return typeof value === "boolean" || (Number.isInteger(value) && value === (value | 0));
}

/** No control characters, half surrogate pairs or noncharacters. */
function isCleanText(text: string): boolean {
  return text.isWellFormed() && !/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(text);
}

function isFilled(text: string): boolean {
  return text !== "";
}

/** RFC 3986 section 4.1, by its alphabet. */
function isUriReference(text: string): boolean {
  return /^(?:[\w\-.~:/?#[\]@!$&'()*+,;=]|%[\dA-Fa-f]{2})+$/.test(text);
}

function isAbsoluteUri(text: string): boolean {
  return /^[A-Za-z][A-Za-z\d+.-]*:./.test(text) && isUriReference(text);
}

/** RFC 2045: type and subtype; parameters are not looked into. */
function isMediaType(text: string): boolean {
  return /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+\s*(?:;|$)/.test(text);
}

/** RFC 3339, with a day that the month has. */
function isTimestamp(text: string): boolean {
  const match =
    /^(\d{4}-\d{2}-(\d{2}))[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(?:\.\d{1,18})?(?:[Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/.exec(
      text,
    );
  if (!match) return false;
  const day = new Date(`${match[1]}T00:00:00Z`);
  return Number.isFinite(day.getTime()) && day.getUTCDate() === Number(match[2]);
}
