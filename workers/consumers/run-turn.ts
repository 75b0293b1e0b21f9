/**
 * Runs a frozen turn: fetches its files, asks the external route once for all messages meant for it, and
 * turns the answer into replies. Says how it ended; whether that means again or never is not decided here.
 */
import { turnKey } from "../../domain/conversation/turns.ts";
import type { RoutePlan } from "../../domain/messaging/routing.ts";
import { DOWNSTREAM_LIMITS_DEFAULT } from "../../domain/resilience/admission.ts";
import { admitCall, noteOutcome } from "../../platform/admission.ts";
import { noteCall } from "../../platform/audit-calls.ts";
import { databaseFor } from "../../platform/database.ts";
import type { Located } from "../../platform/directory.ts";
import { callHiveRoute } from "../../platform/hive-client.ts";
import { publicMediaUrl } from "../../platform/media-link.ts";
import { listMessages, toMessage } from "../../platform/repositories/messages.ts";
import type { RouteAnswer, RouteTurn, TurnFailure } from "../../platform/route-call.ts";
import { callWebhookRoute } from "../../platform/webhook-callback.ts";
import type { ReplyDraft, TakenTurn, Turn, TurnResult } from "../../schema/conversation.ts";
import type { Media, UnifiedMessage } from "../../schema/message.ts";
import type { Vars } from "../../schema/vars.ts";
import { isolateOf } from "../isolate.ts";
import { startForMessages } from "../operations/trigger-message.ts";
import { storeFiles } from "./media-in.ts";
import { draftsFor, logTurn, type Planned, planTurn, quickReplies, routeName } from "./turn.ts";

type Taken = Extract<TakenTurn, { is: "taken" }>;
type ExternalPlan = Extract<RoutePlan, { external: true }>;
type CalledPlan = Exclude<ExternalPlan, { kind: "workflow" }>;
type StartedPlan = Extract<ExternalPlan, { kind: "workflow" }>;

/** How long an agent has to fetch a file, from the message on, in ms: every attempt names the same link. */
const LINK_TTL_MS = 24 * 3_600_000;

/** Rejects only where storage does; the caller makes that a failed attempt. */
export async function runTurn(env: Env, located: Located, taken: Taken): Promise<TurnResult> {
  const startMs = Date.now();
  const turn = await storeFiles(env, located, taken);
  const planned = await planTurn(env, located, taken.config, taken.override, turn);
  const external = planned.filter((one) => one.plan.external);
  const asked = external.length > 0 ? await askRoute(env, located, taken, external) : undefined;
  const log = (outcome: string, replies: number, reason?: string) =>
    logTurn(located, taken.config, turn, planned, {
      outcome,
      replies,
      startMs,
      ...(reason ? { reason } : {}),
    });
  if (asked?.is === "failed") {
    log("failed", 0, asked.reason);
    return { id: turn.id, ...asked };
  }
  const quick = await quickReplies(env, located, planned);
  const replies = [...quick, ...(asked?.replies ?? [])];
  log("committed", replies.length);
  const traits = { routedAtMs: startMs, route: routeName(planned), ...(asked ? asked.times : {}) };
  return { id: turn.id, is: "committed", replies, traits };
}

type Asked =
  | {
      readonly is: "answered";
      readonly replies: readonly ReplyDraft[];
      readonly times: { readonly agentStartMs: number; readonly agentEndMs: number };
    }
  | Omit<Extract<TurnResult, { is: "failed" }>, "id">;

