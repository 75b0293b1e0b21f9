/**
 * New Slack messages: plain ones, `app_mention`, files, `/me`, thread replies also sent to the
 * channel. `message` and `app_mention` of one post share the key `team:channel:ts`, so that the pair
 * counts once; whether the bot was meant is read from the text.
 */

import { ok, type Result } from "../../domain/result.ts";
import type { ParsedMessage, WebhookReading } from "../../schema/parsed.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import type { Fields } from "../shared/fields.ts";
import { wrongShape } from "../shared/fields.ts";
import { boundedKey } from "../shared/text.ts";
import { readDelete, readEdit } from "./change-event.ts";
import { botReason, type Envelope, placeOf } from "./envelope.ts";
import { idOf, millisecondsOf, tsOf } from "./fields.ts";
import { readContent } from "./message-content.ts";
import { accepted, ignored } from "./reading.ts";
import { senderOf } from "./sender.ts";

/** Subtypes that carry something a person (or bot) wrote (Slack docs: message subtypes). */
const AUTHORED: ReadonlySet<unknown> = new Set([
  undefined,
  null,
  "file_share",
  "me_message",
  "thread_broadcast",
  "bot_message",
]);

/** Reads an event of type `message` or `app_mention`, whatever its subtype. */
export function readMessage(
  event: Fields,
  envelope: Envelope,
): Result<WebhookReading, ParseFailure> {
  if (event.subtype === "message_changed") {
    return readEdit(event, envelope);
  }
  if (event.subtype === "message_deleted") {
    return readDelete(event, envelope);
  }
  if (!AUTHORED.has(event.subtype)) {
    return ok(ignored(String(event.subtype)));
  }
  const bot = botReason(event, envelope);
  if (bot !== undefined) {
    return ok(ignored(bot));
  }
  const message = readAuthored(event, envelope);
  return message.ok ? ok(accepted([message.value])) : message;
}

function readAuthored(event: Fields, envelope: Envelope): Result<ParsedMessage, ParseFailure> {
  const user = idOf(event.user);
  const channel = idOf(event.channel);
  const ts = tsOf(event.ts);
  if (user === undefined || channel === undefined || ts === undefined) {
    return wrongShape("event: expected user (or bot_id), channel and ts");
  }
  const content = readContent(event, envelope);
  const eventKey = boundedKey([envelope.team, channel, ts]);
  if (!content.ok) {
    return content;
  }
  if (!eventKey.ok) {
    return eventKey;
  }
  const timestampMs = millisecondsOf(ts);
  const place = { ts, threadTs: event.thread_ts, channelType: event.channel_type };
  return ok({
    kind: "message",
    origin: "contact",
    eventKey: eventKey.value,
    platformId: ts,
    sender: senderOf(user),
    content: content.value.content,
    mentions: content.value.mentions,
    ...placeOf(envelope, channel, place),
    ...(timestampMs === undefined ? {} : { timestampMs }),
  });
}
