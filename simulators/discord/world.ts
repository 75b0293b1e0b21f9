/**
 * What the simulated Discord knows: applications with their bots, channels, messages, interaction tokens.
 * Builds message objects; the REST routes and the Gateway decide.
 */
import { randomBytes } from "node:crypto";
import type { Courier } from "../delivery.ts";
import { discordPublicKey } from "./sender.ts";

/** First millisecond a snowflake can hold. Source: Discord reference, snowflakes. */
const EPOCH_MS = 1_420_070_400_000n;
/** Signed attachment URLs live about a day. Source: Discord CDN documentation. */
const ATTACHMENT_LIFE_SECONDS = 86_400;

/** An application with its bot. Everything but `applicationId` is made up when absent. */
export interface DiscordAccount {
  readonly applicationId: string;
  readonly tenant?: string;
  readonly botToken?: string;
  readonly botUserId?: string;
  /** Private Ed25519 seed, 64 hex characters: signs interactions and Webhook Events. */
  readonly seedHex?: string;
  readonly interactionsUrl?: string;
  readonly eventsUrl?: string;
  /** Whether the privileged intent MESSAGE_CONTENT is granted. Default true. */
  readonly messageContent?: boolean;
}

export interface Bot {
  readonly applicationId: string;
  readonly tenant: string | null;
  readonly token: string;
  readonly userId: string;
  readonly seedHex: string;
  readonly publicKey: string;
  readonly urls: { interactions?: string; readonly events?: string };
  readonly messageContent: boolean;
  identifiesLeft: number;
}

/** A message object as the API shows it; extra fields (embeds, components, ...) as they were given. */
export interface DiscordMessage {
  readonly id: string;
  readonly channel_id: string;
  readonly type: number;
  readonly author: Readonly<Record<string, unknown>> & { readonly id: string };
  readonly timestamp: string;
  content: string;
  edited_timestamp: string | null;
  pinned: boolean;
  attachments: readonly Attachment[];
  reactions: { emoji: { id: null; name: string }; count: number; me: boolean }[];
  [field: string]: unknown;
}

export interface Attachment {
  readonly id: string;
  readonly filename: string;
  readonly size: number;
  readonly content_type: string;
  readonly url: string;
  readonly proxy_url: string;
}

export interface Channel {
  readonly id: string;
  /** 0 guild text, 1 direct, 11 public thread. */
  readonly type: number;
  readonly guildId: string | undefined;
  readonly parentId: string | undefined;
  readonly messages: DiscordMessage[];
}

export interface InteractionToken {
  readonly applicationId: string;
  readonly channel: string;
  readonly untilMs: number;
  acknowledged: boolean;
  /** False until the application's answer has arrived: till then nothing can be sent with the token. */
  open: boolean;
  original: string | undefined;
}

export interface World {
  url: string;
  readonly courier: Courier;
  readonly bots: Bot[];
  readonly channels: Map<string, Channel>;
  /** Channels that answer every call with an error code: 10003, 50001, 50013, 50007, ... */
  readonly channelErrors: Map<string, number>;
  readonly attachments: Map<string, { readonly bytes: Buffer; readonly type: string }>;
  readonly tokens: Map<string, InteractionToken>;
  /** Messages by bot, channel and nonce, for enforce_nonce. */
  readonly nonces: Map<string, { readonly message: DiscordMessage; readonly atMs: number }>;
  /** Which applications were seen in a channel. */
  readonly members: Map<string, Set<string>>;
  lastSnowflake: bigint;
}

/** Adds an application; the same one of the same tenant is replaced. */
export function addBot(world: World, account: DiscordAccount): Bot {
  const seedHex = account.seedHex ?? randomBytes(32).toString("hex");
  const bot: Bot = {
    applicationId: account.applicationId,
    tenant: account.tenant ?? null,
    token: account.botToken ?? `bot-${account.applicationId}`,
    userId: account.botUserId ?? account.applicationId,
    seedHex,
    publicKey: discordPublicKey(seedHex),
    urls: {
      ...(account.interactionsUrl !== undefined && { interactions: account.interactionsUrl }),
      ...(account.eventsUrl !== undefined && { events: account.eventsUrl }),
    },
    messageContent: account.messageContent !== false,
    identifiesLeft: 1000,
  };
  const again = world.bots.findIndex(
    ({ applicationId, tenant }) => applicationId === bot.applicationId && tenant === bot.tenant,
  );
  if (again >= 0) world.bots.splice(again, 1);
  world.bots.push(bot);
  return bot;
}

