/**
 * `messages.upsert` and `send.message`: one message of a contact, of a person on the connected phone, or of
 * an API client. Evolution sends one message as one object; a list, and `{messages: [...]}` as some
 * forwarders and older integrations send it, are accepted too, each message for itself.
 */
import { ok, type Result } from "../../domain/result.ts";
import type { ParsedMessage } from "../../schema/parsed.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import {
  type Fields,
  fieldsOf,
  memberOf,
  objectOf,
  stringOf,
  wrongShape,
} from "../shared/fields.ts";
import { wellFormed } from "../shared/text.ts";
import { readProtocol } from "./change.ts";
import { readContent } from "./content.ts";
import { readContext } from "./context.ts";
import type { EventContext } from "./event-context.ts";
import { readGesture } from "./interaction.ts";
import { MESSAGES_PER_WEBHOOK_MAX } from "./limits.ts";
import { eventKeyOf, type MessageKey, readKey, senderOf } from "./message-key.ts";
import { type ItemResult, ignored, message } from "./reading.ts";
import { timeOfSeconds } from "./time.ts";
import { type Unwrapped, unwrapMessage } from "./unwrap.ts";

/** What Evolution writes as the name of an account that has none: "you" in its own language. */
const OWN_NAME = "Você";
/** Keys for later group messages; no content of anybody. */
const KEYS_ONLY = "senderKeyDistributionMessage";

/** Reads every message in `data`; `sentByApi` for `send.message`. */
export function readMessages(
  data: unknown,
  sentByApi: boolean,
  context: EventContext,
): Result<readonly ItemResult[], ParseFailure> {
  const batch = memberOf(fieldsOf(data), "messages");
  const list = Array.isArray(data) ? data : Array.isArray(batch) ? batch : [data];
  if (list.length > MESSAGES_PER_WEBHOOK_MAX) {
    return wrongShape(`data: more than ${MESSAGES_PER_WEBHOOK_MAX} messages`);
  }
  return ok(
    list.length === 0
      ? [ignored("empty_list")]
      : list.map((item) => readMessage(item, sentByApi, context)),
  );
}

function readMessage(item: unknown, sentByApi: boolean, context: EventContext): ItemResult {
  const data = fieldsOf(item);
  if (data === undefined) {
    return wrongShape("data: expected an object");
  }
  const read = readKey(objectOf(data, "key"), "data.key");
  if (!read.ok) {
    return read;
  }
  const key = sentByApi ? { ...read.value, fromMe: true } : read.value;
  if (key.broadcast) {
    return ignored(broadcastName(key.conversation));
  }
  const outer = memberOf(data, "message") ?? undefined;
  if (outer !== undefined && fieldsOf(outer) === undefined) {
    return wrongShape("data.message: expected an object");
  }
  const content = unwrapMessage(outer, memberOf(data, "messageType"));
  const origin = sentByApi ? "api" : key.fromMe ? "phone" : "contact";
  return contentItem({ data, key, origin, outer: fieldsOf(outer), content }, context);
}

/** One message taken apart, on its way to a kind. */
interface Parts {
  readonly data: Fields;
  readonly key: MessageKey;
  readonly origin: ParsedMessage["origin"];
  readonly outer: Fields | undefined;
  readonly content: Unwrapped | undefined;
}

function contentItem(parts: Parts, context: EventContext): ItemResult {
  const { content, data, key, outer, origin } = parts;
  const body = fieldsOf(content?.body);
  if (content?.type === "protocolMessage" && body !== undefined) {
    return readProtocol(body, key, origin, context);
  }
  if (content?.type === "reactionMessage") {
    return reactionItem(parts, body, context);
  }
  if (content === undefined && objectOf(outer, KEYS_ONLY) !== undefined) {
    return ignored(KEYS_ONLY);
  }
  const gesture = content === undefined ? undefined : readGesture(content, data);
  if (gesture !== undefined) {
    const target = gesture.targetId === undefined ? {} : { targetId: gesture.targetId };
    return item(parts, context, { kind: "interaction", content: gesture.content, ...target });
  }
  return item(parts, context, { kind: "message", content: readContent(content, outer, key.id) });
}

/** An empty text takes the reaction back. */
function reactionItem(parts: Parts, body: Fields | undefined, context: EventContext): ItemResult {
  const target = stringOf(objectOf(body, "key"), "id");
  if (target === undefined) {
    return wrongShape("data.message.reactionMessage.key.id: expected a string");
  }
  const emoji = wellFormed(stringOf(body, "text") ?? "");
  const reaction = { emoji, action: emoji === "" ? "removed" : "added" };
  return item(parts, context, {
    kind: "reaction",
    targetId: wellFormed(target),
    content: { text: "", media: [], metadata: { reaction } },
  });
}

function item(
  { data, key, origin, content }: Parts,
  context: EventContext,
  what: Pick<ParsedMessage, "kind" | "content" | "targetId">,
): ItemResult {
  const eventKey = eventKeyOf(context.instance, key);
  if (!eventKey.ok) {
    return eventKey;
  }
  const { quotedId, mentions } = readContext(data, content, context.owner);
  const timestampMs = timeOfSeconds(memberOf(data, "messageTimestamp"));
  const name = stringOf(data, "pushName");
  return message({
    ...what,
    origin,
    eventKey: eventKey.value,
    conversationKey: key.conversation,
    platformId: key.id,
    sender: senderOf(key, context.owner, key.fromMe && name === OWN_NAME ? undefined : name),
    group: key.group,
    mentions,
    ...(timestampMs === undefined ? {} : { timestampMs }),
    ...(quotedId === undefined ? {} : { replyTo: quotedId }),
  });
}

function broadcastName(address: string): string {
  if (address.endsWith("@newsletter")) {
    return "newsletter";
  }
  return address === "status@broadcast" ? "status_broadcast" : "broadcast";
}
