/**
 * The `message.*` types: views over stored messages, so their data is the unified message as it stands in the
 * history, with what became of it. They carry the tenant's own data, text and names included.
 */
import { flag, hubType, instant, listOf, objectOf, oneOf, text, whole } from "./hub-schemas.ts";

const sender = objectOf({ id: text, aliases: listOf(text) }, { name: text });

const media = objectOf(
  {
    kind: oneOf("image", "video", "audio", "voice", "document", "sticker"),
    source: objectOf({ from: text }),
  },
  { mime_type: text, file_name: text, size_bytes: whole, duration_ms: whole },
);

const message = objectOf(
  {
    id: text,
    source: text,
    tenant: text,
    content: objectOf({ text, media: listOf(media), metadata: { type: "object" } }),
    timestamp: instant,
    connection: text,
    conversation: text,
    direction: oneOf("inbound", "outbound"),
    kind: oneOf("message", "edit", "delete", "reaction", "command", "interaction"),
    eventKey: text,
    platform_id: text,
    sender,
    group: flag,
    mentions: listOf(objectOf({ kind: text, id: text })),
  },
  { target_id: text, reply_to: text, thread: text },
);

const taken = objectOf({ message }, { session: text });
const ended = objectOf(
  { message },
  { session: text, answers: listOf(text), turn: text, route: text, attempts: whole, reason: text },
);

export const MESSAGE_EVENT_TYPES = [
  hubType("message.received", "A message came in and is stored", taken),
  hubType("message.edited", "A message was changed at the platform; `target_id` names it", taken),
  hubType(
    "message.deleted",
    "A message was taken back at the platform; `target_id` names it",
    taken,
  ),
  hubType(
    "message.reaction",
    "A reaction was added or removed; `target_id` names the message",
    taken,
  ),
  hubType("message.command", "A command was given", taken),
  hubType("message.interaction", "A button, menu or form was used", taken),
  hubType(
    "message.sent",
    "A message was taken by the platform, or typed on the connected phone",
    ended,
  ),
  hubType(
    "message.failed",
    "A message could not be sent, or the platform says that it failed",
    ended,
  ),
  hubType("message.uncertain", "Nobody can say whether a message was sent", ended),
  hubType("message.delivered", "A sent message has reached its receiver", ended),
  hubType("message.read", "A sent message was read", ended),
] as const;
