/**
 * What Discord fixes for everyone: addresses, limits and numbers of its wire format.
 * Sources: docs.discord.com, pages "Interactions", "Webhook Events", "Message resource", "Rate limits" (API v10).
 */
import type { DiscordConnection } from "../../schema/connection.ts";
import type { ChannelLimits } from "../channel-adapter.ts";

const MIB = 1_048_576;

export const LIMITS: ChannelLimits = {
  textCharsMax: 2000,
  captionCharsMax: 2000,
  /** Default per file without boosts; a request may carry 25 MiB. */
  mediaBytesMax: 10 * MIB,
  bodyBytesMax: MIB,
  ackDeadlineMs: 3000,
  /** 5 messages per 5 s and channel, 50 requests per second and bot. */
  pacing: { perConnectionPerSecond: 50, burst: 5 },
  contentTypes: ["application/json"],
};

export const REQUEST_BYTES_MAX = 25 * MIB;
export const FILES_PER_MESSAGE_MAX = 10;
export const BUTTONS_PER_ROW = 5;
export const BUTTONS_MAX = 25;
/** "Message resource: Create Message": a nonce is at most 25 characters. */
export const NONCE_CHARS_MAX = 25;
/** An interaction's token answers for 15 minutes. */
export const INTERACTION_TOKEN_MS = 15 * 60_000;
export const SIGNATURE_AGE_MAX_SECONDS = 300;

export const REQUEST_TIMEOUT_MS = 10_000;
export const UPLOAD_TIMEOUT_MS = 60_000;

/** Without a User-Agent of this form Discord's edge answers 403. */
export const USER_AGENT = "DiscordBot (https://omni-edge.dev, 0.1.0)";
/** Attachments and stickers live here; their URLs are signed and expire. */
export const MEDIA_HOSTS: readonly string[] = ["cdn.discordapp.com", "media.discordapp.net"];

/** Root of the REST API, without a trailing slash. */
export function apiRoot(connection: Pick<DiscordConnection, "baseUrl">): string {
  const origin = connection.baseUrl ?? "https://discord.com";
  return `${origin.endsWith("/") ? origin.slice(0, -1) : origin}/api/v10`;
}
