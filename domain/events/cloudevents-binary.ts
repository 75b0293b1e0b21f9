/**
 * The binary mode of CloudEvents over HTTP: attributes as `ce-` headers, the payload as the body, its type as
 * `Content-Type`. Header values are percent-encoded UTF-8, decoded exactly once (HTTP binding, section 3.1.3.2).
 * What the mode cannot say: the kind of an attribute (all are texts), and an empty payload from none.
 */
import type { AttributeValue } from "../../schema/event.ts";
import { fail, ok, type Result } from "../result.ts";
import {
  type CloudEvent,
  type CloudEventData,
  type CloudEventFailure,
  checkAttributes,
  isJsonType,
  isUtf8TextType,
} from "./cloudevents-attributes.ts";

const PREFIX = "ce-";

/** Reads one event; `headers` by lower-case name. Every attribute comes as text, integers too. */
export function readBinary(
  headers: ReadonlyMap<string, string>,
  body: Uint8Array,
): Result<CloudEvent, CloudEventFailure> {
  const attributes = new Map<string, AttributeValue>();
  for (const [header, text] of headers) {
    if (!header.startsWith(PREFIX)) continue;
    const name = header.slice(PREFIX.length);
    // The media type has its own header; a second one could disagree.
    if (name === "datacontenttype") return fail({ reason: "name", attribute: name });
    const value = decodeHeader(text);
    if (value === undefined) return fail({ reason: "value", attribute: name });
    attributes.set(name, value);
  }
  const contentType = headers.get("content-type");
  if (contentType !== undefined) attributes.set("datacontenttype", contentType);
  const checked = checkAttributes(attributes);
  if (!checked.ok) return checked;
  const data = readBody(body, contentType);
  return data.ok ? ok({ attributes: checked.value, data: data.value }) : data;
}

/** The headers (lower-case names) and the body of one event. */
export function writeBinary(event: CloudEvent): {
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer>;
} {
  const headers: (readonly [string, string])[] = [];
  for (const [name, value] of event.attributes) {
    if (name !== "datacontenttype") headers.push([PREFIX + name, encodeHeader(String(value))]);
  }
  const stated = event.attributes.get("datacontenttype");
  const type = stated ?? (event.data.is === "json" ? "application/json" : undefined);
  if (type !== undefined) headers.push(["content-type", String(type)]);
  return { headers, body: bodyOf(event.data) };
}

/** Percent-encodes space, `"`, `%` and everything outside printable ASCII. */
export function encodeHeader(value: string): string {
  return value.replaceAll(/[^\u0021\u0023\u0024\u0026-\u007e]/gu, (char) => {
    const bytes = new TextEncoder().encode(char);
    return Array.from(bytes, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(
      "",
    );
  });
}

/** Undoes `encodeHeader` and quoting, once. Undefined where the bytes are no UTF-8. */
export function decodeHeader(header: string): string | undefined {
  const text = unquoted(header.trim());
  if (!text.includes("%")) return text;
  const bytes: number[] = [];
  const plain = new TextEncoder();
  for (let at = 0; at < text.length; ) {
    const hex = /^%([\dA-Fa-f]{2})/.exec(text.slice(at, at + 3))?.[1];
    const char = String.fromCodePoint(text.codePointAt(at) ?? 0);
    if (hex === undefined) bytes.push(...plain.encode(char));
    else bytes.push(Number.parseInt(hex, 16));
    at += hex === undefined ? char.length : 3;
  }
  return utf8(Uint8Array.from(bytes));
}

function unquoted(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  return text.slice(1, -1).replaceAll(/\\(.)/g, "$1");
}

function readBody(
  body: Uint8Array,
  contentType: string | undefined,
): Result<CloudEventData, CloudEventFailure> {
  if (body.length === 0) return ok({ is: "none" });
  const bytes = Uint8Array.from(body);
  if (contentType === undefined) return ok({ is: "bytes", bytes });
  const text = isJsonType(contentType) || isUtf8TextType(contentType) ? utf8(bytes) : undefined;
  if (!isJsonType(contentType))
    return ok(text === undefined ? { is: "bytes", bytes } : { is: "text", text });
  try {
    if (text !== undefined) return ok({ is: "json", value: JSON.parse(text) });
  } catch {
    // Falls through: the payload is not what its type says.
  }
  return fail({ reason: "data_json" });
}

function bodyOf(data: CloudEventData): Uint8Array<ArrayBuffer> {
  switch (data.is) {
    case "none":
      return new Uint8Array();
    case "json":
      return Uint8Array.from(new TextEncoder().encode(JSON.stringify(data.value)));
    case "text":
      return Uint8Array.from(new TextEncoder().encode(data.text));
    case "bytes":
      return data.bytes;
  }
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
