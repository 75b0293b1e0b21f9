/**
 * A fake Evolution API server: routes, the order of its guards (licence, instance, key) and its side door.
 * Behaviour follows the Evolution sources of the chosen release; it never talks to WhatsApp.
 */
import { type Attempt, createCourier } from "../delivery.ts";
import { asRecord, asText, json, type Reply, type SimRequest } from "../http.ts";
import { type ServerOptions, type Simulator, startSimulator } from "../simulator.ts";
import { CHAT_ROUTES } from "./chats.ts";
import { emit } from "./emit.ts";
import { failure, licenseRequired } from "./errors.ts";
import {
  createInstance,
  disconnect,
  fetchInstances,
  INSTANCE_ROUTES,
  readAccount,
  scan,
} from "./instances.ts";
import { sendMessage } from "./messages.ts";
import type { EvolutionVersion } from "./versions.ts";
import {
  addInstance,
  type EvolutionAccount,
  findInstance,
  type Instance,
  type World,
} from "./world.ts";

export interface EvolutionOptions extends ServerOptions {
  /** Default "2.3.7"; an account may differ. */
  readonly version?: EvolutionVersion;
  /** Accepted everywhere. Default "evolution-global-key". */
  readonly globalApiKey?: string;
  readonly accounts?: readonly EvolutionAccount[];
  /** Whether accepted sends give `send.message` and states as webhooks. Default true. */
  readonly emitSends?: boolean;
  /** Multiplies waits: retries, states, `delay`. Default 1. */
  readonly timeScale?: number;
  /** False: a 2.4 server that nobody activated. Default true. */
  readonly licensed?: boolean;
  readonly random?: () => number;
}

export interface EvolutionSimulator extends Simulator {
  readonly globalApiKey: string;
  register(account: EvolutionAccount): void;
  /** Same body as `POST /_sim/emit`; throws when it is refused. */
  emit(body: Record<string, unknown>): Promise<Record<string, unknown>>;
  deliveries(since?: number): readonly Attempt[];
}

/** Starts an Evolution server on 127.0.0.1. */
export async function startEvolution(options: EvolutionOptions = {}): Promise<EvolutionSimulator> {
  const world: World = {
    url: "",
    licensed: options.licensed !== false,
    version: options.version ?? "2.3.7",
    globalApiKey: options.globalApiKey ?? "evolution-global-key",
    emitSends: options.emitSends !== false,
    courier: createCourier(options.timeScale),
    random: options.random ?? Math.random,
    instances: [],
    absent: new Set(),
  };
  for (const account of options.accounts ?? []) addInstance(world, account);
  const simulator = await startSimulator(
    {
      name: "evolution",
      handle: (request) => route(world, request),
      tenantOf: (request) => addressed(world, request)?.tenant ?? null,
      faultReply: (status) => failure(status, "planned fault"),
      sideDoor: sideDoor(world),
      reset: () => forget(world),
      stop: () => world.courier.stop(),
    },
    options,
  );
  world.url = simulator.url;
  return {
    ...simulator,
    globalApiKey: world.globalApiKey,
    register: (account) => void addInstance(world, account),
    emit: async (body) => {
      const reply = await emit(world, body);
      if (reply.status >= 400) throw new Error(JSON.stringify(reply.body));
      return asRecord(reply.body);
    },
    deliveries: (since) => world.courier.attempts(since),
  };
}

async function route(world: World, request: SimRequest): Promise<Reply> {
  if (!world.licensed) return licenseRequired(world.url);
  const { method, path } = request;
  const [group = "", action = "", name] = segments(path);
  if (name === undefined) {
    return serverRoute(world, request) ?? failure(404, `Cannot ${method} ${path}`);
  }
  const instance = addressed(world, request);
  if (instance === undefined) return failure(404, `The "${name}" instance does not exist`);
  if (!mayUse(world, instance, request)) return failure(401);
  const reply = await dispatch(world, instance, `${group}/${action}`, request);
  return reply ?? failure(404, `Cannot ${method} ${path}`);
}

/** Routes that name no instance. */
function serverRoute(world: World, request: SimRequest): Reply | undefined {
  const key = apiKeyOf(request);
  switch (`${request.method} ${request.path}`) {
    case "GET /":
      return json({
        status: 200,
        message: "Welcome to the Evolution API, it is working!",
        version: world.version,
      });
    case "POST /instance/create":
      return key === world.globalApiKey ? createInstance(world, request) : failure(401);
    case "GET /instance/fetchInstances": {
      if (key === world.globalApiKey) return fetchInstances(world, request);
      const known = world.instances.some(({ token }) => token === key);
      return known ? fetchInstances(world, request, key) : failure(401);
    }
    default:
      return undefined;
  }
}

function mayUse(world: World, instance: Instance, request: SimRequest): boolean {
  const key = apiKeyOf(request);
  return key === world.globalApiKey || key === instance.token;
}

async function dispatch(
  world: World,
  instance: Instance,
  target: string,
  request: SimRequest,
): Promise<Reply | undefined> {
  const [group = "", action = ""] = target.split("/");
  if (group === "message" && request.method === "POST") {
    return sendMessage(world, instance, action, request);
  }
  if (group === "chat") {
    return CHAT_ROUTES[`${request.method} ${action}`]?.(
      world,
      instance,
      asRecord(request.body),
      request,
    );
  }
  return INSTANCE_ROUTES[`${request.method} ${target}`]?.(world, instance, request);
}

function addressed(world: World, request: SimRequest): Instance | undefined {
  const name = segments(request.path)[2];
  return name === undefined ? undefined : findInstance(world, name, apiKeyOf(request));
}

function segments(path: string): string[] {
  return path.split("/").slice(1).filter(Boolean).map(decoded);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function apiKeyOf(request: SimRequest): string {
  return String(request.headers.apikey ?? "");
}

type SideRoute = (request: SimRequest) => Reply | Promise<Reply>;

function sideDoor(world: World): Record<string, SideRoute> {
  const onInstance =
    (act: (instance: Instance, body: Record<string, unknown>) => void): SideRoute =>
    (request) => {
      const body = asRecord(request.body);
      const instance = findInstance(world, asText(body.instance) ?? "", asText(body.apiKey));
      if (instance === undefined) return json({ error: "no such instance" }, 404);
      act(instance, body);
      return json({ ok: true, state: instance.state });
    };
  return {
    "POST /_sim/emit": (request) => emit(world, request.body),
    "POST /_sim/scan": onInstance((instance) => scan(world, instance)),
    "POST /_sim/disconnect": onInstance((instance, body) =>
      disconnect(world, instance, typeof body.reason === "number" ? body.reason : 401),
    ),
    "POST /_sim/accounts": (request) => {
      const account = readAccount(asRecord(request.body));
      if (account === undefined) return json({ error: "instance: expected a name" }, 400);
      addInstance(world, account);
      return json({ ok: true }, 201);
    },
    "POST /_sim/license": (request) => {
      world.licensed = asRecord(request.body).licensed === true;
      return json({ licensed: world.licensed });
    },
    "POST /_sim/absent": (request) => {
      const { numbers } = asRecord(request.body);
      for (const number of Array.isArray(numbers) ? numbers : []) world.absent.add(String(number));
      return json({ absent: [...world.absent] });
    },
    "GET /_sim/deliveries": (request) =>
      json(world.courier.attempts(Number(request.query.get("since") ?? 0))),
  };
}

function forget(world: World): void {
  world.courier.reset();
  world.absent.clear();
  for (const instance of world.instances) instance.messages = [];
}
