/**
 * The Hive route: hands a turn to an external orchestrator and takes its answer. Two contracts: AgentOS
 * (form-encoded runs of an agent or a team, plain or streamed) and plain JSON (`POST /process`). The turn's id
 * goes along as `Idempotency-Key` on every attempt.
 */
import type { HiveRoute } from "../domain/messaging/routing.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { UnifiedMessage } from "../schema/message.ts";
import { guardedFetch } from "./egress.ts";
import { conclude, hasOutcome, isOver, NO_RUN, type Run, readEvent } from "./hive-answer.ts";
import { readJsonAnswer } from "./hive-json.ts";
import { createHiveReader } from "./hive-stream.ts";
import { deadline, untilAborted } from "./http-deadline.ts";
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

/** Runs of agents take long; the limit covers the whole answer, keepalives or not. */
const HIVE_TIMEOUT_MS_DEFAULT = 60_000;
/** Bytes of one answer, tool calls and reasoning included (4 MiB). */
export const HIVE_ANSWER_BYTES_MAX = 4_194_304;
/** Wait after 409 (a run under the same key is still going) where the Hive names none. */
const CONFLICT_RETRY_MS = 2000;

/** Calls the Hive once. Never throws. */
export async function callHiveRoute(
  route: HiveRoute,
  turn: RouteTurn,
  deps: RouteDeps,
): Promise<RouteAnswer> {
  const request = route.dialect === "json" ? jsonRequest(route, turn) : runRequest(route, turn);
  if (!request.ok) return request;
  const signal = deadline(route.timeoutMs ?? HIVE_TIMEOUT_MS_DEFAULT, deps.signal);
  const headers = {
    ...traceHeaders(deps),
    ...authorization(route),
    ...request.value.headers,
    "idempotency-key": turn.turnId,
  };
  const init = { method: "POST", headers, body: request.value.body, signal };
  const called = await guardedFetch(request.value.url, init, deps);
  if (!called.ok) return fail(egressFailure(called.failure));
  const nowMs = deps.nowMs ?? Date.now();
  return caught(readAnswer(route, called.value, signal, nowMs), signal);
}

interface HiveRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function runRequest(route: HiveRoute, turn: RouteTurn): Result<HiveRequest, TurnFailure> {
  const agent = route.agent ?? route.hints?.preferred_agent;
  const path =
    route.team === undefined
      ? agent && `agents/${encodeURIComponent(agent)}`
      : `teams/${encodeURIComponent(route.team)}`;
  if (!path) return fail(unconfigured("neither agent nor team"));
  // Not multipart: that would turn every line end of the text into two characters.
  const body = new URLSearchParams();
  body.set("message", promptOf(turn.messages));
  body.set("stream", route.stream ? "true" : "false");
  body.set("session_id", turn.session);
  body.set("user_id", turn.messages.at(-1)?.sender.id ?? turn.conversation);
  body.set("metadata", JSON.stringify({ ...contextOf(turn), priority: route.hints?.priority }));
  const accept = route.stream ? "text/event-stream" : "application/json";
  const headers = { "content-type": "application/x-www-form-urlencoded", accept };
  return ok({ url: `${baseOf(route)}/${path}/runs`, headers, body: body.toString() });
}

function jsonRequest(route: HiveRoute, turn: RouteTurn): Result<HiveRequest, TurnFailure> {
  const preferred = route.hints?.preferred_agent ?? route.team ?? route.agent;
  const payload = {
    tenant: turn.tenant,
    message: { ...turn.messages.at(-1), text: promptOf(turn.messages) },
    context: { ...contextOf(turn), messages: turn.messages, history: turn.history },
    routing_hints: {
      preferred_agent: preferred,
      priority: route.hints?.priority,
      session_id: turn.session,
    },
  };
  const accept = route.stream ? "text/event-stream, application/json" : "application/json";
  const headers = { "content-type": "application/json", accept };
  return ok({ url: `${baseOf(route)}/process`, headers, body: JSON.stringify(payload) });
}

function contextOf(turn: RouteTurn) {
  return {
    tenant: turn.tenant,
    connection: turn.connection,
    conversation: turn.conversation,
    turn_id: turn.turnId,
  };
}

/** All texts of the turn, one line each; a message without text is named by its files. */
function promptOf(messages: readonly UnifiedMessage[]): string {
  return messages
    .map(({ content }) => content.text || content.media.map(({ kind }) => `[${kind}]`).join(" "))
    .filter((text) => text !== "")
    .join("\n");
}

function authorization(route: HiveRoute): Readonly<Record<string, string>> {
  if (route.apiKey === undefined) return {};
  return route.auth === "x-api-key"
    ? { "x-api-key": route.apiKey }
    : { authorization: `Bearer ${route.apiKey}` };
}

function baseOf(route: HiveRoute): string {
  return route.baseUrl.replace(/\/{1,8}$/, "");
}

async function readAnswer(
  route: HiveRoute,
  response: Response,
  signal: AbortSignal,
  nowMs: number,
): Promise<RouteAnswer> {
  if (!response.ok) {
    await response.body?.cancel();
    return fail(refusal(response, nowMs));
  }
  const streamed = /\bevent-stream\b/i.test(response.headers.get("content-type") ?? "");
  if (route.dialect === "json" && !streamed) {
    return readJsonAnswer(response, HIVE_ANSWER_BYTES_MAX, signal);
  }
  const run = await readRun(response, route.team !== undefined, signal);
  const text = run === undefined ? fail(tooLarge()) : conclude(run);
  if (!text.ok) return text;
  return ok(text.value.trim() === "" ? [] : [{ type: "text", text: text.value }]);
}

/** Reads until the run has ended; what follows is not waited for. Undefined where the answer is too long. */
async function readRun(
  response: Response,
  team: boolean,
  signal: AbortSignal,
): Promise<Run | undefined> {
  if (!response.body) return NO_RUN;
  const body = response.body.getReader();
  const decoder = new TextDecoder();
  const reader = createHiveReader();
  let run = NO_RUN;
  let bytes = 0;
  try {
    while (!isOver(run, team)) {
      const { done, value } = await untilAborted(body.read(), signal);
      const events = done ? reader.end() : reader.feed(decoder.decode(value, { stream: true }));
      run = events.reduce(readEvent, run);
      bytes += value?.byteLength ?? 0;
      if (bytes > HIVE_ANSWER_BYTES_MAX) return undefined;
      if (done) break;
    }
    return run;
  } catch (error) {
    // Keepalives after the end must not cost us an answer we already have.
    if (hasOutcome(run)) return run;
    throw error;
  } finally {
    body.cancel().catch(() => undefined);
  }
}

function refusal(response: Response, nowMs: number): TurnFailure {
  const failure = statusFailure(response, nowMs);
  switch (response.status) {
    case 401:
    case 403:
      return { ...failure, reason: "unauthorized", retryable: false };
    case 404:
      return { ...failure, reason: "unknown_agent", retryable: false };
    case 409:
      return { ...failure, reason: "conflict", afterMs: failure.afterMs ?? CONFLICT_RETRY_MS };
    case 400:
    case 413:
    case 415:
    case 422:
      return { ...failure, retryable: false };
    default:
      return failure;
  }
}

function unconfigured(detail: string): TurnFailure {
  return { reason: "unconfigured", retryable: false, breaker: false, detail };
}

function tooLarge(): TurnFailure {
  return { reason: "answer_too_large", retryable: false, breaker: false };
}
