/**
 * From raw bytes to one of Slack's three body forms: an Events API JSON body, an interactive JSON
 * `payload` inside a form, or the plain fields of a slash command. Shape only; meaning is decided
 * in `parse.ts`.
 */
import { ok, type Result } from "../../domain/result.ts";
import type { RawWebhook } from "../../schema/parsed.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import { type Fields, fieldsOf, wrongShape } from "../shared/fields.ts";
import { readJson } from "../shared/json.ts";

export type Payload =
  | { readonly is: "json"; readonly fields: Fields }
  | { readonly is: "command"; readonly fields: Fields }
  /** The probe Slack sends to command URLs to check the certificate: `ssl_check=1`. */
  | { readonly is: "ssl_check" };

const FORM = "application/x-www-form-urlencoded";
/** The members of a slash command we read (Slack docs: Slash commands); `token` is not among them. */
const COMMAND_FIELDS = [
  "team_id",
  "enterprise_id",
  "api_app_id",
  "is_enterprise_install",
  "channel_id",
  "channel_name",
  "user_id",
  "user_name",
  "command",
  "text",
  "response_url",
  "trigger_id",
] as const;

/** Decodes the body by its content type. Bytes that are not UTF-8, JSON or a known form are a failure. */
export function readPayload(raw: RawWebhook): Result<Payload, ParseFailure> {
  const type = raw.header("content-type")?.toLowerCase() ?? "";
  return type.startsWith(FORM) ? readForm(raw.body) : readObject(raw.body);
}

function readForm(body: Uint8Array<ArrayBuffer>): Result<Payload, ParseFailure> {
  const text = decodeUtf8(body);
  if (text === undefined) {
    return { ok: false, failure: { reason: "invalid_utf8", detail: "form body" } };
  }
  const form = new URLSearchParams(text);
  const payload = form.get("payload");
  if (payload !== null) {
    return readObject(new TextEncoder().encode(payload));
  }
  if (form.get("command") !== null) {
    return ok({ is: "command", fields: commandFields(form) });
  }
  return form.get("ssl_check") === "1"
    ? ok({ is: "ssl_check" })
    : wrongShape("form: expected payload, command or ssl_check");
}

function readObject(body: Uint8Array): Result<Payload, ParseFailure> {
  const json = readJson(body);
  if (!json.ok) {
    return json;
  }
  const fields = fieldsOf(json.value);
  return fields === undefined ? wrongShape("body: expected an object") : ok({ is: "json", fields });
}

function commandFields(form: URLSearchParams): Fields {
  const fields: Record<string, string> = {};
  for (const name of COMMAND_FIELDS) {
    const value = form.get(name);
    if (value !== null) {
      fields[name] = value;
    }
  }
  return fields;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return undefined;
  }
}