export function findBot(world: World, applicationId: unknown): Bot | undefined {
  return world.bots.find((bot) => bot.applicationId === applicationId);
}

/** The bot of a token; where several share it, the one that was seen in the channel. */
export function botOfToken(world: World, token: string, channel?: string): Bot | undefined {
  const owners = world.bots.filter((bot) => bot.token === token);
  const members = world.members.get(channel ?? "");
  return owners.find(({ applicationId }) => members?.has(applicationId) === true) ?? owners[0];
}

/** An id no other object has, rising with time. */
export function snowflake(world: World, nowMs = Date.now()): string {
  const fromTime = (BigInt(nowMs) - EPOCH_MS) << 22n;
  world.lastSnowflake = fromTime > world.lastSnowflake ? fromTime : world.lastSnowflake + 1n;
  return String(world.lastSnowflake);
}

/** The channel of an id; a new one is a guild's text channel unless told otherwise. */
export function channelOf(
  world: World,
  id: string,
  made: {
    readonly type?: number;
    readonly guildId?: string | undefined;
    readonly parentId?: string | undefined;
  } = {},
): Channel {
  const known = world.channels.get(id);
  if (known !== undefined) return known;
  const channel: Channel = {
    id,
    type: made.type ?? 0,
    guildId: made.guildId,
    parentId: made.parentId,
    messages: [],
  };
  world.channels.set(id, channel);
  return channel;
}

/** Remembers that a bot is in a channel. */
export function join(world: World, bot: Bot, channel: string): void {
  const members = world.members.get(channel) ?? new Set();
  members.add(bot.applicationId);
  world.members.set(channel, members);
}

/** The direct channel of a bot and a person; always the same one. */
export function directChannel(world: World, bot: Bot, user: string): Channel {
  const id = String((BigInt(digits(bot.userId)) * 31n + BigInt(digits(user))) % 10n ** 18n);
  return channelOf(world, id, { type: 1 });
}

/** A message object; `fields` come over what every message has. */
export function newMessage(
  world: World,
  channel: Channel,
  author: DiscordMessage["author"],
  fields: Partial<DiscordMessage> & { readonly content: string },
): DiscordMessage {
  return {
    type: 0,
    tts: false,
    timestamp: isoMicros(Date.now()),
    pinned: false,
    mentions: [],
    mention_roles: [],
    mention_everyone: false,
    flags: 0,
    embeds: [],
    edited_timestamp: null,
    components: [],
    attachments: [],
    reactions: [],
    author,
    channel_id: channel.id,
    id: snowflake(world),
    ...fields,
  };
}

/** The bot as an author. */
export function botUser(bot: Bot): DiscordMessage["author"] {
  return { ...person(bot.userId, "hub"), bot: true };
}

/** A person as an author. */
export function person(id: string, name = "person"): DiscordMessage["author"] {
  return {
    id,
    username: name,
    global_name: name,
    discriminator: "0",
    avatar: null,
    public_flags: 0,
  };
}

/** Stores bytes under a signed, expiring URL like the CDN's. */
export function addAttachment(
  world: World,
  channel: string,
  file: { readonly name: string; readonly type: string; readonly bytes: Buffer },
): Attachment {
  const id = snowflake(world);
  const path = `/attachments/${channel}/${id}/${encodeURIComponent(file.name)}`;
  world.attachments.set(path, { bytes: file.bytes, type: file.type });
  const now = Math.floor(Date.now() / 1000);
  const signed = `ex=${(now + ATTACHMENT_LIFE_SECONDS).toString(16)}&is=${now.toString(16)}&hm=${randomBytes(32).toString("hex")}`;
  const url = `${world.url}${path}?${signed}`;
  return {
    id,
    filename: file.name,
    size: file.bytes.length,
    content_type: file.type,
    url,
    proxy_url: url,
  };
}

/** `2026-02-01T03:34:22.613000+00:00`. */
export function isoMicros(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000+00:00");
}

function digits(id: string): string {
  const only = id.replace(/\D/g, "");
  return only === "" ? "0" : only;
}
