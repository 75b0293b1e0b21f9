/**
 * Reads a message as an answer to a task: a pressed button by what it carries, a text by the questions open in its
 * conversation. A text is an answer only where nothing but an answer can be meant: a number of the list, or the id or
 * label of a choice, with a comment behind a colon where there is one. Everything else goes its usual way.
 */
import type { TaskAsk } from "../../../schema/conversation.ts";
import { askedName } from "./people.ts";
import { readToken, type TaskToken } from "./token.ts";

export interface AnswerMessage {
  readonly kind: string;
  readonly text: string;
  /** As adapters write it: `interaction` holds the id of what was pressed. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Names of who wrote it. */
  readonly names: readonly string[];
}

export interface ReplyCandidate {
  readonly ask: TaskAsk;
  readonly choice: string;
}

export type AnswerReading =
  | { readonly is: "press"; readonly token: TaskToken }
  /** Several where the text fits several questions. */
  | {
      readonly is: "reply";
      readonly candidates: readonly ReplyCandidate[];
      readonly comment?: string;
    };

/** Longest text that can be an answer: a label (200 characters), a colon and a comment. */
const ANSWER_CHARS_MAX = 2300;

export function readAnswer(
  message: AnswerMessage,
  asks: readonly TaskAsk[] = [],
): AnswerReading | undefined {
  const token = message.kind === "interaction" ? pressed(message.metadata) : undefined;
  if (token) return { is: "press", token };
  const isText = message.kind === "message" && message.text.length <= ANSWER_CHARS_MAX;
  if (asks.length === 0 || !isText) return undefined;
  const whole = candidatesOf(message.text, message.names, asks);
  if (whole.length > 0) return { is: "reply", candidates: whole };
  const colon = message.text.indexOf(":");
  if (colon < 0) return undefined;
  const comment = message.text.slice(colon + 1).trim();
  const candidates = candidatesOf(message.text.slice(0, colon), message.names, asks);
  if (candidates.length === 0) return undefined;
  return { is: "reply", candidates, ...(comment ? { comment } : {}) };
}

function pressed({ interaction }: Readonly<Record<string, unknown>>): TaskToken | undefined {
  if (typeof interaction !== "object" || interaction === null || !("id" in interaction))
    return undefined;
  return readToken(interaction.id);
}

function candidatesOf(
  text: string,
  names: readonly string[],
  asks: readonly TaskAsk[],
): readonly ReplyCandidate[] {
  const word = plain(text);
  if (word === "") return [];
  return asks.flatMap((ask) => {
    const choice = choiceOf(word, ask);
    const isAsked = choice !== undefined && askedName(ask, names) !== undefined;
    return isAsked ? [{ ask, choice }] : [];
  });
}

function choiceOf(word: string, { choices }: TaskAsk): string | undefined {
  const number = /^\d{1,2}$/.test(word) ? Number(word) : 0;
  const found =
    choices[number - 1] ??
    choices.find(({ id, label }) => plain(id) === word || plain(label ?? id) === word);
  return found?.id;
}

/** Case, the spaces around and the marks people put at either end do not matter. */
function plain(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/^[*_~"'`#([]{1,8}/, "")
    .replace(/[*_~"'`.!)\]]{1,8}$/, "")
    .trim();
}
