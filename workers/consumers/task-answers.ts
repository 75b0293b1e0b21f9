/**
 * Messages that answer a task instead of going to a route: which of a turn's messages they are, and what people are
 * told. A turn that is run again after a crash gives the same answers, and so has the same effect.
 */
import { conversationKeyOf } from "../../channels/address.ts";
import type { RoutePlan } from "../../domain/messaging/routing.ts";
import {
  type AnswerReading,
  type ReplyCandidate,
  readAnswer,
} from "../../domain/workflows/tasks/answer.ts";
import { channelNames } from "../../domain/workflows/tasks/people.ts";
import { isTokenOf, type TaskToken } from "../../domain/workflows/tasks/token.ts";
import { type Refused, refusalText, thanksText } from "../../domain/workflows/tasks/words.ts";
import { databaseFor } from "../../platform/database.ts";
import type { Located } from "../../platform/directory.ts";
import { count } from "../../platform/metrics.ts";
import { findSentAs } from "../../platform/repositories/tasks.ts";
import type { ConversationOverride, InboxItem } from "../../schema/conversation.ts";
import type { UnifiedMessage } from "../../schema/message.ts";
import { isolateOf } from "../isolate.ts";
import { type AnswerFailure, answerTask, taskOf } from "../operations/task-answer.ts";

/** A message that is an answer, and who gives it. */
export interface TaskPlan {
  readonly kind: "task";
  readonly external: false;
  readonly reading: AnswerReading;
  readonly names: readonly string[];
}

/** What keeps a message from any route keeps it from being an answer too. */
const UNHEARD: ReadonlySet<string> = new Set([
  ...["own_message", "tenant_disabled", "connection_inactive"],
  ...["edit", "delete", "reaction"],
]);

/** True where other names of who wrote it may matter: it may answer a question that is open here. */
export function mayAnswer(
  { kind, content }: UnifiedMessage,
  { asks }: ConversationOverride,
): boolean {
  const { text, metadata } = content;
  return asks !== undefined || readAnswer({ kind, text, metadata, names: [] }) !== undefined;
}

/** The message's plan, or that it is an answer. `aliases`: further names of who wrote it. */
export function taskPlan(
  message: UnifiedMessage,
  plan: RoutePlan,
  { asks }: ConversationOverride,
  aliases: readonly string[],
): RoutePlan | TaskPlan {
  if (plan.kind === "refused" || (plan.kind === "silence" && UNHEARD.has(plan.reason))) return plan;
  const names = channelNames(message.connection, message.sender, aliases);
  const { kind, content } = message;
  const { text, metadata } = content;
  const reading = readAnswer({ kind, text, metadata, names }, asks);
  return reading ? { kind: "task", external: false, reading, names } : plan;
}

/** Gives the answer; what is to be said to its author, if anything. Rejects where the run's object cannot be reached. */
export async function giveAnswer(
  env: Env,
  located: Located,
  item: InboxItem,
  plan: TaskPlan,
): Promise<string | undefined> {
  return plan.reading.is === "press"
    ? press(env, located, item, plan, plan.reading.token)
    : reply(env, located, item, plan, plan.reading);
}

/** A press that counted needs no word: the message itself changes. */
async function press(
  env: Env,
  located: Located,
  item: InboxItem,
  { names }: TaskPlan,
  token: TaskToken,
): Promise<string | undefined> {
  const { tenant } = located;
  const { run } = token;
  const now = await taskOf(env, { tenant: tenant.id, run }, token.tag);
  const choice = now?.choices[token.choice]?.id;
  if (!now || choice === undefined) return refusalText({ is: "unknown" });
  if (!(await isOurs(env, located, item, token, now.id, choice))) {
    count("workflow_task_answers_total", { tenant: tenant.id, way: "press", outcome: "forged" });
    return refusalText({ is: "unknown" });
  }
  const via = `message:${item.id}`;
  const answer = {
    tenant: tenant.id,
    run,
    task: now.id,
    choice,
    names,
    via,
    way: "press",
  } as const;
  const taken = await answerTask(env, answer);
  return taken.ok ? undefined : refusalText(whyNot(taken.failure));
}

/** The button was sent to this conversation, or to this person: a direct message has an address of its own. */
async function isOurs(
  env: Env,
  { tenant, connection }: Located,
  { message }: InboxItem,
  token: TaskToken,
  task: string,
  choice: string,
): Promise<boolean> {
  const { vars } = isolateOf(env);
  const places = [message.conversationKey, ...personalPlaces(connection, message.sender.id)];
  const { run } = token;
  const binding = { tenant: tenant.id, connection: connection.id, run, task, choice };
  for (const place of places)
    if (await isTokenOf(vars.ID_SECRET, token, { ...binding, place })) return true;
  return false;
}

function personalPlaces(connection: Located["connection"], sender: string): readonly string[] {
  const to = connection.channel === "discord" ? `user:${sender}` : sender;
  const place = conversationKeyOf(connection, to);
  return place === undefined ? [] : [place];
}

async function reply(
  env: Env,
  located: Located,
  item: InboxItem,
  { names }: TaskPlan,
  reading: Extract<AnswerReading, { is: "reply" }>,
): Promise<string | undefined> {
  const candidate = await meant(env, located, item, reading.candidates);
  if (!candidate) {
    const titles = reading.candidates.map(({ ask }) => ask.title);
    return refusalText({ is: "ambiguous", titles });
  }
  const { ask, choice } = candidate;
  const taken = await answerTask(env, {
    ...{ tenant: located.tenant.id, run: ask.run, task: ask.task, choice, names },
    ...{ via: `message:${item.id}`, way: "reply" },
    ...(reading.comment === undefined ? {} : { comment: reading.comment }),
  });
  if (taken.ok) return thanksText(taken.value.choices, choice);
  return refusalText(whyNot(taken.failure));
}

/** Of several the one whose message is quoted. */
async function meant(
  env: Env,
  { tenant, connection }: Located,
  { message }: InboxItem,
  candidates: readonly ReplyCandidate[],
): Promise<ReplyCandidate | undefined> {
  if (candidates.length < 2) return candidates[0];
  if (message.replyTo === undefined) return undefined;
  const place = { tenant: tenant.id, connection: connection.id, platformId: message.replyTo };
  const quoted = await findSentAs(databaseFor(env, tenant.id), place);
  return candidates.find(({ ask }) => quoted !== undefined && ask.messages.includes(quoted));
}

function whyNot(failure: AnswerFailure): Refused {
  switch (failure.reason) {
    case "late":
      return { is: "late", choices: failure.choices, end: failure.end };
    case "not_asked":
      return { is: "not_asked" };
    case "invalid":
      return { is: "form" };
    default:
      return { is: "unknown" };
  }
}
