/** The API of workflows as it is served, on the test bindings, with a tenant of the test's own. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env as bindings } from "cloudflare:workers";
import { handleApi } from "../../../workers/api-entry.ts";

const env = bindings as unknown as Env;
const ADMIN_KEY = "test-admin-key";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads members the assertion is about
  readonly body: any;
}

/** `body`: a text goes as it is, everything else as JSON. */
export type Ask = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>;

export interface ApiTenant {
  readonly tenant: string;
  readonly ask: Ask;
}

let tenants = 0;

/** A tenant whose key may do everything, or has these scopes. */
export async function apiTenant(scopes: readonly string[] = ["*"]): Promise<ApiTenant> {
  tenants += 1;
  const tenant = `wf-api-${tenants}-${crypto.randomUUID().slice(0, 8)}`;
  const key = `key-of-${tenant}`;
  const made = await asking(ADMIN_KEY)("POST", "/tenants", {
    id: tenant,
    apiKeys: [{ key, scopes }],
    config: { limits: { requestsPerMinute: 100_000 } },
  });
  if (made.status !== 201) throw new Error(made.text);
  return { tenant, ask: asking(key) };
}

export function asking(key: string | undefined): Ask {
  return async (method, path, body, headers = {}) => {
    const request = new Request(`https://hub.test${path}`, {
      method,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const context = createExecutionContext();
    const response = await handleApi(request, env, context);
    const text = await response.text();
    await waitOnExecutionContext(context);
    return { status: response.status, headers: response.headers, text, body: parsed(text) };
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A definition of one step that needs no service. */
export function noting(id: string, version = "1.0.0", more: Record<string, unknown> = {}) {
  return {
    ...{ id, name: `Notes of ${id}`, version },
    steps: [{ id: "note", type: "action", action: "transform", with: { noted: true } }],
    ...more,
  };
}
