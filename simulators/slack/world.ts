/**
 * What the simulated Slack knows: workspaces with the app installed, channels, messages, files, tokens.
 * Keeps and finds; the Web API's methods and the events decide.
 */
import { randomBytes } from "node:crypto";
import type { Courier } from "../delivery.ts";
import type { SlackApp } from "./sender.ts";

/** One workspace with the app installed. Everything but `team` is made up when absent. */
export interface SlackAccount {
  readonly team: string;
  readonly tenant?: string;
  readonly teamName?: string;
  readonly enterpriseId?: string;
  readonly appId?: string;
  readonly botUserId?: string;
  readonly botId?: string;
  readonly botToken?: string;
  readonly refreshToken?: string;
  readonly signingSecret?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** Where events go; commands and interactions go there too unless told otherwise. */
  readonly eventsUrl?: string;
  readonly commandsUrl?: string;
  readonly interactivityUrl?: string;
}

export interface SlackMessage {
  readonly ts: string;
  readonly user: string;
  text: string;
  readonly thread_ts?: string;
  readonly bot_id?: string;
  readonly app_id?: string;
  readonly subtype?: string;
  blocks?: unknown;
  readonly metadata?: unknown;
  readonly files?: readonly unknown[];
  edited?: { readonly user: string; readonly ts: string };
  reactions: { name: string; users: string[]; count: number }[];
}

export interface SlackFile {
  readonly id: string;
  readonly team: string;
  readonly name: string;
  readonly mimetype: string;
  title: string;
  bytes: Buffer;
  complete: boolean;
}

export interface Team extends SlackApp {
  readonly tenant: string | null;
  readonly name: string;
  readonly botId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly urls: { events?: string; commands?: string; interactivity?: string };
  /** Valid bot tokens. */
  readonly tokens: Set<string>;
  refreshToken: string | undefined;
  readonly channels: Map<string, SlackMessage[]>;
}

export interface World {
  url: string;
  readonly courier: Courier;
  /** Whether the bot's own posts come back as events. */
  readonly echo: boolean;
  readonly teams: Team[];
  readonly files: Map<string, SlackFile>;
  /** Channels that answer with an error: `channel_not_found`, `not_in_channel`, `is_archived`, ... */
  readonly channelErrors: Map<string, string>;
  /** Tokens that were valid once, with today's error. */
  readonly deadTokens: Map<string, string>;
  /** OAuth codes not used yet. */
  readonly codes: Map<string, Team>;
  readonly responseUrls: Map<
    string,
    { team: Team; channel: string; uses: number; untilMs: number }
  >;
  lastTsMicros: number;
}

/** Adds a workspace; the same one of the same tenant is replaced. */
export function addTeam(world: World, account: SlackAccount): Team {
  const events = account.eventsUrl;
  const commands = account.commandsUrl ?? events;
  const interactivity = account.interactivityUrl ?? events;
  const team: Team = {
    teamId: account.team,
    tenant: account.tenant ?? null,
    name: account.teamName ?? `Workspace ${account.team}`,
    ...(account.enterpriseId !== undefined && { enterpriseId: account.enterpriseId }),
    appId: account.appId ?? "A0SIM",
    botUserId: account.botUserId ?? "U0BOT",
    botId: account.botId ?? "B0BOT",
    signingSecret: account.signingSecret ?? "slack-signing-secret",
    clientId: account.clientId ?? "client-id",
    clientSecret: account.clientSecret ?? "client-secret",
    urls: {
      ...(events !== undefined && { events }),
      ...(commands !== undefined && { commands }),
      ...(interactivity !== undefined && { interactivity }),
    },
    tokens: new Set(account.botToken === undefined ? [] : [account.botToken]),
    refreshToken: account.refreshToken,
    channels: new Map(),
  };
  const again = world.teams.findIndex(
    ({ teamId, tenant, appId }) =>
      teamId === team.teamId && tenant === team.tenant && appId === team.appId,
  );
  if (again >= 0) world.teams.splice(again, 1);
  world.teams.push(team);
  return team;
}

/** The team a token belongs to; several may share one in tests, then the one that knows the channel. */
export function teamOfToken(world: World, token: string, channel?: string): Team | undefined {
  const owners = world.teams.filter(({ tokens }) => tokens.has(token));
  const knows = owners.find(({ channels }) => channel !== undefined && channels.has(channel));
  return knows ?? owners[0];
}

export function findTeam(world: World, id: unknown): Team | undefined {
  return world.teams.find(({ teamId }) => teamId === id);
}

/** A timestamp no other message has: seconds with six decimals, always rising. */
export function newTs(world: World): string {
  world.lastTsMicros = Math.max(Date.now() * 1000, world.lastTsMicros + 1);
  return tsOf(world.lastTsMicros);
}

/** Microseconds since the epoch as Slack writes them. */
export function tsOf(micros: number): string {
  return `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, "0")}`;
}

/** The messages of a channel, oldest first; the channel exists from its first use on. */
export function channelOf(team: Team, id: string): SlackMessage[] {
  const known = team.channels.get(id);
  if (known !== undefined) return known;
  const fresh: SlackMessage[] = [];
  team.channels.set(id, fresh);
  return fresh;
}

export function findMessage(team: Team, channel: string, ts: unknown): SlackMessage | undefined {
  return team.channels.get(channel)?.find((message) => message.ts === ts);
}

/** A stored file with its bytes. */
export function addFile(
  world: World,
  file: Omit<SlackFile, "id" | "complete" | "title"> & { readonly complete?: boolean },
): SlackFile {
  const id = `F${randomBytes(5).toString("hex").toUpperCase()}`;
  const stored: SlackFile = { ...file, id, title: file.name, complete: file.complete ?? true };
  world.files.set(id, stored);
  return stored;
}

/** A file as events and answers show it. */
export function fileObject(world: World, file: SlackFile): Record<string, unknown> {
  const base = `${world.url}/files-pri/${file.team}-${file.id}`;
  return {
    id: file.id,
    name: file.name,
    title: file.title,
    mimetype: file.mimetype,
    filetype: file.name.split(".").at(-1) ?? "bin",
    size: file.bytes.length,
    mode: "hosted",
    is_external: false,
    is_public: false,
    url_private: `${base}/${encodeURIComponent(file.name)}`,
    url_private_download: `${base}/download/${encodeURIComponent(file.name)}`,
  };
}

/** `im` for D..., `mpim`/`group` for G..., else `channel`. */
export function channelType(channel: string): string {
  if (channel.startsWith("D")) return "im";
  return channel.startsWith("G") ? "group" : "channel";
}
