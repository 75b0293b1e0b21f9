/** A Slack person as a sender: the user id, and the login name as an alias where the payload gives one. */
import type { Sender } from "../../schema/message.ts";
import { wellFormed } from "../shared/text.ts";
import { stringOf } from "./fields.ts";

const NAME_CHARS_MAX = 100;

/** Builds a sender; `username` is unchecked JSON. */
export function senderOf(user: string, username?: unknown): Sender {
  const name = stringOf(username);
  if (name === undefined) {
    return { id: user, aliases: [] };
  }
  const readable = wellFormed(name.slice(0, NAME_CHARS_MAX));
  return { id: user, aliases: [readable], name: readable };
}
