/** REST routes on channels and messages: create (with nonce), read, edit, delete, react, type. */
import { asRecord, asText, json, type Reply, type SimRequest } from "../http.ts";
import { apiError, invalidField } from "./errors.ts";
import type { Gateway } from "./gateway.ts";
import {
  addAttachment,
  type Bot,
  botUser,
  type Channel,
  channelOf,
  type DiscordMessage,
  directChannel,
  isoMicros,
  join,
  newMessage,
  type World,
} from "./world.ts";

/** Source: Discord reference, create message. */
const CONTENT_CHARS_MAX = 2000;
const NONCE_CHARS_MAX = 25;
const EMBEDS_MAX = 10;
const FILE_BYTES_MAX = 10 * 1024 * 1024;
/** A nonce is remembered "for a few minutes". */
const NONCE_LIFE_MS = 5 * 60_000;

export interface RestCall {
  readonly world: World;
  readonly gateway: Gateway;
  readonly bot: Bot;
  readonly params: readonly string[];
  readonly body: Readonly<Record<string, unknown>>;
  readonly request: SimRequest;
}
export type RestRoute = (call: RestCall) => Reply | Promise<Reply>;

/** Creates a message in `params[0]`; the same enforced nonce gives the first message again. */
export function createMessage(call: RestCall): Reply {
  const { world, gateway, bot, params, body } = call;
  const channel = channelOf(world, params[0] ?? "");
  join(world, bot, channel.id);
  const problem = contentProblem(call) ?? referenceProblem(call, channel);
  if (problem !== undefined) return problem;
  const nonce = asText(body.nonce);
  const nonceKey = `${bot.applicationId}:${channel.id}:${nonce}`;
  const earlier = world.nonces.get(nonceKey);
  const enforced = nonce !== undefined && body.enforce_nonce === true;
  if (enforced && earlier !== undefined && Date.now() - earlier.atMs < NONCE_LIFE_MS) {
    return json(earlier.message);
  }
  const message = postedMessage(call, channel);
  channel.messages.push(message);
  if (nonce !== undefined) world.nonces.set(nonceKey, { message, atMs: Date.now() });
  gateway.dispatch(bot, "MESSAGE_CREATE", inChannel(channel, message));
  return json(message);
}

/** `GET /channels/{id}/messages`, newest first. */
export function listMessages({ world, params, request }: RestCall): Reply {
  const { query } = request;
  const limit = Math.min(Math.max(Number(query.get("limit") ?? 50) || 50, 1), 100);
  const after = query.get("after");
  const before = query.get("before");
  const all = channelOf(world, params[0] ?? "").messages.toSorted(byId);
  const inside = all.filter(
    ({ id }) =>
      (after === null || BigInt(id) > BigInt(after)) &&
      (before === null || BigInt(id) < BigInt(before)),
  );
  const page = after === null ? inside.slice(-limit) : inside.slice(0, limit);
  return json(page.toReversed());
}

export function getMessage(call: RestCall): Reply {
  const found = messageOf(call);
  return found === undefined ? apiError(10008) : json(found);
}

export function editMessage(call: RestCall): Reply {
  const found = messageOf(call);
  if (found === undefined) return apiError(10008);
  if (found.author.id !== call.bot.userId) return apiError(50005);
  const problem = lengthProblem(call.body);
  if (problem !== undefined) return problem;
  applyEdit(found, call.body);
  const channel = channelOf(call.world, found.channel_id);
  call.gateway.dispatch(call.bot, "MESSAGE_UPDATE", inChannel(channel, found));
  return json(found);
}

export function deleteMessage(call: RestCall): Reply {
  const found = messageOf(call);
  if (found === undefined) return apiError(10008);
  const channel = channelOf(call.world, found.channel_id);
  channel.messages.splice(channel.messages.indexOf(found), 1);
  const data = { id: found.id, channel_id: channel.id, ...guildOf(channel) };
  call.gateway.dispatch(call.bot, "MESSAGE_DELETE", data);
  return { status: 204 };
}

/** PUT and DELETE of the bot's own reaction. Messages the simulator never saw may be reacted to. */
export function react(call: RestCall): Reply {
  const emoji = decodeURIComponent(call.params[2] ?? "");
  if (emoji === "") return apiError(10014);
  const found = messageOf(call);
  if (found === undefined) return { status: 204 };
  const others = found.reactions.filter((reaction) => reaction.emoji.name !== emoji);
  const added = { emoji: { id: null, name: emoji }, count: 1, me: true };
  found.reactions = call.request.method === "PUT" ? [...others, added] : others;
  return { status: 204 };
}

