/**
 * A fake Slack: Web API, uploads, private downloads, OAuth, response_urls and, through the side door, the
 * events of people. Failures are HTTP 200 with `ok: false`, as in the original; rate limits are 429.
 */
import { type Attempt, createCourier } from "../delivery.ts";
import { asRecord, asText, json, type Reply, type SimRequest } from "../http.ts";
import { type ServerOptions, type Simulator, startSimulator } from "../simulator.ts";
import { CHAT_METHODS, storePost } from "./chat-methods.ts";
import { emit } from "./events.ts";
import { argumentsOf, type Method, refuse, tokenOf } from "./method.ts";
import { access, authorize, killTokens, newCode } from "./oauth.ts";
import { download, OTHER_METHODS, receiveUpload } from "./other-methods.ts";
import { addTeam, findTeam, type SlackAccount, teamOfToken, type World } from "./world.ts";

/** A response_url takes five messages. Source: Slack interactivity documentation. */
const RESPONSE_URL_USES_MAX = 5;
/** chat.postMessage: about one message a second and channel. Source: Slack rate limits. */
const POST_GAP_MS = 1_000;

export interface SlackOptions extends ServerOptions {
  readonly accounts?: readonly SlackAccount[];
  /** One post a second and channel, else 429 with Retry-After. Default false. */
  readonly rateLimit?: boolean;
  /** Whether the bot's posts come back as events. Default true. */
  readonly echo?: boolean;
  /** Multiplies the waits before retries. Default 1. */
  readonly timeScale?: number;
}

export interface SlackSimulator extends Simulator {
  register(account: SlackAccount): void;
  /** Same body as `POST /_sim/emit`; throws when it is refused. */
  emit(body: Record<string, unknown>): Promise<Record<string, unknown>>;
  deliveries(since?: number): readonly Attempt[];
}

const METHODS: Readonly<Record<string, Method>> = { ...CHAT_METHODS, ...OTHER_METHODS };

/** Starts a Slack on 127.0.0.1. The Web API is at `{url}/api/`. */
export async function startSlack(options: SlackOptions = {}): Promise<SlackSimulator> {
  const world: World = {
    url: "",
    courier: createCourier(options.timeScale),
    echo: options.echo !== false,
    teams: [],
    files: new Map(),
    channelErrors: new Map(),
    deadTokens: new Map(),
    codes: new Map(),
    responseUrls: new Map(),
    lastTsMicros: 0,
  };
  for (const account of options.accounts ?? []) addTeam(world, account);
  const lastPosts = new Map<string, number>();
  const simulator = await startSimulator(
    {
      name: "slack",
      handle: (request) =>
        (options.rateLimit === true ? throttle(world, lastPosts, request) : undefined) ??
        route(world, request),
      tenantOf: (request) => tenantOf(world, request),
      faultReply: (status) =>
        status === 429 ? json(refuse("ratelimited"), 429) : { status, body: "upstream error" },
      sideDoor: sideDoor(world),
      reset: () => forget(world, lastPosts),
      stop: () => world.courier.stop(),
    },
    options,
  );
  world.url = simulator.url;
  return {
    ...simulator,
    register: (account) => void addTeam(world, account),
    emit: async (body) => {
      const reply = await emit(world, body);
      if (reply.status >= 400) throw new Error(JSON.stringify(reply.body));
      return asRecord(reply.body);
    },
    deliveries: (since) => world.courier.attempts(since),
  };
}

function route(world: World, request: SimRequest): Reply {
  const { path } = request;
  if (path === "/oauth/v2/authorize") return authorize(world, request);
  if (path === "/api/oauth.v2.access") return access(world, request);
  if (path.startsWith("/upload/v1/")) return receiveUpload(world, request);
  if (path.startsWith("/files-pri/")) return download(world, request, tokenOf(request));
  if (path.startsWith("/commands/") || path.startsWith("/actions/")) {
    return useResponseUrl(world, request);
  }
  const name = path.startsWith("/api/") ? path.slice("/api/".length) : "";
  if (name === "") return { status: 404, body: "not found" };
  return json(invoke(world, name, request));
}

function invoke(world: World, name: string, request: SimRequest): unknown {
  const method = METHODS[name];
  if (method === undefined) return { ...refuse("unknown_method"), req_method: name };
  const args = argumentsOf(request);
  const token = tokenOf(request);
  if (token === undefined || token === "") return refuse("not_authed");
  const team = teamOfToken(world, token, asText(args.channel));
  if (team === undefined) return refuse(world.deadTokens.get(token) ?? "invalid_auth");
  return { ok: true, ...method({ world, team, args, token }) };
}

