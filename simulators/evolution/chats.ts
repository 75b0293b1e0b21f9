/** Evolution's `/chat/*` routes: edits, deletes, read marks, look-ups, media downloads. */
import { asRecord, asText, json, type Reply, type SimRequest } from "../http.ts";
import { failure, missing } from "./errors.ts";
import { isAbsent, normalJid } from "./messages.ts";
import { findMessage, type Instance, type StoredMessage, sendEvent, type World } from "./world.ts";

const PAGE_SIZE = 50;

type ChatRoute = (
  world: World,
  instance: Instance,
  body: Record<string, unknown>,
  request: SimRequest,
) => Reply;

/** Routes by `METHOD action`. */
export const CHAT_ROUTES: Readonly<Record<string, ChatRoute>> = {
  "POST updateMessage": updateMessage,
  "DELETE deleteMessageForEveryone": deleteMessage,
  "POST markMessageAsRead": (_world, _instance, body) =>
    Array.isArray(body.readMessages ?? body.read_messages)
      ? json({ message: "Read messages", read: "success" }, 201)
      : missing("readMessages"),
  "POST sendPresence": (_world, instance, body) => {
    if (asText(body.number) === undefined) return missing("number");
    if (instance.state !== "open") return failure(400, "Error: Connection Closed");
    return json({ presence: body.presence ?? "composing" }, 201);
  },
  "POST whatsappNumbers": whatsappNumbers,
  "POST getBase64FromMediaMessage": getMedia,
  "POST findMessages": findMessages,
};

function updateMessage(world: World, instance: Instance, body: Record<string, unknown>): Reply {
  const id = asText(asRecord(body.key).id);
  const text = asText(body.text);
  if (id === undefined) return missing("key");
  if (text === undefined) return missing("text");
  const stored = findMessage(instance, id);
  if (stored === undefined) return failure(400, "Message not found");
  if (!stored.data.key.fromMe) return failure(400, "You cannot edit others messages");
  const data = { ...stored.data, message: { conversation: text }, messageType: "editedMessage" };
  void sendEvent(world, instance, "send.message.update", data);
  return json(data);
}

function deleteMessage(world: World, instance: Instance, body: Record<string, unknown>): Reply {
  const id = asText(body.id);
  if (id === undefined) return missing("id");
  const stored = findMessage(instance, id);
  if (stored === undefined) return failure(400, "Message not found");
  const data = {
    id: stored.dbId,
    instanceId: instance.id,
    key: stored.data.key,
    messageType: stored.data.messageType,
    status: "DELETED",
  };
  stored.updates.push("DELETED");
  void sendEvent(world, instance, "messages.delete", data);
  return json({ ...stored.data, messageType: "protocolMessage" }, 201);
}

function whatsappNumbers(world: World, _instance: Instance, body: Record<string, unknown>): Reply {
  if (!Array.isArray(body.numbers)) return missing("numbers");
  const rows = body.numbers.map((value) => {
    const number = String(value);
    const jid = normalJid(number);
    return { jid, exists: !isAbsent(world, jid), number };
  });
  return json(rows);
}

function getMedia(_world: World, instance: Instance, body: Record<string, unknown>): Reply {
  const id = asText(asRecord(asRecord(body.message).key).id);
  const stored = findMessage(instance, id);
  if (stored === undefined) return failure(400, "Message not found");
  if (stored.media === undefined) return failure(400, "The message is not of the media type");
  const type = stored.data.messageType;
  const content = asRecord(stored.data.message[type]);
  return json(
    {
      mediaType: type,
      fileName: content.fileName ?? `${id}.${stored.media.mimetype.split("/")[1]?.split(";")[0]}`,
      caption: content.caption ?? "",
      size: {
        fileLength: String(stored.media.bytes.length),
        height: content.height,
        width: content.width,
      },
      mimetype: stored.media.mimetype,
      base64: stored.media.bytes.toString("base64"),
      buffer: null,
    },
    201,
  );
}

function findMessages(_world: World, instance: Instance, body: Record<string, unknown>): Reply {
  const where = asRecord(body.where);
  const found = instance.messages.filter((stored) => matches(stored, where)).toReversed();
  const size = Number(body.offset ?? PAGE_SIZE) || PAGE_SIZE;
  const page = Number(body.page ?? 1) || 1;
  const records = found.slice((page - 1) * size, page * size).map(record);
  const pages = Math.ceil(found.length / size);
  return json({ messages: { total: found.length, pages, currentPage: page, records } });
}

function matches(stored: StoredMessage, where: Record<string, unknown>): boolean {
  const key = asRecord(where.key);
  const has = stored.data.key;
  if (key.id !== undefined && key.id !== has.id) return false;
  if (key.fromMe !== undefined && key.fromMe !== has.fromMe) return false;
  if (
    key.remoteJid !== undefined &&
    key.remoteJid !== has.remoteJid &&
    key.remoteJid !== has.remoteJidAlt
  ) {
    return false;
  }
  const range = asRecord(where.messageTimestamp);
  const at = stored.data.messageTimestamp;
  return at >= seconds(range.gte, 0) && at <= seconds(range.lte, Number.POSITIVE_INFINITY);
}

function seconds(value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  return typeof value === "number" ? value : Date.parse(String(value)) / 1000;
}

function record(stored: StoredMessage): unknown {
  const { key, pushName, messageType, message, messageTimestamp, instanceId, source, contextInfo } =
    stored.data;
  return {
    id: stored.dbId,
    key,
    pushName,
    messageType,
    message,
    messageTimestamp,
    instanceId,
    source,
    contextInfo: contextInfo ?? null,
    MessageUpdate: stored.updates.map((status) => ({ status })),
  };
}
