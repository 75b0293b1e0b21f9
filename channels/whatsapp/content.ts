/**
 * Content of every kind WhatsApp has, as text, media and metadata. What has no reading here is kept as
 * `metadata.unsupported`, so that a conversation shows that something came. Thumbnails, waveforms, keys and
 * hashes are never looked at.
 */
import type { Media, MessageContent } from "../../schema/message.ts";
import { type Fields, fieldsOf, memberOf, stringOf } from "../shared/fields.ts";
import { wellFormed } from "../shared/text.ts";
import { contactList, contactsContent } from "./contacts.ts";
import { locationContent } from "./location.ts";
import { readMedia } from "./media.ts";
import { pollContent } from "./poll.ts";
import { promptText } from "./prompts.ts";
import type { Unwrapped } from "./unwrap.ts";

const TYPE_NAME = /^[A-Za-z0-9_]{1,64}$/;
/** What stands for content Evolution could not decrypt, or did not pass on. */
const UNDECRYPTABLE = "undecryptable";

/** The content of a message of any kind but reactions, protocol messages and replies to buttons. */
export function readContent(
  content: Unwrapped | undefined,
  outer: Fields | undefined,
  messageId: string,
): MessageContent {
  if (content === undefined) {
    return unsupported(UNDECRYPTABLE);
  }
  const media = readMedia(content, outer, messageId);
  if (media !== undefined) {
    return mediaContent(content, outer, media);
  }
  const body = fieldsOf(content.body);
  switch (content.type) {
    case "conversation":
      return typeof content.body === "string" ? plain(content.body) : unsupported(content.type);
    case "extendedTextMessage":
      return plain(stringOf(body, "text") ?? "");
    case "locationMessage":
    case "liveLocationMessage":
      return locationContent(body, content.type) ?? unsupported(content.type);
    case "contactMessage":
      return contactsContent([body]);
    case "contactsArrayMessage":
      return contactsContent(contactList(body));
    case "pollCreationMessage":
    case "pollCreationMessageV2":
    case "pollCreationMessageV3":
      return pollContent(body);
    default:
      return promptContent(content, body);
  }
}

function plain(text: string): MessageContent {
  return { text: wellFormed(text), media: [], metadata: {} };
}

/** `type` is the platform's own name of the kind, never content. */
function unsupported(type: string): MessageContent {
  const name = TYPE_NAME.test(type) ? type : "unnamed";
  return { text: "", media: [], metadata: { unsupported: { type: name } } };
}

/** Evolution can transcribe voice messages; the transcript takes the place of the caption. */
function mediaContent(content: Unwrapped, outer: Fields | undefined, media: Media): MessageContent {
  const caption = stringOf(fieldsOf(content.body), "caption");
  const transcript = stringOf(outer, "speechToText") ?? stringOf(content.message, "speechToText");
  return {
    text: wellFormed(caption ?? transcript ?? ""),
    media: [media],
    metadata: {
      ...(caption === undefined && transcript !== undefined ? { transcribed: true } : {}),
      ...(memberOf(fieldsOf(content.body), "isAnimated") === true ? { animated: true } : {}),
    },
  };
}

/** Buttons, lists and templates as they were sent (by us or another client of the same number). */
function promptContent(content: Unwrapped, body: Fields | undefined): MessageContent {
  const text = promptText(content.type, body);
  return text === undefined ? unsupported(content.type) : plain(text);
}
