/** Builds Slack webhooks for the tests: JSON bodies, forms and interactive payloads, signed on request. */
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { slackAdapter } from "../../../../channels/slack/adapter.ts";
import type { Connection, SlackConnection } from "../../../../schema/connection.ts";
import type { OutboundContent, OutboundMessage } from "../../../../schema/outbound.ts";
import type { ParsedMessage, RawWebhook, WebhookReading } from "../../../../schema/parsed.ts";

export const NOW_MS = 1_763_700_100_000;
export const SECRET = "slack-signing-secret-of-tests";

export const CONNECTION: Connection<SlackConnection> = {
  tenant: "acme",
  id: "acme-slack",
  channel: "slack",
  teamId: "T0ACME",
  appId: "A0HUB",
  botUserId: "U0BOT",
  botId: "B0HUB",
  credentials: { signingSecret: SECRET, botToken: "xoxb-test" },
};

const FIXTURES = `${import.meta.dirname}/../../../fixtures/slack/`;

/** A fixture's text and its parsed form, fresh each time. */
export function fixture(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(`${FIXTURES}${name}.json`, "utf8"));
}

export function jsonWebhook(value: unknown): RawWebhook {
  return bodyWebhook(JSON.stringify(value), "application/json");
}

export function formWebhook(fields: Record<string, string>): RawWebhook {
  return bodyWebhook(
    new URLSearchParams(fields).toString(),
    "application/x-www-form-urlencoded; charset=utf-8",
  );
}

export function payloadWebhook(value: unknown): RawWebhook {
  return formWebhook({ payload: JSON.stringify(value) });
}

export function bodyWebhook(
  body: string | Uint8Array<ArrayBuffer>,
  contentType: string,
  headers: Readonly<Record<string, string>> = {},
): RawWebhook {
  const all = new Headers({ "content-type": contentType, ...headers });
  const bytes = typeof body === "string" ? new Uint8Array(new TextEncoder().encode(body)) : body;
  return { method: "POST", suffix: "", header: (name) => all.get(name), body: bytes };
}

/** The two headers Slack adds, for a body sent at `atMs`. */
export function proofOf(body: Uint8Array, atMs: number, secret = SECRET): Record<string, string> {
  const stamp = String(Math.floor(atMs / 1000));
  const mac = createHmac("sha256", secret).update(`v0:${stamp}:`).update(body).digest("hex");
  return { "x-slack-request-timestamp": stamp, "x-slack-signature": `v0=${mac}` };
}

export function parse(raw: RawWebhook, connection = CONNECTION) {
  return slackAdapter.parse(raw, { connection, nowMs: NOW_MS });
}

/** The reading of a webhook that must be readable. */
export function readingOf(raw: RawWebhook, connection = CONNECTION): WebhookReading {
  const result = parse(raw, connection);
  if (!result.ok) {
    throw new Error(`unexpected failure ${result.failure.reason}: ${result.failure.detail}`);
  }
  return result.value;
}

/** The one message of a webhook that must have exactly one. */
export function messageOf(raw: RawWebhook, connection = CONNECTION): ParsedMessage {
  const { messages, ignored } = readingOf(raw, connection);
  const [message] = messages;
  if (message === undefined || messages.length !== 1) {
    throw new Error(`expected one message, got ${messages.length} (${JSON.stringify(ignored)})`);
  }
  return message;
}

/** An Events API body around one event of channel C0GENERAL. */
export function eventBody(
  event: Record<string, unknown>,
  envelope: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    type: "event_callback",
    team_id: "T0ACME",
    api_app_id: "A0HUB",
    event_id: "Ev0TEST",
    event_time: 1763700000,
    event,
    ...envelope,
  };
}

export function textBody(
  text: unknown,
  event: Record<string, unknown> = {},
): Record<string, unknown> {
  return eventBody({
    type: "message",
    user: "U0ANA",
    ts: "1763700000.000100",
    channel: "C0GENERAL",
    channel_type: "channel",
    text,
    ...event,
  });
}

export function outbound(
  content: OutboundContent,
  more: Partial<OutboundMessage> = {},
): OutboundMessage {
  return {
    id: "msg_1",
    conversationKey: "T0ACME:C0GENERAL",
    content,
    createdAtMs: NOW_MS,
    ...more,
  };
}
