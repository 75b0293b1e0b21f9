/**
 * The `response_url` of a command or interaction: a secret way to answer for 30 minutes, up to five
 * times, even where the bot is not a member. Only Slack's own host (or this connection's own base) is
 * believed, on the way in and again before sending.
 */
import type { Responder } from "../../schema/parsed.ts";
import { RESPONSE_URL_LIFE_MS } from "./limits.ts";

const RESPONSE_HOST = "hooks.slack.com";
const URL_CHARS_MAX = 2048;

/** The responder a payload offers, or undefined where its URL is missing or not Slack's. */
export function responderOf(
  url: unknown,
  baseUrl: string | undefined,
  nowMs: number,
): Responder | undefined {
  return typeof url === "string" && isResponseUrl(url, baseUrl)
    ? { via: "slack_response_url", url, expiresAtMs: nowMs + RESPONSE_URL_LIFE_MS }
    : undefined;
}

/** Whether a response URL may be called. */
export function isResponseUrl(url: string, baseUrl: string | undefined): boolean {
  const parsed = url.length > URL_CHARS_MAX ? null : URL.parse(url);
  if (parsed === null || parsed.username !== "" || parsed.password !== "") {
    return false;
  }
  const own = baseUrl === undefined ? null : URL.parse(baseUrl);
  return (
    (parsed.protocol === "https:" && parsed.host === RESPONSE_HOST) ||
    (own !== null && parsed.origin === own.origin)
  );
}
