/**
 * The JSON format of CloudEvents: an event as one object, `data` or `data_base64` in it. A null attribute is an
 * absent one; a null `data` is a payload. Values are copied by name, foreign objects never spread.
 */
import type { AttributeValue } from "../../schema/event.ts";
import { fail, ok, type Result } from "../result.ts";
import { fromBase64Url } from "../security/base64url.ts";
import {
  type CloudEvent,
  type CloudEventData,
  type CloudEventFailure,
  checkAttributes,
  isJsonType,
} from "./cloudevents-attributes.ts";

/** Reads one event as parsed from JSON. */
export function readStructured(json: unknown): Result<CloudEvent, CloudEventFailure> {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    return fail({ reason: "not_an_object" });
  const attributes = new Map<string, AttributeValue>();
  for (const [name, value] of Object.entries(json)) {
    if (name === "data" || name === "data_base64" || value === null) continue;
    if (typeof value !== "string" && typeof value !== "boolean" && typeof value !== "number")
      return fail({ reason: "value", attribute: name });
    attributes.set(name, value);
  }
  const checked = checkAttributes(attributes);
  if (!checked.ok) return checked;
  const data = readData(json as Readonly<Record<string, unknown>>, attributes);
  return data.ok ? ok({ attributes: checked.value, data: data.value }) : data;
}

/** The object that `readStructured` reads; attributes in their order. */
export function structuredOf(event: CloudEvent): Readonly<Record<string, unknown>> {
  const entries: [string, unknown][] = [...event.attributes];
  switch (event.data.is) {
    case "none":
      break;
    case "json":
      entries.push(["data", event.data.value]);
      break;
    case "text":
      entries.push(["data", event.data.text]);
      break;
    case "bytes":
      entries.push(["data_base64", toBase64(event.data.bytes)]);
  }
  return Object.fromEntries(entries);
}

/** Base64 of bytes of any length. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function readData(
  json: Readonly<Record<string, unknown>>,
  attributes: ReadonlyMap<string, AttributeValue>,
): Result<CloudEventData, CloudEventFailure> {
  const inline = Object.hasOwn(json, "data");
  const base64 = Object.hasOwn(json, "data_base64") && json.data_base64 !== null;
  if (inline && base64) return fail({ reason: "data_twice" });
  if (base64) {
    const bytes = typeof json.data_base64 === "string" ? fromBase64(json.data_base64) : undefined;
    return bytes ? ok({ is: "bytes", bytes }) : fail({ reason: "data_base64" });
  }
  if (!inline) return ok({ is: "none" });
  const type = attributes.get("datacontenttype");
  const text = typeof json.data === "string" && typeof type === "string" && !isJsonType(type);
  return ok(text ? { is: "text", text: json.data as string } : { is: "json", value: json.data });
}

/** RFC 4648 section 4 only: the URL alphabet is not for payloads. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0
    ? fromBase64Url(text)
    : undefined;
}
