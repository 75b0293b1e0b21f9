/**
 * What has to happen at Evolution for one outbound message, step by step, in the order in which the person
 * should see it. How a step becomes a request is `send.ts`; nothing here knows a release or an address.
 */
import { renderParts } from "../../domain/formatting/render.ts";
import type { OutboundContent, OutboundMedia } from "../../schema/outbound.ts";
import { DOCUMENT_BYTES_MAX, TYPING_MS_DEFAULT, TYPING_MS_MAX, WHATSAPP_LIMITS } from "./limits.ts";

export type Act =
  | { readonly is: "text"; readonly step: string; readonly text: string }
  | {
      readonly is: "media";
      readonly step: string;
      readonly url: string;
      readonly media: OutboundMedia;
      readonly caption?: string;
    }
  | {
      readonly is: "reaction";
      readonly step: string;
      readonly target: string;
      /** "" takes it back. */
      readonly emoji: string;
    }
  | {
      readonly is: "edit";
      readonly step: string;
      readonly target: string;
      readonly text: string;
    }
  | { readonly is: "delete"; readonly step: string; readonly target: string }
  | { readonly is: "typing"; readonly step: string; readonly durationMs: number };

export type Plan = readonly Act[] | { readonly refused: string };

/** Media that WhatsApp shows with a text under it. */
const CAPTIONED: ReadonlySet<string> = new Set(["image", "video", "document"]);
const MESSAGE_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** The acts of this content, or why it can never be sent here. */
export function planOf(content: OutboundContent): Plan {
  switch (content.type) {
    case "text":
      return textPlan(content.text);
    case "card":
      return textPlan(cardMarkdown(content));
    case "media":
      return mediaPlan(content.media, content.text ?? "");
    case "edit":
      return editPlan(content.target, content.text);
    case "reaction": {
      const emoji = content.remove ? "" : content.emoji;
      return onTarget(content.target, { is: "reaction", step: "reaction", emoji });
    }
    case "delete":
      return onTarget(content.target, { is: "delete", step: "delete" });
    case "typing": {
      const durationMs = Math.min(content.durationMs ?? TYPING_MS_DEFAULT, TYPING_MS_MAX);
      return [{ is: "typing", step: "typing", durationMs }];
    }
  }
}

function textPlan(markdown: string): Plan {
  const acts = textActs(markdown, 0);
  return acts.length === 0 ? { refused: "empty_text" } : acts;
}

/** Parts of a text, numbered from `first`. */
function textActs(markdown: string, first: number): readonly Act[] {
  return partsOf(markdown).map((text, index) => ({
    is: "text",
    step: `part:${first + index}`,
    text,
  }));
}

function partsOf(markdown: string): readonly string[] {
  return renderParts(markdown, "whatsapp", WHATSAPP_LIMITS.textCharsMax);
}

/**
 * Buttons come and go on unofficial clients (Baileys), so a card is its text and a numbered list; the
 * person answers with the number or the words.
 */
function cardMarkdown({ text, buttons }: Extract<OutboundContent, { type: "card" }>): string {
  const lines = buttons.map(({ label, url }, index) => {
    const name = label.replaceAll(/\s+/g, " ");
    return `${index + 1}. ${url === undefined ? name : `${name}: ${url}`}`;
  });
  return lines.length === 0 ? text : `${text}\n\n${lines.join("\n")}`;
}

/** The text is the first file's caption where it fits there, else it follows the files as messages. */
function mediaPlan(media: readonly OutboundMedia[], markdown: string): Plan {
  const refused = media.map(refusalOf).find((reason) => reason !== undefined);
  if (refused !== undefined) {
    return { refused };
  }
  const [whole = "", ...more] = partsOf(markdown);
  const fits = more.length === 0 && whole.length <= WHATSAPP_LIMITS.captionCharsMax;
  const captioned = fits && whole !== "" && CAPTIONED.has(media[0]?.kind ?? "");
  const files = media.map((file, index): Act => {
    const url = file.source.from === "url" ? file.source.url : "";
    const caption = captioned && index === 0 ? { caption: whole } : {};
    return { is: "media", step: `media:${index}`, url, media: file, ...caption };
  });
  return captioned ? files : [...files, ...textActs(markdown, files.length)];
}

/** Evolution fetches media itself, so stored files must have become public URLs before they come here. */
function refusalOf({ source, kind, size_bytes }: OutboundMedia): string | undefined {
  if (source.from !== "url") {
    return "media_without_url";
  }
  const protocol = URL.parse(source.url)?.protocol;
  if (protocol !== "https:" && protocol !== "http:") {
    return "media_without_url";
  }
  const bytesMax = kind === "document" ? DOCUMENT_BYTES_MAX : WHATSAPP_LIMITS.mediaBytesMax;
  return (size_bytes ?? 0) > bytesMax ? "media_too_large" : undefined;
}

/** What no longer fits into the edited message follows as new ones: nothing is cut off. */
function editPlan(target: string, markdown: string): Plan {
  const [first, ...rest] = partsOf(markdown);
  if (first === undefined) {
    return { refused: "empty_text" };
  }
  const edit = onTarget(target, { is: "edit", step: "edit", text: first });
  if ("refused" in edit) {
    return edit;
  }
  return [
    ...edit,
    ...rest.map((text, index): Act => ({ is: "text", step: `part:${index + 1}`, text })),
  ];
}

type Targeted = Extract<Act, { target: string }>;
type Untargeted<T> = T extends Targeted ? Omit<T, "target"> : never;

function onTarget(target: string, act: Untargeted<Targeted>): Plan {
  return MESSAGE_ID.test(target) ? [{ ...act, target } as Act] : { refused: "bad_target" };
}
