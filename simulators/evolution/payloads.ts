/**
 * The `data` of Evolution's message events, per release. Builds what a phone's message becomes after
 * Evolution has reshaped it; knows nothing of HTTP or of stored state.
 */
import { randomBytes } from "node:crypto";
import type { EvolutionVersion } from "./versions.ts";
import { TRAITS } from "./versions.ts";

export type MediaName = "image" | "video" | "audio" | "voice" | "document" | "sticker";

/** What a person did on the phone. */
export type PhoneContent =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "media";
      readonly media: MediaName;
      readonly bytes: Buffer;
      readonly mimetype: string;
      readonly caption?: string;
      readonly fileName?: string;
      /** Where the bytes show up: nowhere (fetch them), in `message.base64`, or at `message.mediaUrl`. */
      readonly inline?: "none" | "base64" | { readonly url: string };
    }
  | {
      readonly kind: "location";
      readonly latitude: number;
      readonly longitude: number;
      readonly name?: string;
    }
  | { readonly kind: "contact"; readonly name: string; readonly phone: string }
  | {
      readonly kind: "reaction";
      readonly target: string;
      readonly emoji: string;
      readonly targetFromMe: boolean;
    }
  | { readonly kind: "poll"; readonly question: string; readonly options: readonly string[] }
  | { readonly kind: "button"; readonly id: string; readonly text: string }
  /** Any other message object, as it is. */
  | {
      readonly kind: "raw";
      readonly messageType: string;
      readonly message: Record<string, unknown>;
    };

/** A message with its place. `from` is a phone number; `lid` its hidden id; `group` a group's JID. */
export interface PhoneMessage {
  readonly id: string;
  readonly from: string;
  readonly name?: string;
  readonly fromMe?: boolean;
  readonly group?: string;
  readonly lid?: string;
  /** The number is not known to the platform: only the LID appears. */
  readonly onlyLid?: boolean;
  readonly quoted?: { readonly id: string; readonly text: string };
  readonly timestampMs: number;
  readonly content: PhoneContent;
}

export interface MessageKey {
  readonly remoteJid: string;
  readonly fromMe: boolean;
  readonly id: string;
  readonly participant?: string;
  readonly remoteJidAlt?: string;
  readonly participantAlt?: string;
  readonly addressingMode?: string;
}

/** `data` of `messages.upsert` and `send.message`. */
export interface MessageData {
  readonly key: MessageKey;
  readonly pushName?: string;
  readonly status?: string;
  readonly message: Record<string, unknown>;
  readonly contextInfo?: unknown;
  readonly messageType: string;
  readonly messageTimestamp: number;
  readonly instanceId?: string;
  readonly owner?: string;
  readonly source: string;
}

/** The `data` of an upsert in the shape of one release. */
export function upsertData(
  version: EvolutionVersion,
  instance: { readonly name: string; readonly id: string },
  message: PhoneMessage,
): MessageData {
  const { type, body } = messageBody(version, message);
  const quote = quoteOf(message);
  const traits = TRAITS[version];
  const keepsQuote = !(traits.losesTextQuote && message.content.kind === "text");
  return {
    key: messageKey(version, message),
    pushName: message.fromMe === true ? "Você" : (message.name ?? message.from),
    ...(version !== "1" && { status: message.fromMe === true ? "SERVER_ACK" : "DELIVERY_ACK" }),
    message: body,
    ...(quote !== undefined && keepsQuote && !traits.keepsExtendedText && { contextInfo: quote }),
    messageType: type,
    messageTimestamp: Math.floor(message.timestampMs / 1000),
    ...(version === "1" ? { owner: instance.name } : { instanceId: instance.id }),
    source: "android",
  };
}

/** The key of a message: where it is and who wrote it, with the release's view of hidden ids. */
export function messageKey(version: EvolutionVersion, message: PhoneMessage): MessageKey {
  const phone = jidOf(message.from);
  const base = { fromMe: message.fromMe === true, id: message.id };
  const lid = message.lid === undefined ? undefined : withSuffix(message.lid, "@lid");
  if (message.group !== undefined) {
    const author = lid === undefined ? phone : lid;
    const alt = lid === undefined || message.onlyLid === true ? {} : { participantAlt: phone };
    const mode = lid === undefined ? {} : { addressingMode: "lid" };
    return {
      remoteJid: withSuffix(message.group, "@g.us"),
      ...base,
      participant: author,
      ...alt,
      ...mode,
    };
  }
  const participant = version === "1" ? {} : { participant: "" };
  if (lid === undefined) return { remoteJid: phone, ...base, ...participant };
  if (message.onlyLid === true)
    return { remoteJid: lid, ...base, ...participant, addressingMode: "lid" };
  return { ...lidPair(version, phone, lid), ...base, ...participant };
}

/** `5511...` to its JID; what already has a suffix stays. */
export function jidOf(number: string): string {
  return number.includes("@") ? number : `${number.replace(/\D/g, "")}@s.whatsapp.net`;
}

/** An id as WhatsApp makes them: `AC...` on Android phones, `3EB0...` for linked devices. */
export function newMessageId(prefix: "AC" | "3EB0"): string {
  return (
    prefix +
    randomBytes(prefix === "AC" ? 15 : 9)
      .toString("hex")
      .toUpperCase()
  );
}

