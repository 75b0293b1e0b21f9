/**
 * Files of a message. The `url` WhatsApp gives is encrypted and useless without keys we drop, so the bytes
 * are inline (webhook `base64`), at Evolution's own storage (`mediaUrl`), or asked of Evolution by message id.
 */
import type { Media, MediaKind, MediaSource } from "../../schema/message.ts";
import { type Fields, fieldsOf, memberOf, stringOf } from "../shared/fields.ts";
import { wellFormed } from "../shared/text.ts";
import { countOf } from "./time.ts";
import type { Unwrapped } from "./unwrap.ts";

const KINDS: Readonly<Record<string, MediaKind>> = {
  imageMessage: "image",
  videoMessage: "video",
  ptvMessage: "video",
  audioMessage: "audio",
  documentMessage: "document",
  stickerMessage: "sticker",
};
const FILE_NAME_CHARS_MAX = 255;
const MIME_TYPE = /^[\w.+-]+\/[\w.+-]+(?:; ?[\w.+-]+=[\w.+-]+){0,4}$/;

/** The file of this content, or undefined where it is none. `outer` is the message with its wrappers on. */
export function readMedia(
  content: Unwrapped,
  outer: Fields | undefined,
  messageId: string,
): Media | undefined {
  const kind = Object.hasOwn(KINDS, content.type) ? KINDS[content.type] : undefined;
  const file = fieldsOf(content.body);
  if (kind === undefined || file === undefined) {
    return undefined;
  }
  const mimeType = stringOf(file, "mimetype");
  const name = stringOf(file, "fileName") ?? stringOf(file, "title");
  const size = countOf(memberOf(file, "fileLength"));
  const seconds = countOf(memberOf(file, "seconds"));
  return {
    kind: kind === "audio" && memberOf(file, "ptt") === true ? "voice" : kind,
    source: sourceOf([outer, content.message], messageId),
    ...(mimeType !== undefined && MIME_TYPE.test(mimeType) ? { mime_type: mimeType } : {}),
    ...(name === undefined ? {} : { file_name: wellFormed(name.slice(0, FILE_NAME_CHARS_MAX)) }),
    ...(size === undefined ? {} : { size_bytes: size }),
    ...(seconds === undefined ? {} : { duration_ms: seconds * 1000 }),
  };
}

function sourceOf(places: readonly (Fields | undefined)[], messageId: string): MediaSource {
  for (const place of places) {
    const base64 = stringOf(place, "base64");
    if (base64 !== undefined) {
      return { from: "inline", base64 };
    }
    const url = webUrlOf(stringOf(place, "mediaUrl"));
    if (url !== undefined) {
      return { from: "url", url };
    }
  }
  return { from: "platform", id: messageId };
}

/** Whether the host may be fetched is decided where it is fetched; here only the scheme is. */
function webUrlOf(value: string | undefined): string | undefined {
  const url = value === undefined ? null : URL.parse(value);
  return url?.protocol === "https:" || url?.protocol === "http:" ? value : undefined;
}
