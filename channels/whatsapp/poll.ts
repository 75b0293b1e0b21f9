/** Polls: question and options as text and metadata, votes as the options chosen where Evolution decrypts them. */
import type { MessageContent } from "../../schema/message.ts";
import { type Fields, fieldsOf, listOf, memberOf, stringOf } from "../shared/fields.ts";
import { wellFormed } from "../shared/text.ts";
import { LIST_ITEMS_MAX } from "./limits.ts";
import { countOf } from "./time.ts";

/** `metadata.poll` is `{question, options, selectable?}`; `selectable` 0 means any number. */
export function pollContent(body: Fields | undefined): MessageContent {
  const question = wellFormed(stringOf(body, "name") ?? "");
  const options = namesIn(listOf(body, "options"), "optionName");
  const selectable = countOf(memberOf(body, "selectableOptionsCount"));
  const poll = { question, options, ...(selectable === undefined ? {} : { selectable }) };
  const lines = [question, ...options.map((option) => `- ${option}`)];
  return { text: lines.join("\n"), media: [], metadata: { poll } };
}

/** The options that have voters in a vote's `pollUpdates`; none where the vote stayed encrypted. */
export function votesOf(updates: readonly unknown[]): readonly string[] {
  const voted = updates.filter((update) => listOf(fieldsOf(update), "voters").length > 0);
  return namesIn(voted, "name");
}

function namesIn(items: readonly unknown[], name: string): readonly string[] {
  const names = items.slice(0, LIST_ITEMS_MAX).map((item) => stringOf(fieldsOf(item), name));
  return names.filter((text) => text !== undefined).map(wellFormed);
}
