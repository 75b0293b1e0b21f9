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
import { type CallAnswer, callOut, statusError } from "./call.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
/** Headers that are not the definition's to set. */
const OWN_HEADERS = new Set([
  ...["host", "content-length", "transfer-encoding", "connection", "upgrade", "idempotency-key"],
]);
/** What the output is: `result` `{status, body}`, `content` the body, `raw` its bytes in Base64, `response` all of it. */
const OUTPUTS = ["result", "content", "raw", "response"] as const;
/** What the URL is made of. */
const URL_MEMBERS = ["url", "uri", "uri_parameters", "query"] as const;
const URI_CHARS_MAX = 2048;
/** Of an answer that is no success, in characters: more than a run keeps, so that a secret in it is found whole. */
const SAID_CHARS_MAX = 10_000;
const scalar = { type: ["string", "number", "boolean"] };

export const httpRequest: Action = {
  description:
    "Calls a URL once. A status outside 200 to 299, and outside `accept`, fails the step with `http.<status>`; redirects are not followed. With `uri` every `{name}` in it stands for that member of `uri_parameters`, percent-encoded, and the output is the body unless `output` says otherwise; with `url` it is `{status, body}`.",
  input: {
    type: "object",
    anyOf: [{ required: ["url"] }, { required: ["uri"] }],
    additionalProperties: false,
    properties: {
      url: { type: "string", minLength: 1, maxLength: URI_CHARS_MAX },
      uri: { type: "string", minLength: 1, maxLength: URI_CHARS_MAX },
      uri_parameters: { type: "object", maxProperties: 100, additionalProperties: scalar },
      method: { enum: [...METHODS] },
      headers: { type: "object", maxProperties: 50, additionalProperties: scalar },
      query: { type: "object", maxProperties: 100, additionalProperties: scalar },
      body: { description: "JSON, or a text, which is sent as it is" },
      authentication: {
        type: "object",
        maxProperties: 1,
        additionalProperties: false,
        properties: {
          basic: {
            type: "object",
            required: ["username", "password"],
            additionalProperties: false,
            properties: { username: { type: "string" }, password: { type: "string" } },
          },
          bearer: {
            type: "object",
            required: ["token"],
            additionalProperties: false,
            properties: { token: { type: "string" } },
          },
        },
      },
      accept: {
        description: "Further statuses that are a success",
        type: "array",
        maxItems: 50,
        items: { type: "integer", minimum: 300, maximum: 599 },
      },
      output: { enum: [...OUTPUTS] },
      redirect: { description: "True: 300 to 399 are a success too", type: "boolean" },
    },
  },
  output: {
    description:
      "By `output`: `{status, body}`, the body, or `{request, statusCode, headers, content}`",
  },
  sends: true,
  // Where both stand there, `uri` is called.
  urlMembers: ["uri", "url"],
  run: request,
};

async function request(context: ActionContext, input: Json): Promise<ActionResult> {
  const members = membersOf(input);
  const url = addressOf(members);
  if (url === undefined) return never("refused_url", "the URL cannot be read");
  const { body } = members;
  const headers = headersOf(context, members);
  if (!headers) return never("bad_header", "a name or value cannot stand in a header");
  const given = typeof members.method === "string" ? members.method : undefined;
  const method = given ?? (body === undefined ? "GET" : "POST");
  if (body !== undefined && (method === "GET" || method === "HEAD"))
    return never("invalid_input", `${method} takes no body`);
  const answer = await callOut(context, {
    ...{ url, method, headers, signal: context.signal },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  if (!answer.ok) return answer;
  if (!isSuccess(answer.value.status, members))
    return fail({ ...statusError(answer.value), ...saidBy(answer.value) });
  return ok(outputOf(answer.value, members, { method, uri: shownUrl(context, url) }));
}

/** The beginning of what the other side says, for people; a run keeps it as it keeps outputs. */
function saidBy({ text }: CallAnswer): { readonly message?: string } {
  const said = text.trim().slice(0, SAID_CHARS_MAX);
  return said === "" ? {} : { message: said };
}

/** Its origin alone where a secret was put into it. */
function shownUrl({ secrets }: ActionContext, url: string): string {
  const inUrl = URL_MEMBERS.some((member) => secrets?.members.has(member));
  return inUrl ? (URL.parse(url)?.origin ?? "") : url;
}

function isSuccess(status: number, { accept, redirect }: Members): boolean {
  if (status >= 200 && status <= (redirect === true ? 399 : 299)) return true;
  return Array.isArray(accept) && accept.includes(status);
}

function outputOf(
  { status, text, contentType, headers }: CallAnswer,
  members: Members,
  { method, uri }: { readonly method: string; readonly uri: string },
): Json {
  const content = jsonOrText(text, contentType);
  switch (members.output ?? (members.uri === undefined ? "result" : "content")) {
    case "content":
      return content;
    case "raw":
      return new TextEncoder().encode(text).toBase64();
    case "response":
      // What was sent along stays out of it: there may be secrets among the headers.
      return { request: { method, uri, headers: {} }, statusCode: status, headers, content };
    default:
      return { status, body: content };
  }
}

function addressOf({ url, uri, uri_parameters = null, query = null }: Members): string | undefined {
  const parameters = membersOf(uri_parameters);
  const filled =
    uri === undefined
      ? String(url)
      : String(uri).replaceAll(/\{(\w{1,64})\}/g, (all, name: string) =>
          Object.hasOwn(parameters, name) ? encodeURIComponent(String(parameters[name])) : all,
        );
  const address = URL.parse(filled);
  for (const [name, value] of Object.entries(membersOf(query)))
    address?.searchParams.append(name, String(value));
  return address?.href;
}

/** Undefined where a name or value cannot stand in a header. */
function headersOf(
  { idempotencyKey }: ActionContext,
  { headers: given = null, body, authentication = null }: Members,
): Readonly<Record<string, string>> | undefined {
  const type = typeof body === "string" ? "text/plain" : "application/json";
  const proof = proofOf(membersOf(authentication));
  try {
    const headers = new Headers({
      "user-agent": "omni-edge",
      "idempotency-key": headerSafe(idempotencyKey),
      ...(body === undefined ? {} : { "content-type": type }),
      ...(proof === undefined ? {} : { authorization: proof }),
    });
    for (const [name, value] of Object.entries(membersOf(given)))
      if (!OWN_HEADERS.has(name.toLowerCase())) headers.set(name, String(value));
    return Object.fromEntries(headers);
  } catch {
    return undefined;
  }
}

function proofOf({ basic, bearer }: Members): string | undefined {
  if (bearer !== undefined) return `Bearer ${String(membersOf(bearer).token)}`;
  if (basic === undefined) return undefined;
  const { username = "", password = "" } = membersOf(basic);
  return `Basic ${new TextEncoder().encode(`${String(username)}:${String(password)}`).toBase64()}`;
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
