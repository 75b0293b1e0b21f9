/** The hub's REST API as a client sees it: a key, paths, and answers with their status. */

export interface ApiAnswer<T = Json> {
  readonly status: number;
  readonly body: T;
  readonly headers: Headers;
}

export type Json = Record<string, unknown>;

/** A message as the API shows it: the members the tests look at. */
export interface MessageItem {
  readonly id: string;
  readonly kind: string;
  readonly direction: "inbound" | "outbound";
  readonly status: string;
  readonly conversation: string;
  readonly connection: string;
  readonly platform_id: string;
  readonly target_id?: string;
  readonly thread?: string;
  readonly group: boolean;
  readonly sender: {
    readonly id: string;
    readonly aliases: readonly string[];
    readonly name?: string;
  };
  readonly content: {
    readonly text: string;
    readonly media: readonly {
      readonly kind: string;
      readonly mime_type?: string;
      readonly source: { readonly from: string; readonly reason?: string; readonly key?: string };
    }[];
    readonly metadata: Json;
  };
}

export interface Api {
  get(path: string, headers?: Record<string, string>): Promise<ApiAnswer>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  put(path: string, body: unknown): Promise<ApiAnswer>;
  patch(path: string, body: unknown): Promise<ApiAnswer>;
  delete(path: string): Promise<ApiAnswer>;
  /** Newest first. */
  history(query?: string): Promise<readonly MessageItem[]>;
  items<T = Json>(path: string): Promise<readonly T[]>;
}

/** Calls with a bearer key. Nothing throws for a status. */
export function apiOf(url: string, key: string): Api {
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer> => {
    const response = await fetch(url + path, {
      method,
      redirect: "manual",
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: parsed(text), headers: response.headers };
  };
  const items = async <T>(path: string): Promise<readonly T[]> => {
    const answer = await call("GET", path);
    if (answer.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return answer.body.items as T[];
  };
  return {
    get: (path, headers) => call("GET", path, undefined, headers),
    post: (path, body, headers) => call("POST", path, body ?? {}, headers),
    put: (path, body) => call("PUT", path, body),
    patch: (path, body) => call("PATCH", path, body),
    delete: (path) => call("DELETE", path),
    history: (query = "") => items<MessageItem>(`/messages/history?limit=100${query}`),
    items,
  };
}

function parsed(text: string): Json {
  try {
    return text === "" ? {} : (JSON.parse(text) as Json);
  } catch {
    return { text };
  }
}
