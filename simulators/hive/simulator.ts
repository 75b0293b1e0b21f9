/**
 * A fake Hive: AgentOS runs (forms, server-sent events, background, sessions, idempotency keys) and the
 * plain JSON dialect `POST /process`. Its brain is canned and set through the side door.
 */
import { createHash } from "node:crypto";
import { asRecord, asText, json, type Reply, type SimRequest } from "../http.ts";
import { type ServerOptions, type Simulator, startSimulator } from "../simulator.ts";
import { answerTo, type Brain, parseBrain } from "./brain.ts";
import { type ComponentKind, newRun, type Run, runObject, stream, work } from "./runs.ts";

/** A caller; without `apiKey` it calls without any. `agent` tells callers apart that share a key. */
export interface HiveAccount {
  readonly apiKey?: string;
  readonly tenant?: string;
  readonly agent?: string;
}

export interface HiveOptions extends ServerOptions {
  /** With accounts, a Bearer or X-API-Key of one of them is required (none for one without); else anybody may call. */
  readonly accounts?: readonly HiveAccount[];
  /** The only ids that exist; default: any. */
  readonly components?: readonly string[];
}

export interface HiveSimulator extends Simulator {
  register(account: HiveAccount): void;
  /** Same as `POST /_sim/brain`; throws for an unknown mode. */
  brain(value: Partial<Brain>): void;
}

interface World {
  readonly accounts: HiveAccount[];
  readonly components: readonly string[] | undefined;
  readonly runs: Map<string, Run>;
  /** Runs by idempotency key, with a digest of the request that made them. */
  readonly keys: Map<string, { readonly digest: string; readonly run: Run }>;
  readonly abort: AbortController;
  brain: Brain;
}

const ECHO: Brain = { mode: "echo", delayMs: 0 };

/** Starts a Hive on 127.0.0.1. */
export async function startHive(options: HiveOptions = {}): Promise<HiveSimulator> {
  const world: World = {
    accounts: [...(options.accounts ?? [])],
    components: options.components,
    runs: new Map(),
    keys: new Map(),
    abort: new AbortController(),
    brain: ECHO,
  };
  const setBrain = (value: unknown): Reply => {
    const brain = parseBrain(value);
    if (typeof brain === "string") return json({ error: brain }, 400);
    world.brain = brain;
    return json(brain);
  };
  const simulator = await startSimulator(
    {
      name: "hive",
      handle: (request) => route(world, request),
      tenantOf: (request) => tenantOf(world, request),
      faultReply: (status) => json({ detail: "planned fault" }, status),
      sideDoor: {
        "POST /_sim/brain": (request) => setBrain(request.body),
        "POST /_sim/accounts": (request) => {
          const { apiKey, tenant, agent } = asRecord(request.body);
          world.accounts.push({
            ...(asText(apiKey) !== undefined && { apiKey: asText(apiKey) ?? "" }),
            ...(asText(tenant) !== undefined && { tenant: asText(tenant) ?? "" }),
            ...(asText(agent) !== undefined && { agent: asText(agent) ?? "" }),
          });
          return json({ ok: true }, 201);
        },
      },
      reset: () => {
        world.runs.clear();
        world.keys.clear();
        world.brain = ECHO;
      },
      stop: () => world.abort.abort(),
    },
    options,
  );
  return {
    ...simulator,
    register: (account) => void world.accounts.push(account),
    brain: (value) => {
      const reply = setBrain(value);
      if (reply.status !== 200) throw new Error(JSON.stringify(reply.body));
    },
  };
}

async function route(world: World, request: SimRequest): Promise<Reply> {
  const path = request.path.replace(/^\/(?:playground|v1)(?=\/)/, "");
  if (path === "/health") return json({ status: "ok" });
  if (!mayCall(world, request)) return json({ detail: "Invalid authentication token" }, 401);
  const [first = "", id, third, fourth, fifth] = path.split("/").slice(1).map(decodeURIComponent);
  if (path === "/process" && request.method === "POST") return processMessage(world, request);
  if (path === "/config")
    return json({ os_id: "simulated", agents: listed(world), teams: [], workflows: [] });
  if (first === "sessions") return sessions(world, request, id, third);
  if (first !== "agents" && first !== "teams" && first !== "workflows") return notFound();
  if (id === undefined) return json(listed(world));
  if (world.components !== undefined && !world.components.includes(id)) {
    return json({ detail: `${first[0]?.toUpperCase()}${first.slice(1, -1)} not found` }, 404);
  }
  if (third !== "runs") return json({ id, name: id });
  if (fourth === undefined && request.method === "POST") return startRun(world, request, first, id);
  return oneRun(world, request, fourth, fifth);
}

/** `POST /{kind}/{id}/runs`: a form only; JSON is refused as FastAPI does. */
async function startRun(
  world: World,
  request: SimRequest,
  kind: ComponentKind,
  component: string,
): Promise<Reply> {
  const type = request.headers["content-type"] ?? "";
  const isForm = /^(multipart\/form-data|application\/x-www-form-urlencoded)/i.test(type);
  const fields = isForm ? asRecord(request.body) : {};
  if (typeof fields.message !== "string") return missingMessage();
  const known = knownRun(world, request);
  if (known !== undefined && !("kind" in known)) return known;
  if (known !== undefined) return replayed(known, fields);
  const run = newRun(kind, component, fields);
  remember(world, request, run);
  if (fields.background === "true") {
    void work(run, world.brain, world.abort.signal);
    const pending = { run_id: run.id, session_id: run.sessionId, status: "PENDING" };
    return json(pending, 202);
  }
  if (fields.stream === "true") return streamed(run, world.brain);
  await work(run, world.brain, world.abort.signal);
  if (run.status === "ERROR") return json({ detail: run.content }, 500);
  return json(runObject(run));
}

