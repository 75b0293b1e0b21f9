/**
 * The JSON bodies of Evolution's REST API: flat since version 2, with `options` and a member for each kind in
 * version 1. Reactions are taken for ones on a contact's message: nothing tells us who wrote the target.
 */
import type { OutboundMedia } from "../../schema/outbound.ts";
import type { Act } from "./plan.ts";

export interface BodyOptions {
  readonly jid: string;
  readonly version: string;
  readonly quoted?: string;
  /** Chosen message id (2.4). */
  readonly platformId?: string;
}

type Json = Readonly<Record<string, unknown>>;
type MediaAct = Extract<Act, { is: "media" }>;

/** The body of one act. */
export function requestBody(act: Act, options: BodyOptions): Json {
  switch (act.is) {
    case "text":
      return options.version === "1"
        ? firstVersion(options, "textMessage", { text: act.text })
        : { ...envelope(options), text: act.text };
    case "media":
      return options.version === "1" ? firstMedia(act, options) : mediaBody(act, options);
    case "reaction": {
      const key = { id: act.target, remoteJid: options.jid, fromMe: false };
      const reaction = { key, reaction: act.emoji };
      return options.version === "1" ? { reactionMessage: reaction } : reaction;
    }
    case "edit": {
      const key = { id: act.target, remoteJid: options.jid, fromMe: true };
      return { number: options.jid, key, text: act.text };
    }
    case "delete":
      return { id: act.target, remoteJid: options.jid, fromMe: true };
    case "typing": {
      const presence = { presence: "composing", delay: act.durationMs };
      return options.version === "1"
        ? { number: options.jid, options: presence }
        : { number: options.jid, ...presence };
    }
  }
}

function mediaBody(act: MediaAct, options: BodyOptions): Json {
  switch (act.media.kind) {
    case "voice":
      return { ...envelope(options), audio: act.url, encoding: true };
    case "sticker":
      return { ...envelope(options), sticker: act.url };
    default:
      return { ...envelope(options), ...mediaFields(act) };
  }
}

function firstMedia(act: MediaAct, options: BodyOptions): Json {
  switch (act.media.kind) {
    case "voice":
      return firstVersion(options, "audioMessage", { audio: act.url }, { encoding: true });
    case "sticker":
      return firstVersion(options, "stickerMessage", { image: act.url });
    default:
      return firstVersion(options, "mediaMessage", mediaFields(act));
  }
}

function mediaFields({ media, url, caption }: MediaAct): Json {
  return {
    mediatype: media.kind,
    media: url,
    fileName: fileNameOf(media),
    ...(media.mime_type === undefined ? {} : { mimetype: media.mime_type }),
    ...(caption === undefined ? {} : { caption }),
  };
}

/** Evolution guesses the type of a document from its name, so there always is one. */
function fileNameOf({ file_name, kind, mime_type }: OutboundMedia): string {
  const ending = mime_type?.split("/")[1]?.split(/[;+]/)[0];
  return file_name ?? (ending === undefined ? kind : `${kind}.${ending}`);
}

function envelope({ jid, quoted, platformId }: BodyOptions): Json {
  return {
    number: jid,
    ...(quoted === undefined ? {} : { quoted: { key: { id: quoted } } }),
    ...(platformId === undefined ? {} : { messageId: platformId }),
  };
}

function firstVersion({ jid, quoted }: BodyOptions, name: string, content: Json, more: Json = {}) {
  const options = { ...more, ...(quoted === undefined ? {} : { quoted: { key: { id: quoted } } }) };
  return { number: jid, options, [name]: content };
}
