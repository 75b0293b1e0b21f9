/** The admin API built on the test bindings, with fake platforms behind `callOnce`. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env as bindings } from "cloudflare:workers";
import { createDirectory } from "../../../platform/directory.ts";
import { createVault } from "../../../platform/vault.ts";
import type { OutboundRequest } from "../../../schema/outbound.ts";
import { parseVars, type Vars } from "../../../schema/vars.ts";
import { createApi } from "../../../workers/api.ts";
import type { ApiDeps } from "../../../workers/http/deps.ts";

export const env = bindings as unknown as Env;
export const ADMIN_KEY = "test-admin-key";

export type FakePlatform = (
  request: OutboundRequest,
) => { status: number; body: unknown } | "timeout";

export interface TestApi {
  readonly deps: ApiDeps;
  readonly api: ReturnType<typeof createApi>;
  readonly calls: OutboundRequest[];
  readonly logged: { event: string; fields: Readonly<Record<string, unknown>> }[];
  setNow(nowMs: number): void;
  /** `key` defaults to the operator's; null sends none. A string body goes as it is. */
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
}

export interface AskOptions {
  readonly key?: string | null;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads members the assertion is about
  readonly body: any;
}

export function testApi(options: { vars?: Partial<Vars>; platform?: FakePlatform } = {}): TestApi {
  const vars = { ...parseVars(env), ...options.vars };
  const vault = createVault(env.DB, vars.KEK);
  const directory = createDirectory(env.DB, vault, {
    ttlMs: 30_000,
    ...(vars.SIMULATORS ? { simulators: vars.SIMULATORS } : {}),
  });
  const calls: OutboundRequest[] = [];
  const logged: TestApi["logged"] = [];
  let nowMs = Date.UTC(2026, 5, 1);
  const deps: ApiDeps = {
    env,
    vars,
    vault,
    directory,
    callOnce: async (request) => {
      calls.push(request);
      const answer = options.platform?.(request) ?? "timeout";
      if (answer === "timeout") return { ok: false, reason: "timeout", sent: true };
      const body = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
      return { ok: true, status: answer.status, headers: new Headers(), body };
    },
    now: () => nowMs,
    log: (event, fields) => logged.push({ event, fields }),
  };
  const api = createApi(deps);
  return {
    deps,
    api,
    calls,
    logged,
    setNow: (next) => {
      nowMs = next;
    },
    ask: (method, path, asked = {}) => ask(api, method, path, asked),
  };
}

async function ask(
  api: TestApi["api"],
  method: string,
  path: string,
  { key = ADMIN_KEY, body, headers = {} }: AskOptions,
): Promise<Answer> {
  const request = new Request(`https://hub.test${path}`, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    redirect: "manual",
  });
  const context = createExecutionContext();
  const response = await api.fetch(request, env, context);
  const text = await response.text();
  await waitOnExecutionContext(context);
  return { status: response.status, headers: response.headers, text, body: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

let counter = 0;

/** A name no other test uses: the database is shared within a file. */
export function unique(prefix: string): string {
  counter += 1;
  return `${prefix}-${counter}`;
}

/** A hub before this fake platform, with a tenant of its own whose key may do everything. */
export async function aHub(platform: FakePlatform, vars: Partial<Vars> = {}) {
  const hub = testApi({ platform, vars });
  const tenant = unique("hub-tenant");
  const key = `key-of-${tenant}`;
  const made = await hub.ask("POST", "/tenants", { body: { id: tenant, apiKeys: [{ key }] } });
  if (made.status !== 201) throw new Error(`no tenant: ${made.text}`);
  return { hub, tenant, key };
}

export function whatsapp(id: string, more: Record<string, unknown> = {}) {
  return {
    id,
    channel: "whatsapp",
    provider: "evolution",
    instance: `${id}-instance`,
    baseUrl: "https://evolution.test",
    credentials: { apiKey: "evo-secret-key", webhookSecret: "hook-secret" },
    ...more,
  };
}

export function slack(id: string, more: Record<string, unknown> = {}) {
  return {
    id,
    channel: "slack",
    teamId: `T_${id}`,
    credentials: { signingSecret: "slack-signing", botToken: "xoxb-secret" },
    ...more,
  };
}

export function discord(id: string, more: Record<string, unknown> = {}) {
  counter += 1;
  return {
    id,
    channel: "discord",
    applicationId: `1000${counter}`,
    credentials: { publicKey: "ab".repeat(32), botToken: "discord-secret" },
    ...more,
  };
}
