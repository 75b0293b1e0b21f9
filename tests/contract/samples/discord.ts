/** Discord for the contract suite: signed interactions and Webhook Events, and frames of the Gateway. */
import { createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DiscordConnection } from "../../../schema/connection.ts";
import type { OutboundContent, OutboundMessage } from "../../../schema/outbound.ts";
import type { ChannelSamples, ReadingKind, WebhookSample } from "../channel-samples.ts";

const NOW_MS = Date.UTC(2026, 2, 1, 12);
const APPLICATION = "700000000000000001";
const CHANNEL = "700000000000000200";
const TARGET = "1470000000000000010";

/** Any 32 bytes are an Ed25519 seed; these two are test keys. */
const SEEDS = { own: "31".repeat(32), foreign: "32".repeat(32) } as const;
const PKCS8_ED25519 = "302e020100300506032b657004220420";

function keyOf(secret: keyof typeof SEEDS) {
  const der = Buffer.from(PKCS8_ED25519 + SEEDS[secret], "hex");
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

function publicHex(): string {
  return Buffer.from(keyOf("own").export({ format: "jwk" }).x ?? "", "base64url").toString("hex");
}

function sample(name: string, becomes: ReadingKind): WebhookSample {
  const file = join(import.meta.dirname, "../../fixtures/discord", `${name}.json`);
  return { name, body: readFileSync(file, "utf8"), becomes };
}

function outbound(content: OutboundContent, over: Partial<OutboundMessage> = {}): OutboundMessage {
  return {
    id: "msg_01hq000000abcdefghjkmn",
    conversationKey: CHANNEL,
    content,
    createdAtMs: NOW_MS,
    ...over,
  };
}

const responder = {
  via: "discord_interaction",
  applicationId: APPLICATION,
  token: "interaction-token",
  expiresAtMs: NOW_MS + 900_000,
} as const;
const photo = {
  kind: "image",
  source: { from: "url", url: "https://media.example/photo.png" },
  file_name: "photo.png",
} as const;

export const discordSamples: ChannelSamples<DiscordConnection> = {
  title: "discord",
  nowMs: NOW_MS,
  connection: {
    id: "discord-1",
    tenant: "acme",
    channel: "discord",
    applicationId: APPLICATION,
    botUserId: APPLICATION,
    credentials: { publicKey: publicHex(), botToken: "bot-token" },
  },
  prove(body, atMs, secret) {
    const stamp = String(Math.floor(atMs / 1000));
    const message = Buffer.concat([Buffer.from(stamp), body]);
    return {
      "x-signature-ed25519": sign(null, message, keyOf(secret)).toString("hex"),
      "x-signature-timestamp": stamp,
    };
  },
  proofHeaders: ["x-signature-ed25519", "x-signature-timestamp"],
  proofCoversBody: true,
  proofWindow: { pastMs: 300_000, futureMs: 300_000 },
  webhooks: [
    sample("interaction-command", "messages"),
    sample("interaction-command-file", "messages"),
    sample("interaction-message-command", "messages"),
    sample("interaction-dm", "messages"),
    sample("interaction-button", "messages"),
    sample("interaction-select", "messages"),
    sample("interaction-modal", "messages"),
    sample("interaction-ping", "ack"),
    sample("interaction-autocomplete", "ignored"),
    sample("webhook-event-ping", "ack"),
    sample("webhook-event-authorized", "ignored"),
    sample("webhook-event-deauthorized", "ignored"),
    sample("gateway-message", "messages"),
    sample("gateway-reply", "messages"),
    sample("gateway-files", "messages"),
    sample("gateway-forward", "messages"),
    sample("gateway-in-thread", "messages"),
    sample("gateway-no-content", "messages"),
    sample("gateway-edit", "messages"),
    sample("gateway-delete", "messages"),
    sample("gateway-delete-bulk", "messages"),
    sample("gateway-reaction-add", "messages"),
    sample("gateway-reaction-remove", "messages"),
    sample("gateway-own-echo", "own_echo"),
    sample("gateway-other-bot", "ignored"),
    sample("gateway-system", "ignored"),
    sample("gateway-pin", "ignored"),
    sample("gateway-ready", "ignored"),
    sample("rest-rate-limited", "ignored"),
    sample("rest-invalid-form", "ignored"),
    { name: "a command without data", body: withoutData(), becomes: "failure" },
    { name: "not JSON", body: "{", becomes: "failure" },
    { name: "a list", body: "[]", becomes: "failure" },
  ],
  foreignBody: sample("interaction-command", "failure").body.replaceAll(APPLICATION, "9"),
  outbound: [
    outbound({ type: "text", text: "**bold** and `code`" }, { replyTo: TARGET }),
    outbound({ type: "text", text: "word ".repeat(1500) }),
    outbound({ type: "text", text: "word ".repeat(1500) }, { responder }),
    outbound({ type: "text", text: "clicked" }, { responder: { ...responder, followUp: true } }),
    outbound({ type: "text", text: "hello" }, { conversationKey: "user:700000000000000900" }),
    outbound({ type: "media", media: [photo, photo], text: "two photos" }),
    outbound({ type: "reaction", target: TARGET, emoji: "👍" }),
    outbound({ type: "reaction", target: TARGET, emoji: "ok:500", remove: true }),
    outbound({ type: "edit", target: TARGET, text: "better" }),
    outbound({ type: "delete", target: TARGET }),
    outbound({ type: "typing" }),
    outbound({
      type: "card",
      text: "Approve?",
      buttons: [
        { id: "yes", label: "Yes" },
        { id: "site", label: "Site", url: "https://example.com/" },
      ],
    }),
  ],
  refused: [
    outbound({ type: "text", text: " " }),
    outbound({ type: "text", text: "x" }, { conversationKey: "1/../2" }),
    outbound({ type: "delete", target: "../1" }),
    outbound({ type: "media", media: [{ ...photo, size_bytes: 11_000_000 }] }),
  ],
  success: (request) =>
    request.method === "DELETE" || request.method === "PUT" || request.step === "typing"
      ? { status: 204, body: "" }
      : { status: 200, body: '{"id":"1470000000000000099"}' },
};

function withoutData(): string {
  const { data: _data, ...rest } = JSON.parse(sample("interaction-command", "failure").body);
  return JSON.stringify(rest);
}
