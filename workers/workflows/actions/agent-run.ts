/**
 * `agent.run`: asks one of the tenant's agents (a Hive, or a server of its own) as a conversation's turn does, and takes
 * its answer. Which one: the route of a connection, or the tenant's own.
 */
import type { HiveRoute, WebhookRoute } from "../../../domain/messaging/routing.ts";
import { fail, ok, type Result } from "../../../domain/result.ts";
import type { ReportedError } from "../../../domain/workflows/run/events.ts";
import type { Json } from "../../../domain/workflows/run/state.ts";
import { callHiveRoute } from "../../../platform/hive-client.ts";
import type { RouteAnswer, RouteTurn, TurnFailure } from "../../../platform/route-call.ts";
import { callWebhookRoute } from "../../../platform/webhook-callback.ts";
import type { UnifiedMessage } from "../../../schema/message.ts";
import type { OutboundContent } from "../../../schema/outbound.ts";
import type { Route } from "../../../schema/route.ts";
import { isolateOf } from "../../isolate.ts";
import { type Action, type ActionContext, type ActionResult, membersOf, never } from "./action.ts";
import { admitted, concluded, refusedBy } from "./admitted.ts";
import { hostOfSecretsRefused } from "./secret-hosts.ts";

type AgentRoute = HiveRoute | WebhookRoute;

const id = { type: "string", minLength: 1, maxLength: 200 };

export const agentRun: Action = {
  description:
    "Asks an agent: the route (`hive` or `webhook`) of `connection`, or the tenant's own. `agent` and `team` name another one of the same Hive. Calls of one `session` share their memory; without it each run has its own.",
  input: {
    type: "object",
    required: ["text"],
    additionalProperties: false,
    properties: {
      text: { type: "string", minLength: 1, maxLength: 100_000 },
      connection: id,
      agent: id,
      team: id,
      session: id,
      user: id,
      data: { description: "Goes along as `content.metadata.data`" },
    },
  },
  output: {
    type: "object",
    required: ["text", "parts"],
    properties: {
      text: { description: "All texts of the answer, a line each", type: "string" },
      parts: { type: "array", items: { type: "object" } },
    },
  },
  sends: true,
  run: ask,
};

async function ask(context: ActionContext, input: Json): Promise<ActionResult> {
  const found = await routeOf(context, membersOf(input));
  if (!found.ok) return found;
  const route = found.value;
  const url = route.kind === "hive" ? route.baseUrl : route.url;
  const host = URL.parse(url)?.host;
  if (host === undefined) return never("refused_url");
  const refused = hostOfSecretsRefused(context, url);
  if (refused) return fail(refused);
  const name = `${context.tenant}:url:${host}`;
  const admission = await admitted(context.env, name, context.signal);
  if (!admission.ok) return fail(refusedBy(admission));
  const answer = await call(context, route, turnOf(context, membersOf(input)));
  const verdict = answer.ok ? "success" : answer.failure.breaker ? "failure" : "neutral";
  const pauseMs = answer.ok ? undefined : answer.failure.afterMs;
  await concluded(context.env, { name, slotId: admission.slotId, verdict, pauseMs });
  return answer.ok ? ok(outputOf(answer.value)) : fail(errorOf(answer.failure));
}

async function routeOf(
  { env, tenant }: ActionContext,
  { connection, agent, team }: Readonly<Record<string, Json>>,
): Promise<Result<AgentRoute, ReportedError>> {
  const { directory } = isolateOf(env);
  const located =
    connection === undefined ? undefined : await directory.byId(String(connection), Date.now());
  if (connection !== undefined && located?.tenant.id !== tenant)
    return fail({ reason: "unknown_connection", retryable: false });
  const own = located?.tenant ?? (await directory.tenant(tenant, Date.now()));
  const route: Route | undefined = located?.connection.route ?? own?.config.route;
  if (route?.kind === "webhook") return ok(route);
  if (route?.kind !== "hive") {
    const message = "the route is neither hive nor webhook";
    return fail({ reason: "no_agent", retryable: false, message });
  }
  if (agent === undefined && team === undefined) return ok(route);
  const { agent: _agent, team: _team, hints: _hints, ...hive } = route;
  const named = team === undefined ? { agent: String(agent) } : { team: String(team) };
  return ok({ ...hive, ...named });
}

function call(
  { env, signal }: ActionContext,
  route: AgentRoute,
  turn: RouteTurn,
): Promise<RouteAnswer> {
  const deps = { vars: isolateOf(env).vars, signal };
  return route.kind === "hive"
    ? callHiveRoute(route, turn, deps)
    : callWebhookRoute(route, turn, deps);
}

/** A turn of one message, the same in every attempt. */
function turnOf(
  { tenant, run, step, idempotencyKey, startedAtMs }: ActionContext,
  { text, connection, session, user, data }: Readonly<Record<string, Json>>,
): RouteTurn {
  const place = { tenant, connection: String(connection ?? "workflow"), conversation: run };
  const message: UnifiedMessage = {
    ...place,
    ...{ id: idempotencyKey, eventKey: idempotencyKey, platform_id: idempotencyKey },
    ...{ source: "api", direction: "inbound", kind: "message", group: false, mentions: [] },
    content: {
      text: String(text),
      media: [],
      metadata: { workflow: { run, step }, ...(data === undefined ? {} : { data }) },
    },
    timestamp: new Date(startedAtMs).toISOString(),
    sender: { id: String(user ?? run), aliases: [] },
  };
  const turn = { session: String(session ?? run), turnId: idempotencyKey };
  return { ...place, ...turn, messages: [message], history: [] };
}

function outputOf(parts: readonly OutboundContent[]): Json {
  const texts = parts.flatMap((part) => ("text" in part && part.text ? [part.text] : []));
  // Plain JSON by now: it was read off an answer.
  return { text: texts.join("\n"), parts: parts as unknown as Json };
}

function errorOf({ reason, retryable, afterMs, detail }: TurnFailure): ReportedError {
  return {
    ...{ reason, retryable },
    ...(afterMs === undefined ? {} : { retryAfterMs: afterMs }),
    ...(detail === undefined ? {} : { message: detail }),
  };
}
