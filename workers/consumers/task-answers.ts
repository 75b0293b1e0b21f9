/**
 * Gives the answers that people write or press in a conversation, and says what they are told. Loaded where there is one.
 * A turn that is run again after a crash gives the same answers, and so has the same effect.
 */
import { conversationKeyOf } from "../../channels/address.ts";
import type { AnswerReading, ReplyCandidate } from "../../domain/workflows/tasks/answer.ts";
import { taskTag } from "../../domain/workflows/tasks/tag.ts";
import { isTokenOf, type TaskToken } from "../../domain/workflows/tasks/token.ts";
import { type Refused, refusalText, thanksText } from "../../domain/workflows/tasks/words.ts";
import { databaseFor } from "../../platform/database.ts";
import type { Located } from "../../platform/directory.ts";
import { count } from "../../platform/metrics.ts";
import { findSentAs, listTasks } from "../../platform/repositories/tasks.ts";
import type { TaskDetails } from "../../platform/workflow-log.ts";
import type { TaskNow } from "../../platform/workflow-runs.ts";
import type { InboxItem } from "../../schema/conversation.ts";
import { isolateOf } from "../isolate.ts";
import { type AnswerFailure, answerTask, taskOf } from "../operations/task-answer.ts";
import type { TaskPlan } from "./task-plan.ts";

/** Tasks of one run that are looked through for one that its object has forgotten. */
const TASKS_MAX = 200;

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
  const live = await taskOf(env, { tenant: tenant.id, run }, token.tag);
  const now = live ?? (await storedTask(env, tenant.id, token));
  const choice = now?.choices[token.choice]?.id;
  if (!now || choice === undefined) return refusalText({ is: "unknown" });
  if (!(await isOurs(env, located, item, token, now.id, choice))) {
    count("workflow_task_answers_total", { tenant: tenant.id, way: "press", outcome: "forged" });
    return refusalText({ is: "unknown" });
  }
  if (!live) return refusalText({ is: "late", choices: now.choices, end: now.end });
  const taken = await answerTask(env, {
    ...{ tenant: tenant.id, run, task: now.id, choice, names },
    ...{ via: `message:${item.id}`, way: "press" },
  });
  return taken.ok ? undefined : refusalText(whyNot(taken.failure));
}

/** One whose run has called it off, or ended a while ago. */
async function storedTask(
  env: Env,
  tenant: string,
  { run, tag }: TaskToken,
): Promise<Pick<TaskNow, "id" | "choices" | "end"> | undefined> {
  const { rows } = await listTasks(databaseFor(env, tenant), { tenant, run, limit: TASKS_MAX });
  const found = rows
    .map(({ details }) => JSON.parse(details) as TaskDetails)
    .find(({ id }) => taskTag(id) === tag);
  return (
    found && { id: found.id, choices: found.choices, ...(found.end ? { end: found.end } : {}) }
  );
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

/** The one whose message is quoted; without a quotation the only one. */
async function meant(
  env: Env,
  { tenant, connection }: Located,
  { message }: InboxItem,
  candidates: readonly ReplyCandidate[],
): Promise<ReplyCandidate | undefined> {
  const only = candidates.length === 1 ? candidates[0] : undefined;
  if (message.replyTo === undefined) return only;
  const place = { tenant: tenant.id, connection: connection.id, platformId: message.replyTo };
  const quoted = await findSentAs(databaseFor(env, tenant.id), place);
  if (quoted === undefined) return only;
  return candidates.find(({ ask }) => ask.messages.includes(quoted));
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
