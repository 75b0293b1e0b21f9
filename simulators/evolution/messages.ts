/**
 * Evolution's `/message/*` routes: one accepted send becomes a stored message, a `send.message` webhook
 * and, later, the states of its delivery as `messages.update` webhooks.
 */
import { asRecord, asText, json, type Reply, type SimRequest } from "../http.ts";
import { failure, missing } from "./errors.ts";
import { jidOf, type MessageData, newMessageId } from "./payloads.ts";
import { TRAITS } from "./versions.ts";
import {
  findMessage,
  type Instance,
  remember,
  type StoredMessage,
  sendEvent,
  type World,
} from "./world.ts";

/** When each state follows the send, in ms before scaling. */
const STATES: readonly (readonly [string, number])[] = [
  ["SERVER_ACK", 50],
  ["DELIVERY_ACK", 250],
  ["READ", 1_000],
];

interface Draft {
  readonly type: string;
  readonly message: Record<string, unknown>;
  readonly media?: StoredMessage["media"];
}

/** What each action needs and makes; a string names the missing property. */
const ACTIONS: Readonly<
  Record<string, (body: Record<string, unknown>, request: SimRequest) => Draft | string>
> = {
  sendText: (body) => {
    const text = asText(body.text) ?? asText(asRecord(body.textMessage).text);
    if (text === undefined || text === "") return "text";
    return { type: "conversation", message: { conversation: text } };
  },
  sendMedia: (body, request) => {
    const bytes = mediaBytes(asText(body.media), request);
    if (bytes === undefined) return "media";
    const mediatype = asText(body.mediatype);
    if (mediatype === undefined) return "mediatype";
    const fields = pick(body, ["caption", "fileName"]);
    return media(
      `${mediatype}Message`,
      asText(body.mimetype) ?? MIME[mediatype] ?? "",
      bytes,
      fields,
    );
  },
  sendWhatsAppAudio: (body, request) => {
    const bytes = mediaBytes(asText(body.audio), request);
    return bytes === undefined
      ? "audio"
      : media("audioMessage", "audio/ogg; codecs=opus", bytes, { ptt: true });
  },
  sendSticker: (body, request) => {
    const bytes = mediaBytes(asText(body.sticker), request);
    return bytes === undefined ? "sticker" : media("stickerMessage", "image/webp", bytes, {});
  },
  sendLocation: (body) => {
    if (typeof body.latitude !== "number") return "latitude";
    if (typeof body.longitude !== "number") return "longitude";
    const place = pick(body, ["name", "address"]);
    const message = { degreesLatitude: body.latitude, degreesLongitude: body.longitude, ...place };
    return { type: "locationMessage", message: { locationMessage: message } };
  },
  sendContact: (body) => {
    const first = Array.isArray(body.contact) ? asRecord(body.contact[0]) : {};
    const displayName = asText(first.fullName);
    if (displayName === undefined) return "contact";
    const vcard = `BEGIN:VCARD\nVERSION:3.0\nFN:${displayName}\nTEL:${asText(first.phoneNumber)}\nEND:VCARD`;
    return { type: "contactMessage", message: { contactMessage: { displayName, vcard } } };
  },
  sendPoll: (body) => {
    if (!Array.isArray(body.values)) return "values";
    const options = body.values.map((optionName) => ({ optionName }));
    const poll = { name: body.name, options, selectableOptionsCount: body.selectableCount ?? 1 };
    return { type: "pollCreationMessageV3", message: { pollCreationMessageV3: poll } };
  },
  sendReaction: (body) => {
    const { id, remoteJid, fromMe } = asRecord(body.key);
    if (asText(id) === undefined || asText(remoteJid) === undefined) return "key";
    if (typeof body.reaction !== "string") return "reaction";
    const reaction = { key: { id, remoteJid, fromMe }, text: body.reaction };
    return { type: "reactionMessage", message: { reactionMessage: reaction } };
  },
};

const MIME: Readonly<Record<string, string>> = {
  image: "image/png",
  video: "video/mp4",
  audio: "audio/mpeg",
  document: "application/octet-stream",
};

