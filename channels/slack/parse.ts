/**
 * A signed Slack webhook's meaning: challenge, event, slash command or interaction, each handed to
 * its reader once the payload is known to be this connection's. The platform's verification `token`,
 * blocks and everything not named here are dropped.
 */

import { ok, type Result } from "../../domain/result.ts";
import type { SlackConnection } from "../../schema/connection.ts";
import type { RawWebhook, WebhookReading } from "../../schema/parsed.ts";
import type { ParseContext, ParseFailure } from "../channel-adapter.ts";
import type { Fields } from "../shared/fields.ts";
import { wrongShape } from "../shared/fields.ts";
import { type Envelope, envelopeOf } from "./envelope.ts";
import { readEvent } from "./event.ts";
import { stringOf } from "./fields.ts";
import { isInteractive, readInteraction } from "./interactivity.ts";
import { CHALLENGE_CHARS_MAX } from "./limits.ts";
import { matchedTeam, originOf } from "./origin.ts";
import { readPayload } from "./payload.ts";
import { answered, connectionChanged, ignored } from "./reading.ts";
import { readCommand } from "./slash-command.ts";

/** Reads one webhook. Unknown types are ignored by name; malformed or foreign payloads are failures. */
export function parseSlack(
  raw: RawWebhook,
  context: ParseContext<SlackConnection>,
): Result<WebhookReading, ParseFailure> {
  const payload = readPayload(raw);
  if (!payload.ok) {
    return payload;
  }
  if (payload.value.is === "ssl_check") {
    return ok(answered());
  }
  const { is, fields } = payload.value;
  const type = stringOf(fields.type);
  if (is === "json" && type === "url_verification") {
    return readChallenge(fields);
  }
  if (type === undefined && typeof fields.ok === "boolean") {
    return ok(ignored("not_a_webhook"));
  }
  const team = matchedTeam(originOf(fields), context.connection);
  if (team === undefined) {
    return {
      ok: false,
      failure: { reason: "wrong_connection", detail: "team or app is not this connection's" },
    };
  }
  const envelope = envelopeOf(fields, team, context);
  return type === undefined ? readUntyped(fields, envelope) : readTyped(type, fields, envelope);
}

function readTyped(
  type: string,
  fields: Fields,
  envelope: Envelope,
): Result<WebhookReading, ParseFailure> {
  if (type === "event_callback") {
    return readEvent(fields, envelope);
  }
  if (isInteractive(type)) {
    return readInteraction(type, fields, envelope);
  }
  return ok(
    type === "app_rate_limited" ? connectionChanged({ state: "rate_limited" }) : ignored(type),
  );
}

/** Slash commands are the only payloads without a type. */
function readUntyped(fields: Fields, envelope: Envelope): Result<WebhookReading, ParseFailure> {
  return typeof fields.command === "string"
    ? readCommand(fields, envelope)
    : wrongShape("type: expected a string");
}

function readChallenge(fields: Fields): Result<WebhookReading, ParseFailure> {
  const challenge = stringOf(fields.challenge);
  return challenge === undefined || challenge.length > CHALLENGE_CHARS_MAX
    ? wrongShape(`challenge: expected 1 to ${CHALLENGE_CHARS_MAX} characters`)
    : ok(answered({ status: 200, contentType: "text/plain", body: challenge }));
}
