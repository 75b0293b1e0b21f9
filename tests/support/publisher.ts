/** A hub with one tenant that publishes: its types declared, its requests made, its log read. */
import { eventually, startTestHub } from "./runtime.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: an answer of any shape, which the tests check
  readonly body: any;
}

interface LogItem {
  readonly seq: number;
  readonly event: { readonly event_id: string; readonly data: unknown };
}

export type Publisher = Awaited<ReturnType<typeof startPublisher>>;

/** `types` are declared and take anything. Remember `remove`. */
export async function startPublisher(
  types: readonly string[],
  bindings: Readonly<Record<string, string>> = {},
) {
  const { hub, remove } = await startTestHub({ bindings });
  const key = "publisher-key-of-acme";
  const send = (
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ) => ask(`${hub.url}${path}`, method, body, { authorization: `Bearer ${key}`, ...headers });
  const operator = { authorization: `Bearer ${hub.adminKey}` };
  const made = await send("POST", "/tenants", { id: "acme", apiKeys: [{ key }] }, operator);
  if (made.status !== 201) throw new Error(`no tenant: ${made.text}`);
  for (const name of types) {
    const type = { name, version: "1.0", schema: true, compatibility: "none" };
    const declared = await send("POST", "/event-types", type);
    if (declared.status !== 201) throw new Error(`not declared: ${declared.text}`);
  }
  return {
    hub,
    remove,
    send,
    publish: (body: unknown) => send("POST", "/events", body),
    /** An event of the log, once it is there. */
    logged: (id: string, accept = "application/json") =>
      eventually(`event ${id}`, async () => {
        const path = `/events/${encodeURIComponent(id)}`;
        const found = await send("GET", path, undefined, { accept });
        return found.status === 200 ? found : undefined;
      }),
    /** Every event that a query finds, oldest first. */
    all: async (query: string): Promise<readonly LogItem[]> => {
      const found: LogItem[] = [];
      for (let cursor = ""; ; ) {
        const { body } = await send("GET", `/events?order=oldest&limit=50&${query}${cursor}`);
        found.push(...body.items);
        if (body.nextCursor === undefined) return found;
        cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`;
      }
    },
  };
}

async function ask(
  url: string,
  method: string,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  const response = await fetch(url, {
    method,
    headers: {
      ...(body === undefined || isRaw ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
  });
  const text = await response.text();
  const parsed = text === "" ? undefined : JSON.parse(text);
  return { status: response.status, headers: response.headers, text, body: parsed };
}
