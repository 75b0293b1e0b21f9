/**
 * Attachments and stickers as media items. Only http(s) URLs of Discord's own media hosts (or of the origin a
 * connection names as its platform) can be fetched later; everything else is kept as a refused source, so that
 * a person's text never goes missing because of a bad file. Fetches nothing.
 */
import type { DiscordConnection } from "../../schema/connection.ts";
import type { Media, MediaKind, MediaSource } from "../../schema/message.ts";
import { wellFormed } from "../shared/text.ts";
import { MEDIA_HOSTS } from "./facts.ts";
import type { Attachment, MessageBody, Sticker } from "./shapes.ts";

type Origin = Pick<DiscordConnection, "baseUrl">;

/** Sticker formats of "Sticker resource": PNG, APNG and GIF have an image, Lottie (3) only JSON. */
const STICKER_EXTENSIONS: Readonly<Record<number, string>> = { 1: "png", 2: "png", 4: "gif" };

/** All files of a message body, in its order, stickers last. */
export function mediaOf(body: MessageBody, connection: Origin): Media[] {
  const files = (body.attachments ?? []).map((attachment) => fileOf(attachment, connection));
  return [...files, ...(body.sticker_items ?? []).map(stickerOf)];
}

/** One attachment, of a message or of a command's option. */
export function fileOf(attachment: Attachment, connection: Origin): Media {
  const { filename, content_type: mime, size, duration_secs: seconds } = attachment;
  return {
    kind: kindOf(attachment),
    source: sourceOf(attachment.url, connection),
    ...(mime && { mime_type: wellFormed(mime) }),
    ...(filename && { file_name: wellFormed(filename) }),
    ...(isCount(size) && { size_bytes: size }),
    ...(typeof seconds === "number" && seconds >= 0 && isCount(Math.round(seconds * 1000))
      ? { duration_ms: Math.round(seconds * 1000) }
      : {}),
  };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** A waveform is what only voice messages carry. */
function kindOf({ content_type: mime, waveform }: Attachment): MediaKind {
  if (mime?.startsWith("image/")) return "image";
  if (mime?.startsWith("video/")) return "video";
  if (mime?.startsWith("audio/")) return waveform ? "voice" : "audio";
  return "document";
}

function sourceOf(address: string, connection: Origin): MediaSource {
  const url = URL.parse(address);
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) {
    return { from: "refused", reason: "not_http" };
  }
  const known = MEDIA_HOSTS.includes(url.host) || url.origin === originOf(connection);
  return known ? { from: "url", url: url.href } : { from: "refused", reason: "foreign_host" };
}

function originOf(connection: Origin): string | undefined {
  return connection.baseUrl ? URL.parse(connection.baseUrl)?.origin : undefined;
}

function stickerOf(sticker: Sticker): Media {
  const extension = STICKER_EXTENSIONS[sticker.format_type ?? 0];
  const source: MediaSource =
    extension && /^\d{1,20}$/.test(sticker.id)
      ? { from: "url", url: `https://media.discordapp.net/stickers/${sticker.id}.${extension}` }
      : { from: "refused", reason: "no_image" };
  return {
    kind: "sticker",
    source,
    ...(sticker.name && { file_name: wellFormed(sticker.name) }),
  };
}
