/**
 * A task on its channel: the question with its buttons, reminders, who is asked now, and how it ended. Everything goes
 * through the outboxes of conversations under a key of its own, so that a command that comes again says nothing twice.
 */
import { conversationKeyOf } from "../../channels/address.ts";
import { carried } from "../../domain/events/chain.ts";
import { seqOfId } from "../../domain/messaging/message-id.ts";
import type { Task, TaskEnd } from "../../domain/workflows/run/state.ts";
import { askedPeople } from "../../domain/workflows/tasks/people.ts";
import { taskToken } from "../../domain/workflows/tasks/token.ts";
import {
  labelOf,
  type Occasion,
  outcomeText,
  questionText,
} from "../../domain/workflows/tasks/words.ts";
import { conversationOf, insist } from "../../platform/conversations.ts";
import type { Located } from "../../platform/directory.ts";
import { callOnce } from "../../platform/http.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import type { HandCommand, RunName } from "../../platform/workflow-runs.ts";
import type { TaskAsk } from "../../schema/conversation.ts";
import type { OutboundContent } from "../../schema/outbound.ts";
import { conversationConfig } from "../door/take-in.ts";
import type { ApiDeps } from "../http/deps.ts";
import { isolateOf } from "../isolate.ts";
import { sendMessage } from "./send-message.ts";
import { taskOf } from "./task-answer.ts";

export type TaskCommand = Extract<
  HandCommand,
  { is: "open_task" | "remind_task" | "escalate_task" | "reassign_task" | "close_task" }
>;

const OCCASIONS = {
  open_task: "opened",
  remind_task: "reminded",
  escalate_task: "escalated",
  reassign_task: "reassigned",
} as const satisfies Record<Exclude<TaskCommand["is"], "close_task">, Occasion>;

/** A sent message can be edited for this long, ms: a minute less than WhatsApp allows (15 minutes; WhatsApp help). */
const WHATSAPP_EDIT_MS = 14 * 60_000;

interface Telling extends RunName {
  readonly env: Env;
  readonly deps: ApiDeps;
  readonly located: Located;
  readonly task: Task;
  /** Of the command: the same in every attempt. */
  readonly key: string;
  /** Of the run, in its chain of events. */
  readonly depth: number | undefined;
}

/** Where one message of a task goes. */
interface Place {
  readonly to: string;
  readonly conversationKey: string;
}

/** Undefined when it is done, or can never be. Rejects where it could not be tried: then it comes again. */
export async function tellTask(
  env: Env,
  of: RunName,
  command: TaskCommand,
  depth?: number,
): Promise<undefined> {
  const { details: task, key } = command;
  const { tenant, run } = of;
  if (!task.channel) return;
  const deps = depsOf(env);
  const located = await deps.directory.byId(task.channel.connection, Date.now());
  const isOurs = located?.tenant.id === tenant && located.connection.active !== false;
  if (!located || !isOurs) return untold(of, "no_connection");
  const telling = { env, deps, located, task, key, tenant, run, depth };
  if (command.is === "close_task") return close(telling, command.end);
  const now = await taskOf(env, of, task.id);
  if (now?.state !== "open") return;
  const occasion = OCCASIONS[command.is];
  for (const place of placesOf(telling, peopleFor(task, occasion)))
    await ask(telling, place, occasion);
}

function depsOf(env: Env): ApiDeps {
  const { vars, vault, directory } = isolateOf(env);
  return { env, vars, vault, directory, callOnce, now: Date.now, log: logLine };
}

/** Those to whom it is news. */
function peopleFor(task: Task, occasion: Occasion): readonly string[] {
  if (occasion === "escalated") return task.escalatedTo ?? [];
  return askedPeople(task) ?? [];
}

/** The conversation named by the task; else every person's own, by the name as an address. */
function placesOf(
  { located, task, tenant, run }: Pick<Telling, "located" | "task" | "tenant" | "run">,
  people: readonly string[],
): readonly Place[] {
  const { connection } = located;
  const to = task.channel?.to === undefined ? people : [task.channel.to];
  return to.flatMap((one) => {
    const conversationKey = conversationKeyOf(connection, one);
    if (conversationKey === undefined) untold({ tenant, run }, "no_address");
    return conversationKey === undefined ? [] : [{ to: one, conversationKey }];
  });
}

