/** The OAuth install: what is asked, and what answers mean. */
import { describe, expect, it } from "vitest";
import {
  authorizeUrl,
  exchangeRequest,
  identityRequest,
  readIdentity,
  readInstallation,
  readRefresh,
  refreshRequest,
} from "../../../../channels/slack/oauth.ts";
import { NOW_MS } from "./webhooks.ts";

const APP = { clientId: "1.2", clientSecret: "client-secret" };
const ANSWER = {
  ok: true,
  app_id: "A0HUB",
  authed_user: { id: "U0ANA" },
  scope: "chat:write,commands",
  token_type: "bot",
  access_token: "xoxe.xoxb-1",
  refresh_token: "xoxe-1",
  expires_in: 43200,
  bot_user_id: "U0BOT",
  team: { id: "T0ACME", name: "Acme" },
  enterprise: null,
  is_enterprise_install: false,
};

describe("requests", () => {
  it("builds the consent page's URL with everything encoded", () => {
    const url = new URL(
      authorizeUrl({
        clientId: "1.2",
        redirectUri: "https://hub.test/oauth/slack?x=1&y=2",
        state: "a&b=c",
        scopes: ["chat:write", "commands"],
      }),
    );
    expect(url.origin + url.pathname).toBe("https://slack.com/oauth/v2/authorize");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: "1.2",
      scope: "chat:write,commands",
      redirect_uri: "https://hub.test/oauth/slack?x=1&y=2",
      state: "a&b=c",
    });
  });

  it("exchanges a code and refreshes a token, neither repeatable", () => {
    const exchange = exchangeRequest(APP, "the-code", "https://hub.test/cb");
    expect(exchange).toMatchObject({
      url: "https://slack.com/api/oauth.v2.access",
      idempotent: false,
      body: {
        as: "form",
        fields: {
          client_id: "1.2",
          client_secret: "client-secret",
          code: "the-code",
          redirect_uri: "https://hub.test/cb",
        },
      },
    });
    expect(exchange.url).not.toContain("client-secret");
    const refresh = refreshRequest({ ...APP, baseUrl: "http://127.0.0.1:7001/" }, "xoxe-1");
    expect(refresh).toMatchObject({
      url: "http://127.0.0.1:7001/api/oauth.v2.access",
      body: { fields: { grant_type: "refresh_token", refresh_token: "xoxe-1" } },
    });
  });

  it("asks who the token is", () => {
    expect(identityRequest("xoxb-1")).toMatchObject({
      url: "https://slack.com/api/auth.test",
      headers: { authorization: "Bearer xoxb-1" },
    });
  });
});

describe("answers", () => {
  it("reads an installation with rotating tokens", () => {
    expect(readInstallation(200, JSON.stringify(ANSWER), NOW_MS)).toEqual({
      ok: true,
      value: {
        botToken: "xoxe.xoxb-1",
        refreshToken: "xoxe-1",
        expiresAtMs: NOW_MS + 43_200_000,
        appId: "A0HUB",
        teamId: "T0ACME",
        teamName: "Acme",
        botUserId: "U0BOT",
        orgInstall: false,
        scopes: ["chat:write", "commands"],
      },
    });
  });

  it("reads an installation without rotation, and one of a whole organisation", () => {
    const { refresh_token: _r, expires_in: _e, ...plain } = ANSWER;
    const body = {
      ...plain,
      team: null,
      enterprise: { id: "E0CORP" },
      is_enterprise_install: true,
    };
    const read = readInstallation(200, JSON.stringify(body), NOW_MS);
    expect(read).toMatchObject({
      value: { teamId: "E0CORP", enterpriseId: "E0CORP", orgInstall: true },
    });
    expect(read.ok && "expiresAtMs" in read.value).toBe(false);
  });

  it("reads a refreshed pair and the bot's identity", () => {
    const pair = { ok: true, access_token: "xoxb-2", refresh_token: "xoxe-2", expires_in: 43200 };
    expect(readRefresh(200, JSON.stringify(pair), NOW_MS)).toEqual({
      ok: true,
      value: { botToken: "xoxb-2", refreshToken: "xoxe-2", expiresAtMs: NOW_MS + 43_200_000 },
    });
    const who = { ok: true, team_id: "T0ACME", user_id: "U0BOT", bot_id: "B0HUB", url: "x" };
    expect(readIdentity(200, JSON.stringify(who))).toEqual({
      ok: true,
      value: { teamId: "T0ACME", botUserId: "U0BOT", botId: "B0HUB" },
    });
  });

  it.each([
    [200, '{"ok":false,"error":"invalid_code"}', { reason: "denied", code: "invalid_code" }],
    [200, '{"ok":false,"error":"Secret words"}', { reason: "denied", code: "unnamed_error" }],
    [500, "<html>", { reason: "denied", code: "http_500" }],
    [200, "<html>", { reason: "unreadable" }],
    [200, "null", { reason: "unreadable" }],
    [200, '{"ok":true}', { reason: "unreadable" }],
  ])("fails on HTTP %i %s", (status, body, failure) => {
    for (const read of [readInstallation, readRefresh]) {
      expect(read(status, body, NOW_MS)).toMatchObject({ ok: false, failure });
    }
    expect(readIdentity(status, body)).toMatchObject({ ok: false, failure });
  });
});
