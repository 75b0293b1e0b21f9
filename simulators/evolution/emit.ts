/**
 * `POST /_sim/emit` of Evolution: "this person did that on the phone". Turns a short description into the
 * webhook that the server would send. The fields are listed in `simulators/README.md`.
 */
import { asRecord, asText, json, type Reply } from "../http.ts";
import { OGG_BYTES, PDF_BYTES, PNG_BYTES } from "../media.ts";
import { failure, missing } from "./errors.ts";
import {
  type MediaName,
  messageKey,
  newMessageId,
  type PhoneContent,
  type PhoneMessage,
  upsertData,
} from "./payloads.ts";
import { findInstance, type Instance, remember, sendEvent, type World } from "./world.ts";

/** One webhook that is to be sent. */
interface Emission {
  readonly event: string;
  readonly data: unknown;
  readonly id?: string;
}

const MEDIA: Readonly<Record<MediaName, readonly [Buffer, string, string]>> = {
  image: [PNG_BYTES, "image/png", "pixel.png"],
  video: [PNG_BYTES, "video/mp4", "clip.mp4"],
  audio: [OGG_BYTES, "audio/ogg; codecs=opus", "voice.ogg"],
  voice: [OGG_BYTES, "audio/ogg; codecs=opus", "voice.ogg"],
  document: [PDF_BYTES, "application/pdf", "document.pdf"],
  sticker: [PNG_BYTES, "image/webp", "sticker.webp"],
};

/** Sends `repeat` (default 1) copies of the described event; with `wait`, answers when delivery has ended. */
export async function emit(world: World, value: unknown): Promise<Reply> {
  const body = asRecord(value);
  const instance = findInstance(world, asText(body.instance) ?? "", asText(body.apiKey));
  if (instance === undefined)
    return failure(404, `The "${asText(body.instance)}" instance does not exist`);
  const emission = describe(world, instance, body);
  if (typeof emission === "string") return missing(emission);
  const copies = Array.from({ length: Number(body.repeat ?? 1) }, () =>
    sendEvent(world, instance, emission.event, emission.data),
  );
  if (body.wait !== true)
    return json({ ok: true, id: emission.id ?? null, event: emission.event }, 202);
  const deliveries = await Promise.all(copies);
  return json({ ok: true, id: emission.id ?? null, event: emission.event, deliveries });
}

function describe(
  world: World,
  instance: Instance,
  body: Record<string, unknown>,
): Emission | string {
  const event = asText(body.event);
  if (event !== undefined) return { event, data: body.data ?? {} };
  const from = asText(body.from);
  if (from === undefined) return "from";
  if (body.edit !== undefined) return editOf(instance, from, body);
  if (body.delete !== undefined) return deletionOf(instance, from, body);
  const content = contentOf(world, instance, body);
  if (content === undefined) return "text";
  const message = messageOf(from, body, content, asText(body.id));
  const data = upsertData(instance.version, instance, message);
  const media =
    content.kind === "media" ? { bytes: content.bytes, mimetype: content.mimetype } : undefined;
  remember(instance, data, media);
  return { event: "messages.upsert", data, id: message.id };
}

function messageOf(
  from: string,
  body: Record<string, unknown>,
  content: PhoneContent,
  id?: string,
): PhoneMessage {
  const quoted = asRecord(body.quoted);
  const optional = {
    name: asText(body.name),
    group: asText(body.group),
    lid: asText(body.lid),
    fromMe: body.fromMe === true ? true : undefined,
    onlyLid: body.onlyLid === true ? true : undefined,
    quoted:
      asText(quoted.id) === undefined
        ? undefined
        : { id: asText(quoted.id) ?? "", text: asText(quoted.text) ?? "" },
  };
  const present = Object.fromEntries(
    Object.entries(optional).filter(([, value]) => value !== undefined),
  );
  return {
    ...present,
    id: id ?? newMessageId("AC"),
    from,
    timestampMs: typeof body.timestampMs === "number" ? body.timestampMs : Date.now(),
    content,
  };
}

