/** The API of events and their types on the test bindings, with a tenant of its own, the broken bindings included. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import type { Vars } from "../../../schema/vars.ts";
import { createApi } from "../../../workers/api.ts";
import { registerEventTypes } from "../../../workers/routes/event-types.ts";
import { registerEvents } from "../../../workers/routes/events.ts";
import { registerSubscriptions } from "../../../workers/routes/subscriptions.ts";
import { ADMIN_KEY, type Answer, env, testApi, unique } from "../api/hub-api.ts";

export interface PublishApi {
  readonly tenant: string;
  /** As the tenant, with every scope. A text or bytes go as they are; `key` of another caller. */
  ask(method: string, path: string, body?: unknown, more?: AskMore): Promise<Answer>;
  /** Declares a type with its first version and expects 201. */
  declare(name: string, schema?: unknown, more?: Record<string, unknown>): Promise<Answer>;
}

interface AskMore {
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `bindings` replace those of the tests. */
export async function publishApi(
  vars: Partial<Vars> = {},
  bindings: Readonly<Record<string, unknown>> = {},
): Promise<PublishApi> {
  const hub = testApi({ vars });
  const deps = { ...hub.deps, now: () => Date.now(), env: { ...env, ...bindings } };
  const api = createApi(deps, [registerEvents, registerEventTypes, registerSubscriptions]);
  const tenant = unique(`publish-tenant-${crypto.randomUUID().slice(0, 8)}`);
  const own = `key-of-${tenant}`;
  const made = await hub.ask("POST", "/tenants", { body: { id: tenant, apiKeys: [{ key: own }] } });
  if (made.status !== 201) throw new Error(`no tenant: ${made.text}`);
  const ask: PublishApi["ask"] = async (method, path, body, { key = own, headers = {} } = {}) => {
    const isRaw = typeof body === "string" || body instanceof Uint8Array;
    const sent = new Headers({ authorization: `Bearer ${key}` });
    if (key === ADMIN_KEY) sent.set("x-tenant", tenant);
    if (body !== undefined && !isRaw) sent.set("content-type", "application/json");
    for (const [name, value] of Object.entries(headers)) sent.set(name, value);
    const request = new Request(`https://hub.test${path}`, {
      method,
      headers: sent,
      ...(body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body) }),
    });
    const context = createExecutionContext();
    const response = await api.fetch(request, env, context);
    const text = await response.text();
    await waitOnExecutionContext(context);
    return { status: response.status, headers: response.headers, text, body: parsed(text) };
  };
  return {
    tenant,
    ask,
    declare: async (name, schema = true, more = {}) => {
      const body = { name, version: "1.0", schema, ...more };
      const answer = await ask("POST", "/event-types", body);
      if (answer.status !== 201) throw new Error(`not declared: ${answer.text}`);
      return answer;
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
