/**
 * Webhook Events: Discord's outgoing HTTP notices about the application. They carry no ordinary messages.
 * Every one is answered 204 with an empty body, the PING (type 0) too.
 *
 * APPLICATION_DEAUTHORIZED says that one person took the application off their own account ("Webhook
 * Events: Application Deauthorized"), not that a server removed the bot: it must not close the connection.
 */
import type { Result } from "../../domain/result.ts";
import { fail, ok } from "../../domain/result.ts";
import type { DiscordConnection } from "../../schema/connection.ts";
import type { Ack, WebhookReading } from "../../schema/parsed.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import { ignored, reading } from "./reading.ts";
import { shaped, WebhookEvent } from "./shapes.ts";

const NO_CONTENT: Ack = { status: 204 };
const PING = 0;
const EVENT = 1;

/** Reads `{version, application_id, type, event?}`. */
export function readWebhookEvent(
  raw: unknown,
  connection: DiscordConnection,
): Result<WebhookReading, ParseFailure> {
  const parsed = shaped(WebhookEvent, raw, "webhook_event");
  if (!parsed.ok) return parsed;
  const { application_id: application, type, event } = parsed.value;
  if (application !== connection.applicationId) {
    return fail({ reason: "wrong_connection", detail: "webhook_event.application_id" });
  }
  if (type === PING) return ok(reading({ ack: NO_CONTENT }));
  if (type !== EVENT) return ok(ignored(`webhook_event_${type}`, NO_CONTENT));
  if (!event) return fail({ reason: "wrong_shape", detail: "webhook_event.event: missing" });
  return ok(ignored(event.type, NO_CONTENT));
}