/** The run of an idempotency key; 409 for another request or a run still at work. A failed one is run anew. */
function knownRun(world: World, request: SimRequest): Run | Reply | undefined {
  const key = request.headers["idempotency-key"];
  const known = typeof key === "string" ? world.keys.get(key) : undefined;
  if (known === undefined) return undefined;
  if (known.digest !== digestOf(request)) {
    return json({ detail: "Idempotency-Key was used with a different request" }, 409);
  }
  const { status } = known.run;
  if (status === "ERROR" || status === "CANCELLED") return undefined;
  const busy = status === "RUNNING" || status === "PENDING";
  return busy ? json({ detail: "A run with this Idempotency-Key is in progress" }, 409) : known.run;
}

function replayed(run: Run, fields: Record<string, unknown>): Reply {
  const told: Brain = { mode: "echo", delayMs: 0, reply: run.content };
  return fields.stream === "true" ? streamed(run, told) : json(runObject(run));
}

function streamed(run: Run, brain: Brain): Reply {
  return {
    status: 200,
    headers: { "content-type": "text/event-stream", "cache-control": "no-cache" },
    stream: (response, signal) => stream(run, brain, response, signal),
  };
}

function remember(world: World, request: SimRequest, run: Run): void {
  world.runs.set(run.id, run);
  const key = request.headers["idempotency-key"];
  if (typeof key === "string") world.keys.set(key, { digest: digestOf(request), run });
}

/** What was asked, whatever the form's boundary was. */
function digestOf(request: SimRequest): string {
  return createHash("sha256")
    .update(`${request.path} ${JSON.stringify(request.body)}`)
    .digest("hex");
}

function oneRun(
  world: World,
  request: SimRequest,
  id: string | undefined,
  action: string | undefined,
): Reply {
  const run = world.runs.get(id ?? "");
  if (run === undefined) return json({ detail: "Run not found" }, 404);
  if (request.method === "GET" && action === undefined) return json(runObject(run));
  if (action === "cancel") {
    run.status = "CANCELLED";
    return json({});
  }
  if (action !== "continue") return notFound();
  if (run.status !== "PAUSED") return json({ detail: "Run is not paused" }, 409);
  run.status = "COMPLETED";
  run.content = answerTo(ECHO, run.text);
  return json(runObject(run));
}

function sessions(
  world: World,
  request: SimRequest,
  id: string | undefined,
  third: string | undefined,
): Reply {
  const runs = [...world.runs.values()].filter(
    ({ sessionId }) => id === undefined || sessionId === id,
  );
  if (id === undefined) {
    const ids = [...new Set(runs.map(({ sessionId }) => sessionId))];
    return json({
      data: ids.map((session_id) => ({ session_id })),
      meta: { total_count: ids.length },
    });
  }
  if (runs.length === 0) return json({ detail: "Session not found" }, 404);
  if (request.method === "DELETE") {
    for (const run of runs) world.runs.delete(run.id);
    return { status: 204 };
  }
  return third === "runs" ? json(runs.map(runObject)) : json({ session_id: id, runs: runs.length });
}

/** The JSON dialect: `{tenant, message, context, routing_hints}` gives `{reply}`, or `{}` for silence. */
async function processMessage(world: World, request: SimRequest): Promise<Reply> {
  const body = asRecord(request.body);
  const said = asRecord(body.message);
  const text = asText(body.message) ?? asText(said.text) ?? asText(asRecord(said.content).text);
  if (text === undefined) return missingMessage();
  const run = newRun("agents", "process", { message: text });
  await work(run, world.brain, world.abort.signal);
  if (run.status === "ERROR") return json({ detail: run.content }, 500);
  return json(run.content === "" ? {} : { reply: run.content });
}

function missingMessage(): Reply {
  const detail = [
    { type: "missing", loc: ["body", "message"], msg: "Field required", input: null },
  ];
  return json({ detail }, 422);
}

function notFound(): Reply {
  return json({ detail: "Not Found" }, 404);
}

function listed(world: World): unknown[] {
  return (world.components ?? ["support"]).map((id) => ({ id, name: id }));
}

function keyOf(request: SimRequest): string {
  const header = request.headers.authorization ?? "";
  if (header.startsWith("Bearer ")) return header.slice("Bearer ".length);
  return String(request.headers["x-api-key"] ?? "");
}

function mayCall(world: World, request: SimRequest): boolean {
  const key = keyOf(request);
  return world.accounts.length === 0 || world.accounts.some(({ apiKey }) => (apiKey ?? "") === key);
}

/** By key; where several callers share one, by agent; in the JSON dialect, else by the body's own word. */
function tenantOf(world: World, request: SimRequest): string | null {
  const callers = world.accounts.filter(({ apiKey }) => (apiKey ?? "") === keyOf(request));
  const agent = request.path.split("/")[2];
  const exact = callers.filter((caller) => caller.agent === agent);
  const candidates = exact.length > 0 ? exact : callers;
  const tenants = [...new Set(candidates.map(({ tenant }) => tenant))];
  if (tenants.length === 1) return tenants[0] ?? null;
  return asText(asRecord(request.body).tenant) ?? null;
}
