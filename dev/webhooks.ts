/**
 * Signed webhooks with one text message in them, built as each platform builds and signs them. For the
 * demonstration, the crash test and the benchmarks. Sends nothing.
 */
import { createHmac, type KeyObject, sign } from "node:crypto";

/** A connection as its platform knows it: where its webhooks go and what they are signed with. */
export type WebhookSource =
  | {
      readonly channel: "whatsapp";
      readonly connection: string;
      readonly instance: string;
      readonly webhookSecret: string;
    }
  | {
      readonly channel: "slack";
      readonly connection: string;
      readonly teamId: string;
      readonly appId: string;
      readonly signingSecret: string;
    }
  | {
      readonly channel: "discord";
      readonly connection: string;
      readonly applicationId: string;
      readonly privateKey: KeyObject;
    };

/** One message of a person. `number` tells messages of one conversation apart and rises. */
export interface WebhookText {
  /** Which of the source's conversations, from 0. */
  readonly conversation: number;
  readonly number: number;
  readonly text: string;
  /** When it was written and signed, ms since the epoch. */
  readonly atMs: number;
}

export interface SignedWebhook {
  /** Below the hub's origin. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const JSON_TYPE = { "content-type": "application/json" };

/** The webhook a platform would send for this message. The same input gives the same platform ids. */
export function signedWebhook(source: WebhookSource, message: WebhookText): SignedWebhook {
  switch (source.channel) {
    case "whatsapp":
      return evolutionWebhook(source, message);
    case "slack":
      return slackWebhook(source, message);
    case "discord":
      return discordWebhook(source, message);
  }
}

/** The webhook by which Evolution tells how far our message `platformId` got. */
export function evolutionStatus(
  source: WebhookSource & { channel: "whatsapp" },
  conversation: number,
  platformId: string,
  status: "SERVER_ACK" | "DELIVERY_ACK" | "READ",
): SignedWebhook {
  const data = {
    keyId: platformId,
    remoteJid: phoneOf(conversation),
    fromMe: true,
    participant: "",
    status,
    instanceId: source.instance,
    messageId: `db-${platformId}`,
  };
  return evolutionEnvelope(source, "messages.update", data);
}

function evolutionWebhook(
  source: WebhookSource & { channel: "whatsapp" },
  message: WebhookText,
): SignedWebhook {
  const data = {
    key: {
      remoteJid: phoneOf(message.conversation),
      fromMe: false,
      id: `3EB0${hex(message.conversation, 6)}${hex(message.number, 10)}`,
      participant: "",
    },
    pushName: `Person ${message.conversation}`,
    status: "DELIVERY_ACK",
    message: { conversation: message.text },
    messageType: "conversation",
    messageTimestamp: Math.floor(message.atMs / 1000),
    instanceId: source.instance,
    source: "android",
  };
  return evolutionEnvelope(source, "messages.upsert", data);
}

function evolutionEnvelope(
  source: WebhookSource & { channel: "whatsapp" },
  event: string,
  data: Readonly<Record<string, unknown>>,
): SignedWebhook {
  const path = `/webhooks/evolution/${source.connection}`;
  const body = JSON.stringify({
    event,
    instance: source.instance,
    data,
    destination: `http://hub.invalid${path}`,
    date_time: "2026-01-01T00:00:00.000Z",
    sender: "5511900000000@s.whatsapp.net",
    server_url: "http://evolution.invalid",
    apikey: null,
  });
  return { path, headers: { ...JSON_TYPE, "x-webhook-secret": source.webhookSecret }, body };
}

function slackWebhook(
  source: WebhookSource & { channel: "slack" },
  message: WebhookText,
): SignedWebhook {
  const ts = `${1_700_000_000 + message.number}.${String(message.conversation).padStart(6, "0")}`;
  const body = JSON.stringify({
    token: "legacy",
    team_id: source.teamId,
    api_app_id: source.appId,
    event: {
      type: "message",
      channel_type: "im",
      channel: `D${hex(message.conversation, 9)}`,
      user: `U${hex(message.conversation, 9)}`,
      text: message.text,
      ts,
      event_ts: ts,
      team: source.teamId,
    },
    type: "event_callback",
    event_id: `Ev${hex(message.conversation, 4)}${hex(message.number, 6)}`,
    event_time: Math.floor(message.atMs / 1000),
    authorizations: [{ team_id: source.teamId, user_id: "UBOT", is_bot: true }],
  });
  const stamp = String(Math.floor(message.atMs / 1000));
  const mac = createHmac("sha256", source.signingSecret)
    .update(`v0:${stamp}:${body}`)
    .digest("hex");
  return {
    path: `/webhooks/slack/${source.connection}`,
    headers: {
      ...JSON_TYPE,
      "x-slack-request-timestamp": stamp,
      "x-slack-signature": `v0=${mac}`,
    },
    body,
  };
}

/** Ordinary messages never come over HTTP on Discord; a slash command with a text option does. */
function discordWebhook(
  source: WebhookSource & { channel: "discord" },
  message: WebhookText,
): SignedWebhook {
  const person = { id: String(700_000_000_000 + message.conversation), username: "person" };
  const body = JSON.stringify({
    id: `${800_000 + message.conversation}${String(message.number).padStart(9, "0")}`,
    application_id: source.applicationId,
    type: 2,
    token: `token-${message.conversation}-${message.number}`,
    channel_id: String(900_000_000_000 + message.conversation),
    channel: { id: String(900_000_000_000 + message.conversation), type: 1 },
    user: person,
    data: {
      id: "600",
      name: "ask",
      type: 1,
      options: [{ type: 3, name: "text", value: message.text }],
    },
    locale: "en-US",
    version: 1,
  });
  const stamp = String(Math.floor(message.atMs / 1000));
  const signature = sign(null, Buffer.from(stamp + body), source.privateKey);
  return {
    path: `/webhooks/discord/${source.connection}`,
    headers: {
      ...JSON_TYPE,
      "x-signature-timestamp": stamp,
      "x-signature-ed25519": signature.toString("hex"),
    },
    body,
  };
}

function phoneOf(conversation: number): string {
  return `${5_511_900_000_000 + conversation}@s.whatsapp.net`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}
