/**
 * The two REST calls of the Gateway client: where the Gateway is, and messages that were missed while no session
 * could be resumed. Bounded in pages and time; never throws for a channel that cannot be read.
 */
import { objectOf, textOf } from "../domain/gateway/frames.ts";
import type { Gap } from "../domain/gateway/state.ts";
import type { GatewayBot, GatewayPorts } from "./gateway-port.ts";

type Ports = Pick<GatewayPorts, "fetch" | "hub" | "later">;

const PUBLIC_ORIGIN = "https://discord.com";
/** Discord's edge answers 403 without a User-Agent of this form. */
const USER_AGENT = "DiscordBot (https://omni-edge.dev, 0.1.0)";
const TIMEOUT_MS = 10_000;
/** "Message resource: Get Channel Messages": at most 100 a page. */
const PAGE = 100;
const PAGES_MAX = 5;
/** One pause of this length at most is waited out within a run; longer ones leave the gap for the next. */
const PAUSE_MAX_MS = 5000;

export interface Discovered {
  readonly url: string;
  readonly limits?: { readonly remaining: number; readonly resetAfterMs: number };
}

/** The Gateway's address, and how many identifies the server still allows today. Throws where it gets no answer. */
export async function discover(bot: GatewayBot, ports: Ports): Promise<Discovered> {
  if (bot.url?.startsWith("ws")) return { url: bot.url };
  const response = await get(bot, "/gateway/bot", ports);
  const body = objectOf(await response.json());
  const url = textOf(body?.url, 512);
  if (!response.ok || !url) throw new Error(`gateway/bot answered ${response.status}`);
  const limit = objectOf(body?.session_start_limit);
  const { remaining, reset_after: resetAfterMs } = limit ?? {};
  const known = typeof remaining === "number" && typeof resetAfterMs === "number";
  return { url, ...(known && { limits: { remaining, resetAfterMs } }) };
}

/** Hands over what was missed, channel by channel, oldest first; returns the gaps that are left. */
export async function backfill(
  connectionId: string,
  bot: GatewayBot,
  gaps: readonly Gap[],
  ports: Ports,
): Promise<Gap[]> {
  const left: Gap[] = [];
  for (const gap of gaps) {
    const rest = await fill(connectionId, bot, gap, ports).catch(() => gap);
    if (rest) left.push(rest);
  }
  return left;
}

/** Undefined where the channel is caught up, or can never be (no access, deleted). */
async function fill(
  connectionId: string,
  bot: GatewayBot,
  gap: Gap,
  ports: Ports,
): Promise<Gap | undefined> {
  let after = gap.after;
  for (let page = 0; page < PAGES_MAX; page++) {
    const messages = await pageAfter(bot, gap.channel, after, ports);
    if (messages === "unreadable" || messages.length === 0) return undefined;
    const frames = messages.map((message) => frameOf(message, gap.guild));
    const { accepted } = await ports.hub.gatewayFrames(connectionId, frames);
    if (accepted < frames.length) return { ...gap, after };
    after = textOf(messages.at(-1)?.id) ?? after;
    if (messages.length < PAGE) return undefined;
  }
  return { ...gap, after };
}

type Json = { readonly [key: string]: unknown };

/** The REST API leaves the guild out; without it a group would look like a direct channel. */
function frameOf(message: Json, guild: string | undefined): string {
  const d = guild === undefined ? message : { ...message, guild_id: guild };
  return JSON.stringify({ op: 0, t: "MESSAGE_CREATE", s: null, d });
}

async function pageAfter(
  bot: GatewayBot,
  channel: string,
  after: string,
  ports: Ports,
): Promise<Json[] | "unreadable"> {
  const path = `/channels/${encodeURIComponent(channel)}/messages?limit=${PAGE}&after=${encodeURIComponent(after)}`;
  let response = await get(bot, path, ports);
  if (response.status === 429) {
    await pause(response, ports);
    response = await get(bot, path, ports);
  }
  if (response.status === 403 || response.status === 404) return "unreadable";
  if (!response.ok) throw new Error(`messages answered ${response.status}`);
  const body: unknown = await response.json();
  const items: readonly unknown[] = Array.isArray(body) ? body : [];
  const messages = items.map(objectOf).filter((item) => item !== undefined);
  return messages.toSorted((a, b) => compareIds(textOf(a.id), textOf(b.id)));
}

/** Snowflakes rise with time: longer is later, and of one length the larger. */
function compareIds(a = "", b = ""): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : Number(a > b);
}

async function pause(response: Response, ports: Ports): Promise<void> {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  const ms = Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : PAUSE_MAX_MS;
  if (ms > PAUSE_MAX_MS) throw new Error("rate limited");
  await new Promise<void>((resolve) => ports.later(ms, resolve));
}

function get(bot: GatewayBot, path: string, ports: Ports): Promise<Response> {
  const origin = bot.url?.startsWith("http") ? bot.url : PUBLIC_ORIGIN;
  const root = origin.endsWith("/") ? origin.slice(0, -1) : origin;
  return ports.fetch(`${root}/api/v10${path}`, {
    headers: { authorization: `Bot ${bot.token}`, "user-agent": USER_AGENT },
    signal: AbortSignal.timeout(TIMEOUT_MS),
    redirect: "manual",
  });
}
