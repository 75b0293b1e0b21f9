/**
 * From what a publisher hands in to the event that is stored: the envelope with everything filled in, and the key
 * that makes two inputs one event.
 */
import type { EventEnvelope, PublishInput } from "../../schema/event.ts";
import { fail, ok, type Result } from "../result.ts";
import { DEFAULT_VERSION } from "./envelope.ts";
import { isDeeper } from "./schema-references.ts";

/** Levels of objects and arrays in the data of one event. */
export const DATA_DEPTH_MAX = 100;
/** The source of an event that names none. */
export const DEFAULT_SOURCE = "/";

/** Begins the keys of events that nobody named: each is an event of its own. */
export const OWN_KEY_PREFIX = "o:";

export interface Publishing {
  readonly envelope: EventEnvelope;
  /** Equal for two inputs that are one event. */
  readonly key: string;
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
    key: keyOf(input, id),
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

/**
 * The publisher's key, else its id, which is unique within its source. Without either nobody can tell a second try from
 * a second happening of the same kind, so that nothing is taken for a duplicate.
 */
function keyOf(input: PublishInput, id: string): string {
  if (input.idempotency_key !== undefined) return `k:${input.idempotency_key}`;
  if (input.event_id === undefined) return `${OWN_KEY_PREFIX}${id}`;
  return `e:${JSON.stringify([input.source ?? DEFAULT_SOURCE, input.event_id])}`;
}