function contentOf(
  world: World,
  instance: Instance,
  body: Record<string, unknown>,
): PhoneContent | undefined {
  const text = asText(body.text);
  if (body.media !== undefined) return mediaOf(world, instance, body);
  if (text !== undefined) return { kind: "text", text };
  const { latitude, longitude, name } = asRecord(body.location);
  if (typeof latitude === "number" && typeof longitude === "number") {
    return { kind: "location", latitude, longitude, name: asText(name) ?? "" };
  }
  const gesture = asRecord(body.reaction);
  if (asText(gesture.target) !== undefined) {
    return {
      kind: "reaction",
      target: asText(gesture.target) ?? "",
      emoji: asText(gesture.emoji) ?? "",
      targetFromMe: gesture.targetFromMe !== false,
    };
  }
  return rarerContent(body);
}

function rarerContent(body: Record<string, unknown>): PhoneContent | undefined {
  const contact = asRecord(body.contact);
  if (asText(contact.phone) !== undefined) {
    return {
      kind: "contact",
      name: asText(contact.name) ?? "",
      phone: asText(contact.phone) ?? "",
    };
  }
  const poll = asRecord(body.poll);
  if (Array.isArray(poll.options)) {
    return {
      kind: "poll",
      question: asText(poll.question) ?? "",
      options: poll.options.map(String),
    };
  }
  const button = asRecord(body.button);
  if (asText(button.id) !== undefined) {
    return { kind: "button", id: asText(button.id) ?? "", text: asText(button.text) ?? "" };
  }
  const messageType = asText(body.messageType);
  return messageType === undefined
    ? undefined
    : { kind: "raw", messageType, message: asRecord(body.message) };
}

/** `media: "image"` or `media: {kind, caption, fileName, mimetype, base64, inline: "none"|"base64"|"url"}`. */
function mediaOf(
  world: World,
  instance: Instance,
  body: Record<string, unknown>,
): PhoneContent | undefined {
  const options = typeof body.media === "string" ? { kind: body.media } : asRecord(body.media);
  const wanted: Record<string, unknown> = options;
  const media = (Object.keys(MEDIA) as MediaName[]).find((name) => name === wanted.kind);
  if (media === undefined) return undefined;
  const [sample, mimetype, sampleName] = MEDIA[media];
  const given = asText(wanted.base64);
  const caption = asText(wanted.caption) ?? asText(body.text);
  const fileName = asText(wanted.fileName) ?? (media === "document" ? sampleName : undefined);
  const byDefault = instance.webhook?.base64 === true ? "base64" : "none";
  const url = asText(wanted.url) ?? `${world.url}/media/${sampleName}`;
  return {
    kind: "media",
    media,
    bytes: given === undefined ? sample : Buffer.from(given, "base64"),
    mimetype: asText(wanted.mimetype) ?? mimetype,
    ...(caption !== undefined && { caption }),
    ...(fileName !== undefined && { fileName }),
    inline: inlineOf(wanted.inline ?? byDefault, url),
  };
}

function inlineOf(wanted: unknown, url: string): "none" | "base64" | { url: string } {
  if (wanted === "url") return { url };
  return wanted === "base64" ? "base64" : "none";
}

/** `edit: {id, text}`: another text for an earlier message. */
function editOf(
  instance: Instance,
  from: string,
  body: Record<string, unknown>,
): Emission | string {
  const { id, text } = asRecord(body.edit);
  if (asText(id) === undefined) return "edit.id";
  const target = messageOf(from, body, { kind: "text", text: "" }, asText(id));
  const data = {
    key: messageKey(instance.version, target),
    type: "MESSAGE_EDIT",
    editedMessage: { conversation: asText(text) ?? "" },
    timestampMs: String(target.timestampMs),
  };
  return { event: "messages.edited", data, id: target.id };
}

/** `delete: id`: the person takes an earlier message back. */
function deletionOf(
  instance: Instance,
  from: string,
  body: Record<string, unknown>,
): Emission | string {
  const id = asText(body.delete);
  if (id === undefined) return "delete";
  const target = messageOf(from, body, { kind: "text", text: "" }, asText(id));
  const data = { ...messageKey(instance.version, target), status: "DELETED" };
  return { event: "messages.delete", data, id };
}
