/**
 * Slack's wire text made readable: `<…>` tokens resolved, `&amp; &lt; &gt;` unescaped once, mentions
 * kept typed beside it (Slack docs: Formatting message text). Anything in angle brackets that is no
 * Slack token stays as it was written. Linear in the text's length.
 */
import type { Mention } from "../../schema/message.ts";
import { wellFormed } from "../shared/text.ts";
import { idOf } from "./fields.ts";
import { MENTIONS_MAX } from "./limits.ts";

export interface ReadableText {
  readonly text: string;
  readonly mentions: readonly Mention[];
}

/** No bracket inside a token: each character is looked at once however many brackets there are. */
const TOKEN = /<([^<>]*)>/g;
const ENTITY = /&(amp|lt|gt);/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">" };
const URL_START = /^[a-z][a-z0-9+.-]{0,31}:/i;
/** What Slack puts before a bare `example.com` or `a@b.c` that a person typed. */
const ADDED_SCHEME = /^(?:https?:\/\/|mailto:|tel:)/i;
const EVERYONE: ReadonlySet<string> = new Set(["here", "channel", "everyone"]);

/** Resolves a message's text; `botUserIds` are our own user ids, whose mentions are typed `bot`. */
export function readableText(raw: string, botUserIds: readonly string[]): ReadableText {
  const mentions = new Map<string, Mention>();
  const keep = (kind: Mention["kind"], id: string) => {
    if (mentions.size < MENTIONS_MAX) {
      mentions.set(`${kind}:${id}`, { kind, id });
    }
  };
  const resolved = raw.replace(TOKEN, (token, inner: string) => {
    const bar = inner.indexOf("|");
    const target = bar < 0 ? inner : inner.slice(0, bar);
    const label = bar < 0 ? "" : inner.slice(bar + 1);
    return resolveToken(target, label, botUserIds, keep) ?? token;
  });
  return { text: wellFormed(unescapeEntities(resolved)), mentions: [...mentions.values()] };
}

/** The readable form of one token, or undefined where it is not one. */
function resolveToken(
  target: string,
  label: string,
  botUserIds: readonly string[],
  keep: (kind: Mention["kind"], id: string) => void,
): string | undefined {
  const id = idOf(target.slice(1));
  switch (target[0]) {
    case "@":
      if (id !== undefined) {
        keep(botUserIds.includes(id) ? "bot" : "user", id);
        return `@${label || id}`;
      }
      return undefined;
    case "#":
      if (id !== undefined) {
        keep("channel", id);
        return `#${label || id}`;
      }
      return undefined;
    case "!":
      return resolveCommand(target.slice(1), label, keep);
    default:
      return URL_START.test(target) ? linkText(target, label) : undefined;
  }
}

/** `<!here>`, `<!subteam^S1|@team>`, `<!date^…|fallback>`. */
function resolveCommand(
  command: string,
  label: string,
  keep: (kind: Mention["kind"], id: string) => void,
): string | undefined {
  if (EVERYONE.has(command)) {
    keep("everyone", command);
    return `@${command}`;
  }
  const [name, argument] = command.split("^", 2);
  const group = name === "subteam" ? idOf(argument) : undefined;
  if (group !== undefined) {
    keep("role", group);
    return label === "" ? `@${group}` : `@${label.replace(/^@/, "")}`;
  }
  return label === "" ? undefined : label;
}

function linkText(url: string, label: string): string {
  if (label === "" || label === url || url.replace(ADDED_SCHEME, "") === label) {
    return label || url;
  }
  return `[${label}](${url})`;
}

function unescapeEntities(text: string): string {
  return text.replace(ENTITY, (_entity, name: string) => ENTITIES[name] as string);
}
