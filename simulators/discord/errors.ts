/** Discord's error answers: `{message, code, errors?}`. Source: Discord reference, JSON error codes. */
import { json, type Reply } from "../http.ts";

const ERRORS: Readonly<Record<number, readonly [number, string]>> = {
  0: [401, "401: Unauthorized"],
  10003: [404, "Unknown Channel"],
  10008: [404, "Unknown Message"],
  10014: [404, "Unknown Emoji"],
  10015: [404, "Unknown Webhook"],
  10062: [404, "Unknown interaction"],
  40005: [413, "Request entity too large"],
  40060: [400, "Interaction has already been acknowledged."],
  50001: [403, "Missing Access"],
  50005: [403, "Cannot edit a message authored by another user"],
  50006: [400, "Cannot send an empty message"],
  50007: [403, "Cannot send messages to this user"],
  50013: [403, "Missing Permissions"],
  50027: [401, "Invalid Webhook Token"],
  50035: [400, "Invalid Form Body"],
};

/** The answer of a JSON error code; an unknown code is a 400. */
export function apiError(code: number, errors?: unknown): Reply {
  const [status, message] = ERRORS[code] ?? [400, "Error"];
  return json({ message, code, ...(errors !== undefined && { errors }) }, status);
}

/** 50035 about one field, e.g. `("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")`. */
export function invalidField(field: string, code: string, message: string): Reply {
  return apiError(50035, { [field]: { _errors: [{ code, message }] } });
}

/** A request without a `DiscordBot (url, version)` User-Agent never reaches the API: Cloudflare's page. */
export function blocked(): Reply {
  const body = "<!DOCTYPE html><title>Access denied | discord.com</title>error code: 1010";
  return { status: 403, headers: { "content-type": "text/html; charset=UTF-8" }, body };
}

/** 429 with its body and headers; `seconds` is a float. */
export function limited(seconds: number, scope: "user" | "global"): Reply {
  const isGlobal = scope === "global";
  const body = { message: "You are being rate limited.", retry_after: seconds, global: isGlobal };
  return json(body, 429, {
    "retry-after": String(Math.max(1, Math.ceil(seconds))),
    "x-ratelimit-scope": scope,
    ...(isGlobal && { "x-ratelimit-global": "true" }),
  });
}
