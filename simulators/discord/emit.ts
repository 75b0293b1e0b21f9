/**
 * `POST /_sim/emit` of Discord: a person writes, edits, pins, deletes, reacts over the Gateway; what goes
 * over HTTP is in `emit-http.ts`. The fields are listed in `simulators/README.md`.
 */
import { asRecord, asText, json, type Reply } from "../http.ts";
import { OGG_BYTES, PDF_BYTES, PNG_BYTES } from "../media.ts";
import { overHttp, type Scene } from "./emit-http.ts";
import type { Gateway } from "./gateway.ts";
import { guildOf, inChannel } from "./message-routes.ts";
import {
  addAttachment,
  type Bot,
  botUser,
  type Channel,
  channelOf,
  type DiscordMessage,
  directChannel,
  findBot,
  isoMicros,
  join,
  newMessage,
  person,
  snowflake,
  type World,
} from "./world.ts";

const DEFAULT_GUILD = "900000000000000001";
const DEFAULT_CHANNEL = "900000000000000002";
const DEFAULT_USER = "900000000000000003";

/** Acts out one description; `wait: true` answers when an HTTP delivery has ended. */
export async function emit(world: World, gateway: Gateway, value: unknown): Promise<Reply> {
  const body = asRecord(value);
  const bot =
    findBot(world, asText(body.applicationId)) ??
    (body.applicationId === undefined ? world.bots[0] : undefined);
  if (bot === undefined)
    return json({ error: `no application ${asText(body.applicationId)}` }, 404);
  const scene: Scene = {
    world,
    gateway,
    bot,
    channel: placeOf(world, bot, body),
    user: authorOf(body),
    body,
  };
  join(world, bot, scene.channel.id);
  const sent = overHttp(scene);
  if (sent !== undefined) {
    const [id, delivery] = sent;
    if (body.wait !== true) return json({ ok: true, id }, 202);
    return json({ ok: true, id, delivery: await delivery });
  }
  const id = overGateway(scene);
  return id === undefined
    ? json(
        {
          error:
            "expected text, attachments, edit, pin, delete, reaction, dispatch, command, button, modal, ping or event",
        },
        400,
      )
    : json({ ok: true, id }, 202);
}

function placeOf(world: World, bot: Bot, body: Readonly<Record<string, unknown>>): Channel {
  const given = asText(body.channel);
  if (body.dm === true) {
    const user = asText(body.user) ?? DEFAULT_USER;
    return given === undefined
      ? directChannel(world, bot, user)
      : channelOf(world, given, { type: 1 });
  }
  const parentId = asText(body.parent);
  return channelOf(world, given ?? DEFAULT_CHANNEL, {
    type: parentId === undefined ? 0 : 11,
    guildId: asText(body.guild) ?? DEFAULT_GUILD,
    parentId,
  });
}

function authorOf(body: Readonly<Record<string, unknown>>): DiscordMessage["author"] {
  const author = person(asText(body.user) ?? DEFAULT_USER, asText(body.name));
  return body.bot === true ? { ...author, bot: true } : author;
}

/** Gateway events; gives the id of what was acted upon. */
function overGateway(scene: Scene): string | undefined {
  const { body, gateway, bot } = scene;
  if (body.dispatch !== undefined) {
    const { t, d } = asRecord(body.dispatch);
    gateway.dispatch(bot, asText(t) ?? "MESSAGE_CREATE", asRecord(d));
    return asText(asRecord(d).id) ?? "";
  }
  if (body.edit !== undefined) return edit(scene);
  if (body.pin !== undefined) return pin(scene);
  if (body.delete !== undefined) return remove(scene);
  if (body.reaction !== undefined) return react(scene);
  if (body.text === undefined && body.attachments === undefined) return undefined;
  return write(scene);
}

