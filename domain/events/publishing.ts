/**
 * From what a publisher hands in to the event that is stored: the envelope with everything filled in, and the key
 * that makes two inputs one event. Digests are computed elsewhere; here it is said of what.
 */
import type { EventEnvelope, PublishInput } from "../../schema/event.ts";
import { fail, ok, type Result } from "../result.ts";
import { DEFAULT_VERSION } from "./envelope.ts";
import { isDeeper } from "./schema-references.ts";

/** Levels of objects and arrays in the data of one event. */
export const DATA_DEPTH_MAX = 100;
/** The source of an event that names none. */
export const DEFAULT_SOURCE = "/";

/** `key` is ready to use; `content` is the text whose digest, behind `prefix`, is the key. */
export type Identity =
  | { readonly is: "key"; readonly key: string }
  | { readonly is: "content"; readonly prefix: "c:"; readonly content: string };

export interface Publishing {
  readonly envelope: EventEnvelope;
  readonly identity: Identity;
  readonly ttlMs?: number;
  readonly delayMs?: number;
}

export interface PublishFailure {
  readonly reason: "too_deep" | "told_twice";
  /** JSON pointer into the input. */
  readonly pointer: string;
}

/** `id` is the event's id where the publisher gives none. */
export function publishingOf(
  input: PublishInput,
  id: string,
  nowMs: number,
): Result<Publishing, PublishFailure> {
  if (isDeeper(input.data, DATA_DEPTH_MAX)) return fail({ reason: "too_deep", pointer: "/data" });
  for (const name of ["partition_key", "priority"] as const) {
    const inside = input.metadata?.[name];
    if (inside !== undefined && input[name] !== undefined && inside !== input[name])
      return fail({ reason: "told_twice", pointer: `/${name}` });
  }
  return ok({
    envelope: envelopeOf(input, id, nowMs),
    identity: identityOf(input),
    ...(input.ttl_ms === undefined ? {} : { ttlMs: input.ttl_ms }),
    ...(input.delay_ms === undefined ? {} : { delayMs: input.delay_ms }),
  });
}

function envelopeOf(input: PublishInput, id: string, nowMs: number): EventEnvelope {
  const { partition_key, priority } = input;
  return {
    event_id: input.event_id ?? id,
    event_type: input.event_type,
    event_version: input.event_version ?? DEFAULT_VERSION,
    timestamp: input.timestamp ?? new Date(nowMs).toISOString(),
    source: input.source ?? DEFAULT_SOURCE,
    ...(input.data === undefined ? {} : { data: input.data }),
    metadata: {
      ...input.metadata,
      ...(partition_key === undefined ? {} : { partition_key }),
      ...(priority === undefined ? {} : { priority }),
    },
  };
}

/** In this order: the publisher's key, its id (unique within its source), everything it said. */
function identityOf(input: PublishInput): Identity {
  if (input.idempotency_key !== undefined) return { is: "key", key: `k:${input.idempotency_key}` };
  if (input.event_id !== undefined)
    return {
      is: "key",
      key: `e:${JSON.stringify([input.source ?? DEFAULT_SOURCE, input.event_id])}`,
    };
  return { is: "content", prefix: "c:", content: canonicalJson(input) };
}

/** JSON with sorted members: the same content is the same text. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}
