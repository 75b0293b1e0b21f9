/**
 * What a publish call may carry, in every form it comes in: the hub's own JSON, one event or several, and CloudEvents
 * 1.0 in all three modes. Every event is read by itself, so that a bad one is refused alone.
 */
import type * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { modeOf } from "../../domain/events/cloudevents.ts";
import type { CloudEvent, CloudEventFailure } from "../../domain/events/cloudevents-attributes.ts";
import { readBinary } from "../../domain/events/cloudevents-binary.ts";
import { readStructured } from "../../domain/events/cloudevents-json.ts";
import { toEnvelope } from "../../domain/events/envelope.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { PUBLISH_EVENTS_MAX } from "../../schema/api/events.ts";
import { PublishInput } from "../../schema/event.ts";
import { parseJson, sound } from "../http/body.ts";
import { validationError } from "../http/problem.ts";
import type { PublishRefusal } from "./publish-refusal.ts";
import { cloudEventWords } from "./refusal-words.ts";

export type Candidate = Result<PublishInput, PublishRefusal>;

/** `single`: one event, which gets an answer of its own. */
export type PublishCall =
  | { readonly is: "single"; readonly event: Candidate }
  | { readonly is: "batch"; readonly events: readonly Candidate[] };

/** Reads a whole call. Throws invalid_json, unsupported_media_type, payload_too_large, bad_request or validation_failed. */
export function readPublishCall(
  source: Iterable<readonly [string, string]>,
  bytes: Uint8Array,
  nowMs: number,
): PublishCall {
  const headers = new Map([...source].map(([name, value]) => [name.toLowerCase(), value]));
  switch (modeOf(headers)) {
    case "binary":
      return { is: "single", event: binaryCandidate(headers, bytes, nowMs) };
    case "structured":
      return { is: "single", event: candidateOf(readStructured(parseJson(bytes)), nowMs) };
    case "batch":
      return { is: "batch", events: cloudEvents(parseJson(bytes), nowMs) };
    case "unsupported":
      throw new HubError("unsupported_media_type", "CloudEvents come in the JSON format");
    case "none":
      return readOwn(headers.get("content-type"), bytes);
  }
}

/** What stands for bytes that were no UTF-8 would be taken for what was meant: two ids could become one. */
function binaryCandidate(
  headers: ReadonlyMap<string, string>,
  bytes: Uint8Array,
  nowMs: number,
): Candidate {
  const garbled = [...headers].find(
    ([name, value]) => name.startsWith("ce-") && value.includes("\ufffd"),
  );
  if (garbled) return fail(malformed(`#/${garbled[0].slice(3)}`, "is not percent-encoded UTF-8"));
  return candidateOf(readBinary(headers, bytes), nowMs);
}

function cloudEvents(json: unknown, nowMs: number): readonly Candidate[] {
  if (!Array.isArray(json)) throw invalid([{ pointer: "#", detail: "a batch is a list" }]);
  checkCount(json.length);
  return json.map((one) => candidateOf(readStructured(one), nowMs));
}

function readOwn(contentType: string | undefined, bytes: Uint8Array): PublishCall {
  const type = (contentType ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json")
    throw new HubError("unsupported_media_type", "send application/json or a CloudEvent");
  const json = sound(parseJson(bytes));
  if (!isObject(json) || !Object.hasOwn(json, "events"))
    return { is: "single", event: ownCandidate(json) };
  const unknown = Object.keys(json).filter((name) => name !== "events");
  if (unknown.length > 0)
    throw invalid(unknown.map((name) => ({ pointer: `#/${name}`, detail: "unknown key" })));
  const { events } = json;
  if (!Array.isArray(events) || events.length === 0)
    throw invalid([{ pointer: "#/events", detail: "a list of one event or more" }]);
  checkCount(events.length);
  return { is: "batch", events: events.map(ownCandidate) };
}

function ownCandidate(json: unknown): Candidate {
  const parsed = PublishInput.safeParse(json);
  return parsed.success ? ok(parsed.data) : fail(shapeRefusal(parsed.error));
}

function shapeRefusal(error: Pick<z.ZodError, "issues">): PublishRefusal {
  const { errors } = validationError(error).extensions as Pick<PublishRefusal, "errors">;
  const detail = "the event does not match its shape";
  return { code: "validation_failed", reason: "shape", detail, ...(errors ? { errors } : {}) };
}

function candidateOf(read: Result<CloudEvent, CloudEventFailure>, nowMs: number): Candidate {
  if (!read.ok) return fail(cloudEventRefusal(read.failure));
  const envelope = toEnvelope(read.value, nowMs);
  if (!envelope.ok) return fail(malformed(`#${envelope.failure.pointer}`, "cannot be taken"));
  const { data, event_version, ...rest } = envelope.value;
  // Without one of its own an event has the last version of its type, not the first.
  const versioned = read.value.attributes.has("eventversion");
  try {
    return ok({
      ...rest,
      ...(versioned ? { event_version } : {}),
      ...(data === undefined ? {} : { data: sound(data) }),
    });
  } catch {
    return fail(malformed("#/data", "is nested too deep"));
  }
}

function cloudEventRefusal({ reason, attribute }: CloudEventFailure): PublishRefusal {
  return malformed(attribute === undefined ? "#" : `#/${attribute}`, cloudEventWords(reason));
}

function malformed(pointer: string, why: string): PublishRefusal {
  return {
    code: "validation_failed",
    reason: "cloudevent",
    detail: "not a CloudEvent that can be taken",
    errors: [{ pointer, detail: why }],
  };
}

function checkCount(events: number): void {
  if (events > PUBLISH_EVENTS_MAX)
    throw new HubError("payload_too_large", `a call may have ${PUBLISH_EVENTS_MAX} events`);
}

function invalid(errors: PublishRefusal["errors"]): HubError {
  return new HubError("validation_failed", undefined, { extensions: { errors } });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
