/**
 * A payload file as the webhook it was. A file is either the body itself or a capture
 * `{method, path, headers, body}`. Slack sends interactions as a form with one field `payload` and commands as
 * plain form fields; files show both decoded, and their shape tells which they are.
 */
import type { RawWebhook } from "../../schema/parsed.ts";

type Json = Readonly<Record<string, unknown>>;

const FORM = "application/x-www-form-urlencoded";
/** `/webhooks/<channel>/<connection>/<suffix>` */
const SUFFIX_FROM = 4;
/** Types that Slack posts as JSON; every other typed payload is interactive. */
const SLACK_JSON_TYPES: ReadonlySet<unknown> = new Set([
  "event_callback",
  "url_verification",
  "app_rate_limited",
]);

/** False for a file that holds JSON but no object: a list of anything is no webhook. */
export function isEnvelope(bytes: Uint8Array): boolean {
  const json = jsonOf(bytes);
  return json === undefined || objectOf(json) !== undefined;
}

/** Files that are no JSON at all go to the parser as they are. */
export function rawWebhookOf(bytes: Uint8Array<ArrayBuffer>, channel: string): RawWebhook {
  const file = objectOf(jsonOf(bytes));
  const captured = objectOf(file?.body);
  if (captured !== undefined && typeof file?.method === "string") {
    const path = typeof file.path === "string" ? file.path.split("?")[0] : undefined;
    const suffix = path?.split("/").slice(SUFFIX_FROM).join("/") ?? "";
    return webhook(encode(JSON.stringify(captured)), "application/json", suffix);
  }
  const form = channel === "slack" && file !== undefined ? slackForm(file) : undefined;
  return form === undefined ? webhook(bytes, "application/json") : webhook(encode(form), FORM);
}

function slackForm(payload: Json): string | undefined {
  if (typeof payload.command === "string") {
    const fields = Object.entries(payload).map(([name, value]) => [name, String(value)]);
    return new URLSearchParams(Object.fromEntries(fields)).toString();
  }
  const interactive = typeof payload.type === "string" && !SLACK_JSON_TYPES.has(payload.type);
  return interactive
    ? new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
    : undefined;
}

function webhook(body: Uint8Array<ArrayBuffer>, contentType: string, suffix = ""): RawWebhook {
  const header = (name: string) => (name.toLowerCase() === "content-type" ? contentType : null);
  return { method: "POST", suffix, header, body };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Json)
    : undefined;
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new TextEncoder().encode(text));
}
