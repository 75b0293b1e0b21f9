/** The API of subscriptions on the test bindings, endpoints played by `answerAs`, and shards as the product calls them. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { vi } from "vitest";
import { publishEvents } from "../../../platform/event-bus.ts";
import type { ShardEvent } from "../../../platform/event-shards.ts";
import type { EventEnvelope } from "../../../schema/event.ts";
import type { Vars } from "../../../schema/vars.ts";
import { createApi } from "../../../workers/api.ts";
import { registerPull } from "../../../workers/routes/pull.ts";
import { registerSubscriptions } from "../../../workers/routes/subscriptions.ts";
import { ADMIN_KEY, type Answer, env, testApi, unique } from "../api/hub-api.ts";

export interface EventsApi {
  readonly tenant: string;
  readonly deps: ReturnType<typeof testApi>["deps"];
  /** As the tenant, with every scope; `as` sends another key. */
  ask(method: string, path: string, body?: unknown, more?: AskMore): Promise<Answer>;
  /** Creates and expects 201. */
  subscribe(body: Record<string, unknown>, more?: AskMore): Promise<Answer>;
  publish(...events: readonly ShardEvent[]): ReturnType<typeof publishEvents>;
}

interface AskMore {
  readonly as?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An API with a tenant of its own. */
export async function eventsApi(vars: Partial<Vars> = {}): Promise<EventsApi> {
  const hub = testApi({ vars });
  const deps = { ...hub.deps, now: () => Date.now() };
  const api = createApi(deps, [registerSubscriptions, registerPull]);
  const tenant = unique("events-tenant");
  const key = `key-of-${tenant}`;
  const body = { id: tenant, apiKeys: [{ key }] };
  const made = await hub.ask("POST", "/tenants", { body });
  if (made.status !== 201) throw new Error(`no tenant: ${made.text}`);
  const ask: EventsApi["ask"] = async (method, path, sent, { as = key, headers = {} } = {}) => {
    const request = new Request(`https://hub.test${path}`, {
      method,
      headers: new Headers({ authorization: `Bearer ${as}`, ...headers }),
      ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
    });
    if (as === ADMIN_KEY && !request.headers.has("x-tenant"))
      request.headers.set("x-tenant", tenant);
    if (sent !== undefined) request.headers.set("content-type", "application/json");
    const context = createExecutionContext();
    const response = await api.fetch(request, env, context);
    const text = await response.text();
    await waitOnExecutionContext(context);
    const parsed = text.startsWith("{") ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, body: parsed };
  };
  return {
    tenant,
    deps,
    ask,
    subscribe: async (input, more) => {
      const answer = await ask("POST", "/subscriptions", input, more);
      if (answer.status !== 201) throw new Error(`not created: ${answer.text}`);
      return answer;
    },
    publish: (...events) => publishEvents({ env, shards: deps.vars.EVENT_SHARDS }, tenant, events),
  };
}

/** Endpoints answer what `answer` makes of the request they get, from here to the end of the test. */
export function answerAs(answer: (request: Request) => Response | Promise<Response>) {
  return vi
    .spyOn(globalThis, "fetch")
    .mockImplementation(async (input, init) => answer(new Request(input as RequestInfo, init)));
}

/** What an endpoint that wants deliveries says to the challenge. */
export async function agree(request: Request): Promise<Response> {
  const event = (await request.json()) as EventEnvelope;
  return Response.json(event.data);
}

let events = 0;

/** One that nobody has published yet. */
export function anEvent(
  over: Partial<EventEnvelope> = {},
  more: Partial<ShardEvent> = {},
): ShardEvent {
  events += 1;
  const event: EventEnvelope = {
    event_id: `evt_${events}`,
    event_type: "order.created",
    event_version: "1.0",
    timestamp: new Date().toISOString(),
    source: "/shop",
    data: { number: events },
    metadata: {},
    ...over,
  };
  return { key: `k:${events}`, event, bytes: 200, logged: false, ...more };
}

/** A pull subscription to everything. */
export function aPull(more: Record<string, unknown> = {}) {
  return { name: "a pull", bindings: [{ kind: "fanout" }], target: { kind: "pull" }, ...more };
}

/** A webhook to everything. */
export function aWebhook(target: Record<string, unknown> = {}, more: Record<string, unknown> = {}) {
  const url = "https://hooks.example.com/in";
  return {
    name: "a webhook",
    bindings: [{ kind: "topic", key: "order.#" }],
    target: { kind: "webhook", url, ...target },
    ...more,
  };
}
