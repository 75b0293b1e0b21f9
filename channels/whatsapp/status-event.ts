/**
 * `messages.update`: how far a message of ours got. Only messages sent from the connected number have
 * statuses; that somebody read a contact's message is nothing to us. `SERVER_ACK` means that WhatsApp has
 * it, not the person. Releases name what they don't know `DELETED` (2.3.6) or `SERVER_ACK` (2.3.7).
 */
import { ok } from "../../domain/result.ts";
import type { ParsedStatus } from "../../schema/parsed.ts";
import {
  type Fields,
  fieldsOf,
  memberOf,
  objectOf,
  stringOf,
  wrongShape,
} from "../shared/fields.ts";
import { wellFormed } from "../shared/text.ts";
import { readProtocol } from "./change.ts";
import type { EventContext } from "./event-context.ts";
import { MESSAGES_PER_WEBHOOK_MAX } from "./limits.ts";
import { readKey } from "./message-key.ts";
import { type ItemResult, ignored } from "./reading.ts";
import { unwrapMessage } from "./unwrap.ts";

const STATUSES: Readonly<Record<string, ParsedStatus["status"]>> = {
  SERVER_ACK: "sent",
  DELIVERY_ACK: "delivered",
  READ: "read",
  PLAYED: "read",
  ERROR: "failed",
};
/** WhatsApp ids have at most 40 characters. */
const ID_CHARS_MAX = 256;

/** Reads one update or a list of them. */
export function readUpdates(data: unknown, context: EventContext): readonly ItemResult[] {
  const list = Array.isArray(data) ? data : [data];
  if (list.length > MESSAGES_PER_WEBHOOK_MAX) {
    return [wrongShape(`data: more than ${MESSAGES_PER_WEBHOOK_MAX} updates`)];
  }
  return list.map((item) => readUpdate(fieldsOf(item), context));
}

function readUpdate(data: Fields | undefined, context: EventContext): ItemResult {
  if (data === undefined) {
    return wrongShape("data: expected an object");
  }
  const change = changeIn(data, context);
  if (change !== undefined) {
    return change;
  }
  const key = objectOf(data, "key");
  const id = stringOf(data, "keyId") ?? stringOf(key, "id") ?? stringOf(data, "id");
  if (id === undefined || id.length > ID_CHARS_MAX) {
    return wrongShape("data.keyId: expected a message id");
  }
  const name = memberOf(data, "status") ?? memberOf(objectOf(data, "update"), "status");
  const status =
    typeof name === "string" && Object.hasOwn(STATUSES, name) ? STATUSES[name] : undefined;
  if (status === undefined) {
    return ignored(`status_${typeof name === "string" ? name : "absent"}`);
  }
  const fromMe = memberOf(data, "fromMe") ?? memberOf(key, "fromMe");
  if (fromMe !== true) {
    return ignored("status_of_contact_message");
  }
  const failed = status === "failed" ? { detail: "ERROR" } : {};
  return ok({ is: "status", status: { platformId: wellFormed(id), status, ...failed } });
}

/** Some updates carry the edit or the revoke itself. */
function changeIn(data: Fields, context: EventContext): ItemResult | undefined {
  const outer = fieldsOf(memberOf(data, "message"));
  const content = unwrapMessage(outer, undefined);
  const protocol = content?.type === "protocolMessage" ? fieldsOf(content.body) : undefined;
  const edited = objectOf(objectOf(outer, "editedMessage"), "message");
  if (protocol === undefined && edited === undefined) {
    return undefined;
  }
  const key = readKey(keyFields(data), "data");
  if (!key.ok) {
    return key;
  }
  const change = protocol ?? { key: { id: key.value.id }, editedMessage: edited };
  return readProtocol(change, key.value, key.value.fromMe ? "phone" : "contact", context);
}

/** The members of an update that make a key, on top (2.x) or in `key` (forwarded Baileys updates); named one by one. */
function keyFields(data: Fields): Fields {
  const key = objectOf(data, "key") ?? data;
  return {
    id: stringOf(data, "keyId") ?? stringOf(key, "id"),
    remoteJid: memberOf(key, "remoteJid"),
    remoteJidAlt: memberOf(key, "remoteJidAlt"),
    participant: memberOf(key, "participant"),
    participantAlt: memberOf(key, "participantAlt"),
    fromMe: memberOf(key, "fromMe"),
  };
}
