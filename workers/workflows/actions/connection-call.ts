/**
 * `connection.call`: any method of a platform's own API, with the credentials of one of the tenant's connections, which
 * the definition never sees. Behind the same guard, breaker and bucket as every call of an action.
 */
import { ok } from "../../../domain/result.ts";
import type { Json } from "../../../domain/workflows/run/state.ts";
import type { Connection } from "../../../schema/connection.ts";
import { isolateOf } from "../../isolate.ts";
import {
  type Action,
  type ActionContext,
  type ActionResult,
  type Members,
  membersOf,
  never,
} from "./action.ts";
import { callOut, statusError } from "./call.ts";
import { headerSafe, jsonOrText } from "./http-request.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
const PATH_CHARS_MAX = 1024;
/** Origins of the public platforms, and where their APIs are below any origin. */
const SLACK = { origin: "https://slack.com", path: "/api/" };
const DISCORD = { origin: "https://discord.com", path: "/api/v10/" };

export const connectionCall: Action = {
  description:
    "Calls the API of a connection's platform: Slack's Web API (`path` is a method such as `conversations.info`), Discord's REST API, Evolution's API. An answer that is no success fails the step with `http.<status>`, one of Slack's with its own error code.",
  input: {
    type: "object",
    required: ["connection", "path"],
    additionalProperties: false,
    properties: {
      connection: { type: "string", minLength: 1, maxLength: 200 },
      path: { type: "string", minLength: 1, maxLength: PATH_CHARS_MAX },
      method: { enum: [...METHODS] },
      query: {
        type: "object",
        maxProperties: 100,
        additionalProperties: { type: ["string", "number", "boolean"] },
      },
      body: { description: "JSON" },
    },
  },
  output: {
    type: "object",
    required: ["status", "body"],
    properties: { status: { type: "integer" }, body: { description: "JSON, or the text" } },
  },
  sends: true,
  run: callConnection,
};

interface Door {
  /** Ends with a slash. */
  readonly base: string;
  readonly header: readonly [name: string, value: string];
}

async function callConnection(context: ActionContext, input: Json): Promise<ActionResult> {
  const { env, tenant, idempotencyKey, signal } = context;
  const members = membersOf(input);
  const located = await isolateOf(env).directory.byId(String(members.connection), Date.now());
  if (located?.tenant.id !== tenant) return never("unknown_connection");
  if (located.connection.active === false) return never("connection_inactive");
  const door = doorOf(located.connection);
  if (!door) return never("not_connected", "the connection has no credentials to call with");
  const url = addressOf(door.base, members);
  if (url === undefined) return never("refused_url");
  const { method = members.body === undefined ? "GET" : "POST", body } = members;
  const answer = await callOut(context, {
    ...{ url, method: String(method), signal },
    headers: {
      ...{ "user-agent": "omni-edge", "idempotency-key": headerSafe(idempotencyKey) },
      [door.header[0]]: door.header[1],
      ...(body === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) return answer;
  const { status, text, contentType } = answer.value;
  if (status < 200 || status > 299) return { ok: false, failure: statusError(answer.value) };
  const content = jsonOrText(text, contentType);
  return slackError(located.connection, content) ?? ok({ status, body: content });
}

function doorOf(connection: Connection): Door | undefined {
  switch (connection.channel) {
    case "slack":
      return doorAt(SLACK, connection.baseUrl, "Bearer", connection.credentials.botToken);
    case "discord":
      return doorAt(DISCORD, connection.baseUrl, "Bot", connection.credentials.botToken);
    case "whatsapp": {
      const { origin } = URL.parse(connection.baseUrl ?? "") ?? {};
      if (origin === undefined) return undefined;
      return { base: `${origin}/`, header: ["apikey", connection.credentials.apiKey] };
    }
  }
}

function doorAt(
  platform: { readonly origin: string; readonly path: string },
  baseUrl: string | undefined,
  scheme: string,
  token: string | undefined,
): Door | undefined {
  const { origin } = URL.parse(baseUrl ?? platform.origin) ?? {};
  if (origin === undefined || token === undefined) return undefined;
  return { base: origin + platform.path, header: ["authorization", `${scheme} ${token}`] };
}

/** Below the platform's API only: credentials go nowhere else. */
function addressOf(base: string, { path, query = null }: Members): string | undefined {
  const address = URL.parse(String(path).replace(/^\/{1,8}/, "./"), base);
  if (!address?.href.startsWith(base)) return undefined;
  for (const [name, value] of Object.entries(membersOf(query)))
    address.searchParams.append(name, String(value));
  return address.href;
}

/** Slack says 200 and `{"ok": false, "error": …}`. */
function slackError({ channel }: Connection, content: Json): ActionResult | undefined {
  const { ok: isOk, error } = membersOf(content);
  if (channel !== "slack" || isOk !== false) return undefined;
  return never(`slack.${String(error ?? "unknown")}`);
}
