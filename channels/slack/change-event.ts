/**
 * Edits and deletions. Slack sends `message_changed` for link unfurls too: it is an edit only when
 * its `edited` stamp is new or the text differs. Two edits of one message are two events.
 */
import { ok, type Result } from "../../domain/result.ts";
import type { ParsedMessage, WebhookReading } from "../../schema/parsed.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import { type Fields, fieldsOf, wrongShape } from "../shared/fields.ts";
import { boundedKey } from "../shared/text.ts";
import { botReason, type Envelope, placeOf } from "./envelope.ts";
import { idOf, millisecondsOf, tsOf } from "./fields.ts";
import { readContent } from "./message-content.ts";
import { accepted, ignored } from "./reading.ts";

/** Stands for the author where Slack does not say who wrote a deleted message. */
const UNKNOWN_SENDER = "unknown";

/** Reads `message_changed`. A thread's root that was deleted arrives as a change to a tombstone. */
export function readEdit(event: Fields, envelope: Envelope): Result<WebhookReading, ParseFailure> {
  const message = fieldsOf(event.message);
  if (message === undefined) {
    return wrongShape("event.message: expected an object");
  }
  const previous = fieldsOf(event.previous_message);
  if (message.subtype === "tombstone") {
    const target = tsOf(message.ts) ?? tsOf(previous?.ts);
    return readRemoval(event, previous, target, envelope);
  }
  const bot = botReason(message, envelope);
  if (bot !== undefined) {
    return ok(ignored(bot));
  }
  const editedTs = editStampOf(event, message, previous);
  if (editedTs === "unfurl") {
    return ok(ignored("unfurl"));
  }
  const edit = editOf(event, message, previous, editedTs, envelope);
  return edit.ok ? ok(accepted([edit.value])) : edit;
}

/** Reads `message_deleted`. */
export function readDelete(
  event: Fields,
  envelope: Envelope,
): Result<WebhookReading, ParseFailure> {
  const previous = fieldsOf(event.previous_message);
  return readRemoval(event, previous, tsOf(event.deleted_ts) ?? tsOf(previous?.ts), envelope);
}

/** When the edit was made, or "unfurl" where nothing a person wrote has changed. */
function editStampOf(
  event: Fields,
  message: Fields,
  previous: Fields | undefined,
): string | undefined | "unfurl" {
  const edited = tsOf(fieldsOf(message.edited)?.ts);
  if (edited !== undefined && edited !== tsOf(fieldsOf(previous?.edited)?.ts)) {
    return edited;
  }
  const rewritten = previous !== undefined && (message.text ?? "") !== (previous.text ?? "");
  return rewritten ? tsOf(event.ts) : "unfurl";
}

function editOf(
  event: Fields,
  message: Fields,
  previous: Fields | undefined,
  editedTs: string | undefined,
  envelope: Envelope,
): Result<ParsedMessage, ParseFailure> {
  const user = idOf(message.user);
  const channel = idOf(event.channel);
  const target = tsOf(message.ts) ?? tsOf(previous?.ts);
  if (!user || !channel || !target || !editedTs) {
    return wrongShape("event: expected message.user, channel, message.ts and the edit's ts");
  }
  const content = readContent(message, envelope);
  const eventKey = boundedKey([envelope.team, channel, target, "edit", editedTs]);
  if (!content.ok) {
    return content;
  }
  if (!eventKey.ok) {
    return eventKey;
  }
  const timestampMs = millisecondsOf(editedTs);
  return ok({
    kind: "edit",
    origin: "contact",
    eventKey: eventKey.value,
    platformId: tsOf(event.ts) ?? editedTs,
    targetId: target,
    sender: { id: user, aliases: [] },
    content: content.value.content,
    mentions: content.value.mentions,
    ...placeOf(envelope, channel, whereabouts(event, message, target)),
    ...(timestampMs === undefined ? {} : { timestampMs }),
  });
}

function readRemoval(
  event: Fields,
  previous: Fields | undefined,
  target: string | undefined,
  envelope: Envelope,
): Result<WebhookReading, ParseFailure> {
  const bot = previous === undefined ? undefined : botReason(previous, envelope);
  if (bot !== undefined) {
    return ok(ignored(bot));
  }
  const channel = idOf(event.channel);
  if (channel === undefined || target === undefined) {
    return wrongShape("event: expected channel and deleted_ts");
  }
  const eventKey = boundedKey([envelope.team, channel, target, "delete"]);
  if (!eventKey.ok) {
    return eventKey;
  }
  const eventTs = tsOf(event.ts) ?? tsOf(event.event_ts);
  const timestampMs = millisecondsOf(eventTs);
  const removal: ParsedMessage = {
    kind: "delete",
    origin: "contact",
    eventKey: eventKey.value,
    platformId: eventTs ?? target,
    targetId: target,
    sender: { id: idOf(previous?.user) ?? UNKNOWN_SENDER, aliases: [] },
    content: { text: "", media: [], metadata: {} },
    mentions: [],
    ...placeOf(envelope, channel, whereabouts(event, previous, target)),
    ...(timestampMs === undefined ? {} : { timestampMs }),
  };
  return ok(accepted([removal]));
}

function whereabouts(event: Fields, message: Fields | undefined, ts: string) {
  return { ts, threadTs: message?.thread_ts, channelType: event.channel_type };
}
