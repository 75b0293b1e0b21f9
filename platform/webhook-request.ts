/**
 * The request by which one event goes to a webhook: the same bytes on every attempt, signed by Standard Webhooks
 * 1.0 at the time of the attempt. `webhook-id` is the event's id, so that a receiver can tell a repeated delivery.
 */
import { writeStructured } from "../domain/events/cloudevents.ts";
import { writeBinary } from "../domain/events/cloudevents-binary.ts";
import { toCloudEvent } from "../domain/events/envelope.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { toBase64Url } from "../domain/security/base64url.ts";
import type { EventEnvelope } from "../schema/event.ts";
import type { DeliveryFormat } from "../schema/subscription.ts";
import { signWebhook } from "./webhook-signature.ts";

const USER_AGENT = "omni-edge";
/** Counts the attempts of a delivery, from 1. */
const ATTEMPT_HEADER = "webhook-attempt";
/** Longest `webhook-id`, in characters; a longer one is a digest. */
const ID_CHARS_MAX = 200;
/** W3C Trace Context, version 00 and later. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

export interface EventRequest {
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  /** What of the headers may be shown to people: everything but the signature. */
  readonly shown: Readonly<Record<string, string>>;
}

export interface RequestFailure {
  /** The event has a media type or an attribute that no header can carry, or a secret cannot sign. */
  readonly reason: "bad_header" | "bad_secret";
}

export interface EventAttempt {
  readonly event: EventEnvelope;
  readonly format: DeliveryFormat;
  /** Newest first; without any the request is not signed. */
  readonly secrets: readonly string[];
  /** From 1. */
  readonly attempt: number;
  readonly nowMs: number;
}

export async function requestOf(one: EventAttempt): Promise<Result<EventRequest, RequestFailure>> {
  const { headers: written, body } = writeEvent(one.event, one.format);
  const id = await webhookIdOf(one.event.event_id);
  const timestamp = Math.floor(one.nowMs / 1000);
  const signed = await signWebhook({ id, timestamp, body }, one.secrets);
  if (!signed.ok) return fail({ reason: "bad_secret" });
  const { "webhook-signature": signature = "", ...stamped } = signed.value;
  const { traceparent = "" } = one.event.metadata;
  const plain: Readonly<Record<string, string>> = {
    ...Object.fromEntries(written),
    "user-agent": USER_AGENT,
    [ATTEMPT_HEADER]: String(one.attempt),
    ...(TRACEPARENT.test(traceparent) ? { traceparent } : {}),
    ...stamped,
  };
  const headers = headersOf(
    signature === "" ? plain : { ...plain, "webhook-signature": signature },
  );
  return headers ? ok({ headers, body, shown: plain }) : fail({ reason: "bad_header" });
}

/** The id as a header can carry it: letters, digits, `_` and `-`, the rest in percent code. Ids stay distinct. */
export async function webhookIdOf(eventId: string): Promise<string> {
  const coded = encodeURIComponent(eventId.toWellFormed()).replaceAll(
    /[.!~*'()]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  if (coded.length <= ID_CHARS_MAX) return coded;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(coded));
  return `sha256-${toBase64Url(new Uint8Array(digest))}`;
}

interface Written {
  readonly headers: Iterable<readonly [string, string]>;
  readonly body: Uint8Array<ArrayBuffer>;
}

function writeEvent(event: EventEnvelope, format: DeliveryFormat): Written {
  switch (format) {
    case "envelope":
      return jsonOf("application/json", JSON.stringify(ordered(event)));
    case "cloudevents": {
      const { contentType, body } = writeStructured(toCloudEvent(event));
      return jsonOf(contentType, body);
    }
    case "cloudevents_binary":
      return writeBinary(toCloudEvent(event));
  }
}

function jsonOf(contentType: string, text: string): Written {
  return {
    headers: [["content-type", contentType]],
    body: Uint8Array.from(new TextEncoder().encode(text)),
  };
}

/** Always in this order, wherever the event was kept meanwhile. */
function ordered(event: EventEnvelope): EventEnvelope {
  return {
    event_id: event.event_id,
    event_type: event.event_type,
    event_version: event.event_version,
    timestamp: event.timestamp,
    source: event.source,
    ...("data" in event ? { data: event.data } : {}),
    metadata: event.metadata,
  };
}

function headersOf(plain: Readonly<Record<string, string>>): Headers | undefined {
  try {
    return new Headers({ ...plain });
  } catch {
    return undefined;
  }
}