/** 429 for a second post to one channel within a second. */
function throttle(
  world: World,
  lastPosts: Map<string, number>,
  request: SimRequest,
): Reply | undefined {
  if (request.path !== "/api/chat.postMessage") return undefined;
  const token = tokenOf(request) ?? "";
  const channel = asText(argumentsOf(request).channel) ?? "";
  const team = teamOfToken(world, token, channel)?.teamId ?? token;
  const key = `${team}:${channel}`;
  const now = Date.now();
  if (now - (lastPosts.get(key) ?? 0) < POST_GAP_MS) {
    return json(refuse("ratelimited"), 429, { "retry-after": "1" });
  }
  lastPosts.set(key, now);
  return undefined;
}

function useResponseUrl(world: World, request: SimRequest): Reply {
  const known = world.responseUrls.get(request.path);
  if (known === undefined) return { status: 404, body: "no_such_url" };
  if (Date.now() > known.untilMs) return { status: 404, body: "expired_url" };
  if (known.uses >= RESPONSE_URL_USES_MAX) return { status: 404, body: "used_url" };
  known.uses += 1;
  const text = asText(asRecord(request.body).text) ?? "";
  storePost({ world, team: known.team }, known.channel, { text, subtype: "bot_message" });
  return { status: 200, body: "ok" };
}

/** By file, response_url or token; null where several tenants share a token and the channel does not tell. */
function tenantOf(world: World, request: SimRequest): string | null {
  const { path } = request;
  const responder = world.responseUrls.get(path);
  if (responder !== undefined) return responder.team.tenant;
  const fileId = path.startsWith("/upload/v1/")
    ? path.split("/").at(-1)
    : path.startsWith("/files-pri/")
      ? path.split("/")[2]?.split("-")[1]
      : undefined;
  const file = world.files.get(fileId ?? "");
  if (file !== undefined) return findTeam(world, file.team)?.tenant ?? null;
  const args = argumentsOf(request);
  const token = tokenOf(request) ?? "";
  const channel = asText(args.channel);
  const owners = world.teams.filter(({ tokens }) => tokens.has(token));
  const tenants = new Set(owners.map(({ tenant }) => tenant));
  if (tenants.size === 1) return [...tenants][0] ?? null;
  const knows = owners.filter(({ channels }) => channel !== undefined && channels.has(channel));
  return knows.length === 1 ? (knows[0]?.tenant ?? null) : null;
}

type SideRoute = (request: SimRequest) => Reply | Promise<Reply>;

function sideDoor(world: World): Record<string, SideRoute> {
  return {
    "POST /_sim/emit": (request) => emit(world, request.body),
    "POST /_sim/accounts": (request) => {
      const account = readAccount(asRecord(request.body));
      if (account === undefined) return json({ error: "team: expected an id" }, 400);
      addTeam(world, account);
      return json({ ok: true }, 201);
    },
    "POST /_sim/channels": (request) => {
      const { channel, error } = asRecord(request.body);
      const id = asText(channel) ?? "";
      if (asText(error) === undefined) world.channelErrors.delete(id);
      else world.channelErrors.set(id, asText(error) ?? "");
      return json(Object.fromEntries(world.channelErrors));
    },
    "POST /_sim/tokens": (request) => {
      const { team: id, error } = asRecord(request.body);
      const team = findTeam(world, id);
      if (team === undefined) return json({ error: "no such team" }, 404);
      killTokens(world, team, asText(error) ?? "token_revoked");
      return json({ ok: true });
    },
    "POST /_sim/code": (request) => {
      const team = findTeam(world, asRecord(request.body).team);
      return team === undefined
        ? json({ error: "no such team" }, 404)
        : json({ code: newCode(world, team) });
    },
    "GET /_sim/deliveries": (request) =>
      json(world.courier.attempts(Number(request.query.get("since") ?? 0))),
  };
}

const ACCOUNT_FIELDS = [
  "tenant",
  "teamName",
  "enterpriseId",
  "appId",
  "botUserId",
  "botId",
  "botToken",
  "refreshToken",
  "signingSecret",
  "clientId",
  "clientSecret",
  "eventsUrl",
  "commandsUrl",
  "interactivityUrl",
] as const;

function readAccount(body: Record<string, unknown>): SlackAccount | undefined {
  const team = asText(body.team);
  if (team === undefined || team === "") return undefined;
  const given = ACCOUNT_FIELDS.filter((field) => typeof body[field] === "string");
  return { team, ...Object.fromEntries(given.map((field) => [field, String(body[field])])) };
}

function forget(world: World, lastPosts: Map<string, number>): void {
  world.courier.reset();
  world.files.clear();
  world.channelErrors.clear();
  world.responseUrls.clear();
  lastPosts.clear();
  for (const team of world.teams) team.channels.clear();
}
