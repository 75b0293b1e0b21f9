/**
 * Edits and deletions. WhatsApp sends both as protocol messages that name the original; Evolution passes
 * them on raw (`messages.edited`, for every kind of protocol message), inside an upsert, or as
 * `messages.delete`. Edits carry their own time, which tells two edits of one message apart.
 */
import type { ParsedMessage } from "../../schema/parsed.ts";
import { digest64 } from "../shared/digest.ts";
import { type Fields, memberOf, objectOf, stringOf, wrongShape } from "../shared/fields.ts";
import { wellFormed } from "../shared/text.ts";
import { readContent } from "./content.ts";
import type { EventContext } from "./event-context.ts";
import { eventKeyOf, type MessageKey, readKey, senderOf } from "./message-key.ts";
import { type ItemResult, ignored, message } from "./reading.ts";
import { timeOfMilliseconds } from "./time.ts";
import { unwrapMessage } from "./unwrap.ts";

type Origin = ParsedMessage["origin"];

/** A change of one original message. */
interface Change {
  readonly key: MessageKey;
  readonly origin: Origin;
}

/** A protocol message inside another message: the outer key says who did it and where, the inner one to what. */
export function readProtocol(
  protocol: Fields,
  outer: MessageKey,
  origin: Origin,
  context: EventContext,
): ItemResult {
  const target = stringOf(objectOf(protocol, "key"), "id");
  const key = { ...outer, id: wellFormed(target ?? outer.id) };
  return changeOf(protocol, { key, origin }, target === undefined, context);
}

/** `messages.edited` and `send.message.update`: the protocol message itself is the data. */
export function readRawProtocol(
  protocol: Fields,
  origin: "phone" | "api",
  context: EventContext,
): ItemResult {
  const key = readKey(objectOf(protocol, "key"), "data.key");
  if (!key.ok) {
    return key;
  }
  const change = inOurView(key.value, origin, context.owner);
  return changeOf(protocol, change, false, context);
}

/** `messages.delete`: the key fields on top (taken back by a person) or in `key` (by the API). */
export function readDelete(data: Fields, context: EventContext): ItemResult {
  const inner = objectOf(data, "key");
  const key = readKey(inner ?? data, inner === undefined ? "data" : "data.key");
  if (!key.ok) {
    return key;
  }
  const own = inner === undefined ? "phone" : "api";
  return deletion({ key: key.value, origin: key.value.fromMe ? own : "contact" }, context);
}

/**
 * Evolution passes on the key as the author's phone wrote it (Evolution API issues 1367, 1647): where a
 * contact edits, it says `fromMe` and names the connected number as the chat. Then the contact is known to
 * be the author, and the conversation only through the original message's id.
 */
function inOurView(key: MessageKey, origin: "phone" | "api", owner: string | undefined): Change {
  if (!key.fromMe) {
    return { key, origin: "contact" };
  }
  const seenByContact = origin === "phone" && owner !== undefined && key.conversation === owner;
  return seenByContact
    ? { key: { ...key, fromMe: false, author: [] }, origin: "contact" }
    : { key, origin };
}

function changeOf(
  protocol: Fields,
  change: Change,
  targetless: boolean,
  context: EventContext,
): ItemResult {
  const type = memberOf(protocol, "type");
  const edited = objectOf(protocol, "editedMessage");
  if (change.key.broadcast) {
    return ignored("broadcast");
  }
  if (edited === undefined && type !== 0 && type !== "REVOKE") {
    return isEditType(type)
      ? wrongShape("data.editedMessage: expected an object")
      : ignored(`protocol_${typeof type === "string" ? type : String(Number(type))}`);
  }
  if (targetless) {
    return wrongShape("data.message.protocolMessage.key.id: expected a string");
  }
  return edited === undefined ? deletion(change, context) : edit(edited, protocol, change, context);
}

function isEditType(type: unknown): boolean {
  return type === 14 || type === "MESSAGE_EDIT";
}

function edit(edited: Fields, protocol: Fields, change: Change, context: EventContext): ItemResult {
  const inner = objectOf(edited, "message") ?? edited;
  const content = readContent(unwrapMessage(inner, undefined), inner, change.key.id);
  const atMs = timeOfMilliseconds(memberOf(protocol, "timestampMs"));
  const stamp = atMs === undefined ? digest64(content.text) : String(atMs);
  const eventKey = eventKeyOf(context.instance, change.key, "edit", stamp);
  if (!eventKey.ok) {
    return eventKey;
  }
  return message({
    ...common(change, context),
    kind: "edit",
    eventKey: eventKey.value,
    platformId: `${change.key.id}:edit:${stamp}`,
    content,
    ...(atMs === undefined ? {} : { timestampMs: atMs }),
  });
}

function deletion(change: Change, context: EventContext): ItemResult {
  if (change.key.broadcast) {
    return ignored("broadcast");
  }
  const eventKey = eventKeyOf(context.instance, change.key, "delete");
  if (!eventKey.ok) {
    return eventKey;
  }
  return message({
    ...common(change, context),
    kind: "delete",
    eventKey: eventKey.value,
    platformId: `${change.key.id}:delete`,
    content: { text: "", media: [], metadata: {} },
  });
}

function common({ key, origin }: Change, context: EventContext) {
  return {
    origin,
    conversationKey: key.conversation,
    targetId: key.id,
    sender: senderOf(key, context.owner),
    group: key.group,
    mentions: [],
  };
}
