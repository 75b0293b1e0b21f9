/** WhatsApp (Evolution API) for the contract suite, once for each of its two proofs: secret header and JWT. */
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { WhatsappConnection } from "../../../schema/connection.ts";
import type { OutboundContent, OutboundMessage } from "../../../schema/outbound.ts";
import type { ChannelSamples, ReadingKind, WebhookSample } from "../channel-samples.ts";

const NOW_MS = Date.UTC(2026, 2, 1, 13);
const RITA = "5521922223333@s.whatsapp.net";
const TARGET = "ACRITA0001";
const SECRETS = {
  own: "a-webhook-secret-of-this-loja",
  foreign: "another-webhook-secret",
} as const;
const JWT_KEYS = { own: "the-jwt-key-of-this-loja", foreign: "the-jwt-key-of-another" } as const;
const FIXTURES = join(import.meta.dirname, "../../fixtures/whatsapp");
const JWT_LIFETIME_SECONDS = 600;

const READINGS: Readonly<Record<string, ReadingKind>> = {
  text: "messages",
  "text-v1": "messages",
  "text-2.3.6-lid": "messages",
  "text-2.3.7-lid": "messages",
  "text-2.4-lid": "messages",
  "text-only-lid": "messages",
  "text-quoted": "messages",
  "text-from-phone": "own_echo",
  "group-mention": "messages",
  image: "messages",
  "image-inline": "messages",
  "image-stored": "messages",
  "image-view-once": "messages",
  "video-note": "messages",
  voice: "messages",
  audio: "messages",
  "document-caption": "messages",
  sticker: "messages",
  location: "messages",
  "location-live-zero": "messages",
  contact: "messages",
  contacts: "messages",
  poll: "messages",
  "poll-vote": "messages",
  "button-reply": "messages",
  "list-reply": "messages",
  "template-reply": "messages",
  "flow-reply": "messages",
  reaction: "messages",
  "reaction-removed": "messages",
  ephemeral: "messages",
  undecryptable: "messages",
  "unsupported-event": "messages",
  "keys-only": "ignored",
  "edit-in-upsert-v1": "messages",
  "status-story": "ignored",
  newsletter: "ignored",
  history: "ignored",
  batch: "messages",
  send: "own_echo",
  "send-bare-number": "own_echo",
  "send-update": "own_echo",
  edited: "messages",
  "edited-sender-view": "messages",
  "edited-revoke": "messages",
  "edited-ephemeral-setting": "ignored",
  "delete-by-contact": "messages",
  "delete-by-api": "own_echo",
  "update-server-ack": "statuses",
  "update-delivered": "statuses",
  "update-read": "statuses",
  "update-played": "statuses",
  "update-error": "statuses",
  "update-v1": "statuses",
  "update-pending": "ignored",
  "update-deleted-2.3.6": "ignored",
  "update-of-contact": "ignored",
  "connection-open": "connection",
  "connection-closed": "connection",
  "connection-refused": "connection",
  qrcode: "connection",
  "qrcode-limit": "connection",
  "status-instance": "connection",
  "logout-instance": "connection",
  "remove-instance": "connection",
  call: "ignored",
  "contacts-update": "ignored",
  "group-participants": "ignored",
  presence: "ignored",
  error: "ignored",
  "rest-send-201": "ignored",
};

function load(name: string): string {
  return readFileSync(join(FIXTURES, `${name}.json`), "utf8");
}

function outbound(content: OutboundContent, over: Partial<OutboundMessage> = {}): OutboundMessage {
  const id = "msg_01hq000000abcdefghjkmn";
  return { id, conversationKey: RITA, content, createdAtMs: NOW_MS, ...over };
}

const url = "https://media.example/photo.png";
const photo = { kind: "image", source: { from: "url", url }, mime_type: "image/png" } as const;

const [first, ...others] = Object.entries(READINGS).map(
  ([name, becomes]): WebhookSample => ({ name, body: load(name), becomes }),
);

