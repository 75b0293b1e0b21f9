/** `http.request`: one HTTP call to any public URL. */
import { fail, ok } from "../../../domain/result.ts";
import type { Json } from "../../../domain/workflows/run/state.ts";
import {
  type Action,
  type ActionContext,
  type ActionResult,
  type Members,
  membersOf,
  never,
} from "./action.ts";
import { callOut, statusError } from "./call.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;
/** Headers that are not the definition's to set. */
const OWN_HEADERS = new Set([
  ...["host", "content-length", "transfer-encoding", "connection", "upgrade", "idempotency-key"],
]);

export const httpRequest: Action = {
  description:
    "Calls a URL once. A status outside 200 to 299, and outside `accept`, fails the step with `http.<status>`; redirects are not followed.",
  input: {
    type: "object",
    required: ["url"],
    additionalProperties: false,
    properties: {
      url: { type: "string", minLength: 1, maxLength: 2048 },
      method: { enum: [...METHODS] },
      headers: {
        type: "object",
        maxProperties: 50,
        additionalProperties: { type: "string", maxLength: 8192 },
      },
      query: {
        type: "object",
        maxProperties: 100,
        additionalProperties: { type: ["string", "number", "boolean"] },
      },
      body: { description: "JSON, or a text, which is sent as it is" },
      accept: {
        description: "Further statuses that are a success",
        type: "array",
        maxItems: 50,
        items: { type: "integer", minimum: 300, maximum: 599 },
      },
    },
  },
  output: {
    type: "object",
    required: ["status", "body"],
    properties: { status: { type: "integer" }, body: { description: "JSON, or the text" } },
  },
  run: request,
};

async function request(context: ActionContext, input: Json): Promise<ActionResult> {
  const members = membersOf(input);
  const url = addressOf(members);
  if (url === undefined) return never("refused_url");
  const { body, accept } = members;
  const headers = headersOf(context, membersOf(members.headers ?? null), body);
  if (!headers) return never("bad_header");
  const method = typeof members.method === "string" ? members.method : undefined;
  const answer = await callOut(context, {
    ...{ url, headers, signal: context.signal },
    method: method ?? (body === undefined ? "GET" : "POST"),
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  if (!answer.ok) return answer;
  const { status, text, contentType } = answer.value;
  const isSuccess = status >= 200 && status <= 299;
  if (!isSuccess && !(Array.isArray(accept) && accept.includes(status)))
    return fail(statusError(answer.value));
  return ok({ status, body: jsonOrText(text, contentType) });
}

function addressOf({ url = "", query = null }: Members): string | undefined {
  const address = URL.parse(String(url));
  for (const [name, value] of Object.entries(membersOf(query)))
    address?.searchParams.append(name, String(value));
  return address?.href;
}

function headersOf(
  { idempotencyKey }: ActionContext,
  given: Readonly<Record<string, Json>>,
  body: Json | undefined,
): Readonly<Record<string, string>> | undefined {
  const type = body === undefined || typeof body === "string" ? "text/plain" : "application/json";
  try {
    const headers = new Headers({
      "user-agent": "omni-edge",
      "idempotency-key": headerSafe(idempotencyKey),
      ...(body === undefined ? {} : { "content-type": type }),
    });
    for (const [name, value] of Object.entries(given))
      if (!OWN_HEADERS.has(name.toLowerCase())) headers.set(name, String(value));
    return Object.fromEntries(headers);
  } catch {
    return undefined;
  }
}

/** A key as a header can carry it: keys of steps hold nothing else than ASCII. */
export function headerSafe(key: string): string {
  return key.replaceAll(/[^\x21-\x7e]/g, "_");
}

/** By its media type, or where it reads as JSON. */
export function jsonOrText(text: string, contentType: string): Json {
  if (text === "") return null;
  if (!/\bjson\b/i.test(contentType)) return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