function untold({ tenant, run }: RunName, reason: string): undefined {
  count("workflow_tasks_untold_total", { tenant, reason });
  logLine("task.untold", { tenant, job: run, reason });
}

async function ask(telling: Telling, place: Place, occasion: Occasion): Promise<void> {
  const { env, located, task, tenant, run } = telling;
  const { id: connection, channel } = located.connection;
  const secret = telling.deps.vars.ID_SECRET;
  const bound = { tenant, connection, place: place.conversationKey, run, task: task.id };
  const buttons = await Promise.all(
    task.choices.map(async (choice, at) => ({
      id: await taskToken(secret, { ...bound, choice: choice.id }, at),
      label: labelOf(choice),
    })),
  );
  const text = questionText(task, occasion, channel === "whatsapp");
  const { conversation } = await conversationConfig(env, located, place.conversationKey);
  const note = (messages: readonly string[]) => {
    const open = { ...askOf(telling), messages };
    return insist(() => conversationOf(env, tenant, conversation).ask(open, Date.now()));
  };
  await note([]);
  await note([await say(telling, place, { type: "card", text, buttons }, "ask")]);
}

/** Known before it is read: an answer may come at once. */
function askOf({ task, run }: Telling): TaskAsk {
  const people = askedPeople(task);
  return {
    ...{ run, task: task.id, title: task.title, choices: task.choices, messages: [] },
    ...(people ? { assignees: people } : {}),
  };
}

/** Puts a message into the conversation's outbox; the same again gives the same message. Its id. */
async function say(
  { deps, located, tenant, run, key, depth }: Telling,
  { to, conversationKey }: Place,
  content: OutboundContent,
  what: string,
): Promise<string> {
  const name = JSON.stringify([run, key, conversationKey, what]);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(name));
  const sent = await sendMessage(deps, {
    tenant,
    body: { connection: located.connection.id, to, content },
    nowMs: deps.now(),
    key: `task:${new Uint8Array(digest).toHex()}`,
    traceparent: undefined,
    ...carried(depth),
  });
  await sent.after();
  return sent.view.id;
}

/** Every message that asked says how it ended; where none can be changed any more a new one says it. */
async function close(telling: Telling, end: TaskEnd | undefined): Promise<undefined> {
  for (const place of placesOf(telling, everAsked(telling.task)))
    await closeAt(telling, place, end);
}

/** Also those asked before it was given to others. */
function everAsked(task: Task): readonly string[] {
  const before = (task.notes ?? []).flatMap((note) =>
    note.is === "reassigned" ? [...(note.from ?? []), ...note.assignees] : [],
  );
  return [...new Set([...(askedPeople(task) ?? []), ...before])];
}

async function closeAt(telling: Telling, place: Place, end: TaskEnd | undefined): Promise<void> {
  const { env, located, task, tenant, run } = telling;
  const { conversation } = await conversationConfig(env, located, place.conversationKey);
  const object = () => conversationOf(env, tenant, conversation);
  const { override } = await insist(() => object().status());
  const open = override.asks?.find((one) => one.run === run && one.task === task.id);
  if (!open) return;
  const text = outcomeText(task, end);
  const endMs = end?.atMs ?? Date.now();
  const editable = open.messages.filter((id) => isEditable(located, id, endMs));
  for (const id of editable) await say(telling, place, { type: "edit", target: id, text }, id);
  if (editable.length === 0) await say(telling, place, { type: "text", text }, "end");
  await insist(() => object().unask({ run, task: task.id }, Date.now()));
}

/** A message's id tells when it was made. */
function isEditable({ connection }: Located, message: string, nowMs: number): boolean {
  if (connection.channel !== "whatsapp") return true;
  return nowMs - (seqOfId(message) ?? 0) < WHATSAPP_EDIT_MS;
}
