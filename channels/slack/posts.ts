/**
 * A message's Markdown as Slack posts: mrkdwn parts within Slack's advised length, and cards as a
 * section and an actions block whose text also serves notifications.
 */
import { renderParts } from "../../domain/formatting/render.ts";
import type { OutboundContent } from "../../schema/outbound.ts";
import type { Post } from "./api.ts";
import {
  ACTIONS_MAX,
  BUTTON_TEXT_CHARS_MAX,
  BUTTON_URL_CHARS_MAX,
  BUTTON_VALUE_CHARS_MAX,
  SECTION_CHARS_MAX,
  TEXT_CHARS_MAX,
} from "./limits.ts";

type Card = Extract<OutboundContent, { type: "card" }>;

/** Posts of a text; none where nothing is left to say. */
export function textPosts(markdown: string): readonly Post[] {
  return renderParts(markdown, "slack", TEXT_CHARS_MAX)
    .filter((text) => text.trim() !== "")
    .map((text) => ({ text }));
}

/** Posts of a card: text that does not fit one section goes before it, the buttons stand in the last one. */
export function cardPosts(card: Card): readonly Post[] {
  const texts = renderParts(card.text, "slack", SECTION_CHARS_MAX).filter(
    (text) => text.trim() !== "",
  );
  const buttons = card.buttons.slice(0, ACTIONS_MAX).map(buttonElement);
  if (buttons.length === 0) {
    return texts.map((text) => ({ text }));
  }
  const last = texts.at(-1);
  const section =
    last === undefined ? [] : [{ type: "section", text: { type: "mrkdwn", text: last } }];
  const fallback = last ?? card.buttons.map((button) => button.label).join(" | ");
  return [
    ...texts.slice(0, -1).map((text) => ({ text })),
    { text: fallback, blocks: [...section, { type: "actions", elements: buttons }] },
  ];
}

/** `action_id` must be unique and not empty within a message, so a repeated id gets its place added. */
function buttonElement(button: Card["buttons"][number], index: number, all: Card["buttons"]) {
  const repeated = all.findIndex((other) => other.id === button.id) !== index;
  const label = button.label.trim() || button.id || String(index + 1);
  return {
    type: "button",
    action_id: button.id === "" || repeated ? `${button.id}#${index + 1}` : button.id,
    text: { type: "plain_text", text: label.slice(0, BUTTON_TEXT_CHARS_MAX), emoji: true },
    ...(button.id === "" ? {} : { value: button.id.slice(0, BUTTON_VALUE_CHARS_MAX) }),
    ...(isLink(button.url) ? { url: button.url } : {}),
  };
}

function isLink(url: string | undefined): boolean {
  return url !== undefined && url.length <= BUTTON_URL_CHARS_MAX && /^https?:\/\//i.test(url);
}
