/**
 * From one verified Evolution webhook to what the hub acts upon: which event is read by whom, and which are
 * only counted. The instance must be the connection's own, to the letter.
 */
import { fail, type Result } from "../../domain/result.ts";
import type { WhatsappConnection } from "../../schema/connection.ts";
import type { RawWebhook, WebhookReading } from "../../schema/parsed.ts";
import type { ParseContext, ParseFailure } from "../channel-adapter.ts";
import { fieldsOf, memberOf, objectOf, wrongShape } from "../shared/fields.ts";
import { readDelete, readRawProtocol } from "./change.ts";
import { isConnectionEvent, readConnectionEvent } from "./connection-event.ts";
import { type Envelope, readEnvelope } from "./envelope.ts";
import type { EventContext } from "./event-context.ts";
import { MESSAGES_PER_WEBHOOK_MAX } from "./limits.ts";
import { readMessages } from "./message-event.ts";
import { type ItemResult, ignored, readingOf } from "./reading.ts";
import { readUpdates } from "./status-event.ts";

type Reading = Result<WebhookReading, ParseFailure>;

/** Old messages of a newly paired phone: never to be answered. */
const HISTORY_EVENTS: ReadonlySet<string> = new Set(["MESSAGES_SET", "MESSAGING_HISTORY_SET"]);
/** The server's own trouble, without an instance. */
const ERROR_EVENT = "ERROR";

/** See `ChannelAdapter.parse`. */
export function parseEvolution(
  raw: RawWebhook,
  context: ParseContext<WhatsappConnection>,
): Reading {
  const envelope = readEnvelope(raw);
  if (!envelope.ok) {
    return envelope;
  }
  const { event, instance } = envelope.value;
  if (event === undefined) {
    return readingOf([ignored("not_a_webhook")]);
  }
  if (event === ERROR_EVENT && instance === undefined) {
    return readingOf([ignored(ERROR_EVENT)]);
  }
  if (instance !== context.connection.instance) {
    return fail({ reason: "wrong_connection", detail: "body.instance: not this connection's" });
  }
  return readEvent(event, envelope.value, { instance, owner: envelope.value.owner });
}

function readEvent(event: string, { data }: Envelope, context: EventContext): Reading {
  if (isConnectionEvent(event)) {
    return readConnectionEvent(event, data);
  }
  if (HISTORY_EVENTS.has(event)) {
    return readingOf([ignored("history")]);
  }
  switch (event) {
    case "MESSAGES_UPSERT":
    case "SEND_MESSAGE": {
      const items = readMessages(data, event === "SEND_MESSAGE", context);
      return items.ok ? readingOf(items.value) : items;
    }
    case "MESSAGES_UPDATE":
      return readingOf(readUpdates(data, context));
    case "MESSAGES_EDITED":
      return readingOf([edited(data, "phone", context)]);
    case "SEND_MESSAGE_UPDATE":
      return readingOf([edited(data, "api", context)]);
    case "MESSAGES_DELETE":
      return readingOf(deleted(data, context));
    default:
      return readingOf([ignored(event)]);
  }
}

/** `send.message.update` holds the protocol message, or the whole message with its new content. */
function edited(value: unknown, origin: "phone" | "api", context: EventContext): ItemResult {
  const data = fieldsOf(value);
  if (data === undefined) {
    return wrongShape("data: expected an object");
  }
  const message = objectOf(data, "message");
  const whole =
    origin === "api" && message !== undefined && objectOf(data, "editedMessage") === undefined;
  const protocol = whole
    ? { key: memberOf(data, "key"), editedMessage: message, timestampMs: undefined }
    : data;
  return readRawProtocol(protocol, origin, context);
}

function deleted(value: unknown, context: EventContext): readonly ItemResult[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.length > MESSAGES_PER_WEBHOOK_MAX) {
    return [wrongShape(`data: more than ${MESSAGES_PER_WEBHOOK_MAX} deletions`)];
  }
  return list.map((item) => {
    const data = fieldsOf(item);
    return data === undefined ? wrongShape("data: expected an object") : readDelete(data, context);
  });
}