/** `POST /users/@me/channels`. */
export function openDirect({ world, bot, body }: RestCall): Reply {
  const recipient = asText(body.recipient_id);
  if (recipient === undefined || !/^\d+$/.test(recipient)) {
    return invalidField(
      "recipient_id",
      "NUMBER_TYPE_COERCE",
      `Value "${recipient}" is not snowflake.`,
    );
  }
  const channel = directChannel(world, bot, recipient);
  join(world, bot, channel.id);
  return json({ id: channel.id, type: 1, last_message_id: null, recipients: [{ id: recipient }] });
}

/** Changes a message as an edit does. */
export function applyEdit(message: DiscordMessage, body: Readonly<Record<string, unknown>>): void {
  message.content = asText(body.content) ?? message.content;
  message.edited_timestamp = isoMicros(Date.now());
  if (body.embeds !== undefined) message.embeds = body.embeds;
  if (body.components !== undefined) message.components = body.components;
}

/** The message a call's body and files describe, written by the bot. */
export function postedMessage(call: RestCall, channel: Channel): DiscordMessage {
  const { world, bot, body, request } = call;
  const reference = asRecord(body.message_reference);
  const referenced = channel.messages.find(({ id }) => id === reference.message_id);
  const attachments = request.files.map((file) => addAttachment(world, channel.id, file));
  const nonce = asText(body.nonce);
  return newMessage(world, channel, botUser(bot), {
    content: asText(body.content) ?? "",
    attachments,
    ...(body.embeds !== undefined && { embeds: body.embeds }),
    ...(body.components !== undefined && { components: body.components }),
    ...(nonce !== undefined && { nonce }),
    ...(reference.message_id !== undefined && {
      type: 19,
      message_reference: { ...reference, channel_id: channel.id },
      referenced_message: referenced ?? null,
    }),
  });
}

/** A message as a dispatch shows it. */
export function inChannel(channel: Channel, message: DiscordMessage): Record<string, unknown> {
  const { reactions: _reactions, ...shown } = message;
  return { ...shown, channel_type: channel.type, ...guildOf(channel) };
}

/** `guild_id` (and a member) for everything but direct channels. */
export function guildOf(channel: Channel): { guild_id?: string } {
  return channel.guildId === undefined ? {} : { guild_id: channel.guildId };
}

/** What is wrong with a message's body, if anything. */
export function contentProblem({ body, request }: RestCall): Reply | undefined {
  const problem = lengthProblem(body);
  if (problem !== undefined) return problem;
  const filled = [body.embeds, body.components, body.sticker_ids].some(
    (list) => Array.isArray(list) && list.length > 0,
  );
  if ((asText(body.content) ?? "") === "" && !filled && request.files.length === 0)
    return apiError(50006);
  if (request.files.some(({ bytes }) => bytes.length > FILE_BYTES_MAX)) return apiError(40005);
  const nonce = asText(body.nonce) ?? "";
  return nonce.length > NONCE_CHARS_MAX
    ? invalidField(
        "nonce",
        "BASE_TYPE_BAD_LENGTH",
        `Must be between 1 and ${NONCE_CHARS_MAX} in length.`,
      )
    : undefined;
}

function lengthProblem(body: Readonly<Record<string, unknown>>): Reply | undefined {
  if ((asText(body.content) ?? "").length > CONTENT_CHARS_MAX) {
    const message = `Must be ${CONTENT_CHARS_MAX} or fewer in length.`;
    return invalidField("content", "BASE_TYPE_MAX_LENGTH", message);
  }
  return Array.isArray(body.embeds) && body.embeds.length > EMBEDS_MAX
    ? invalidField("embeds", "BASE_TYPE_MAX_LENGTH", `Must be ${EMBEDS_MAX} or fewer in length.`)
    : undefined;
}

function referenceProblem({ body }: RestCall, channel: Channel): Reply | undefined {
  const reference = asRecord(body.message_reference);
  if (reference.message_id === undefined || reference.fail_if_not_exists === false)
    return undefined;
  if (channel.messages.some(({ id }) => id === reference.message_id)) return undefined;
  return invalidField("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message");
}

function messageOf({ world, params }: RestCall): DiscordMessage | undefined {
  return channelOf(world, params[0] ?? "").messages.find(({ id }) => id === params[1]);
}

function byId(a: DiscordMessage, b: DiscordMessage): number {
  return BigInt(a.id) < BigInt(b.id) ? -1 : 1;
}
