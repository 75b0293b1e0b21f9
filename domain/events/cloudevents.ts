/**
 * CloudEvents 1.0 over HTTP, in and out: which mode a request is in (binary, structured, batch), and the events
 * in it. Pure: headers and bytes in, values out. Other event formats than JSON are refused, never guessed.
 */
import { fail, ok, type Result } from "../result.ts";
import type { CloudEvent, CloudEventFailure } from "./cloudevents-attributes.ts";
import { readBinary } from "./cloudevents-binary.ts";
import { readStructured, structuredOf } from "./cloudevents-json.ts";

export const STRUCTURED_TYPE = "application/cloudevents+json";
export const BATCH_TYPE = "application/cloudevents-batch+json";
/** Events of one batch. */
export const BATCH_EVENTS_MAX = 1000;

/** A request's headers, in any case, and its raw body. */
export interface CloudEventRequest {
  readonly headers: Iterable<readonly [string, string]>;
  readonly body: Uint8Array;
}

export type CloudEventMode = "binary" | "structured" | "batch" | "unsupported" | "none";

export interface CloudEventReading {
  readonly mode: "binary" | "structured" | "batch";
  readonly events: readonly CloudEvent[];
}

/** `unsupported`: another event format (415). `none`: no CloudEvent at all. */
export interface CloudEventRefusal {
  readonly reason: "unsupported" | "none" | "not_json" | "not_a_list" | "too_many" | "invalid";
  /** With `invalid`: what is wrong, and in which event of a batch. */
  readonly failure?: CloudEventFailure;
  readonly index?: number;
}

/** Reads every event of a request; one bad event of a batch refuses the batch. */
export function readCloudEvents(
  request: CloudEventRequest,
): Result<CloudEventReading, CloudEventRefusal> {
  const headers = new Map([...request.headers].map(([name, value]) => [name.toLowerCase(), value]));
  const mode = modeOf(headers);
  switch (mode) {
    case "binary": {
      const event = readBinary(headers, request.body);
      return event.ok
        ? ok({ mode, events: [event.value] })
        : fail({ reason: "invalid", failure: event.failure });
    }
    case "structured":
    case "batch": {
      const json = parseJson(request.body);
      return json.ok ? readJson(mode, json.value) : json;
    }
    case "unsupported":
    case "none":
      return fail({ reason: mode });
  }
}

/** One event as the body of a structured request. */
export function writeStructured(event: CloudEvent): {
  readonly contentType: string;
  readonly body: string;
} {
  return { contentType: STRUCTURED_TYPE, body: JSON.stringify(structuredOf(event)) };
}

/** Several events as the body of one batch request; for receivers that asked for batches only. */
export function writeBatch(events: readonly CloudEvent[]): {
  readonly contentType: string;
  readonly body: string;
} {
  return { contentType: BATCH_TYPE, body: JSON.stringify(events.map(structuredOf)) };
}

/** Judged by the content type first: structured requests may carry `ce-` headers as copies. `headers` by lower-case name. */
export function modeOf(headers: ReadonlyMap<string, string>): CloudEventMode {
  const type = (headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (type === BATCH_TYPE) return "batch";
  if (type === STRUCTURED_TYPE) return "structured";
  if (type.startsWith("application/cloudevents")) return "unsupported";
  const named = ["ce-specversion", "ce-id", "ce-source", "ce-type"].some((name) =>
    headers.has(name),
  );
  return named ? "binary" : "none";
}

function readJson(
  mode: "structured" | "batch",
  json: unknown,
): Result<CloudEventReading, CloudEventRefusal> {
  const list: unknown = mode === "batch" ? json : [json];
  if (!Array.isArray(list)) return fail({ reason: "not_a_list" });
  if (list.length > BATCH_EVENTS_MAX) return fail({ reason: "too_many" });
  const events: CloudEvent[] = [];
  for (const [index, one] of list.entries()) {
    const event = readStructured(one);
    if (!event.ok) return fail({ reason: "invalid", failure: event.failure, index });
    events.push(event.value);
  }
  return ok({ mode, events });
}

function parseJson(body: Uint8Array): Result<unknown, CloudEventRefusal> {
  try {
    return ok(JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body)));
  } catch {
    return fail({ reason: "not_json" });
  }
}
