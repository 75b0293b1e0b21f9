/** Gateway dispatch frames `{op: 0, t, s, d}`: which event goes to which reader; the rest is ignored by name. */
import type { Result } from "../../domain/result.ts";
import { ok } from "../../domain/result.ts";
import type { DiscordConnection } from "../../schema/connection.ts";
import type { WebhookReading } from "../../schema/parsed.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import { readBulkDeletion, readDeletion, readMessage, readUpdate } from "./message.ts";
import { readReaction } from "./reaction.ts";
import { ignored } from "./reading.ts";
import { Frame, shaped } from "./shapes.ts";

/** `raw` is the parsed frame; `session` and `own_roles` beside Discord's fields are the hub's own additions. */
export function readFrame(
  raw: unknown,
  connection: DiscordConnection,
): Result<WebhookReading, ParseFailure> {
  const frame = shaped(Frame, raw, "frame");
  if (!frame.ok) return frame;
  const { op, t } = frame.value;
  if (op !== 0 || !t) return ok(ignored(`gateway_op_${op}`));
  switch (t) {
    case "MESSAGE_CREATE":
      return readMessage(frame.value, connection);
    case "MESSAGE_UPDATE":
      return readUpdate(frame.value, connection);
    case "MESSAGE_DELETE":
      return readDeletion(frame.value);
    case "MESSAGE_DELETE_BULK":
      return readBulkDeletion(frame.value);
    case "MESSAGE_REACTION_ADD":
      return readReaction(frame.value, connection, "added");
    case "MESSAGE_REACTION_REMOVE":
      return readReaction(frame.value, connection, "removed");
    default:
      return ok(ignored(t));
  }
}
