/** The life of a Slack app in one workspace. It is installed by a person (OAuth); here it is checked and revoked. */

import { identityRequest, readIdentity } from "../../channels/slack/oauth.ts";
import { apiOrigin, revokeRequest } from "../../domain/connections/slack-application.ts";
import { HubError } from "../../domain/errors.ts";
import { fail, ok } from "../../domain/result.ts";
import type { SlackConnection } from "../../schema/connection.ts";
import {
  ask,
  type InstanceReport,
  type Lifecycle,
  refusal,
  tryAsk,
  type World,
} from "./lifecycle.ts";

/** Slack's words for a token that will never work again. */
const REVOKED = new Set([
  "invalid_auth",
  "account_inactive",
  "token_revoked",
  "not_authed",
  "token_expired",
]);

export const SLACK: Lifecycle<SlackConnection> = {
  async create(world, connection, { installUrl }) {
    if (connection.credentials.botToken === undefined) return waiting(installUrl);
    const report = await SLACK.state(world, connection);
    if (report.state === "open") return report;
    throw refusal({ reason: "denied", detail: report.detail ?? report.state });
  },

  async state(world, connection) {
    const { botToken } = connection.credentials;
    if (botToken === undefined) return { state: "closed", detail: "not installed" };
    const who = await tryAsk(world, identityRequest(botToken, connection.baseUrl), readIdentity);
    if (who.ok) {
      const { teamId, botUserId, botId } = who.value;
      if (teamId !== connection.teamId) return { state: "closed", detail: "another workspace" };
      return { state: "open", learned: { botUserId, ...(botId === undefined ? {} : { botId }) } };
    }
    if (who.failure.reason !== "denied") throw refusal(who.failure);
    return deniedReport(who.failure.code ?? "unnamed_error");
  },

  async connect(world, connection, { installUrl }) {
    const report = await SLACK.state(world, connection);
    return report.state === "open" ? report : { ...report, ...waiting(installUrl) };
  },

  restart() {
    throw new HubError("unprocessable", "a Slack app has nothing to restart");
  },

  async logout(world, connection) {
    await revoke(world, connection);
    return { state: "revoked" };
  },

  remove: (world, connection) => revoke(world, connection),
};

async function revoke(world: World, connection: SlackConnection): Promise<void> {
  const { botToken } = connection.credentials;
  if (botToken === undefined) return;
  const request = revokeRequest(botToken, apiOrigin(connection));
  await ask(world, request, (status, body) => {
    const answer = readIdentityLike(status, body);
    return answer === "ok" || REVOKED.has(answer)
      ? ok(true)
      : fail({ reason: "denied", detail: answer });
  });
}

/** `ok`, or Slack's error code. */
function readIdentityLike(status: number, body: string): string {
  try {
    const answer = JSON.parse(body) as { ok?: unknown; error?: unknown } | null;
    if (status === 200 && answer?.ok === true) return "ok";
    return typeof answer?.error === "string" ? answer.error.slice(0, 64) : `http_${status}`;
  } catch {
    return `http_${status}`;
  }
}

function deniedReport(code: string): InstanceReport {
  return { state: REVOKED.has(code) ? "revoked" : "unknown", detail: code };
}

function waiting(installUrl: string | undefined): InstanceReport {
  return { state: "connecting", ...(installUrl === undefined ? {} : { continueUrl: installUrl }) };
}
