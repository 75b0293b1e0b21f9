/** What the Discord tests share: a connection, bodies as webhooks, Discord's signatures, fixtures by name. */
import { createPrivateKey, sign } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { discordAdapter } from "../../../../channels/discord/adapter.ts";
import type { Connection, DiscordConnection } from "../../../../schema/connection.ts";
import type { ParsedMessage, RawWebhook, WebhookReading } from "../../../../schema/parsed.ts";

export const NOW_MS = Date.UTC(2026, 2, 1, 12);
export const APPLICATION = "700000000000000001";

/** Any 32 bytes are an Ed25519 seed; these two are test keys. */
const SEEDS = { own: "31".repeat(32), foreign: "32".repeat(32) } as const;
const PKCS8_ED25519 = "302e020100300506032b657004220420";

const keys = { own: privateKey(SEEDS.own), foreign: privateKey(SEEDS.foreign) };
const publicKeys = { own: publicHex(SEEDS.own), foreign: publicHex(SEEDS.foreign) };

function privateKey(seedHex: string) {
  const der = Buffer.from(PKCS8_ED25519 + seedHex, "hex");
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

function publicHex(seedHex: string): string {
  const x = privateKey(seedHex).export({ format: "jwk" }).x ?? "";
  return Buffer.from(x, "base64url").toString("hex");
}

export function aConnection(
  over: Partial<Connection<DiscordConnection>> = {},
): Connection<DiscordConnection> {
  return {
    id: "discord-1",
    tenant: "acme",
    channel: "discord",
    applicationId: APPLICATION,
    botUserId: APPLICATION,
    credentials: { publicKey: publicKeys.own, botToken: "bot-token" },
    ...over,
  };
}

export function signed(
  body: string | Uint8Array,
  stamp: string,
  key: keyof typeof keys = "own",
): Record<string, string> {
  const message = Buffer.concat([Buffer.from(stamp), Buffer.from(body)]);
  const signature = sign(null, message, keys[key]).toString("hex");
  return { "x-signature-ed25519": signature, "x-signature-timestamp": stamp };
}

export function aWebhook(
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): RawWebhook {
  return {
    method: "POST",
    suffix: "",
    header: (name) => headers[name.toLowerCase()] ?? null,
    body: new Uint8Array(Buffer.from(body)),
  };
}

/** The text of one of our own hand-written fixtures. */
export function fixture(name: string): string {
  return readFileSync(
    join(import.meta.dirname, "../../../fixtures/discord", `${name}.json`),
    "utf8",
  );
}

export function parse(body: unknown, connection = aConnection()) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return discordAdapter.parse(aWebhook(text), { connection, nowMs: NOW_MS });
}

/** The reading of a body that can be read; throws otherwise. */
export function read(body: unknown, connection = aConnection()): WebhookReading {
  const result = parse(body, connection);
  if (!result.ok) throw new Error(`${result.failure.reason}: ${result.failure.detail}`);
  return result.value;
}

/** The only message of a body. */
export function readOne(body: unknown, connection = aConnection()): ParsedMessage {
  const { messages } = read(body, connection);
  const [message] = messages;
  if (!message || messages.length !== 1) throw new Error(`${messages.length} messages`);
  return message;
}

/** The reference payloads beside the repository, where a machine has them. */
export const sharedRoot = join(import.meta.dirname, "../../../../../shared/fixtures/");
export const sharedPresent = existsSync(sharedRoot);
export const absence = sharedPresent ? "" : " (skipped: ../shared/fixtures is not there)";

export function shared(path: string): string {
  return readFileSync(sharedRoot + path, "utf8");
}
