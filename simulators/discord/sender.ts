/**
 * Builds what Discord sends over HTTP: interactions and Webhook Events, signed with Ed25519 over timestamp
 * and raw body. Ordinary messages never come this way; they come through the Gateway.
 */
import { createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import type { DeliverySchedule, WebhookRequest } from "../delivery.ts";

/** DER head of an Ed25519 private key in PKCS #8; the 32-byte seed follows. Source: RFC 8410. */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");
/** Interactions are answered within three seconds or they fail. Source: Discord interactions documentation. */
const TIMEOUT_MS = 3_000;
/** Webhook Events are tried again with growing waits for up to ten minutes. Source: Discord Webhook Events. */
const EVENT_WAITS_MS = [1_000, 5_000, 30_000, 120_000, 300_000] as const;

/** The public key of a seed, as the developer portal shows it: 64 hex characters. */
export function discordPublicKey(seedHex: string): string {
  const der = createPublicKey(privateKey(seedHex)).export({ format: "der", type: "spki" });
  return der.subarray(-32).toString("hex");
}

/** A body with Discord's signature headers. `seedHex` is the 32-byte private seed in hex. */
export function signedDiscordRequest(
  seedHex: string,
  url: string,
  body: string,
  nowMs = Date.now(),
): WebhookRequest {
  const timestamp = String(Math.floor(nowMs / 1000));
  const signature = sign(null, Buffer.from(timestamp + body), privateKey(seedHex)).toString("hex");
  const headers = {
    "content-type": "application/json",
    "user-agent": "Discord-Interactions/1.0 (+https://discord.com)",
    "x-signature-ed25519": signature,
    "x-signature-timestamp": timestamp,
  };
  return { url, method: "POST", headers, body };
}

/** The PING at registration; with `forged`, the badly signed one that must be refused with 401. */
export function discordPing(
  seedHex: string,
  url: string,
  applicationId: string,
  forged = false,
): WebhookRequest {
  const ping = {
    id: applicationId,
    application_id: applicationId,
    type: 1,
    token: randomBytes(24).toString("base64url"),
    user: { id: "900000000000000003", username: "developer", discriminator: "0" },
    entitlements: [],
    authorizing_integration_owners: {},
    version: 1,
  };
  const request = signedDiscordRequest(seedHex, url, JSON.stringify(ping));
  if (!forged) return request;
  const bad = { "x-signature-ed25519": "0".repeat(128) };
  return { ...request, headers: { ...request.headers, ...bad } };
}

/** An interaction: `fields` hold at least type, id, token, application_id. */
export function discordInteraction(
  seedHex: string,
  url: string,
  fields: Readonly<Record<string, unknown>>,
  nowMs = Date.now(),
): WebhookRequest {
  return signedDiscordRequest(seedHex, url, JSON.stringify({ version: 1, ...fields }), nowMs);
}

/** A Webhook Event (`type` 1), or its PING (`type` 0) without an event. The time has no zone, like the original. */
export function discordWebhookEvent(
  seedHex: string,
  url: string,
  applicationId: string,
  event?: { readonly type: string; readonly data: unknown },
  nowMs = Date.now(),
): WebhookRequest {
  const timestamp = new Date(nowMs).toISOString().replace("Z", "");
  const body = {
    version: 1,
    application_id: applicationId,
    type: event === undefined ? 0 : 1,
    ...(event !== undefined && { event: { type: event.type, timestamp, data: event.data } }),
  };
  return signedDiscordRequest(seedHex, url, JSON.stringify(body), nowMs);
}

/** Interactions are sent once; Webhook Events are tried again. A 401 or 404 ends the matter. */
export function discordSchedule(kind: "interaction" | "event"): DeliverySchedule {
  return {
    timeoutMs: TIMEOUT_MS,
    waitMs: (tries, last) => {
      if (kind === "interaction" || last.status === 401 || last.status === 404) return undefined;
      return EVENT_WAITS_MS[tries - 1];
    },
  };
}

function privateKey(seedHex: string) {
  const key = Buffer.concat([PKCS8_HEAD, Buffer.from(seedHex, "hex")]);
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}
