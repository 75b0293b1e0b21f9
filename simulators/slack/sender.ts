/**
 * Builds what Slack sends: events, slash commands and interactions, signed with scheme v0, and Slack's way
 * of trying again. The signature covers the raw body; a retry is signed anew with its own time.
 */
import { createHmac, randomBytes } from "node:crypto";
import type { Attempt, DeliverySchedule, WebhookRequest } from "../delivery.ts";

/** Slack waits three seconds for an answer. Source: Events API documentation. */
const TIMEOUT_MS = 3_000;
/** After the first try: at once, after a minute, after five. Source: same. */
const RETRY_WAITS_MS = [0, 60_000, 300_000] as const;

/** The app as installed in one workspace. */
export interface SlackApp {
  readonly signingSecret: string;
  readonly appId: string;
  readonly teamId: string;
  readonly botUserId: string;
  readonly enterpriseId?: string;
}

/** `v0=` and the hex HMAC-SHA256 over `v0:timestamp:body`. `timestamp` in seconds. */
export function slackSignature(secret: string, timestamp: string, rawBody: string): string {
  return `v0=${createHmac("sha256", secret).update(`v0:${timestamp}:${rawBody}`).digest("hex")}`;
}

/** A body with Slack's signature headers. */
export function signedSlackRequest(
  secret: string,
  url: string,
  body: string,
  contentType: string,
  nowMs = Date.now(),
): WebhookRequest {
  const timestamp = String(Math.floor(nowMs / 1000));
  const headers = {
    "content-type": contentType,
    "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    accept: "*/*",
    "x-slack-request-timestamp": timestamp,
    "x-slack-signature": slackSignature(secret, timestamp, body),
  };
  return { url, method: "POST", headers, body };
}

/** An `event_callback` around an event such as `{type: "message", ...}`. */
export function slackEvent(
  app: SlackApp,
  url: string,
  event: Readonly<Record<string, unknown>>,
  options: { readonly eventId?: string; readonly nowMs?: number } = {},
): WebhookRequest {
  const nowMs = options.nowMs ?? Date.now();
  const body = JSON.stringify({
    token: "verification-token",
    team_id: app.teamId,
    ...(app.enterpriseId !== undefined && { enterprise_id: app.enterpriseId }),
    context_team_id: app.teamId,
    context_enterprise_id: app.enterpriseId ?? null,
    api_app_id: app.appId,
    event,
    type: "event_callback",
    event_id: options.eventId ?? newEventId(),
    event_time: Math.floor(nowMs / 1000),
    authorizations: [
      {
        enterprise_id: app.enterpriseId ?? null,
        team_id: app.teamId,
        user_id: app.botUserId,
        is_bot: true,
        is_enterprise_install: false,
      },
    ],
    is_ext_shared_channel: false,
    event_context: `4-${randomBytes(12).toString("hex")}`,
  });
  return signedSlackRequest(app.signingSecret, url, body, "application/json", nowMs);
}

/** The handshake at registration. */
export function slackUrlVerification(
  app: SlackApp,
  url: string,
  challenge: string,
): WebhookRequest {
  const body = JSON.stringify({ token: "verification-token", challenge, type: "url_verification" });
  return signedSlackRequest(app.signingSecret, url, body, "application/json");
}

/** A slash command; `fields` such as command, text, user_id, channel_id, response_url. */
export function slackCommand(
  app: SlackApp,
  url: string,
  fields: Readonly<Record<string, string>>,
  nowMs = Date.now(),
): WebhookRequest {
  const form = new URLSearchParams({
    token: "verification-token",
    team_id: app.teamId,
    team_domain: "example-workspace",
    api_app_id: app.appId,
    is_enterprise_install: "false",
    trigger_id: newTriggerId(),
    ...fields,
  });
  return signedSlackRequest(app.signingSecret, url, form.toString(), FORM, nowMs);
}

/** An interaction (`block_actions`, `view_submission`, ...): the form field `payload` holds its JSON. */
export function slackInteraction(
  app: SlackApp,
  url: string,
  payload: Readonly<Record<string, unknown>>,
  nowMs = Date.now(),
): WebhookRequest {
  const whole = {
    team: { id: app.teamId, domain: "example-workspace" },
    api_app_id: app.appId,
    token: "verification-token",
    trigger_id: newTriggerId(),
    enterprise: null,
    is_enterprise_install: false,
    ...payload,
  };
  const form = new URLSearchParams({ payload: JSON.stringify(whole) });
  return signedSlackRequest(app.signingSecret, url, form.toString(), FORM, nowMs);
}

/** Three retries with `X-Slack-Retry-Num` and `-Reason`, unless the answer says `X-Slack-No-Retry: 1`. */
export function slackSchedule(secret: string, timeoutMs = TIMEOUT_MS): DeliverySchedule {
  return {
    timeoutMs,
    waitMs: (tries, last) =>
      last.answerHeaders?.["x-slack-no-retry"] === "1" ? undefined : RETRY_WAITS_MS[tries - 1],
    again: (request, tries, last) => {
      const type = request.headers["content-type"] ?? "application/json";
      const signed = signedSlackRequest(secret, request.url, request.body, type);
      const retry = {
        "x-slack-retry-num": String(tries),
        "x-slack-retry-reason": retryReason(last),
      };
      return { ...signed, headers: { ...signed.headers, ...retry } };
    },
  };
}

/** Commands and interactions are sent once. */
export function onceSchedule(timeoutMs = TIMEOUT_MS): DeliverySchedule {
  return { timeoutMs, waitMs: () => undefined };
}

const FORM = "application/x-www-form-urlencoded";

function retryReason(last: Attempt): string {
  if (last.error === "timeout") return "http_timeout";
  return last.error === undefined ? "http_error" : "connection_failed";
}

function newEventId(): string {
  return `Ev0${randomBytes(5).toString("hex").toUpperCase()}`;
}

function newTriggerId(): string {
  return `${Date.now()}.${Math.floor(Math.random() * 1e12)}.${randomBytes(16).toString("hex")}`;
}
