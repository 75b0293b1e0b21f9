/**
 * MESSAGE_CREATE, MESSAGE_UPDATE and the deletions of the Gateway. A message counts as an edit only where
 * `edited_timestamp` is set: pins, opened threads and resolved embeds come as updates too.
 */
import type { Result } from "../../domain/result.ts";
import { ok } from "../../domain/result.ts";
import type { DiscordConnection } from "../../schema/connection.ts";
import type { ParsedMessage, WebhookReading } from "../../schema/parsed.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import { boundedKey } from "../shared/text.ts";
import { contentOf, mentionsOf } from "./content.ts";
import { isOwn, senderOf } from "./people.ts";
import { ignored, reading } from "./reading.ts";
import type { Frame, Message } from "./shapes.ts";
import { BulkDeletion, Deletion, Message as MessageShape, shaped, Update } from "./shapes.ts";
import { timeOf } from "./time.ts";

type Reading = Result<WebhookReading, ParseFailure>;

/** "Message resource: Message Types": an ordinary message and a reply; all others are Discord's own notices. */
const DEFAULT_TYPE = 0;
const REPLY_TYPE = 19;
/** "Message Reference Types": 1 is a forward, anything else a reply. */
const FORWARD = 1;
const THREAD_TYPES: readonly number[] = [10, 11, 12];

/** A message somebody wrote. */
export function readMessage(frame: Frame, connection: DiscordConnection): Reading {
  const message = shaped(MessageShape, frame.d, "message");
  if (!message.ok) return message;
  const skip = unwanted(message.value, connection);
  if (skip) return ok(ignored(skip));
  return one(boundedKey([message.value.id]), (eventKey) => ({
    ...common(message.value, frame, connection),
    kind: "message",
    eventKey,
    ...time(timeOf(message.value.timestamp, message.value.id)),
  }));
}

/** An edit, keyed by the time of the edit: two edits of one message are two events. */
export function readUpdate(frame: Frame, connection: DiscordConnection): Reading {
  const update = shaped(Update, frame.d, "message");
  if (!update.ok) return update;
  const { edited_timestamp: editedAt, content } = update.value;
  if (!editedAt || content === undefined || content === null) return ok(ignored("not_an_edit"));
  const message = shaped(MessageShape, frame.d, "message");
  if (!message.ok) return message;
  const skip = unwanted(message.value, connection);
  if (skip) return ok(ignored(skip));
  return one(boundedKey([message.value.id, editedAt]), (eventKey) => ({
    ...common(message.value, frame, connection),
    kind: "edit",
    eventKey,
    targetId: message.value.id,
    ...time(timeOf(editedAt)),
  }));
}

/** One deleted message. Discord says neither who deleted it nor when. */
export function readDeletion(frame: Frame): Reading {
  const deletion = shaped(Deletion, frame.d, "deletion");
  if (!deletion.ok) return deletion;
  const { id, channel_id: channel, guild_id: guild } = deletion.value;
  return one(boundedKey([id, "delete"]), (eventKey) =>
    deletedMessage(id, channel, guild, eventKey),
  );
}

/** Up to 100 messages deleted at once: as many deletions. */
export function readBulkDeletion(frame: Frame): Reading {
  const bulk = shaped(BulkDeletion, frame.d, "deletion");
  if (!bulk.ok) return bulk;
  const messages: ParsedMessage[] = [];
  for (const id of bulk.value.ids) {
    const key = boundedKey([id, "delete"]);
    if (!key.ok) return key;
    messages.push(deletedMessage(id, bulk.value.channel_id, bulk.value.guild_id, key.value));
  }
  return ok(reading({ messages }));
}

function one(key: Result<string, ParseFailure>, build: (key: string) => ParsedMessage): Reading {
  return key.ok ? ok(reading({ messages: [build(key.value)] })) : key;
}

/** Why a message is not acted upon, or undefined. */
function unwanted(message: Message, connection: DiscordConnection): string | undefined {
  if (isOwn(message.author.id, connection) || isOwn(message.webhook_id, connection)) {
    return "own_echo";
  }
  if (message.author.bot || message.webhook_id) return "bot_message";
  const type = message.type ?? DEFAULT_TYPE;
  return type === DEFAULT_TYPE || type === REPLY_TYPE ? undefined : "system_message";
}

function common(message: Message, frame: Frame, connection: DiscordConnection) {
  const reference = message.message_reference;
  const replyTo = reference?.type === FORWARD ? undefined : reference?.message_id;
  return {
    origin: "contact" as const,
    conversationKey: message.channel_id,
    platformId: message.id,
    sender: senderOf(message.author, message.member),
    group: Boolean(message.guild_id),
    content: contentOf(message, connection),
    mentions: mentionsOf(message, connection, frame.own_roles ?? []),
    ...(replyTo && { replyTo }),
    ...(THREAD_TYPES.includes(message.channel_type ?? -1) && { thread: message.channel_id }),
  };
}

function time(timestampMs: number | undefined): { readonly timestampMs?: number } {
  return timestampMs === undefined ? {} : { timestampMs };
}

/** The sender's id is empty: a deletion names nobody. */
function deletedMessage(
  id: string,
  channel: string,
  guild: string | null | undefined,
  eventKey: string,
): ParsedMessage {
  return {
    kind: "delete",
    origin: "contact",
    eventKey,
    conversationKey: channel,
    platformId: id,
    targetId: id,
    sender: { id: "", aliases: [] },
    group: Boolean(guild),
    content: { text: "", media: [], metadata: {} },
    mentions: [],
  };
}