/** `POST /message/{action}/{instance}`; undefined when there is no such action. */
export async function sendMessage(
  world: World,
  instance: Instance,
  action: string,
  request: SimRequest,
): Promise<Reply | undefined> {
  const read = ACTIONS[action];
  if (read === undefined) return undefined;
  const body = asRecord(request.body);
  const number = asText(body.number) ?? asText(asRecord(body.key).remoteJid);
  if (number === undefined || number === "") return missing("number");
  const draft = read(body, request);
  if (typeof draft === "string") return missing(draft);
  if (instance.state !== "open") return failure(400, "Error: Connection Closed");
  const jid = normalJid(number);
  if (isAbsent(world, jid)) return failure(400, { jid, exists: false, number });
  const delay = Number(body.delay ?? asRecord(body.options).delay ?? 0);
  if (delay > 0) await world.courier.pause(delay);
  return accept(world, instance, jid, draft, body);
}

/** Whether a JID is a person the server does not find: listed as absent, or no possible number. */
export function isAbsent(world: World, jid: string): boolean {
  const [user = "", host] = jid.split("@");
  if (host !== "s.whatsapp.net") return false;
  return world.absent.has(user) || user.length < 7 || user.length > 15;
}

/** A number as the server addresses it; Brazilian mobiles of some areas lose their ninth digit. */
export function normalJid(number: string): string {
  if (number.includes("@")) return number;
  const digits = number.replace(/\D/g, "");
  if (digits.length >= 18) return `${digits}@g.us`;
  const brazil = /^55(\d{2})\d(\d{8})$/.exec(digits);
  const [area = "", local = ""] = brazil?.slice(1) ?? [];
  const loses = brazil !== null && Number(area) >= 31 && Number(local[0]) >= 7;
  return jidOf(loses ? `55${area}${local}` : digits);
}

function accept(
  world: World,
  instance: Instance,
  remoteJid: string,
  draft: Draft,
  body: Record<string, unknown>,
): Reply {
  const wanted = TRAITS[instance.version].clientMessageId ? asText(body.messageId) : undefined;
  const earlier = wanted === undefined ? undefined : findMessage(instance, wanted);
  if (earlier !== undefined) return json(earlier.data, 201);
  const data: MessageData = {
    key: { remoteJid, fromMe: true, id: wanted ?? newMessageId("3EB0") },
    pushName: "",
    status: "PENDING",
    message: draft.message,
    contextInfo: quoteOf(body),
    messageType: draft.type,
    messageTimestamp: Math.floor(Date.now() / 1000),
    ...(instance.version === "1" ? { owner: instance.name } : { instanceId: instance.id }),
    source: "unknown",
  };
  const stored = remember(instance, data, draft.media);
  if (world.emitSends) void followUp(world, instance, stored);
  return json(data, 201);
}

async function followUp(world: World, instance: Instance, stored: StoredMessage): Promise<void> {
  void sendEvent(world, instance, "send.message", stored.data);
  let waited = 0;
  for (const [status, atMs] of STATES) {
    if (!(await world.courier.pause(atMs - waited))) return;
    waited = atMs;
    stored.updates.push(status);
    void sendEvent(world, instance, "messages.update", statusData(instance, stored, status));
  }
}

/** `data` of `messages.update` for one state of a message. */
export function statusData(instance: Instance, stored: StoredMessage, status: string): unknown {
  const { id, remoteJid, fromMe, participant } = stored.data.key;
  if (instance.version === "1") {
    return { id, remoteJid, fromMe, status, datetime: Date.now(), owner: instance.name };
  }
  return {
    keyId: id,
    remoteJid,
    fromMe,
    participant: participant ?? "",
    status,
    instanceId: instance.id,
    messageId: stored.dbId,
  };
}

function quoteOf(body: Record<string, unknown>): unknown {
  const stanzaId = asText(asRecord(asRecord(body.quoted).key).id);
  return stanzaId === undefined
    ? null
    : { stanzaId, quotedMessage: asRecord(body.quoted).message ?? {} };
}

function media(
  type: string,
  mimetype: string,
  bytes: Buffer,
  fields: Record<string, unknown>,
): Draft {
  const url = "https://mmg.whatsapp.net/o1/v/simulated.enc";
  const message = { [type]: { url, mimetype, fileLength: String(bytes.length), ...fields } };
  return { type, message, media: { bytes, mimetype } };
}

/** Base64 gives its bytes, a URL its own text (the server would fetch it), a multipart `file` its content. */
function mediaBytes(value: string | undefined, request: SimRequest): Buffer | undefined {
  const file = request.files.find(({ field }) => field === "file");
  if (file !== undefined) return file.bytes;
  if (value === undefined || value === "") return undefined;
  return /^https?:\/\//.test(value) ? Buffer.from(value) : Buffer.from(value, "base64");
}

function pick(body: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.filter((name) => body[name] !== undefined).map((name) => [name, body[name]]),
  );
}
