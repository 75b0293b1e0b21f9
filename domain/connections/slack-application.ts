/** Ends a Slack app's access to a workspace (`auth.revoke`), as a description. Installing is OAuth. */
import type { SlackConnection } from "../../schema/connection.ts";
import type { OutboundRequest } from "../../schema/outbound.ts";

const ORIGIN = "https://slack.com";
const CALL_TIMEOUT_MS = 10_000;

export function apiOrigin(connection: Pick<SlackConnection, "baseUrl">): string {
  return (connection.baseUrl ?? ORIGIN).replace(/\/$/, "");
}

export function revokeRequest(botToken: string, origin: string): OutboundRequest {
  return {
    step: "revoke",
    method: "POST",
    url: `${origin}/api/auth.revoke`,
    headers: { authorization: `Bearer ${botToken}` },
    body: { as: "form", fields: {} },
    timeoutMs: CALL_TIMEOUT_MS,
    idempotent: true,
  };
}
