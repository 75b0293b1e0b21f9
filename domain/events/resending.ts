/**
 * Events that are sent once more: how it is said of a delivery that it was not the event's first (its `replay_id`
 * names what caused it), and which stored message an event is a view of.
 */
import type { EventEnvelope } from "../../schema/event.ts";
import { messageEventId, TOLD_HOPS } from "./hub-message.ts";

/** `schedule`: the subscription's own deliveries. The others: a person, a test, a replay from the log. */
export type DeliveryCause = "schedule" | "resend" | "test" | "replay";

const RESEND = "resend:";
const TEST = "test:";
/** Crockford base 32, as ids are spelt. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** The event once more, marked as sent again. `of` names the attempt that asked for it. */
export function resent(event: EventEnvelope, of: string): EventEnvelope {
  return marked(event, RESEND + of);
}

/** An event that only tries an endpoint. */
export function asTest(event: EventEnvelope): EventEnvelope {
  return marked(event, TEST + event.event_id);
}

export function causeOf({ metadata }: EventEnvelope): DeliveryCause {
  const { replay_id } = metadata;
  if (replay_id === undefined) return "schedule";
  if (replay_id.startsWith(RESEND)) return "resend";
  return replay_id.startsWith(TEST) ? "test" : "replay";
}

/** Ids of messages, one of which the event may be a view of (`messageEventId`); none for ids of another form. */
export function messagesBehind(eventId: string): readonly string[] {
  const match = /^evt_([0-9a-hjkmnp-tv-z]{10})([0-9a-hjkmnp-tv-z]{12})$/.exec(eventId);
  if (!match?.[1] || !match[2]) return [];
  const candidates = Array.from(ALPHABET, (_, turn) => `msg_${match[1]}${turned(match[2], turn)}`);
  return candidates.filter((id) => TOLD_HOPS.some((hop) => messageEventId(id, hop) === eventId));
}

function turned(entropy = "", by: number): string {
  return Array.from(entropy, (char) => ALPHABET[(ALPHABET.indexOf(char) + by) % 32]).join("");
}

function marked(event: EventEnvelope, replay_id: string): EventEnvelope {
  return { ...event, metadata: { ...event.metadata, replay_id } };
}
