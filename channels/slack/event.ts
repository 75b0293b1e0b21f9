/** Events API: one table from event type to its reader; what is not in it is ignored by its own name. */
import { ok, type Result } from "../../domain/result.ts";
import type { WebhookReading } from "../../schema/parsed.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import { type Fields, fieldsOf, wrongShape } from "../shared/fields.ts";
import type { Envelope } from "./envelope.ts";
import { listOf, stringOf } from "./fields.ts";
import { readMessage } from "./message-event.ts";
import { readReaction } from "./reaction-event.ts";
import { connectionChanged, ignored } from "./reading.ts";

/** Reads an `event_callback` body. */
export function readEvent(
  fields: Fields,
  envelope: Envelope,
): Result<WebhookReading, ParseFailure> {
  const event = fieldsOf(fields.event);
  const type = stringOf(event?.type);
  if (event === undefined || type === undefined) {
    return wrongShape("event.type: expected a string");
  }
  switch (type) {
    case "message":
    case "app_mention":
      return readMessage(event, envelope);
    case "reaction_added":
      return readReaction(event, "added", envelope);
    case "reaction_removed":
      return readReaction(event, "removed", envelope);
    case "app_uninstalled":
      return ok(connectionChanged({ state: "revoked", detail: type }));
    case "tokens_revoked":
      return ok(revocationOf(event));
    case "app_rate_limited":
      return ok(connectionChanged({ state: "rate_limited" }));
    default:
      return ok(ignored(type));
  }
}

/** Only a bot token's end is the connection's end; people may withdraw their own tokens. */
function revocationOf(event: Fields): WebhookReading {
  const bots = listOf(fieldsOf(event.tokens)?.bot);
  return bots.length > 0
    ? connectionChanged({ state: "revoked", detail: "tokens_revoked" })
    : ignored("tokens_revoked:user");
}
