/** `message.send`: into a conversation's outbox, once, as `POST /messages/send` does. */
import { isHubError } from "../../../domain/errors.ts";
import { carried } from "../../../domain/events/chain.ts";
import { ok } from "../../../domain/result.ts";
import type { Json } from "../../../domain/workflows/run/state.ts";
import { callOnce } from "../../../platform/http.ts";
import { logLine } from "../../../platform/log.ts";
import { SendMessage } from "../../../schema/api/messages.ts";
import type { ApiDeps } from "../../http/deps.ts";
import { isolateOf } from "../../isolate.ts";
import { sendMessage } from "../../operations/send-message.ts";
import { type Action, type ActionContext, type ActionResult, never } from "./action.ts";

/** `Idempotency-Key`s have at most 255 characters; a step's key may be longer. */
const KEY_CHARS_MAX = 255;

export const messageSend: Action = {
  description:
    "Sends a message from one of the tenant's connections. It counts as done once it is in the outbox.",
  input: {
    type: "object",
    required: ["connection"],
    additionalProperties: false,
    properties: {
      connection: { type: "string", minLength: 1, maxLength: 200 },
      to: { type: "string", minLength: 1, maxLength: 256 },
      conversation: { type: "string" },
      text: { type: "string", minLength: 1, maxLength: 100_000 },
      content: { type: "object" },
      reply_to: { type: "string", maxLength: 256 },
      thread: { type: "string", maxLength: 256 },
    },
  },
  output: {
    type: "object",
    required: ["id", "conversation"],
    properties: { id: { type: "string" }, conversation: { type: "string" } },
  },
  run: send,
};

async function send(context: ActionContext, input: Json): Promise<ActionResult> {
  const body = SendMessage.safeParse(input);
  if (!body.success) return never("invalid_input", body.error.issues[0]?.message ?? "");
  const { env, tenant, idempotencyKey, depth } = context;
  const { vars, vault, directory } = isolateOf(env);
  const deps: ApiDeps = { env, vars, vault, directory, callOnce, now: Date.now, log: logLine };
  const operation = { tenant, body: body.data, nowMs: Date.now(), traceparent: undefined };
  try {
    const key = await keyOf(idempotencyKey);
    const { view, after } = await sendMessage(deps, { ...operation, ...carried(depth), key });
    await after();
    return ok({ id: view.id, conversation: view.conversation });
  } catch (error) {
    if (!isHubError(error)) throw error;
    return { ok: false, failure: { reason: error.code, retryable: error.code === "unavailable" } };
  }
}

async function keyOf(key: string): Promise<string> {
  if (key.length <= KEY_CHARS_MAX) return key;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key));
  return new Uint8Array(digest).toHex();
}
