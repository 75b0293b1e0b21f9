/**
 * Finds what a message really is: wrappers off, then the member that carries the content. The first member
 * is no guide (key distribution and context info may come first), so `messageType` is believed where the
 * message has it, and a list of known members decides otherwise.
 */
import { type Fields, fieldsOf, memberOf, objectOf } from "../shared/fields.ts";

export interface Unwrapped {
  /** Name of the content's member: "conversation", "imageMessage", … or the platform's name of what is unknown. */
  readonly type: string;
  /** The member itself; a string for `conversation`. */
  readonly body: unknown;
  /** The message object that holds it, all wrappers off. */
  readonly message: Fields;
}

/** Each holds a whole message in `.message` (Baileys: FutureProofMessage, DeviceSentMessage). */
const WRAPPERS = [
  "ephemeralMessage",
  "viewOnceMessage",
  "viewOnceMessageV2",
  "viewOnceMessageV2Extension",
  "documentWithCaptionMessage",
  "editedMessage",
  "deviceSentMessage",
  "groupMentionedMessage",
  "botInvokeMessage",
  "associatedChildMessage",
] as const;
/** Deepest nesting of wrappers; WhatsApp's clients make two. */
const WRAPPERS_MAX = 5;

/** Everything that has a reading of its own, most telling first. */
const KNOWN_TYPES = [
  "protocolMessage",
  "reactionMessage",
  "pollUpdateMessage",
  "buttonsResponseMessage",
  "listResponseMessage",
  "templateButtonReplyMessage",
  "interactiveResponseMessage",
  "imageMessage",
  "videoMessage",
  "ptvMessage",
  "audioMessage",
  "documentMessage",
  "stickerMessage",
  "locationMessage",
  "liveLocationMessage",
  "contactMessage",
  "contactsArrayMessage",
  "pollCreationMessage",
  "pollCreationMessageV2",
  "pollCreationMessageV3",
  "buttonsMessage",
  "listMessage",
  "templateMessage",
  "interactiveMessage",
  "extendedTextMessage",
  "conversation",
] as const;
/** Members that accompany content and are none. */
const COMPANIONS: ReadonlySet<string> = new Set([
  "messageContextInfo",
  "senderKeyDistributionMessage",
  "base64",
  "mediaUrl",
  "speechToText",
  "contextInfo",
]);

/** Undefined where there is no content at all (undecryptable, or keys only). */
export function unwrapMessage(value: unknown, messageType: unknown): Unwrapped | undefined {
  const message = withoutWrappers(fieldsOf(value));
  if (message === undefined) {
    return undefined;
  }
  const type = typeOf(message, messageType);
  return type === undefined ? undefined : { type, body: memberOf(message, type), message };
}

function withoutWrappers(outer: Fields | undefined): Fields | undefined {
  let message = outer;
  for (let depth = 0; depth < WRAPPERS_MAX; depth++) {
    const inner = innerOf(message);
    if (inner === undefined) {
      return message;
    }
    message = inner;
  }
  return message;
}

function innerOf(message: Fields | undefined): Fields | undefined {
  for (const name of WRAPPERS) {
    const inner = objectOf(objectOf(message, name), "message");
    if (inner !== undefined) {
      return inner;
    }
  }
  return undefined;
}

function typeOf(message: Fields, messageType: unknown): string | undefined {
  if (typeof messageType === "string" && isPresent(message, messageType)) {
    return messageType;
  }
  const known = KNOWN_TYPES.find((name) => isPresent(message, name));
  return known ?? Object.keys(message).find((name) => !COMPANIONS.has(name));
}

function isPresent(message: Fields, name: string): boolean {
  const member = memberOf(message, name);
  return member !== undefined && member !== null && !COMPANIONS.has(name);
}
