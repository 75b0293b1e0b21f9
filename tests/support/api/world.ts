/**
 * A running hub with two tenants that each own one of everything, planted with words that must never show up
 * at the other's. Every simulator runs, so that what asks a platform is answered.
 */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { type Hub, startHub } from "../../../dev/runtime.ts";
import { type DevSimulators, startSimulators } from "../../../dev/simulators.ts";
import { temporaryState } from "../../../dev/state.ts";
import { devTenant, ECHO_ROUTE } from "../../../dev/tenants.ts";
import { TenantInput } from "../../../schema/tenant.ts";
import { type ApiDocument, type Operation, operationsOf, readDocument } from "./document.ts";
import { type Planted, plant } from "./plant.ts";

export interface Ask {
  readonly key?: string | undefined;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a string or bytes as they are. */
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined where the text is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer of any shape, which the tests check
  readonly body: any;
}

export interface ApiWorld {
  readonly hub: Hub;
  readonly simulators: DevSimulators;
  readonly document: ApiDocument;
  readonly operations: readonly Operation[];
  readonly acme: Planted;
  readonly globex: Planted;
  readonly logs: readonly string[];
  ask(method: string, path: string, options?: Ask): Promise<Answer>;
  /** As the operator; throws unless the answer is 2xx. */
  must(method: string, path: string, body?: unknown): Promise<Answer>;
  db(): Promise<D1Like>;
  stop(): Promise<void>;
}

/** What is used of the database here. */
export interface D1Like {
  prepare(sql: string): {
    bind(...values: unknown[]): {
      run(): Promise<unknown>;
      all<T>(): Promise<{ results: T[] }>;
    };
  };
}

export async function startApiWorld(
  bindings: Readonly<Record<string, string>> = {},
): Promise<ApiWorld> {
  const simulators = await startSimulators({ quiet: true });
  const stateDir = temporaryState();
  const logs: string[] = [];
  const hub = await startHub({
    stateDir,
    simulators: simulators.origins,
    bindings: { ...SLACK_APP, RING_AFTER_MS: "1000", ...bindings },
    onLog: (line) => logs.push(line.message),
  });
  const ask = (method: string, path: string, options?: Ask) =>
    askHub(hub.url, method, path, options);
  const base = {
    hub,
    simulators,
    logs,
    ask,
    must: (method: string, path: string, body?: unknown) =>
      must(ask(method, path, { key: hub.adminKey, body }), `${method} ${path}`),
    db: async () => (await hub.mf.getD1Database("DB")) as unknown as D1Like,
    stop: async () => {
      await hub.stop();
      await simulators.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
  const document = await readDocument(hub.url);
  const operations = operationsOf(document);
  const [acme, globex] = [
    await addTenant(base, operations, "acme"),
    await addTenant(base, operations, "globex"),
  ];
  return { ...base, document, operations, acme, globex };
}

export type PlantedWorld = Pick<ApiWorld, "hub" | "simulators" | "ask" | "must" | "db">;

const SLACK_APP = {
  SLACK_CLIENT_ID: "1.2",
  SLACK_CLIENT_SECRET: "slack-client-secret",
  SLACK_SIGNING_SECRET: "slack-signing-secret",
};

async function addTenant(
  world: PlantedWorld,
  operations: readonly Operation[],
  id: string,
): Promise<Planted> {
  const word = `planted${id}${randomBytes(6).toString("hex")}`;
  const routes = { whatsapp: ECHO_ROUTE, slack: ECHO_ROUTE, discord: ECHO_ROUTE };
  const kit = devTenant({ id, name: `${word} Ltd`, routes, key: word });
  const keys = { all: `${id}-all-${word}`, read: `${id}-read-${word}`, none: `${id}-none-${word}` };
  const tenant = {
    ...kit.tenant,
    apiKeys: [
      { key: keys.all, scopes: ["*"], name: word },
      { key: keys.read, scopes: readScopes(operations) },
      { key: keys.none, scopes: ["nothing:read"] },
    ],
  };
  await world.must("POST", "/tenants", tenant);
  world.simulators.open([TenantInput.parse(tenant)], world.hub.url, kit.sources);
  return plant(world, id, word, keys);
}

/** `<noun>:read` for every noun that some operation needs. */
function readScopes(operations: readonly Operation[]): readonly string[] {
  const nouns = operations.flatMap(
    ({ description }) => /Scope `([\w-]+):\w+`/.exec(description)?.[1] ?? [],
  );
  return [...new Set(nouns)].map((noun) => `${noun}:read`);
}

async function askHub(
  url: string,
  method: string,
  path: string,
  { key, query = {}, headers = {}, body }: Ask = {},
): Promise<Answer> {
  const search = new URLSearchParams(query).toString();
  const raw = typeof body === "string" || body instanceof Uint8Array;
  const response = await fetch(`${url}${path}${search ? `?${search}` : ""}`, {
    method,
    redirect: "manual",
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: raw ? (body as string) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function must(asked: Promise<Answer>, what: string): Promise<Answer> {
  const answer = await asked;
  if (answer.status >= 300) throw new Error(`${what}: ${answer.status} ${answer.text}`);
  return answer;
}
