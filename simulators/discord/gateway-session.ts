/** One Gateway session: its sequence, what may be replayed, and what its intents let through. */
import type { WebSocket } from "ws";
import type { Bot } from "./world.ts";

/** Intents by the events they open. Source: Discord Gateway, list of intents. */
const INTENTS = {
  GUILDS: 1 << 0,
  GUILD_MESSAGES: 1 << 9,
  GUILD_MESSAGE_REACTIONS: 1 << 10,
  GUILD_MESSAGE_TYPING: 1 << 11,
  DIRECT_MESSAGES: 1 << 12,
  DIRECT_MESSAGE_REACTIONS: 1 << 13,
  DIRECT_MESSAGE_TYPING: 1 << 14,
  MESSAGE_CONTENT: 1 << 15,
} as const;
/** Every intent there is; others are invalid. */
const INTENTS_KNOWN = 0b11_0011_1111_1111_1111_1111_1111;
const PRIVILEGED_CONTENT = INTENTS.MESSAGE_CONTENT;
const REPLAY_MAX = 5_000;

export interface Session {
  readonly id: string;
  readonly bot: Bot;
  readonly intents: number;
  readonly shard: readonly [number, number];
  seq: number;
  replay: { readonly s: number; readonly frame: string }[];
  socket: WebSocket | undefined;
  resumes: number;
}

/** 4013 for unknown bits, 4014 for content without the grant, undefined for good intents. */
export function intentsProblem(bot: Bot, intents: unknown): number | undefined {
  if (typeof intents !== "number" || !Number.isInteger(intents) || intents < 0) return 4013;
  if ((intents & ~INTENTS_KNOWN) !== 0) return 4013;
  return (intents & PRIVILEGED_CONTENT) !== 0 && !bot.messageContent ? 4014 : undefined;
}

/** Whether a dispatch of this kind reaches the session: by intent and by shard. */
export function reaches(session: Session, type: string, guildId: string | undefined): boolean {
  const [shard, shards] = session.shard;
  const isId = guildId !== undefined && /^\d+$/.test(guildId);
  const own = isId ? Number((BigInt(guildId) >> 22n) % BigInt(shards)) : 0;
  if (own !== shard) return false;
  const needed = intentOf(type, guildId === undefined);
  return needed === 0 || (session.intents & needed) !== 0;
}

/** Numbers a dispatch, keeps it for a replay, and gives its frame. */
export function record(session: Session, type: string, data: unknown): string {
  session.seq += 1;
  const frame = JSON.stringify({ t: type, s: session.seq, op: 0, d: data });
  session.replay.push({ s: session.seq, frame });
  if (session.replay.length > REPLAY_MAX * 2) session.replay = session.replay.slice(-REPLAY_MAX);
  return frame;
}

/** Without MESSAGE_CONTENT a guild message is empty unless it is the bot's own or names the bot. */
export function visible(session: Session, data: Record<string, unknown>): Record<string, unknown> {
  if ((session.intents & PRIVILEGED_CONTENT) !== 0 || data.guild_id === undefined) return data;
  const author = data.author as { id?: string } | undefined;
  const mentions = (data.mentions ?? []) as { id?: string }[];
  const own = author?.id === session.bot.userId;
  if (own || mentions.some(({ id }) => id === session.bot.userId)) return data;
  return { ...data, content: "", attachments: [], embeds: [], components: [] };
}

function intentOf(type: string, direct: boolean): number {
  if (type.startsWith("MESSAGE_REACTION")) {
    return direct ? INTENTS.DIRECT_MESSAGE_REACTIONS : INTENTS.GUILD_MESSAGE_REACTIONS;
  }
  if (type.startsWith("MESSAGE_")) return direct ? INTENTS.DIRECT_MESSAGES : INTENTS.GUILD_MESSAGES;
  if (type === "TYPING_START")
    return direct ? INTENTS.DIRECT_MESSAGE_TYPING : INTENTS.GUILD_MESSAGE_TYPING;
  return /^(GUILD|CHANNEL|THREAD)_/.test(type) ? INTENTS.GUILDS : 0;
}
