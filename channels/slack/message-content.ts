/** What a Slack message says: its readable text, typed mentions and files. Blocks and raw payload are not kept. */

import { ok, type Result } from "../../domain/result.ts";
import type { Mention, MessageContent } from "../../schema/message.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import type { Fields } from "../shared/fields.ts";
import { wrongShape } from "../shared/fields.ts";
import type { Envelope } from "./envelope.ts";
import { listOf } from "./fields.ts";
import { mediaOf } from "./files.ts";
import { readableText } from "./text.ts";

export interface ReadContent {
  readonly content: MessageContent;
  readonly mentions: readonly Mention[];
}

/** Reads text (null counts as empty, anything but a string is a failure) and files of a message object. */
export function readContent(
  message: Fields,
  envelope: Envelope,
): Result<ReadContent, ParseFailure> {
  const raw = message.text ?? "";
  if (typeof raw !== "string") {
    return wrongShape("text: expected a string or null");
  }
  const { text, mentions } = readableText(raw, envelope.botUserIds);
  const media = [...mediaOf(message.files, envelope.connection.baseUrl)];
  const empty = text === "" && media.length === 0;
  const metadata = metadataOf(message, empty);
  return ok({ content: { text, media, metadata }, mentions });
}

function metadataOf(message: Fields, empty: boolean): Record<string, unknown> {
  if (empty && listOf(message.attachments).length > 0) {
    return { unsupported: { type: "attachments" } };
  }
  const kept = message.subtype === "me_message" || message.subtype === "thread_broadcast";
  return kept ? { subtype: message.subtype } : {};
}
