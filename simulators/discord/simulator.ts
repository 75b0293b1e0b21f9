/**
 * A fake Discord: REST v10, the Gateway on the same port, attachments with expiring URLs and, through the
 * side door, what people and the operator of Discord do.
 */
import { type Attempt, createCourier } from "../delivery.ts";
import { asRecord, asText, json, type Reply, type SimRequest } from "../http.ts";
import { type ServerOptions, type Simulator, startSimulator } from "../simulator.ts";
import { emit } from "./emit.ts";
import { limited } from "./errors.ts";
import { createGateway, type Gateway, type GatewayOptions } from "./gateway.ts";
import { createLimits } from "./limits.ts";
import { botOfRequest, rest } from "./rest.ts";
import { addBot, type DiscordAccount, findBot, type World } from "./world.ts";

export interface DiscordOptions extends ServerOptions, GatewayOptions {
  readonly accounts?: readonly DiscordAccount[];
  /** Buckets of 5 calls in 5 s, 50 a second for a bot, with their headers. Default false. */
  readonly rateLimit?: boolean;
  /** Multiplies the waits before Webhook Events are tried again. Default 1. */
  readonly timeScale?: number;
}

export interface DiscordSimulator extends Simulator {
  /** Gives the public key under which the application's requests are signed. */
  register(account: DiscordAccount): string;
  publicKey(applicationId: string): string | undefined;
  /** Same body as `POST /_sim/emit`; throws when it is refused. */
  emit(body: Record<string, unknown>): Promise<Record<string, unknown>>;
  readonly gateway: Pick<Gateway, "act" | "state">;
  deliveries(since?: number): readonly Attempt[];
}

/** Starts a Discord on 127.0.0.1. REST is at `{url}/api/v10`, the Gateway at the URL `GET /gateway` gives. */
export async function startDiscord(options: DiscordOptions = {}): Promise<DiscordSimulator> {
  const world = newWorld(options);
  const gateway = createGateway(world, options);
  const limits = options.rateLimit === true ? createLimits() : undefined;
  const simulator = await startSimulator(
    {
      name: "discord",
      handle: (request) =>
        request.path.startsWith("/attachments/")
          ? attachment(world, request)
          : rest(world, gateway, limits, request),
      tenantOf: (request) => botOfRequest(world, request)?.tenant ?? null,
      faultReply: (status, retryAfter) =>
        status === 429
          ? limited(retryAfter ?? 1, "user")
          : { status, body: "upstream connect error" },
      sideDoor: sideDoor(world, gateway),
      upgrade: (request, socket, head) => gateway.upgrade(request, socket, head),
      reset: () => {
        limits?.clear();
        gateway.reset();
        forget(world);
      },
      stop: () => {
        world.courier.stop();
        gateway.stop();
      },
    },
    options,
  );
  world.url = simulator.url;
  return {
    ...simulator,
    register: (account) => addBot(world, account).publicKey,
    publicKey: (applicationId) => findBot(world, applicationId)?.publicKey,
    emit: async (body) => {
      const reply = await emit(world, gateway, body);
      if (reply.status >= 400) throw new Error(JSON.stringify(reply.body));
      return asRecord(reply.body);
    },
    gateway,
    deliveries: (since) => world.courier.attempts(since),
  };
}

function newWorld(options: DiscordOptions): World {
  const world: World = {
    url: "",
    courier: createCourier(options.timeScale),
    bots: [],
    channels: new Map(),
    channelErrors: new Map(),
    attachments: new Map(),
    tokens: new Map(),
    nonces: new Map(),
    members: new Map(),
    lastSnowflake: 0n,
  };
  for (const account of options.accounts ?? []) addBot(world, account);
  return world;
}

/** A signed URL past its `ex` (hex seconds), or without one, gives 404 like the CDN. */
function attachment(world: World, request: SimRequest): Reply {
  const file = world.attachments.get(request.path);
  const expires = Number.parseInt(request.query.get("ex") ?? "0", 16) * 1000;
  if (file === undefined || !(expires > Date.now())) {
    return { status: 404, body: "This content is no longer available." };
  }
  return { status: 200, headers: { "content-type": file.type }, body: file.bytes };
}

type SideRoute = (request: SimRequest) => Reply | Promise<Reply>;

function sideDoor(world: World, gateway: Gateway): Record<string, SideRoute> {
  return {
    "POST /_sim/emit": (request) => emit(world, gateway, request.body),
    "POST /_sim/accounts": (request) => {
      const account = readAccount(asRecord(request.body));
      if (account === undefined) return json({ error: "applicationId: expected an id" }, 400);
      return json({ ok: true, publicKey: addBot(world, account).publicKey }, 201);
    },
    "POST /_sim/channels": (request) => {
      const { channel, error } = asRecord(request.body);
      const id = asText(channel) ?? "";
      if (typeof error === "number") world.channelErrors.set(id, error);
      else world.channelErrors.delete(id);
      return json(Object.fromEntries(world.channelErrors));
    },
    "POST /_sim/gateway": (request) => controlGateway(gateway, asRecord(request.body)),
    "GET /_sim/gateway": () => json(gateway.state()),
    "GET /_sim/deliveries": (request) =>
      json(world.courier.attempts(Number(request.query.get("since") ?? 0))),
  };
}

function controlGateway(gateway: Gateway, body: Record<string, unknown>): Reply {
  const applicationId = asText(body.applicationId);
  const done = gateway.act(asText(body.action) ?? "", {
    ...(applicationId !== undefined && { applicationId }),
    ...(typeof body.code === "number" && { code: body.code }),
    ...(typeof body.next === "number" && { next: body.next }),
    resumable: body.resumable === true,
  });
  if (done) return json(gateway.state());
  return json({ error: "action: expected drop, reconnect, invalid, close, zombie or refuse" }, 400);
}

const ACCOUNT_FIELDS = [
  "tenant",
  "botToken",
  "botUserId",
  "seedHex",
  "interactionsUrl",
  "eventsUrl",
] as const;

function readAccount(body: Record<string, unknown>): DiscordAccount | undefined {
  const applicationId = asText(body.applicationId);
  if (applicationId === undefined || applicationId === "") return undefined;
  const given = ACCOUNT_FIELDS.filter((field) => typeof body[field] === "string");
  const texts = Object.fromEntries(given.map((field) => [field, String(body[field])]));
  const messageContent = body.messageContent !== false;
  return { applicationId, messageContent, ...texts };
}

function forget(world: World): void {
  world.courier.reset();
  world.channels.clear();
  world.channelErrors.clear();
  world.attachments.clear();
  world.tokens.clear();
  world.nonces.clear();
  world.members.clear();
}