async function askRoute(
  env: Env,
  located: Located,
  taken: Taken,
  planned: readonly Planned[],
): Promise<Asked> {
  const plan = planned[0]?.plan as ExternalPlan;
  if (plan.kind === "workflow") return startRuns(env, located, plan, planned);
  const name = `${located.tenant.id}:url:${hostOf(plan)}`;
  const admission = await admitCall(env, name, DOWNSTREAM_LIMITS_DEFAULT);
  if (!admission.ok) {
    return {
      is: "failed",
      reason: admission.reason,
      retryable: true,
      afterMs: admission.retryAfterMs,
      counts: false,
    };
  }
  const agentStartMs = Date.now();
  const turn = await turnFor(env, located, taken, planned);
  const answer = await call(env, plan, turn, taken.turn.items.at(-1)?.traceparent);
  const verdict = answer.ok ? "success" : answer.failure.breaker ? "failure" : "neutral";
  const pauseMs = answer.ok ? undefined : answer.failure.afterMs;
  const failure = answer.ok ? undefined : answer.failure;
  noteCall(located.tenant.id, {
    ...{ action: `${plan.kind}.call`, actor: { kind: "channel", id: located.connection.id } },
    target: { conversation: taken.config.conversation, turn: turn.turnId, host: hostOf(plan) },
    startMs: agentStartMs,
    failure: failure && { code: failure.reason, refused: !failure.retryable },
    trace: traceIdIn(taken.turn.items.at(-1)?.traceparent),
  });
  noteOutcome(name, DOWNSTREAM_LIMITS_DEFAULT, {
    slotId: admission.slotId,
    verdict,
    ...(pauseMs ? { pauseMs } : {}),
  });
  if (!answer.ok) return failed(answer.failure);
  const items = planned.map((one) => one.item);
  const replies = draftsFor(items, answer.value);
  return { is: "answered", replies, times: { agentStartMs, agentEndMs: Date.now() } };
}

/** The turn has no reply of its own: what is said, the runs say. */
async function startRuns(
  env: Env,
  { tenant }: Located,
  { route }: StartedPlan,
  planned: readonly Planned[],
): Promise<Asked> {
  const agentStartMs = Date.now();
  const messages = planned.map(({ message, item }) => ({ message, depth: item.depth }));
  const failure = await startForMessages(env, tenant.id, route, messages);
  if (failure) return { is: "failed", ...failure };
  return { is: "answered", replies: [], times: { agentStartMs, agentEndMs: Date.now() } };
}

function call(
  env: Env,
  plan: CalledPlan,
  turn: RouteTurn,
  traceparent: string | undefined,
): Promise<RouteAnswer> {
  const deps = { vars: isolateOf(env).vars, ...(traceparent ? { traceparent } : {}) };
  switch (plan.kind) {
    case "webhook":
      return callWebhookRoute(plan.route, turn, deps);
    case "hive":
      return callHiveRoute(plan.route, turn, deps);
  }
}

async function turnFor(
  env: Env,
  located: Located,
  { config, turn }: Taken,
  planned: readonly Planned[],
): Promise<RouteTurn> {
  const { vars } = isolateOf(env);
  return {
    tenant: located.tenant.id,
    connection: located.connection.id,
    conversation: config.conversation,
    session: turn.session,
    turnId: turnKey(turn),
    messages: await Promise.all(planned.map((one) => withLinks(vars, one))),
    history: await historyOf(env, located, config.conversation, turn),
  };
}

/** The messages before the turn's first, the same on every attempt. */
async function historyOf(
  env: Env,
  { tenant }: Located,
  conversation: string,
  turn: Turn,
): Promise<readonly UnifiedMessage[]> {
  const beforeId = turn.items[0]?.id;
  const limit = tenant.config.historyWindow;
  if (limit === 0 || beforeId === undefined) return [];
  const db = databaseFor(env, tenant.id);
  const rows = await listMessages(db, { tenant: tenant.id, conversation, beforeId, limit });
  return rows.map(toMessage).reverse();
}

/** Agents get links to stored files, not keys they could do nothing with. */
async function withLinks(vars: Vars, { item, message }: Planned): Promise<UnifiedMessage> {
  const media = await Promise.all(
    message.content.media.map(async (one): Promise<Media> => {
      if (one.source.from !== "stored") return one;
      const url = await publicMediaUrl(vars, one.source.key, item.atMs + LINK_TTL_MS);
      return { ...one, source: { from: "url", url } };
    }),
  );
  return { ...message, content: { ...message.content, media } };
}

function failed(failure: TurnFailure): Asked {
  const { reason, retryable, afterMs, detail } = failure;
  return {
    is: "failed",
    reason,
    retryable,
    ...(afterMs === undefined ? {} : { afterMs }),
    ...(detail ? { detail } : {}),
  };
}

/** The second part of a W3C `traceparent`. */
function traceIdIn(traceparent: string | undefined): string | undefined {
  return traceparent?.split("-")[1];
}

function hostOf(plan: CalledPlan): string {
  const url = plan.kind === "webhook" ? plan.route.url : plan.route.baseUrl;
  return URL.parse(url)?.host ?? "invalid";
}
