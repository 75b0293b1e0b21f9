/**
 * `message.*` events: views over a stored message, never a second copy. What a row has been through (its hops) says
 * which events it stands for; their ids follow from the message alone, so that live, replayed and archived events
 * of one message are the same events for ever.
 */
import type { EventEnvelope } from "../../schema/event.ts";
import type { UnifiedMessage } from "../../schema/message.ts";
import type { HubEventType } from "./catalogue.ts";
import { carried } from "./chain.ts";
import { DEFAULT_VERSION } from "./envelope.ts";
import { sourceOf } from "./hub-event.ts";

/** What of a message's way is told, in the order in which it is told. */
export const TOLD_HOPS = ["received", "uncertain", "sent", "failed", "delivered", "read"] as const;
export type ToldHop = (typeof TOLD_HOPS)[number];

/** A stored message and what is known of its way. Hops in ms since the epoch. */
export interface MessageFacts {
  readonly message: UnifiedMessage;
  readonly hops: Readonly<Partial<Record<ToldHop, number>>>;
  readonly session?: string;
  readonly turn?: string;
  readonly route?: string;
  /** Ids of the messages it answers. */
  readonly answers?: readonly string[];
  readonly attempts?: number;
  /** Why it failed or is uncertain. */
  readonly reason?: string;
  readonly traceparent?: string;
  /** Of its chain of events; absent: its beginning. */
  readonly depth?: number;
}

export interface MessageEvent {
  readonly event: EventEnvelope;
  readonly hop: ToldHop;
  readonly atMs: number;
}

/** Every event a stored message stands for so far, in the order in which they are told. */
export function messageEvents(facts: MessageFacts): readonly MessageEvent[] {
  return TOLD_HOPS.flatMap((hop): readonly MessageEvent[] => {
    const atMs = facts.hops[hop];
    return atMs === undefined ? [] : [{ event: envelopeOf(facts, hop, atMs), hop, atMs }];
  });
}

/** Types that a hop of some message may be told as. */
export const TYPES_OF_HOP: Readonly<Record<ToldHop, readonly HubEventType[]>> = {
  received: [
    "message.received",
    "message.sent",
    "message.edited",
    "message.deleted",
    "message.reaction",
    "message.command",
    "message.interaction",
  ],
  uncertain: ["message.uncertain"],
  sent: ["message.sent"],
  failed: ["message.failed"],
  delivered: ["message.delivered"],
  read: ["message.read"],
};

/**
 * The id of a message's event: `evt_`, the time of the message's id, and its entropy turned by what is told. The events
 * of one message differ; two messages share one as rarely as they would share an id.
 */
export function messageEventId(messageId: string, hop: ToldHop): string {
  const match = /^msg_([0-9a-z]{10})([0-9a-z]{12})$/.exec(messageId);
  if (!match?.[1] || !match[2]) return `${messageId}.${hop}`;
  return `evt_${match[1]}${turn(match[2], 1 + TOLD_HOPS.indexOf(hop))}`;
}

/** Messages that an event's id may stand for, one per hop; all but one of them never were. Empty for other events' ids. */
export function messageIdsBehind(eventId: string): readonly string[] {
  const match = /^evt_([0-9a-z]{10})([0-9a-z]{12})$/.exec(eventId);
  const [, time, turned] = match ?? [];
  if (!time || !turned) return [];
  return TOLD_HOPS.map((_, at) => `msg_${time}${turn(turned, 31 - at)}`);
}

function turn(entropy: string, by: number): string {
  return [...entropy].map((char) => ALPHABET[(ALPHABET.indexOf(char) + by) % 32]).join("");
}

/** As `domain/messaging/message-id.ts` spells ids. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

function envelopeOf(facts: MessageFacts, hop: ToldHop, atMs: number): EventEnvelope {
  const { message, traceparent, depth } = facts;
  const [first] = facts.answers ?? [];
  const cause = causeOf(facts, hop);
  return {
    event_id: messageEventId(message.id, hop),
    event_type: typeOf(message, hop),
    event_version: DEFAULT_VERSION,
    timestamp: new Date(atMs).toISOString(),
    source: sourceOf(message.tenant, message.connection),
    data: dataOf(facts, hop),
    metadata: {
      subject: message.id,
      partition_key: message.conversation,
      correlation_id: first ?? message.id,
      ...(cause === undefined ? {} : { causation_id: cause }),
      ...carried(depth),
      ...(traceparent === undefined ? {} : { traceparent }),
    },
  };
}

function typeOf({ direction, kind }: UnifiedMessage, hop: ToldHop): HubEventType {
  if (hop !== "received") return `message.${hop}`;
  if (kind === "message") return direction === "inbound" ? "message.received" : "message.sent";
  return KIND_TYPES[kind];
}

const KIND_TYPES = {
  edit: "message.edited",
  delete: "message.deleted",
  reaction: "message.reaction",
  command: "message.command",
  interaction: "message.interaction",
} as const satisfies Record<Exclude<UnifiedMessage["kind"], "message">, HubEventType>;

/** A reply is caused by the last message it answers, a later state by the one before it. */
function causeOf({ message, answers, hops }: MessageFacts, hop: ToldHop): string | undefined {
  if (hop === "delivered" || hop === "read")
    return messageEventId(message.id, hops.sent === undefined ? "received" : "sent");
  const last = answers?.at(-1);
  return last === undefined ? undefined : messageEventId(last, "received");
}

function dataOf(facts: MessageFacts, hop: ToldHop): Readonly<Record<string, unknown>> {
  const { message, session, turn, route, answers, attempts, reason } = facts;
  const inSession = session === undefined ? {} : { session };
  if (hop === "received") return { message, ...inSession };
  return {
    message,
    ...inSession,
    ...(answers === undefined ? {} : { answers }),
    ...(turn === undefined ? {} : { turn }),
    ...(route === undefined ? {} : { route }),
    ...(attempts === undefined ? {} : { attempts }),
    ...(reason === undefined ? {} : { reason }),
  };
}
