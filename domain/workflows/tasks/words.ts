/**
 * What people are told about a task on a channel, in Markdown: the question, reminders, who is asked now, how it ended,
 * and why an answer was not taken. Titles and texts come from definitions and inputs: they are shown, never interpreted.
 */
import type { Task, TaskEnd } from "../run/state.ts";
import { askedPeople } from "./people.ts";

/** Characters of a task's text in a message: a card's text fits one section of a Slack message (Slack docs: 3,000). */
const TEXT_CHARS_MAX = 2000;
/** People named in a message. */
const NAMES_MAX = 10;
/** Characters of a button's label (Slack docs: 75). */
const LABEL_CHARS_MAX = 75;

export type Occasion = "opened" | "reminded" | "escalated" | "reassigned";

type Shown = Pick<Task, "title" | "text" | "assignees" | "escalatedTo" | "dueAtMs" | "choices">;

const LEADS: Readonly<Record<Occasion, string>> = {
  opened: "",
  reminded: "Reminder: still waiting for an answer.",
  escalated: "More people are asked now.",
  reassigned: "Other people are asked now.",
};

/** `numbered`: the channel shows choices as a numbered list, so that people answer with words. */
export function questionText(task: Shown, occasion: Occasion, numbered: boolean): string {
  const lines = [
    LEADS[occasion],
    `**${oneLine(task.title)}**`,
    cut(task.text ?? ""),
    askedLine(task),
    task.dueAtMs === undefined ? "" : `Until ${moment(task.dueAtMs)}.`,
    numbered ? answerHint(task) : "",
  ];
  return lines.filter((line) => line !== "").join("\n\n");
}

function askedLine(task: Shown): string {
  const people = askedPeople(task);
  if (!people) return "";
  const named = people.slice(0, NAMES_MAX).map(oneLine).join(", ");
  return `Asked: ${named}${people.length > NAMES_MAX ? ` and ${people.length - NAMES_MAX} more` : ""}`;
}

function answerHint({ choices }: Shown): string {
  const first = choices[0];
  return first ? `Answer with a number or its words, for example 1 or ${labelOf(first)}.` : "";
}

export function labelOf({ id, label }: Task["choices"][number]): string {
  return cutTo(oneLine(label ?? titleCase(id)), LABEL_CHARS_MAX);
}

/** A task that is over, as its message reads from then on. Absent `end`: it was called off. */
export function outcomeText(
  task: Pick<Task, "title" | "choices">,
  end: TaskEnd | undefined,
): string {
  return `**${oneLine(task.title)}**\n\n${endText(task.choices, end)}`;
}

/** One sentence: what was decided, by whom, when. */
export function endText(choices: Task["choices"], end: TaskEnd | undefined): string {
  if (!end) return "No answer is needed any more.";
  const choice = choices.find(({ id }) => id === end.choice);
  const named = choice ? labelOf(choice) : end.choice;
  const at = moment(end.atMs);
  if (end.how === "expired")
    return `Its time ran out at ${at}.${named === undefined ? "" : ` Decided: ${named}.`}`;
  return `Answered: ${named ?? ""}${end.by === undefined ? "" : ` by ${oneLine(end.by)}`} at ${at}.`;
}

export type Refused =
  | { readonly is: "late"; readonly choices: Task["choices"]; readonly end: TaskEnd | undefined }
  | { readonly is: "not_asked" }
  | { readonly is: "form" }
  | { readonly is: "ambiguous"; readonly titles: readonly string[] }
  | { readonly is: "unknown" };

/** Why an answer was not taken. */
export function refusalText(refused: Refused): string {
  switch (refused.is) {
    case "late":
      return `Too late, thank you. ${endText(refused.choices, refused.end)}`;
    case "not_asked":
      return "Thank you, but this is for somebody else to answer.";
    case "form":
      return "This answer needs more details than fit here. Please give it through the API or the console.";
    case "ambiguous": {
      const titles = refused.titles.slice(0, NAMES_MAX).map((title) => `- ${oneLine(title)}`);
      return `Several questions are open here. Please quote the one you mean:\n\n${titles.join("\n")}`;
    }
    case "unknown":
      return "This question cannot be answered from here.";
  }
}

/** What somebody who answered with words is told. */
export function thanksText(choices: Task["choices"], choice: string): string {
  const found = choices.find(({ id }) => id === choice);
  return `Noted: ${found ? labelOf(found) : choice}.`;
}

/** UTC to the minute: people of one task may live in different zones. */
function moment(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

function titleCase(id: string): string {
  const words = id.replaceAll(/[-_]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function cut(text: string): string {
  return cutTo(text.trim(), TEXT_CHARS_MAX);
}

function cutTo(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).toWellFormed()}…`;
}
