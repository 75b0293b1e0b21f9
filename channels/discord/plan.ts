/**
 * What has to happen at Discord for one outbound message: new messages ("posts") and calls on existing ones, in
 * order. Says nothing yet about where they go or how they are made safe to repeat; that is `send.ts`.
 */
import { renderParts } from "../../domain/formatting/render.ts";
import type { OutboundContent, OutboundMedia } from "../../schema/outbound.ts";
import { buttonRows } from "./components.ts";
import { BUTTONS_MAX, FILES_PER_MESSAGE_MAX, LIMITS, REQUEST_BYTES_MAX } from "./facts.ts";

/** One new message. */
export interface Post {
  readonly text?: string;
  readonly components?: readonly unknown[];
  readonly files: readonly OutboundMedia[];
}

export type Act =
  | { readonly is: "post"; readonly post: Post }
  | {
      readonly is: "call";
      readonly step: string;
      readonly method: "POST" | "PUT" | "PATCH" | "DELETE";
      /** Below `/channels/{id}`. */
      readonly path: string;
      readonly json?: unknown;
    };

type Plan = readonly Act[] | { readonly refused: string };

/** A file of unknown size counts as a tenth of a request, so that ten of them go together. */
const UNKNOWN_FILE_BYTES = REQUEST_BYTES_MAX / FILES_PER_MESSAGE_MAX;
/** Nobody is pinged by an answer, whatever the text says. */
export const NO_PINGS = { parse: [] } as const;

/** The acts of this content, or why it can never be sent here. */
export function planOf(content: OutboundContent): Plan {
  switch (content.type) {
    case "text":
      return textPlan(content.text);
    case "media":
      return mediaPlan(content.media, content.text ?? "");
    case "card":
      return cardPlan(content);
    case "edit":
      return editPlan(content.target, content.text);
    case "reaction":
      return reactionPlan(content);
    case "delete":
      return onMessage(content.target, (path) => ({ step: "delete", method: "DELETE", path }));
    case "typing":
      return [{ is: "call", step: "typing", method: "POST", path: "/typing" }];
  }
}

function textPlan(text: string): Plan {
  const parts = partsOf(text);
  return parts.length === 0 ? { refused: "empty_text" } : parts.map(textPost);
}

function partsOf(text: string): readonly string[] {
  return renderParts(text, "discord", LIMITS.textCharsMax).filter((part) => part.trim() !== "");
}

function textPost(text: string): Act {
  return { is: "post", post: { text, files: [] } };
}

/** The first part of the text is the caption of the first files. */
function mediaPlan(media: readonly OutboundMedia[], text: string): Plan {
  if (media.some((file) => (file.size_bytes ?? 0) > LIMITS.mediaBytesMax)) {
    return { refused: "media_too_large" };
  }
  const [caption, ...rest] = partsOf(text);
  const posts = groupsOf(media).map((files, index): Act => {
    const captioned = index === 0 && caption !== undefined;
    return { is: "post", post: { files, ...(captioned && { text: caption }) } };
  });
  return [...posts, ...rest.map(textPost)];
}

/** Files in order, as many to a message as its count and size limits let in. */
function groupsOf(media: readonly OutboundMedia[]): OutboundMedia[][] {
  const groups: OutboundMedia[][] = [];
  let bytes = 0;
  for (const file of media) {
    const size = file.size_bytes ?? UNKNOWN_FILE_BYTES;
    const group = groups.at(-1);
    if (group && group.length < FILES_PER_MESSAGE_MAX && bytes + size <= REQUEST_BYTES_MAX) {
      group.push(file);
      bytes += size;
    } else {
      groups.push([file]);
      bytes = size;
    }
  }
  return groups;
}

/** The buttons stand under the last part of the text. */
function cardPlan(card: Extract<OutboundContent, { type: "card" }>): Plan {
  if (card.buttons.length > BUTTONS_MAX) return { refused: "too_many_buttons" };
  if (card.buttons.some(({ url }) => url !== undefined && !isWebUrl(url))) {
    return { refused: "bad_button_url" };
  }
  const parts = partsOf(card.text);
  const components = buttonRows(card.buttons);
  if (parts.length === 0 && components.length === 0) return { refused: "empty_text" };
  const last = parts.at(-1);
  return [
    ...parts.slice(0, -1).map(textPost),
    {
      is: "post",
      post: {
        files: [],
        ...(last !== undefined && { text: last }),
        ...(components.length > 0 && { components }),
      },
    },
  ];
}

function isWebUrl(address: string): boolean {
  const protocol = URL.parse(address)?.protocol;
  return protocol === "https:" || protocol === "http:";
}

/** What no longer fits into the edited message follows as new ones: nothing is cut off. Its buttons go. */
function editPlan(target: string, text: string): Plan {
  const [first, ...rest] = partsOf(text);
  if (first === undefined) return { refused: "empty_text" };
  const json = { content: first, components: [], allowed_mentions: NO_PINGS };
  const edit = onMessage(target, (path) => ({ step: "edit", method: "PATCH", path, json }));
  return "refused" in edit ? edit : [...edit, ...rest.map(textPost)];
}

/** A character, or `name:id` of a custom emoji (also as people paste it: `<:name:id>`). */
function reactionPlan(reaction: Extract<OutboundContent, { type: "reaction" }>): Plan {
  const custom = /^<?a?:?(\w{1,32}:\d{1,20})>?$/.exec(reaction.emoji);
  const emoji = encodeURIComponent((custom?.[1] ?? reaction.emoji).toWellFormed());
  if (emoji === "") return { refused: "bad_emoji" };
  const method = reaction.remove ? "DELETE" : "PUT";
  const tail = `/reactions/${emoji}/@me`;
  return onMessage(reaction.target, (path) => ({ step: "reaction", method, path: path + tail }));
}

type Call = Omit<Extract<Act, { is: "call" }>, "is">;

/** A call on one message; ids that are no snowflakes never reach a path. */
function onMessage(target: string, call: (path: string) => Call): Plan {
  if (!/^\d{1,20}$/.test(target)) return { refused: "bad_target" };
  return [{ is: "call", ...call(`/messages/${target}`) }];
}
