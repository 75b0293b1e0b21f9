/**
 * Questions of workflows that are open in a conversation. They are kept with its settings, so that every worker that
 * gets the conversation gets them too, and a conversation without any pays nothing.
 */
import type { ConversationOverride, TaskAsk } from "../../schema/conversation.ts";
import type { ParsedMessage } from "../../schema/parsed.ts";
import { readAnswer } from "../workflows/tasks/answer.ts";
import { channelNames } from "../workflows/tasks/people.ts";
import type { ConversationState, Step } from "./state.ts";

/** Questions open in one conversation: of more than that the oldest can be answered by button and API alone. */
const ASKS_MAX = 20;
/** Messages remembered of one question, that a person may quote. */
const MESSAGES_MAX = 10;

/** Settings of an operator; questions stay as they are. */
export function overrideWith(
  state: ConversationState,
  { route, policy }: ConversationOverride,
): Step<undefined> {
  const { asks } = state.flow.override;
  const settings = { ...(route ? { route } : {}), ...(policy ? { policy } : {}) };
  return put(state, { ...settings, ...(asks ? { asks } : {}) });
}

/** The question with the people and the message of now, behind the messages it had. */
export function openAsk(state: ConversationState, ask: TaskAsk): Step<undefined> {
  const asks = state.flow.override.asks ?? [];
  const before = asks.find((one) => isSame(one, ask));
  const known = before?.messages ?? [];
  const messages = [...new Set([...known, ...ask.messages])].slice(-MESSAGES_MAX);
  const others = asks.filter((one) => !isSame(one, ask));
  return put(state, withAsks(state, [...others, { ...ask, messages }].slice(-ASKS_MAX)));
}

export function closeAsk(
  state: ConversationState,
  task: Pick<TaskAsk, "run" | "task">,
): Step<undefined> {
  const asks = state.flow.override.asks ?? [];
  const others = asks.filter((one) => !isSame(one, task));
  if (others.length === asks.length) return { state, writes: [], reply: undefined };
  return put(state, withAsks(state, others));
}

/** True for what a person has to be heard with, whoever has the conversation and however busy it is. */
export function isTaskAnswer(state: ConversationState, message: ParsedMessage): boolean {
  const { kind, content, sender } = message;
  const names = channelNames(state.config?.connection ?? "", sender);
  const { text, metadata } = content;
  return readAnswer({ kind, text, metadata, names }, state.flow.override.asks) !== undefined;
}

function withAsks({ flow }: ConversationState, asks: readonly TaskAsk[]): ConversationOverride {
  const { asks: _, ...settings } = flow.override;
  return asks.length > 0 ? { ...settings, asks } : settings;
}

function put(state: ConversationState, override: ConversationOverride): Step<undefined> {
  const flow = { ...state.flow, override };
  return { state: { ...state, flow }, writes: [{ put: "flow", flow }], reply: undefined };
}

function isSame(one: Pick<TaskAsk, "run" | "task">, other: Pick<TaskAsk, "run" | "task">): boolean {
  return one.run === other.run && one.task === other.task;
}
