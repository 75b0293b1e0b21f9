/** Slack for the contract suite: signed events, commands and interactions. */
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SlackConnection } from "../../../schema/connection.ts";
import type { OutboundContent, OutboundMessage } from "../../../schema/outbound.ts";
import type { ChannelSamples, ReadingKind, WebhookSample } from "../channel-samples.ts";

const NOW_MS = Date.UTC(2025, 10, 21, 4, 41, 40);
const SECRETS = { own: "slack-signing-secret", foreign: "another-signing-secret" } as const;
const FORM = "application/x-www-form-urlencoded";
const TARGET = "1763700000.000100";
const FIXTURES = join(import.meta.dirname, "../../fixtures/slack");

function load(name: string): string {
  return readFileSync(join(FIXTURES, `${name}.json`), "utf8");
}

function event(name: string, becomes: ReadingKind): WebhookSample {
  return { name, body: load(name), becomes };
}

function payload(name: string, becomes: ReadingKind): WebhookSample {
  const body = new URLSearchParams({ payload: load(name) }).toString();
  return { name, body, contentType: FORM, becomes };
}

function command(name: string): WebhookSample {
  const body = new URLSearchParams(JSON.parse(load(name))).toString();
  return { name, body, contentType: FORM, becomes: "messages" };
}

function outbound(content: OutboundContent, over: Partial<OutboundMessage> = {}): OutboundMessage {
  return {
    id: "msg_01hq000000abcdefghjkmn",
    conversationKey: "T0ACME:C0GENERAL",
    content,
    createdAtMs: NOW_MS,
    ...over,
  };
}

const responder = {
  via: "slack_response_url",
  url: "https://hooks.slack.com/commands/T0ACME/1/secret",
  expiresAtMs: NOW_MS + 1_800_000,
} as const;
const photo = {
  kind: "image",
  source: { from: "stored", key: "acme/photo" },
  mime_type: "image/png",
  file_name: "photo.png",
  size_bytes: 2048,
} as const;
const inThread = { conversationKey: `T0ACME:C0GENERAL:${TARGET}` };

export const slackSamples: ChannelSamples<SlackConnection> = {
  title: "slack",
  nowMs: NOW_MS,
  connection: {
    id: "slack-1",
    tenant: "acme",
    channel: "slack",
    teamId: "T0ACME",
    appId: "A0HUB",
    botUserId: "U0BOT",
    botId: "B0HUB",
    credentials: { signingSecret: SECRETS.own, botToken: "xoxb-test" },
  },
  prove(body, atMs, secret) {
    const stamp = String(Math.floor(atMs / 1000));
    const mac = createHmac("sha256", SECRETS[secret]).update(`v0:${stamp}:`).update(body);
    return {
      "x-slack-request-timestamp": stamp,
      "x-slack-signature": `v0=${mac.digest("hex")}`,
    };
  },
  proofHeaders: ["x-slack-request-timestamp", "x-slack-signature"],
  proofCoversBody: true,
  proofWindow: { pastMs: 300_000, futureMs: 300_000 },
  webhooks: [
    event("message", "messages"),
    event("app-mention", "messages"),
    event("direct-message", "messages"),
    event("thread-reply", "messages"),
    event("thread-root", "messages"),
    event("thread-broadcast", "messages"),
    event("me-message", "messages"),
    event("file-share", "messages"),
    event("message-edited", "messages"),
    event("message-unfurled", "ignored"),
    event("message-deleted", "messages"),
    event("thread-root-deleted", "messages"),
    event("reaction-added", "messages"),
    event("reaction-removed", "messages"),
    event("slack-connect-message", "messages"),
    event("own-bot-post", "own_echo"),
    event("other-bot-post", "ignored"),
    event("app-uninstalled", "connection"),
    event("url-verification", "ack"),
    command("slash-command"),
    payload("block-actions", "messages"),
    payload("view-submission", "messages"),
    payload("message-shortcut", "messages"),
    { name: "certificate probe", body: "ssl_check=1", contentType: FORM, becomes: "ack" },
    { name: "not JSON", body: "payload=no", becomes: "failure" },
    { name: "a list", body: "[]", becomes: "failure" },
    { name: "a message without author", body: withoutAuthor(), becomes: "failure" },
  ],
  foreignBody: load("message").replaceAll("T0ACME", "T0OTHER"),
  outbound: [
    outbound({ type: "text", text: "**bold**, [a link](https://a.test) and `code`" }),
    outbound({ type: "text", text: "word ".repeat(2500) }, inThread),
    outbound({ type: "text", text: "word ".repeat(2500) }, { responder }),
    outbound({ type: "text", text: "hello" }, { conversationKey: "T0ACME:U0ANA" }),
    outbound({ type: "media", media: [photo, photo], text: "two photos" }, inThread),
    outbound({ type: "media", media: [photo] }, { conversationKey: "T0ACME:U0ANA" }),
    outbound({ type: "reaction", target: TARGET, emoji: "👍" }),
    outbound({ type: "reaction", target: TARGET, emoji: ":custom:", remove: true }),
    outbound({ type: "edit", target: TARGET, text: "new text" }),
    outbound({ type: "delete", target: TARGET }),
    outbound({ type: "typing" }),
    outbound({
      type: "card",
      text: "Approve?",
      buttons: [
        { id: "yes", label: "Yes" },
        { id: "docs", label: "Docs", url: "https://a.test" },
      ],
    }),
  ],
  refused: [
    outbound({ type: "text", text: " " }),
    outbound({ type: "text", text: "x" }, { conversationKey: "no such thing" }),
    outbound({ type: "reaction", target: TARGET, emoji: "🦭" }),
    outbound({
      type: "media",
      media: [{ kind: "image", source: { from: "stored", key: "acme/unsized" } }],
    }),
  ],
  success(request) {
    const method = request.url.split("/api/")[1] ?? "";
    if (method === "files.getUploadURLExternal") {
      const upload_url = "https://files.slack.com/upload/v1/abc";
      return { status: 200, body: JSON.stringify({ ok: true, upload_url, file_id: "F0NEW" }) };
    }
    if (method === "conversations.open") {
      return { status: 200, body: JSON.stringify({ ok: true, channel: { id: "D0ANA" } }) };
    }
    return method === ""
      ? { status: 200, body: "ok" }
      : { status: 200, body: JSON.stringify({ ok: true, ts: "1763700200.000100" }) };
  },
};

function withoutAuthor(): string {
  const body = JSON.parse(load("message"));
  delete body.event.user;
  return JSON.stringify(body);
}
