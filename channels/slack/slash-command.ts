/** Slash commands: form fields become a `command` message, keyed by the trigger id (Slack never retries them). */

import { ok, type Result } from "../../domain/result.ts";
import type { ParsedMessage, WebhookReading } from "../../schema/parsed.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import type { Fields } from "../shared/fields.ts";
import { wrongShape } from "../shared/fields.ts";
import { boundedKey, wellFormed } from "../shared/text.ts";
import { type Envelope, placeOf } from "./envelope.ts";
import { idOf, stringOf } from "./fields.ts";
import { accepted } from "./reading.ts";
import { responderOf } from "./responder.ts";
import { senderOf } from "./sender.ts";
import { readableText } from "./text.ts";

const COMMAND_CHARS_MAX = 100;

/** Reads a slash command. The text is its arguments, or the command's own name where there are none. */
export function readCommand(
  fields: Fields,
  envelope: Envelope,
): Result<WebhookReading, ParseFailure> {
  const user = idOf(fields.user_id);
  const channel = idOf(fields.channel_id);
  const name = stringOf(fields.command);
  const trigger = stringOf(fields.trigger_id);
  if (!user || !channel || !name || !trigger || name.length > COMMAND_CHARS_MAX) {
    return wrongShape("command: expected command, user_id, channel_id and trigger_id");
  }
  const eventKey = boundedKey([envelope.team, "command", trigger]);
  if (!eventKey.ok) {
    return eventKey;
  }
  const { text, mentions } = readableText(stringOf(fields.text) ?? "", envelope.botUserIds);
  const command = { name: wellFormed(name), text };
  const responder = responderOf(fields.response_url, envelope.connection.baseUrl, envelope.nowMs);
  const message: ParsedMessage = {
    kind: "command",
    origin: "contact",
    eventKey: eventKey.value,
    platformId: trigger,
    sender: senderOf(user, fields.user_name),
    content: { text: text || command.name, media: [], metadata: { command } },
    mentions,
    ...placeOf(envelope, channel, {}),
    ...(responder === undefined ? {} : { responder }),
  };
  return ok(accepted([message]));
}
