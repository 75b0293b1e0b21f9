/**
 * Slack file objects as media of a message. Only addresses on Slack's own file host (or this
 * connection's own base) are kept as URLs, because the bot token goes along when they are fetched;
 * every other file keeps its id, for `files.info`. Thumbnails are dropped.
 */
import type { Media, MediaKind, MediaSource } from "../../schema/message.ts";
import { type Fields, fieldsOf } from "../shared/fields.ts";
import { wellFormed } from "../shared/text.ts";
import { idOf, listOf, stringOf } from "./fields.ts";
import { FILES_MAX } from "./limits.ts";

const FILE_HOST = "files.slack.com";
const NAME_CHARS_MAX = 255;
const MIME = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,127}$/i;
/** Modes of files whose bytes are gone (Slack docs: File object). */
const GONE: ReadonlySet<string> = new Set(["tombstone", "hidden_by_limit"]);

/** Reads `files[]` of a message; entries without an id are left out, and all beyond `FILES_MAX`. */
export function mediaOf(files: unknown, baseUrl: string | undefined): readonly Media[] {
  return listOf(files)
    .slice(0, FILES_MAX)
    .flatMap((entry) => {
      const file = fieldsOf(entry);
      const id = idOf(file?.id);
      return file === undefined || id === undefined ? [] : [mediumOf(file, id, baseUrl)];
    });
}

/** Whether a URL may be called with this connection's bot token. */
export function isSlackFileUrl(url: string, baseUrl: string | undefined): boolean {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.username !== "" || parsed.password !== "") {
    return false;
  }
  const own = baseUrl === undefined ? null : URL.parse(baseUrl);
  return (
    (parsed.protocol === "https:" && parsed.host === FILE_HOST) ||
    (own !== null && parsed.origin === own.origin)
  );
}

function mediumOf(file: Fields, id: string, baseUrl: string | undefined): Media {
  const mime = stringOf(file.mimetype);
  const name = stringOf(file.name) ?? stringOf(file.title);
  const size = wholeNumberOf(file.size);
  const duration = wholeNumberOf(file.duration_ms);
  return {
    kind: kindOf(mime ?? "", file.subtype),
    source: sourceOf(file, id, baseUrl),
    ...(mime !== undefined && MIME.test(mime) ? { mime_type: mime } : {}),
    ...(name === undefined ? {} : { file_name: wellFormed(name.slice(0, NAME_CHARS_MAX)) }),
    ...(size === undefined ? {} : { size_bytes: size }),
    ...(duration === undefined ? {} : { duration_ms: duration }),
  };
}

function sourceOf(file: Fields, id: string, baseUrl: string | undefined): MediaSource {
  const mode = stringOf(file.mode) ?? "";
  if (GONE.has(mode)) {
    return { from: "refused", reason: mode };
  }
  const url = stringOf(file.url_private_download) ?? stringOf(file.url_private);
  return url !== undefined && isSlackFileUrl(url, baseUrl)
    ? { from: "url", url }
    : { from: "platform", id };
}

function kindOf(mime: string, subtype: unknown): MediaKind {
  if (subtype === "slack_audio") {
    return "voice";
  }
  const family = mime.slice(0, mime.indexOf("/") + 1);
  switch (family) {
    case "image/":
      return "image";
    case "video/":
      return "video";
    case "audio/":
      return "audio";
    default:
      return "document";
  }
}

function wholeNumberOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}
