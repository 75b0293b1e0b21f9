/**
 * Tells Discord's three kinds of bodies apart by their shape: Gateway frames have `op`, Webhook Events have
 * `event` or a `version` without an interaction's `id` and `token`, the rest with a `type` are interactions.
 * (A `type` of 1 alone says nothing: it is the PING of one and the event of the other.)
 */
import type { Result } from "../../domain/result.ts";
import { fail, ok } from "../../domain/result.ts";
import type { DiscordConnection } from "../../schema/connection.ts";
import type { RawWebhook, WebhookReading } from "../../schema/parsed.ts";
import type { ConnectionHint, ParseContext, ParseFailure } from "../channel-adapter.ts";
import { readJson } from "../shared/json.ts";
import { readFrame } from "./dispatch.ts";
import { readInteraction } from "./interaction.ts";
import { ignored } from "./reading.ts";
import { readWebhookEvent } from "./webhook-event.ts";

type Body = { readonly [key: string]: unknown };

/** Reads a verified body, or a frame of the hub's own Gateway client. */
export function parseDiscord(
  raw: RawWebhook,
  context: ParseContext<DiscordConnection>,
): Result<WebhookReading, ParseFailure> {
  const json = readJson(raw.body);
  if (!json.ok) return json;
  const body = json.value;
  if (!isBody(body)) return fail({ reason: "wrong_shape", detail: "body: not an object" });
  if (has(body, "op")) return readFrame(body, context.connection);
  if (isWebhookEvent(body)) return readWebhookEvent(body, context.connection);
  if (has(body, "type")) return readInteraction(body, context);
  if (isRestAnswer(body)) return ok(ignored("not_a_webhook"));
  return fail({ reason: "wrong_shape", detail: "body.type: missing" });
}

/** The application a body claims to be about. Total: anything odd is simply no hint. */
export function locateDiscord(raw: RawWebhook): ConnectionHint | undefined {
  const json = readJson(raw.body);
  if (!json.ok || !isBody(json.value) || !has(json.value, "application_id")) return undefined;
  const application = json.value.application_id;
  const usable = typeof application === "string" && /^[\w-]{1,32}$/.test(application);
  return usable ? { addresses: [application] } : undefined;
}

function isBody(value: unknown): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function has(body: Body, key: string): boolean {
  return Object.hasOwn(body, key);
}

function isWebhookEvent(body: Body): boolean {
  if (has(body, "event")) return true;
  return has(body, "version") && !has(body, "id") && !has(body, "token");
}

/** What the REST API answers: an error, or a rate limit. */
function isRestAnswer(body: Body): boolean {
  return has(body, "message") && (has(body, "code") || has(body, "retry_after"));
}