function write(scene: Scene): string {
  const { world, gateway, bot, channel, body, user } = scene;
  const content = asText(body.text) ?? "";
  const named = body.mentionBot === true ? `<@${bot.userId}> ${content}` : content;
  const wanted = Array.isArray(body.attachments) ? body.attachments : [];
  const id = asText(body.id);
  const replied = channel.messages.find((message) => message.id === body.reply_to);
  const message = newMessage(world, channel, user, {
    content: named,
    ...(id !== undefined && { id }),
    attachments: wanted.map((item) => addAttachment(world, channel.id, sample(item))),
    mentions: named.includes(`<@${bot.userId}>`) ? [botUser(bot)] : [],
    nonce: snowflake(world),
    ...(body.reply_to !== undefined && {
      type: 19,
      message_reference: {
        type: 0,
        message_id: body.reply_to,
        channel_id: channel.id,
        ...guildOf(channel),
      },
      referenced_message: replied ?? null,
    }),
  });
  channel.messages.push(message);
  const data = { ...inChannel(channel, message), ...memberOf(channel) };
  for (let copy = 0; copy < Number(body.repeat ?? 1); copy += 1) {
    gateway.dispatch(bot, "MESSAGE_CREATE", data);
  }
  return message.id;
}

const SAMPLES: Readonly<Record<string, { name: string; type: string; bytes: Buffer }>> = {
  image: { name: "pixel.png", type: "image/png", bytes: PNG_BYTES },
  voice: { name: "voice.ogg", type: "audio/ogg", bytes: OGG_BYTES },
  document: { name: "document.pdf", type: "application/pdf", bytes: PDF_BYTES },
};

/** `"image"`, `"voice"`, `"document"`, or `{name, type, base64}`. */
function sample(item: unknown): { name: string; type: string; bytes: Buffer } {
  const known = typeof item === "string" ? SAMPLES[item] : undefined;
  if (known !== undefined) return known;
  const given = asRecord(item);
  return {
    name: asText(given.name) ?? "file.bin",
    type: asText(given.type) ?? "application/octet-stream",
    bytes: Buffer.from(asText(given.base64) ?? "", "base64"),
  };
}

/** `edit: {id, text}`. */
function edit(scene: Scene): string {
  const { id, text } = asRecord(scene.body.edit);
  return update(scene, asText(id) ?? "", (message) => {
    message.content = asText(text) ?? "";
    message.edited_timestamp = isoMicros(Date.now());
  });
}

/** `pin: id`: an update that is no edit. */
function pin(scene: Scene): string {
  return update(scene, asText(scene.body.pin) ?? "", (message) => {
    message.pinned = true;
  });
}

function update(scene: Scene, id: string, change: (message: DiscordMessage) => void): string {
  const { world, gateway, bot, channel, user } = scene;
  const known = channel.messages.find((message) => message.id === id);
  const message = known ?? newMessage(world, channel, user, { id, content: "" });
  change(message);
  gateway.dispatch(bot, "MESSAGE_UPDATE", { ...inChannel(channel, message), ...memberOf(channel) });
  return id;
}

/** `delete: id`, or several ids at once. */
function remove({ gateway, bot, channel, body }: Scene): string {
  const place = { channel_id: channel.id, ...guildOf(channel) };
  const ids = Array.isArray(body.delete) ? body.delete.map(String) : [asText(body.delete) ?? ""];
  for (const id of ids) {
    const index = channel.messages.findIndex((message) => message.id === id);
    if (index >= 0) channel.messages.splice(index, 1);
  }
  if (Array.isArray(body.delete)) gateway.dispatch(bot, "MESSAGE_DELETE_BULK", { ids, ...place });
  else gateway.dispatch(bot, "MESSAGE_DELETE", { id: ids[0], ...place });
  return ids[0] ?? "";
}

/** `reaction: {id, emoji, remove?}`. */
function react({ gateway, bot, channel, user, body }: Scene): string {
  const { id, emoji, remove: taken } = asRecord(body.reaction);
  const target = channel.messages.find((message) => message.id === id);
  const added = taken !== true;
  gateway.dispatch(bot, added ? "MESSAGE_REACTION_ADD" : "MESSAGE_REACTION_REMOVE", {
    user_id: user.id,
    message_id: id,
    channel_id: channel.id,
    emoji: { id: null, name: asText(emoji) ?? "👍" },
    type: 0,
    burst: false,
    ...(added && { message_author_id: target?.author.id ?? bot.userId }),
    ...(added && channel.guildId !== undefined && { member: { user, roles: [] } }),
    ...guildOf(channel),
  });
  return asText(id) ?? "";
}

function memberOf(channel: Channel): Record<string, unknown> {
  if (channel.guildId === undefined) return {};
  return {
    member: { roles: [], nick: null, joined_at: "2026-01-01T00:00:00.000000+00:00", flags: 0 },
  };
}
