/**
 * Where a message is and who wrote it, from its `key` alone. The conversation is the phone number's address
 * where the payload shows one, else the hidden id (LID) or the group: releases differ in which of the two
 * stands in `remoteJid` (Evolution API 2.3.6 raw, 2.3.7 overwritten, 2.4 swapped).
 */
import { ok, type Result } from "../../domain/result.ts";
import type { Sender } from "../../schema/message.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import { type Fields, memberOf, stringOf, wrongShape } from "../shared/fields.ts";
import { boundedKey, wellFormed } from "../shared/text.ts";
import { isBroadcast, isGroup, isPhoneJid, normaliseJid, phoneOf } from "./jid.ts";

/** A message's key, understood. */
export interface MessageKey {
  readonly id: string;
  readonly conversation: string;
  readonly group: boolean;
  readonly broadcast: boolean;
  readonly fromMe: boolean;
  /** Every address of the author that the key shows, the phone number's first; empty for our own. */
  readonly author: readonly string[];
}

/** Evolution's names for the same person's other address; the last two are of releases before 2.3.6. */
const CHAT_ADDRESSES = ["remoteJid", "remoteJidAlt"] as const;
const CHAT_AUTHOR_ADDRESSES = ["senderPn", "senderLid"] as const;
const GROUP_AUTHOR_ADDRESSES = [
  "participant",
  "participantAlt",
  "participantPn",
  "participantLid",
] as const;
const UNKNOWN = "unknown";

/** Reads a key; `path` names it in failures. */
export function readKey(key: Fields | undefined, path: string): Result<MessageKey, ParseFailure> {
  const id = stringOf(key, "id");
  if (id === undefined) {
    return wrongShape(`${path}.id: expected a string`);
  }
  const chat = addressesOf(key, CHAT_ADDRESSES);
  const main = normaliseJid(stringOf(key, "remoteJid") ?? "");
  if (main === undefined) {
    return wrongShape(`${path}.remoteJid: expected an address`);
  }
  const fromMe = memberOf(key, "fromMe") === true;
  const group = isGroup(main);
  const others = fromMe || group ? [] : addressesOf(key, CHAT_AUTHOR_ADDRESSES);
  const person = phoneFirst([...chat, ...others]);
  return ok({
    id: wellFormed(id),
    conversation: group || isBroadcast(main) ? main : (person[0] ?? main),
    group,
    broadcast: isBroadcast(main),
    fromMe,
    author: authorOf(key, fromMe, group, person),
  });
}

/** `instance:conversation:id[:…]`, bounded. */
export function eventKeyOf(
  instance: string,
  key: MessageKey,
  ...rest: readonly string[]
): Result<string, ParseFailure> {
  return boundedKey([instance, key.conversation, key.id, ...rest]);
}

/** The author as the unified message has it: every other spelling of the same person is an alias. */
export function senderOf(key: MessageKey, owner: string | undefined, name?: string): Sender {
  const addresses = key.fromMe ? (owner === undefined ? [] : [owner]) : key.author;
  const phone = addresses.map(phoneOf).find((number) => number !== undefined);
  const [id = UNKNOWN, ...aliases] = phone === undefined ? addresses : [...addresses, phone];
  return { id, aliases, ...(name === undefined ? {} : { name: wellFormed(name) }) };
}

function authorOf(
  key: Fields | undefined,
  fromMe: boolean,
  group: boolean,
  person: readonly string[],
): readonly string[] {
  if (fromMe) {
    return [];
  }
  return group ? phoneFirst(addressesOf(key, GROUP_AUTHOR_ADDRESSES)) : person;
}

/** The distinct addresses under these names, in order; empty strings and odd values are none. */
function addressesOf(key: Fields | undefined, names: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const name of names) {
    const jid = normaliseJid(stringOf(key, name) ?? "");
    if (jid !== undefined) {
      found.add(jid);
    }
  }
  return [...found];
}

function phoneFirst(addresses: readonly string[]): readonly string[] {
  const distinct = [...new Set(addresses)];
  return [...distinct.filter(isPhoneJid), ...distinct.filter((jid) => !isPhoneJid(jid))];
}