/** Bytes as the release's webhooks show them. */
export function wireBytes(version: EvolutionVersion, bytes: Buffer): unknown {
  return TRAITS[version].bytes === "base64" ? bytes.toString("base64") : { ...bytes };
}

function lidPair(
  version: EvolutionVersion,
  phone: string,
  lid: string,
): Pick<MessageKey, "remoteJid" | "remoteJidAlt" | "addressingMode"> {
  switch (TRAITS[version].lid) {
    case "raw":
      return { remoteJid: lid, remoteJidAlt: phone, addressingMode: "lid" };
    case "alt":
      return { remoteJid: phone, remoteJidAlt: phone, addressingMode: "lid" };
    case "swapped":
      return { remoteJid: phone, remoteJidAlt: lid, addressingMode: "pn" };
  }
}

function withSuffix(id: string, suffix: string): string {
  return id.includes("@") ? id : `${id}${suffix}`;
}

function quoteOf(message: PhoneMessage): Record<string, unknown> | undefined {
  if (message.quoted === undefined) return undefined;
  return {
    stanzaId: message.quoted.id,
    participant: jidOf(message.from),
    quotedMessage: { conversation: message.quoted.text },
  };
}

function messageBody(
  version: EvolutionVersion,
  message: PhoneMessage,
): { type: string; body: Record<string, unknown> } {
  const { content } = message;
  const quote = quoteOf(message);
  const contextInfo = quote === undefined ? {} : { contextInfo: quote };
  switch (content.kind) {
    case "text":
      return TRAITS[version].keepsExtendedText && quote !== undefined
        ? {
            type: "extendedTextMessage",
            body: { extendedTextMessage: { text: content.text, ...contextInfo } },
          }
        : { type: "conversation", body: { conversation: content.text } };
    case "media":
      return mediaBody(version, content, contextInfo);
    case "raw":
      return { type: content.messageType, body: content.message };
    default:
      return simpleBody(content, message);
  }
}

function simpleBody(
  content: Exclude<PhoneContent, { kind: "text" | "media" | "raw" }>,
  message: PhoneMessage,
): { type: string; body: Record<string, unknown> } {
  const of = (type: string, value: unknown) => ({ type, body: { [type]: value } });
  switch (content.kind) {
    case "location":
      return of("locationMessage", {
        degreesLatitude: content.latitude,
        degreesLongitude: content.longitude,
        ...(content.name !== undefined && { name: content.name }),
      });
    case "contact":
      return of("contactMessage", { displayName: content.name, vcard: vcard(content) });
    case "reaction":
      return of("reactionMessage", {
        key: {
          remoteJid: message.group ?? jidOf(message.from),
          fromMe: content.targetFromMe,
          id: content.target,
        },
        text: content.emoji,
        senderTimestampMs: long(message.timestampMs),
      });
    case "poll":
      return of("pollCreationMessageV3", {
        name: content.question,
        options: content.options.map((optionName) => ({ optionName })),
        selectableOptionsCount: 1,
      });
    case "button":
      return of("buttonsResponseMessage", {
        selectedButtonId: content.id,
        selectedDisplayText: content.text,
        type: 1,
      });
  }
}

const MEDIA_TYPES: Readonly<Record<MediaName, string>> = {
  image: "imageMessage",
  video: "videoMessage",
  audio: "audioMessage",
  voice: "audioMessage",
  document: "documentMessage",
  sticker: "stickerMessage",
};

function mediaBody(
  version: EvolutionVersion,
  content: Extract<PhoneContent, { kind: "media" }>,
  contextInfo: object,
): { type: string; body: Record<string, unknown> } {
  const type = MEDIA_TYPES[content.media];
  const inline = content.inline ?? "none";
  const length = content.bytes.length;
  const key = Buffer.alloc(32, length);
  return {
    type,
    body: {
      [type]: {
        url: "https://mmg.whatsapp.net/o1/v/t62.7118-24/simulated.enc?ccb=11-4&mms3=true",
        directPath: "/o1/v/t62.7118-24/simulated.enc?ccb=11-4&mms3=true",
        mimetype: content.mimetype,
        fileLength: version === "1" ? String(length) : long(length),
        mediaKey: wireBytes(version, key),
        fileSha256: wireBytes(version, key),
        ...(content.caption !== undefined && { caption: content.caption }),
        ...(content.fileName !== undefined && {
          fileName: content.fileName,
          title: content.fileName,
        }),
        ...(content.media === "voice" && { ptt: true, seconds: 1 }),
        ...(content.media === "image" && {
          width: 1,
          height: 1,
          jpegThumbnail: wireBytes(version, key),
        }),
        ...contextInfo,
      },
      ...(inline === "base64" && { base64: content.bytes.toString("base64") }),
      ...(typeof inline === "object" && { mediaUrl: inline.url }),
    },
  };
}

/** A 64-bit number as protobuf.js prints it. */
function long(value: number): { low: number; high: number; unsigned: boolean } {
  return { low: (value % 2 ** 32) | 0, high: Math.floor(value / 2 ** 32), unsigned: true };
}

function vcard(contact: { name: string; phone: string }): string {
  const digits = contact.phone.replace(/\D/g, "");
  return `BEGIN:VCARD\nVERSION:3.0\nN:;${contact.name};;;\nFN:${contact.name}\nitem1.TEL;waid=${digits}:+${digits}\nEND:VCARD`;
}
