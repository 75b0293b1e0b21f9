/**
 * Dead letters of events: what the tenant's table keeps of a delivery nobody took, and the event that goes back to
 * its subscription, as it was or edited.
 */
import type { EventEnvelope, EventMetadata } from "../../../schema/event.ts";
import type { DeathRecord } from "../dead-letter.ts";
import type { DeadRow } from "../shard/rows.ts";

/** Longest class of an error within a fingerprint, in characters. */
const ERROR_CLASS_CHARS_MAX = 60;

/** The payload of a letter of stage `event`, as JSON. */
export interface EventLetter {
  readonly shard: string;
  readonly seq: number;
  readonly event: EventEnvelope;
  /** What the consumer said last. */
  readonly detail: string;
  readonly attempts: number;
  readonly record: DeathRecord;
  /** The letter whose replay this is the death of; of several in a row, the first. */
  readonly first_letter?: string;
  /** The newest version somebody made of the event. The original stays in `event`. */
  readonly edited?: EventEnvelope;
}

/** What stands in the letter. */
export function eventLetter(dead: DeadRow, shard: string): EventLetter {
  const { seq, event, detail, attempts, record } = dead;
  const first = letterBehind(event);
  return {
    ...{ shard, seq, event, detail, attempts, record },
    ...(first === undefined ? {} : { first_letter: first }),
  };
}

/** Equal for deaths of one kind: the reason and the class of the last error. */
export function eventFingerprint({ reason, detail }: Pick<DeadRow, "reason" | "detail">): string {
  return `event:${reason}:${errorClass(detail)}`;
}

/** An error's text without what differs from one to the next: long numbers and hexadecimal ids. */
export function errorClass(detail: string): string {
  const plain = detail
    .toLowerCase()
    .replaceAll(/[0-9a-f]{8,}(?:-[0-9a-f]{4,})*/g, "#")
    .replaceAll(/\d{4,}/g, "#");
  return plain.slice(0, ERROR_CLASS_CHARS_MAX);
}

/**
 * The event as it goes back: marked with the letter that began it (so that a second death is tied to the first) and
 * without its own instant of expiry, which would let it die again at once.
 */
export function revived(event: EventEnvelope, letter: string): EventEnvelope {
  const { expires_at: _, ...metadata } = event.metadata;
  return { ...event, metadata: { ...metadata, replay_id: letterBehind(event) ?? letter } };
}

/** A new version of an event: an id of its own, caused by the old one, marked as edited. */
export function editedEvent(event: EventEnvelope, id: string, data: unknown): EventEnvelope {
  const metadata: EventMetadata = {
    ...event.metadata,
    causation_id: event.event_id,
    extensions: { ...event.metadata.extensions, edited: true },
  };
  const { content_type: _, data_encoding: __, ...json } = metadata;
  return { ...event, event_id: id, data, metadata: json };
}

/** The letter whose replay an event comes from. */
function letterBehind({ metadata }: EventEnvelope): string | undefined {
  return metadata.replay_id?.startsWith("dl_") ? metadata.replay_id : undefined;
}
