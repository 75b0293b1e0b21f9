/**
 * Runs a turn. Quick plans (direct replies, silence, a human) end right here; a plan that waits for somebody
 * else's server, or a message with files to fetch, is handed to the turns queue, so that it delays nobody.
 */

import { planRoute, type RoutePlan } from "../../domain/messaging/routing.ts";
import { toUnified } from "../../domain/messaging/unified.ts";
import { databaseFor } from "../../platform/database.ts";
import type { Located } from "../../platform/directory.ts";
import { logLine } from "../../platform/log.ts";
import { count, observe } from "../../platform/metrics.ts";
import type {
  ConversationConfig,
  ConversationOverride,
  InboxItem,
  ReplyDraft,
  Turn,
  TurnResult,
} from "../../schema/conversation.ts";
import type { UnifiedMessage } from "../../schema/message.ts";
import type { Responder } from "../../schema/parsed.ts";
import { knownAliases } from "./aliases.ts";
import type { Leased } from "./leased.ts";
import { mayAnswer, type TaskPlan, taskPlan } from "./task-plan.ts";

/** One message of a turn with its plan. */
export interface Planned {
  readonly item: InboxItem;
  readonly message: UnifiedMessage;
  readonly plan: RoutePlan | TaskPlan;
}

/** The turn of a lease. Rejects only where D1 does (aliases): then nothing was decided. */
export async function leasedTurn(
  env: Env,
  { work, located }: Leased,
  turn: Turn,
): Promise<TurnResult> {
  const startMs = Date.now();
  const planned = await planTurn(env, located, work.config, work.override, turn);
  if (planned.some(isSlow)) return { id: turn.id, is: "handed" };
  const replies = await quickReplies(env, located, planned);
  logTurn(located, work.config, turn, planned, {
    outcome: "committed",
    replies: replies.length,
    startMs,
  });
  return {
    id: turn.id,
    is: "committed",
    replies,
    traits: { routedAtMs: startMs, route: routeName(planned) },
  };
}

export async function planTurn(
  env: Env,
  located: Located,
  config: ConversationConfig,
  override: ConversationOverride,
  turn: Turn,
): Promise<readonly Planned[]> {
  const { connection, tenant, rules } = located;
  const messages = turn.items.map((item) => unified(item, located, config));
  const aliases =
    rules.length > 0 || messages.some((one) => mayAnswer(one, override))
      ? await knownAliases(databaseFor(env, tenant.id), tenant.id, connection.id, messages)
      : new Map();
  return turn.items.map((item, index) => {
    const message = messages[index] as UnifiedMessage;
    const known = aliases.get(message.sender.id) ?? [];
    const facts = {
      message,
      tenant: tenant.config,
      connection,
      conversation: override,
      rules,
      aliases: known,
      nowMs: Date.now(),
    };
    const plan = taskPlan(message, planRoute(facts).plan, override, known);
    return { item, message, plan };
  });
}

function unified(
  item: InboxItem,
  { connection, tenant }: Located,
  config: ConversationConfig,
): UnifiedMessage {
  return toUnified(item.message, {
    id: item.id,
    tenant: tenant.id,
    connection: connection.id,
    source: connection.channel,
    conversation: config.conversation,
    receivedAtMs: item.atMs,
  });
}

/** Each message answered by a rule gets its own reply, and each answer to a task is given, in order. */
export async function quickReplies(
  env: Env,
  located: Located,
  planned: readonly Planned[],
): Promise<readonly ReplyDraft[]> {
  const replies: ReplyDraft[] = [];
  for (const { item, plan } of planned) {
    const text = plan.kind === "task" ? await answered(env, located, item, plan) : wordsOf(plan);
    if (text !== undefined) replies.push(...draftsFor([item], [{ type: "text", text }]));
  }
  return replies;
}

/** What it takes to answer is loaded where there is an answer. */
async function answered(env: Env, located: Located, item: InboxItem, plan: TaskPlan) {
  const { giveAnswer } = await import("./task-answers.ts");
  return giveAnswer(env, located, item, plan);
}

function wordsOf(plan: RoutePlan): string | undefined {
  return plan.kind === "direct" ? plan.reply : undefined;
}

/** Replies to these messages: they go back the way the newest of them came, a gesture's by its own (`responder`). */
export function draftsFor(
  items: readonly InboxItem[],
  contents: readonly ReplyDraft["content"][],
): readonly ReplyDraft[] {
  const newest = items.at(-1)?.message;
  const first = contents.findIndex(({ type }) => POSTS.includes(type));
  return contents.map((content, index) => ({
    content,
    answers: items.map((item) => item.id),
    ...(newest?.thread ? { thread: newest.thread } : {}),
    ...(newest?.responder ? { responder: responderOf(newest.responder, index > first) } : {}),
  }));
}

/** Contents that become messages of their own. */
const POSTS: readonly string[] = ["text", "media", "card"];

/** The first answer takes the place of the deferred one; what comes after it must not write over it. */
function responderOf(responder: Responder, later: boolean): Responder {
  return later && responder.via === "discord_interaction"
    ? { ...responder, followUp: true }
    : responder;
}

function isSlow({ plan, message }: Planned): boolean {
  return plan.external || (plan.kind !== "refused" && message.content.media.some(isFetchable));
}

/** A file that is not ours yet and not refused. */
export function isFetchable(media: UnifiedMessage["content"]["media"][number]): boolean {
  return media.source.from !== "stored" && media.source.from !== "refused";
}

export function routeName(planned: readonly Planned[]): string {
  return planned.at(-1)?.plan.kind ?? "none";
}

/** One wide line and one counter per turn, wherever it ran. */
export function logTurn(
  { tenant, connection }: Located,
  config: ConversationConfig,
  turn: Turn,
  planned: readonly Planned[],
  how: {
    readonly outcome: string;
    readonly replies: number;
    readonly startMs: number;
    readonly reason?: string;
  },
): void {
  const route = routeName(planned);
  count("turns_total", { tenant: tenant.id, route, outcome: how.outcome });
  observe("turn_duration_seconds", { route }, (Date.now() - how.startMs) / 1000);
  for (const { plan } of planned) {
    if (plan.kind === "refused" || plan.kind === "silence") {
      count("messages_unanswered_total", { tenant: tenant.id, reason: plan.reason });
    }
  }
  logLine("turn.ended", {
    tenant: tenant.id,
    connection: connection.id,
    conversation: config.conversation,
    turn: turn.id,
    attempt: turn.attempt,
    route,
    outcome: how.outcome,
    messages: turn.items.length,
    replies: how.replies,
    durationMs: Date.now() - how.startMs,
    ...(how.reason ? { reason: how.reason } : {}),
  });
}
