/** Which messages of a turn are answers to tasks: those go to no route. */
import type { RoutePlan } from "../../domain/messaging/routing.ts";
import { type AnswerReading, readAnswer } from "../../domain/workflows/tasks/answer.ts";
import { channelNames } from "../../domain/workflows/tasks/people.ts";
import type { ConversationOverride } from "../../schema/conversation.ts";
import type { UnifiedMessage } from "../../schema/message.ts";

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
