/**
 * The envelope around every Evolution event. Only `event`, `instance`, `data` and the connected number are
 * ever looked at: `apikey` and `server_url` are secrets and foreign addresses, `date_time` is local time
 * with a false zone.
 */
import { ok, type Result } from "../../domain/result.ts";
import type { RawWebhook } from "../../schema/parsed.ts";
import type { ConnectionHint, ParseFailure } from "../channel-adapter.ts";
import { fieldsOf, memberOf, stringOf, wrongShape } from "../shared/fields.ts";
import { readJson } from "../shared/json.ts";
import { normaliseJid } from "./jid.ts";

export interface Envelope {
  /** Normalised: `MESSAGES_UPSERT`. Undefined where the body is no webhook. */
  readonly event: string | undefined;
  readonly instance: string | undefined;
  /** Still unchecked; its shape depends on the event. */
  readonly data: unknown;
  /** Address of the connected number; absent before pairing. */
  readonly owner: string | undefined;
}

const EVENT_CHARS_MAX = 64;
const INSTANCE_CHARS_MAX = 128;

/** Reads the envelope of a body; with `byEvents` the path repeats the event's name. */
export function readEnvelope(raw: RawWebhook): Result<Envelope, ParseFailure> {
  const json = readJson(raw.body);
  if (!json.ok) {
    return json;
  }
  const body = fieldsOf(json.value);
  if (body === undefined) {
    return wrongShape("body: expected an object");
  }
  const named = memberOf(body, "event");
  if (named !== undefined && typeof named !== "string") {
    return wrongShape("body.event: expected a string");
  }
  const sender = stringOf(body, "sender");
  return ok({
    event: eventName(named ?? suffixEvent(raw.suffix, memberOf(body, "data"))),
    instance: stringOf(body, "instance"),
    data: memberOf(body, "data"),
    owner: sender === undefined ? undefined : normaliseJid(sender.trim()),
  });
}

/** The instance a body claims to be of. Total: whatever is odd is simply no hint. */
export function locateEvolution(raw: RawWebhook): ConnectionHint | undefined {
  const envelope = readEnvelope(raw);
  const instance = envelope.ok ? envelope.value.instance : undefined;
  const usable = instance !== undefined && instance.length <= INSTANCE_CHARS_MAX;
  return usable ? { addresses: [instance] } : undefined;
}

/** `messages.upsert`, `messages-upsert` and `MESSAGES_UPSERT` are one event. */
function eventName(name: string | undefined): string | undefined {
  if (name === undefined) {
    return undefined;
  }
  const letters = name.slice(0, EVENT_CHARS_MAX).replaceAll(/[^A-Za-z]+/g, "_");
  return letters.replaceAll(/^_|_$/g, "").toUpperCase() || "UNNAMED";
}

/** The path's last word names the event only of a body that has data and no name. */
function suffixEvent(suffix: string, data: unknown): string | undefined {
  return suffix === "" || data === undefined ? undefined : suffix.split("/").at(-1);
}
