/**
 * Looking after a Discord application: who its bot is, and where its interactions go. Descriptions of
 * requests and readers of answers (docs.discord.com: User resource, Application resource, API v10).
 */
import type { DiscordConnection } from "../../schema/connection.ts";
import type { OutboundRequest } from "../../schema/outbound.ts";
import { fail, ok, type Result } from "../result.ts";

export interface DiscordApplication {
  readonly id: string;
  /** Ed25519, hex. */
  readonly publicKey: string;
  readonly interactionsUrl: string | undefined;
}

export type DiscordFailure = {
  readonly reason: "unauthorized" | "refused" | "failed";
  readonly detail: string;
};

const CALL_TIMEOUT_MS = 10_000;
const ORIGIN = "https://discord.com";
/** Without a User-Agent of this form Discord's edge answers 403. */
const USER_AGENT = "DiscordBot (https://omni-edge.dev, 0.1.0)";
/** View channels, send messages (also in threads), embed links, attach files, read history, add reactions. */
const PERMISSIONS = "274878024768";

export function botUserRequest(connection: DiscordConnection): OutboundRequest {
  return call(connection, "GET", "/users/@me", "bot_user");
}

export function applicationRequest(connection: DiscordConnection): OutboundRequest {
  return call(connection, "GET", "/applications/@me", "application");
}

/** Sets where interactions go; Discord calls the URL at once and refuses one that does not verify. `null` removes it. */
export function setInteractionsUrlRequest(
  connection: DiscordConnection,
  url: string | null,
): OutboundRequest {
  return call(connection, "PATCH", "/applications/@me", "set_interactions_url", {
    interactions_endpoint_url: url,
  });
}

/** The page on which a server's owner lets the bot in. */
export function inviteUrl(connection: DiscordConnection): string {
  const query = new URLSearchParams({
    client_id: connection.applicationId,
    scope: "bot applications.commands",
    permissions: PERMISSIONS,
  });
  return `${originOf(connection)}/oauth2/authorize?${query}`;
}

export function readBotUser(status: number, body: string): Result<string, DiscordFailure> {
  const answer = readAnswer(status, body);
  if (!answer.ok) return answer;
  const { id } = answer.value;
  return typeof id === "string" ? ok(id) : unreadable();
}

export function readApplication(
  status: number,
  body: string,
): Result<DiscordApplication, DiscordFailure> {
  const answer = readAnswer(status, body);
  if (!answer.ok) return answer;
  const { id, verify_key: publicKey, interactions_endpoint_url: url } = answer.value;
  if (typeof id !== "string" || typeof publicKey !== "string") return unreadable();
  return ok({ id, publicKey, interactionsUrl: typeof url === "string" ? url : undefined });
}

function call(
  connection: DiscordConnection,
  method: OutboundRequest["method"],
  path: string,
  step: string,
  json?: unknown,
): OutboundRequest {
  const token = connection.credentials.botToken ?? "";
  return {
    step,
    method,
    url: `${originOf(connection)}/api/v10${path}`,
    headers: { authorization: `Bot ${token}`, "user-agent": USER_AGENT },
    body: json === undefined ? { as: "none" } : { as: "json", json },
    timeoutMs: CALL_TIMEOUT_MS,
    idempotent: true,
  };
}

function originOf(connection: DiscordConnection): string {
  return (connection.baseUrl ?? ORIGIN).replace(/\/$/, "");
}

function readAnswer(status: number, body: string): Result<Record<string, unknown>, DiscordFailure> {
  if (status === 401) return fail({ reason: "unauthorized", detail: "the bot token was refused" });
  if (status >= 400 && status < 500 && status !== 429) {
    return fail({ reason: "refused", detail: `status ${status}` });
  }
  if (status !== 200) return fail({ reason: "failed", detail: `status ${status}` });
  try {
    const answer: unknown = JSON.parse(body);
    const isObject = typeof answer === "object" && answer !== null;
    return isObject ? ok(answer as Record<string, unknown>) : unreadable();
  } catch {
    return unreadable();
  }
}

function unreadable(): { readonly ok: false; readonly failure: DiscordFailure } {
  return fail({ reason: "failed", detail: "the answer was not as documented" });
}
