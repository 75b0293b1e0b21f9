/**
 * The quote and the mentions of a message. `contextInfo` stands in three places, depending on the release
 * and on the kind: hoisted to `data`, in the content's member, or in `extendedTextMessage`.
 */
import type { Mention } from "../../schema/message.ts";
import { type Fields, fieldsOf, listOf, objectOf, stringOf } from "../shared/fields.ts";
import { wellFormed } from "../shared/text.ts";
import { normaliseJid } from "./jid.ts";
import { LIST_ITEMS_MAX } from "./limits.ts";
import type { Unwrapped } from "./unwrap.ts";

export interface MessageContext {
  /** Platform id of the quoted message. */
  readonly quotedId: string | undefined;
  readonly mentions: readonly Mention[];
}

/** `owner` is the connected number: a mention of it is typed `bot`. */
export function readContext(
  data: Fields,
  content: Unwrapped | undefined,
  owner: string | undefined,
): MessageContext {
  const places = [
    objectOf(data, "contextInfo"),
    objectOf(fieldsOf(content?.body), "contextInfo"),
    objectOf(objectOf(content?.message, "extendedTextMessage"), "contextInfo"),
    objectOf(content?.message, "contextInfo"),
  ];
  const quoted = places.map((place) => stringOf(place, "stanzaId")).find((id) => id !== undefined);
  const mentioned = places
    .map((place) => listOf(place, "mentionedJid"))
    .find((list) => list.length);
  return {
    quotedId: quoted === undefined ? undefined : wellFormed(quoted),
    mentions: mentionsOf(mentioned ?? [], owner),
  };
}

function mentionsOf(jids: readonly unknown[], owner: string | undefined): readonly Mention[] {
  const found = new Map<string, Mention>();
  for (const value of jids.slice(0, LIST_ITEMS_MAX)) {
    const jid = typeof value === "string" ? normaliseJid(value) : undefined;
    if (jid !== undefined) {
      found.set(jid, { kind: jid === owner ? "bot" : "user", id: jid });
    }
  }
  return [...found.values()];
}
