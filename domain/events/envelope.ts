/**
 * CloudEvents and our envelope, mapped both ways: what the hub has a field for goes there, what it
 * does not know stays an extension. An event whose type is no routing key cannot be taken.
 */
import {
  type AttributeValue,
  EventEnvelope,
  type EventMetadata,
  PRIORITY_MAX,
} from "../../schema/event.ts";
import { EVENT_DEPTH_MAX } from "../../schema/event-depth.ts";
import { fail, ok, type Result } from "../result.ts";
import { fromBase64Url } from "../security/base64url.ts";
import type { CloudEvent, CloudEventData } from "./cloudevents-attributes.ts";
import { toBase64 } from "./cloudevents-json.ts";

/** The version of an event that names none. */
export const DEFAULT_VERSION = "1.0";

export interface EnvelopeFailure {
  readonly reason: "not_an_envelope";
  /** Where, as a JSON pointer into the envelope. */
  readonly pointer: string;
}

/** Attribute of a CloudEvent, and the metadata field it becomes; both are texts. */
const TEXT_FIELDS = [
  ["subject", "subject"],
  ["correlationid", "correlation_id"],
  ["causationid", "causation_id"],
  ["partitionkey", "partition_key"],
  ["expirytime", "expires_at"],
  ["traceparent", "traceparent"],
  ["tracestate", "tracestate"],
  ["datacontenttype", "content_type"],
  ["dataschema", "schema"],
  ["replayid", "replay_id"],
] as const;

/** Attributes that are whole numbers: the attribute, the metadata field, its highest value. */
const NUMBER_FIELDS = [
  ["priority", "priority", PRIORITY_MAX],
  ["causationdepth", "depth", EVENT_DEPTH_MAX],
] as const;

/** Attributes that are read here, by name; the others are extensions. */
const KNOWN: ReadonlySet<string> = new Set([
  ...TEXT_FIELDS.map(([attribute]) => attribute),
  ...NUMBER_FIELDS.map(([attribute]) => attribute),
  ...["specversion", "id", "source", "type", "time", "eventversion"],
]);

/** `nowMs` stands in where the event has no time. */
export function toEnvelope(
  event: CloudEvent,
  nowMs: number,
): Result<EventEnvelope, EnvelopeFailure> {
  const text = (name: string) => textOf(event.attributes.get(name));
  const payload = payloadOf(event.data);
  const parsed = EventEnvelope.safeParse({
    event_id: text("id"),
    event_type: text("type"),
    event_version: text("eventversion") ?? DEFAULT_VERSION,
    timestamp: text("time") ?? new Date(nowMs).toISOString(),
    source: text("source"),
    ...(payload.present ? { data: payload.data } : {}),
    metadata: metadataOf(event, payload),
  });
  if (parsed.success) return ok(parsed.data);
  const path = parsed.error.issues[0]?.path ?? [];
  return fail({
    reason: "not_an_envelope",
    pointer: path.map((part) => `/${String(part)}`).join(""),
  });
}

/** The CloudEvent of an envelope. */
export function toCloudEvent(envelope: EventEnvelope): CloudEvent {
  const { metadata } = envelope;
  const attributes = new Map<string, AttributeValue>([
    ["specversion", "1.0"],
    ["id", envelope.event_id],
    ["source", envelope.source],
    ["type", envelope.event_type],
    ["time", envelope.timestamp],
    ["eventversion", envelope.event_version],
  ]);
  for (const [attribute, field] of TEXT_FIELDS) {
    const value = metadata[field];
    if (value !== undefined) attributes.set(attribute, value);
  }
  for (const [attribute, field] of NUMBER_FIELDS) {
    const value = metadata[field];
    if (value !== undefined) attributes.set(attribute, value);
  }
  for (const [name, value] of Object.entries(metadata.extensions ?? {})) {
    if (!KNOWN.has(name)) attributes.set(name, value);
  }
  return { attributes, data: dataOf(envelope) };
}

interface Payload {
  readonly present: boolean;
  readonly data?: unknown;
  readonly encoding?: "text" | "base64";
}

function payloadOf(data: CloudEventData): Payload {
  switch (data.is) {
    case "none":
      return { present: false };
    case "json":
      return { present: true, data: data.value };
    case "text":
      return { present: true, data: data.text, encoding: "text" };
    case "bytes":
      return { present: true, data: toBase64(data.bytes), encoding: "base64" };
  }
}

function metadataOf(event: CloudEvent, payload: Payload): EventMetadata {
  const fields: EventMetadata = {};
  for (const [attribute, field] of TEXT_FIELDS) {
    const value = textOf(event.attributes.get(attribute));
    if (value !== undefined) fields[field] = value;
  }
  for (const [attribute, field, max] of NUMBER_FIELDS) {
    const value = wholeOf(event.attributes.get(attribute), max);
    if (value !== undefined) fields[field] = value;
  }
  const extensions = [...event.attributes].filter(([name]) => !KNOWN.has(name));
  return {
    ...fields,
    ...(payload.encoding ? { data_encoding: payload.encoding } : {}),
    ...(extensions.length > 0 ? { extensions: Object.fromEntries(extensions) } : {}),
  };
}

/** Binary mode has texts only. What is above the highest value counts as the highest; nonsense as none. */
function wholeOf(value: AttributeValue | undefined, max: number): number | undefined {
  const text = textOf(value) ?? "";
  return /^\d{1,9}$/.test(text) ? Math.min(Number(text), max) : undefined;
}

function textOf(value: AttributeValue | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function dataOf({ data, metadata }: EventEnvelope): CloudEventData {
  if (data === undefined) return { is: "none" };
  switch (metadata.data_encoding ?? "json") {
    case "json":
      return { is: "json", value: data };
    case "text":
      return { is: "text", text: String(data) };
    case "base64":
      return { is: "bytes", bytes: fromBase64Url(String(data)) ?? new Uint8Array() };
  }
}
