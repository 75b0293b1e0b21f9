/**
 * Shared contacts: names and phone numbers out of vCards (RFC 6350), one line at a time. The rest of a card
 * (photos, addresses) is dropped.
 */
import type { MessageContent } from "../../schema/message.ts";
import { type Fields, fieldsOf, listOf, stringOf } from "../shared/fields.ts";
import { wellFormed } from "../shared/text.ts";
import { LIST_ITEMS_MAX } from "./limits.ts";

interface Contact {
  readonly name: string;
  readonly phones: readonly string[];
}

const PHONES_MAX = 10;
/** Longest line and card looked at; photos make cards long. */
const LINE_CHARS_MAX = 512;
const CARD_CHARS_MAX = 20_000;
const WAID = /waid=(\d{5,20})/i;
const PHONE = /^\+?[\d ().-]{5,40}$/;

/** `metadata.contacts` is a list of `{name, phones}`; the text has one line for each. */
export function contactsContent(cards: readonly (Fields | undefined)[]): MessageContent {
  const contacts = cards.slice(0, LIST_ITEMS_MAX).map(contactOf);
  const lines = contacts.map(({ name, phones }) => [name, ...phones].filter(Boolean).join(" "));
  return { text: lines.join("\n"), media: [], metadata: { contacts } };
}

/** The cards of a `contactsArrayMessage`. */
export function contactList(body: Fields | undefined): readonly (Fields | undefined)[] {
  return listOf(body, "contacts").map(fieldsOf);
}

function contactOf(card: Fields | undefined): Contact {
  const lines = (stringOf(card, "vcard") ?? "").slice(0, CARD_CHARS_MAX).split(/\r?\n/);
  const short = lines.filter((line) => line.length <= LINE_CHARS_MAX);
  const formatted = short.find((line) => /^FN[;:]/i.test(line))?.replace(/^[^:]*:/, "");
  const phones = short.map(phoneIn).filter((phone) => phone !== undefined);
  return {
    name: wellFormed(stringOf(card, "displayName") ?? formatted ?? "").trim(),
    phones: [...new Set(phones)].slice(0, PHONES_MAX),
  };
}

/** `item1.TEL;waid=5511…:+55 11 …`: WhatsApp's own id where there is one, else the number as written. */
function phoneIn(line: string): string | undefined {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(colon, 0));
  if (!/^(?:item\d{1,3}\.)?TEL(?:;|$)/i.test(name)) {
    return undefined;
  }
  const waid = WAID.exec(name)?.[1];
  const value = line.slice(colon + 1).trim();
  const written = PHONE.test(value) ? value.replaceAll(/[^\d+]/g, "") : undefined;
  return waid === undefined ? written : `+${waid}`;
}
