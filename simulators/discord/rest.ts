/** The table of Discord's REST routes, and the checks before each: User-Agent, token, channel, rate limit. */
import { asRecord, asText, json, type Reply, type SimRequest } from "../http.ts";
import { changeApplication, showApplication } from "./application-routes.ts";
import { apiError, blocked } from "./errors.ts";
import type { Gateway } from "./gateway.ts";
import { answerMessage, callback, followUp } from "./interaction-routes.ts";
import type { Limits } from "./limits.ts";
import {
  createMessage,
  deleteMessage,
  editMessage,
  getMessage,
  guildOf,
  listMessages,
  openDirect,
  type RestCall,
  type RestRoute,
  react,
} from "./message-routes.ts";
import { type Bot, botOfToken, botUser, channelOf, findBot, type World } from "./world.ts";

interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly act: RestRoute;
  /** Interaction routes carry their token in the path. */
  readonly open?: boolean;
}

const ROUTES: readonly Route[] = [
  route("GET", "/gateway", ({ world }) => json({ url: socketUrl(world) }), true),
  route("GET", "/gateway/bot", gatewayBot),
  route("GET", "/users/@me", ({ bot }) => json({ ...botUser(bot), verified: true, flags: 0 })),
  route("POST", "/users/@me/channels", openDirect),
  route("GET", "/applications/@me", showApplication),
  route("PATCH", "/applications/@me", changeApplication),
  route("GET", "/channels/:id", ({ world, params }) => {
    const channel = channelOf(world, params[0] ?? "");
    return json({
      id: channel.id,
      type: channel.type,
      parent_id: channel.parentId ?? null,
      ...guildOf(channel),
    });
  }),
  route("POST", "/channels/:id/messages", createMessage),
  route("GET", "/channels/:id/messages", listMessages),
  route("GET", "/channels/:id/messages/:id", getMessage),
  route("PATCH", "/channels/:id/messages/:id", editMessage),
  route("DELETE", "/channels/:id/messages/:id", deleteMessage),
  route("PUT", "/channels/:id/messages/:id/reactions/:id/@me", react),
  route("DELETE", "/channels/:id/messages/:id/reactions/:id/@me", react),
  route("POST", "/channels/:id/typing", () => ({ status: 204 })),
  route("POST", "/interactions/:id/:id/callback", callback, true),
  route("POST", "/webhooks/:id/:id", followUp, true),
  route("GET", "/webhooks/:id/:id/messages/:id", answerMessage, true),
  route("PATCH", "/webhooks/:id/:id/messages/:id", answerMessage, true),
  route("DELETE", "/webhooks/:id/:id/messages/:id", answerMessage, true),
];

/** Answers one REST call. `limits` undefined: no rate limits. */
export async function rest(
  world: World,
  gateway: Gateway,
  limits: Limits | undefined,
  request: SimRequest,
): Promise<Reply> {
  if (!/^DiscordBot \(/.test(request.headers["user-agent"] ?? "")) return blocked();
  const path = request.path.replace(/^\/api(?:\/v\d+)?(?=\/)/, "");
  const found = match(request.method, path);
  if (found === undefined) return json({ message: "404: Not Found", code: 0 }, 404);
  const { matched, params } = found;
  const bot = matched.open === true ? openBot(world, params[0]) : botOf(world, request, params[0]);
  if (bot === undefined) return apiError(0);
  const error = world.channelErrors.get(params[0] ?? "");
  if (error !== undefined) return apiError(error);
  const bucket = `${matched.method} ${matched.path.source}:${params[0] ?? ""}`;
  const taken = limits?.take(bot.applicationId, bucket, matched.open === true);
  const headers = taken?.headers ?? {};
  const call = restCall(world, gateway, bot, params, request);
  const reply = taken?.refusal ?? (await matched.act(call));
  return { ...reply, headers: { ...headers, ...reply.headers } };
}

/** The bot a request speaks for, by token or by the application in the path. */
export function botOfRequest(world: World, request: SimRequest): Bot | undefined {
  const path = request.path.replace(/^\/api(?:\/v\d+)?(?=\/)/, "");
  const found = match(request.method, path);
  if (path.startsWith("/webhooks/")) return findBot(world, found?.params[0]);
  return botOf(world, request, found?.params[0]);
}

/** A call with its body: JSON, or the `payload_json` of a form with files. */
export function restCall(
  world: World,
  gateway: Gateway,
  bot: Bot,
  params: readonly string[],
  request: SimRequest,
): RestCall {
  const form = asRecord(request.body);
  const payload = asText(form.payload_json);
  const body = payload === undefined ? form : parsed(payload);
  return { world, gateway, bot, params, body, request };
}

function route(method: string, path: string, act: RestRoute, open = false): Route {
  return { method, path: new RegExp(`^${path.replaceAll(":id", "([^/]+)")}$`), act, open };
}

function match(method: string, path: string): { matched: Route; params: string[] } | undefined {
  for (const matched of ROUTES) {
    const hit = matched.method === method ? matched.path.exec(path) : null;
    if (hit !== null) return { matched, params: hit.slice(1) };
  }
  return undefined;
}

function botOf(world: World, request: SimRequest, channel?: string): Bot | undefined {
  const header = request.headers.authorization ?? "";
  return header.startsWith("Bot ") ? botOfToken(world, header.slice(4), channel) : undefined;
}

/** An interaction's application; any where the path names none. */
function openBot(world: World, applicationId: string | undefined): Bot | undefined {
  return findBot(world, applicationId) ?? world.bots[0];
}

function gatewayBot({ world, bot }: RestCall): Reply {
  return json({
    url: socketUrl(world),
    shards: 1,
    session_start_limit: {
      total: 1000,
      remaining: bot.identifiesLeft,
      reset_after: 86_400_000,
      max_concurrency: 1,
    },
  });
}

function socketUrl(world: World): string {
  return world.url.replace("http:", "ws:");
}

function parsed(text: string): Record<string, unknown> {
  try {
    return asRecord(JSON.parse(text));
  } catch {
    return {};
  }
}