const common = {
  nowMs: NOW_MS,
  webhooks: [
    first as WebhookSample,
    ...others,
    { name: "byEvents path", body: load("text"), suffix: "messages-upsert", becomes: "messages" },
    { name: "not JSON", body: "{", becomes: "failure" },
    { name: "a list", body: "[]", becomes: "failure" },
    { name: "no id", body: load("text").replace('"id"', '"no"'), becomes: "failure" },
    {
      name: "a long id",
      body: load("text").replace("ACRITA", "A".repeat(600)),
      becomes: "failure",
    },
  ],
  foreignBody: load("text").replace('"loja-1"', '"loja-2"'),
  outbound: [
    outbound({ type: "text", text: "**bold** and `code`" }, { replyTo: TARGET }),
    outbound({ type: "text", text: "word ".repeat(2000) }),
    outbound({ type: "text", text: "hello" }, { conversationKey: "120363900000000009@g.us" }),
    outbound({ type: "media", media: [photo, photo], text: "two photos" }),
    outbound({ type: "media", media: [photo], text: "long ".repeat(400) }),
    outbound({ type: "media", media: [{ ...photo, kind: "voice" }], text: "listen" }),
    outbound({ type: "media", media: [{ ...photo, kind: "sticker" }] }),
    outbound({ type: "reaction", target: TARGET, emoji: "👍" }),
    outbound({ type: "reaction", target: TARGET, emoji: "👍", remove: true }),
    outbound({ type: "edit", target: TARGET, text: "better" }),
    outbound({ type: "delete", target: TARGET }),
    outbound({ type: "typing", durationMs: 2_000 }),
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
    outbound({ type: "text", text: "x" }, { conversationKey: "no such thing" }),
    outbound({ type: "text", text: "x" }, { conversationKey: "status@broadcast" }),
    outbound({ type: "delete", target: "../1" }),
    outbound({ type: "media", media: [{ kind: "image", source: { from: "stored", key: "a" } }] }),
    outbound({ type: "media", media: [{ ...photo, size_bytes: 17 * 1024 * 1024 }] }),
  ],
  success: () => ({ status: 201, body: load("rest-send-201") }),
} as const satisfies Partial<ChannelSamples<WhatsappConnection>>;

function connection(
  credentials: Omit<WhatsappConnection["credentials"], "apiKey">,
): ChannelSamples<WhatsappConnection>["connection"] {
  return {
    id: "wa-1",
    tenant: "acme",
    channel: "whatsapp",
    provider: "evolution",
    instance: "loja-1",
    version: "2.3.7",
    baseUrl: "https://evo.example",
    credentials: { apiKey: "instance-token", ...credentials },
  };
}

/** The token Evolution makes of `jwt_key` for one delivery. */
export function evolutionJwt(jwtKey: string, atMs: number, over: object = {}): string {
  const iat = Math.floor(atMs / 1000);
  const claims = {
    iat,
    exp: iat + JWT_LIFETIME_SECONDS,
    app: "evolution",
    action: "webhook",
    ...over,
  };
  const encoded = [{ alg: "HS256", typ: "JWT" }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  const mac = createHmac("sha256", jwtKey).update(encoded.join(".")).digest("base64url");
  return [...encoded, mac].join(".");
}

export const whatsappSecretSamples: ChannelSamples<WhatsappConnection> = {
  ...common,
  title: "whatsapp (secret header)",
  connection: connection({ webhookSecret: SECRETS.own }),
  prove: (_body, _atMs, secret) => ({ "x-webhook-secret": SECRETS[secret] }),
  proofHeaders: ["x-webhook-secret"],
  proofCoversBody: false,
};

export const whatsappJwtSamples: ChannelSamples<WhatsappConnection> = {
  ...common,
  title: "whatsapp (jwt)",
  connection: connection({ jwtKey: JWT_KEYS.own }),
  prove: (_body, atMs, secret) => ({
    authorization: `Bearer ${evolutionJwt(JWT_KEYS[secret], atMs)}`,
  }),
  proofHeaders: ["authorization"],
  proofCoversBody: false,
  proofWindow: { pastMs: JWT_LIFETIME_SECONDS * 1000, futureMs: 300_000 },
};
