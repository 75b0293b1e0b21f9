/**
 * The webhook route: hands a turn to the tenant's own server and takes the replies from its answer.
 * Signed by Standard Webhooks; `webhook-id` is the turn's id, so the receiver can tell a repeated call.
 * The body is the same on every attempt.
 */
import * as z from "zod";
import type { WebhookRoute } from "../domain/messaging/routing.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { OutboundContent } from "../schema/outbound.ts";
import { guardedFetch } from "./egress.ts";
import { deadline, readWhole } from "./http-deadline.ts";
import {
  caught,
  egressFailure,
  type RouteAnswer,
  type RouteDeps,
  type RouteTurn,
  statusFailure,
  type TurnFailure,
  traceHeaders,
} from "./route-call.ts";
import { signWebhook } from "./webhook-signature.ts";

/** Waits this long where the route says nothing. */
const WEBHOOK_TIMEOUT_MS_DEFAULT = 30_000;
/** A longer answer is refused (256 KiB). */
const WEBHOOK_ANSWER_BYTES_MAX = 262_144;
/** Parts of one answer: each becomes at least one message. */
const PARTS_MAX = 50;

/** `parts` goes before `reply` where both are given. Other members are for the receiver's own use. */
const Answer = z.object({
  reply: z.string().max(100_000).nullish(),
  parts: z
    .array(z.union([z.string().max(100_000), OutboundContent]))
    .max(PARTS_MAX)
    .nullish(),
});

/** Calls the route once. Never throws. */
export async function callWebhookRoute(
  route: WebhookRoute,
  turn: RouteTurn,
  deps: RouteDeps,
): Promise<RouteAnswer> {
  const nowMs = deps.nowMs ?? Date.now();
  const body = new TextEncoder().encode(JSON.stringify(payloadOf(turn)));
  const signed = await signedHeaders(route, turn, body, nowMs);
  if (!signed.ok) return signed;
  const signal = deadline(route.timeoutMs ?? WEBHOOK_TIMEOUT_MS_DEFAULT, deps.signal);
  const headers = { ...traceHeaders(deps), "content-type": "application/json", ...signed.value };
  const called = await guardedFetch(route.url, { method: "POST", headers, body, signal }, deps);
  if (!called.ok) return fail(egressFailure(called.failure));
  return caught(readAnswer(called.value, signal, nowMs), signal);
}

/** What the receiver gets. `timestamp` is the newest message's own. */
function payloadOf(turn: RouteTurn): unknown {
  return {
    type: "message.received",
    timestamp: turn.messages.at(-1)?.timestamp,
    data: {
      tenant: turn.tenant,
      connection: turn.connection,
      conversation: turn.conversation,
      session_id: turn.session,
      turn_id: turn.turnId,
      messages: turn.messages,
      history: turn.history,
    },
  };
}

async function signedHeaders(
  route: WebhookRoute,
  turn: RouteTurn,
  body: Uint8Array,
  nowMs: number,
): Promise<Result<Readonly<Record<string, string>>, TurnFailure>> {
  const timestamp = Math.floor(nowMs / 1000);
  if (route.secret === undefined) {
    return ok({ "webhook-id": turn.turnId, "webhook-timestamp": String(timestamp) });
  }
  const signed = await signWebhook({ id: turn.turnId, timestamp, body }, route.secret.split(" "));
  if (signed.ok) return signed;
  const detail = `secret ${signed.failure.reason}`;
  return fail({ reason: "unconfigured", retryable: false, breaker: false, detail });
}

async function readAnswer(
  response: Response,
  signal: AbortSignal,
  nowMs: number,
): Promise<RouteAnswer> {
  if (!response.ok) {
    await response.body?.cancel();
    return fail(refusal(response, nowMs));
  }
  const text = await readWhole(response, WEBHOOK_ANSWER_BYTES_MAX, signal);
  if (text === undefined) {
    return fail({ reason: "answer_too_large", retryable: false, breaker: false });
  }
  const isJson = /\bjson\b/i.test(response.headers.get("content-type") ?? "");
  if (text.trim() === "" || (!isJson && !text.trimStart().startsWith("{"))) return ok([]);
  return readJson(text);
}

/** 410 and the header `webhook-delivery: abort-message` end it for good; the rest is tried again. */
function refusal(response: Response, nowMs: number): TurnFailure {
  const failure = statusFailure(response, nowMs);
  if (response.status === 410) return { ...failure, reason: "gone", retryable: false };
  const aborts = response.headers.get("webhook-delivery") === "abort-message";
  return aborts ? { ...failure, reason: "aborted", retryable: false } : failure;
}

function readJson(text: string): RouteAnswer {
  const answer = Answer.safeParse(parsed(text));
  if (!answer.success) {
    const detail = answer.error.issues[0]?.path.join(".") ?? "";
    // Not JSON at all is a passing fault, the wrong shape is not.
    const retryable = parsed(text) === undefined;
    return fail({ reason: "bad_answer", retryable, breaker: false, detail });
  }
  const { parts, reply } = answer.data;
  const contents = parts?.length ? parts : [reply ?? ""];
  return ok(contents.map(contentOf).filter((content) => content !== undefined));
}

function contentOf(part: string | OutboundContent): OutboundContent | undefined {
  if (typeof part !== "string") return part;
  return part.trim() === "" ? undefined : { type: "text", text: part };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
