/**
 * Installing the app by OAuth v2, as descriptions only: the consent page's URL, the exchange of its
 * code, the rotation of expiring tokens and the look-up of the bot's own ids, each with the reader of its
 * answer (Slack docs: Installing with OAuth, Token rotation). The caller keeps `state`, stores tokens and sends.
 */
import { fail, ok, type Result } from "../../domain/result.ts";
import type { OutboundRequest } from "../../schema/outbound.ts";
import { type Fields, fieldsOf } from "../shared/fields.ts";
import { CALL_TIMEOUT_MS, SLACK_ORIGIN } from "./api.ts";
import { idOf, stringOf } from "./fields.ts";

/** The least the hub works with. */
export const SLACK_BOT_SCOPES = [
  "app_mentions:read",
  "channels:history",
  "groups:history",
  "im:history",
  "im:write",
  "mpim:history",
  "chat:write",
  "files:read",
  "files:write",
  "reactions:read",
  "reactions:write",
  "users:read",
  "commands",
] as const;

export interface SlackApp {
  /** Origin of the API; absent: the public one. */
  readonly baseUrl?: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A bot token, and with rotation its single-use successor and its end in ms since the epoch. */
export interface SlackTokens {
  readonly botToken: string;
  readonly refreshToken?: string;
  readonly expiresAtMs?: number;
}

export interface SlackInstallation extends SlackTokens {
  readonly appId: string;
  /** The workspace, or the organisation's id for an org-wide install. */
  readonly teamId: string;
  readonly teamName?: string;
  readonly enterpriseId?: string;
  readonly botUserId?: string;
  readonly orgInstall: boolean;
  readonly scopes: readonly string[];
}

export interface SlackIdentity {
  readonly teamId: string;
  readonly botUserId: string;
  readonly botId?: string;
}

/** `denied` carries Slack's own code (`invalid_code`, `invalid_refresh_token`, `http_500`). */
export type OauthFailure =
  | { readonly reason: "denied"; readonly code: string }
  | { readonly reason: "unreadable"; readonly detail: string };

const CODE = /^[a-z0-9_]{1,64}$/;

/** The consent page. `state` must be unguessable and checked on return. */
export function authorizeUrl(options: {
  readonly baseUrl?: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly state: string;
  readonly scopes?: readonly string[];
}): string {
  const query = new URLSearchParams({
    client_id: options.clientId,
    scope: (options.scopes ?? SLACK_BOT_SCOPES).join(","),
    redirect_uri: options.redirectUri,
    state: options.state,
  });
  return `${originOf(options.baseUrl)}/oauth/v2/authorize?${query}`;
}

/** `oauth.v2.access` with the code of the consent page. A code works once. */
export function exchangeRequest(app: SlackApp, code: string, redirectUri: string): OutboundRequest {
  return accessRequest(app, "oauth_exchange", { code, redirect_uri: redirectUri });
}

/** `oauth.v2.access` with a refresh token. It works once: store the new pair before using it. */
export function refreshRequest(app: SlackApp, refreshToken: string): OutboundRequest {
  return accessRequest(app, "oauth_refresh", {
    grant_type: "refresh_token",
    refresh_token: refreshToken,
  });
}

/** `auth.test`: who the token is. The bot's ids are needed to know our own echoes. */
export function identityRequest(botToken: string, baseUrl?: string): OutboundRequest {
  return {
    step: "oauth_identity",
    method: "POST",
    url: `${originOf(baseUrl)}/api/auth.test`,
    headers: { authorization: `Bearer ${botToken}` },
    body: { as: "form", fields: {} },
    timeoutMs: CALL_TIMEOUT_MS,
    idempotent: true,
  };
}

/** Reads the answer to `exchangeRequest`. */
export function readInstallation(
  status: number,
  body: string,
  nowMs: number,
): Result<SlackInstallation, OauthFailure> {
  const answer = readAnswer(status, body);
  if (!answer.ok) {
    return answer;
  }
  const tokens = tokensOf(answer.value, nowMs);
  const fields = answer.value;
  const enterpriseId = idOf(fieldsOf(fields.enterprise)?.id);
  const teamId = idOf(fieldsOf(fields.team)?.id) ?? enterpriseId;
  const appId = idOf(fields.app_id);
  if (tokens === undefined || teamId === undefined || appId === undefined) {
    return unreadable("expected access_token, app_id and team.id or enterprise.id");
  }
  const teamName = stringOf(fieldsOf(fields.team)?.name);
  const botUserId = idOf(fields.bot_user_id);
  return ok({
    ...tokens,
    appId,
    teamId,
    orgInstall: fields.is_enterprise_install === true,
    scopes: (stringOf(fields.scope) ?? "").split(",").filter((scope) => scope !== ""),
    ...(teamName === undefined ? {} : { teamName }),
    ...(enterpriseId === undefined ? {} : { enterpriseId }),
    ...(botUserId === undefined ? {} : { botUserId }),
  });
}

/** Reads the answer to `refreshRequest`. */
export function readRefresh(
  status: number,
  body: string,
  nowMs: number,
): Result<SlackTokens, OauthFailure> {
  const answer = readAnswer(status, body);
  if (!answer.ok) {
    return answer;
  }
  const tokens = tokensOf(answer.value, nowMs);
  return tokens === undefined ? unreadable("expected access_token") : ok(tokens);
}

/** Reads the answer to `identityRequest`. */
export function readIdentity(status: number, body: string): Result<SlackIdentity, OauthFailure> {
  const answer = readAnswer(status, body);
  if (!answer.ok) {
    return answer;
  }
  const teamId = idOf(answer.value.team_id);
  const botUserId = idOf(answer.value.user_id);
  const botId = idOf(answer.value.bot_id);
  if (teamId === undefined || botUserId === undefined) {
    return unreadable("expected team_id and user_id");
  }
  return ok({ teamId, botUserId, ...(botId === undefined ? {} : { botId }) });
}

/** Client id and secret as form fields, as Slack's own libraries send them; never log this body. */
function accessRequest(
  app: SlackApp,
  step: string,
  fields: Readonly<Record<string, string>>,
): OutboundRequest {
  return {
    step,
    method: "POST",
    url: `${originOf(app.baseUrl)}/api/oauth.v2.access`,
    headers: {},
    body: {
      as: "form",
      fields: { client_id: app.clientId, client_secret: app.clientSecret, ...fields },
    },
    timeoutMs: CALL_TIMEOUT_MS,
    idempotent: false,
  };
}

function tokensOf(fields: Fields, nowMs: number): SlackTokens | undefined {
  const botToken = stringOf(fields.access_token);
  const refreshToken = stringOf(fields.refresh_token);
  const seconds = fields.expires_in;
  if (botToken === undefined) {
    return undefined;
  }
  return {
    botToken,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(Number.isSafeInteger(seconds) ? { expiresAtMs: nowMs + Number(seconds) * 1000 } : {}),
  };
}

function readAnswer(status: number, body: string): Result<Fields, OauthFailure> {
  if (status !== 200) {
    return fail({ reason: "denied", code: `http_${status}` });
  }
  const answer = parseObject(body);
  if (answer?.ok === true) {
    return ok(answer);
  }
  if (answer?.ok !== false) {
    return unreadable("expected a JSON object with ok");
  }
  const error = stringOf(answer.error) ?? "";
  return fail({ reason: "denied", code: CODE.test(error) ? error : "unnamed_error" });
}

function unreadable(detail: string): { readonly ok: false; readonly failure: OauthFailure } {
  return fail({ reason: "unreadable", detail });
}

function parseObject(body: string): Fields | undefined {
  try {
    return fieldsOf(JSON.parse(body));
  } catch {
    return undefined;
  }
}

function originOf(baseUrl: string | undefined): string {
  return (baseUrl ?? SLACK_ORIGIN).replace(/\/$/, "");
}
