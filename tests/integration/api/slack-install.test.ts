import { describe, expect, test } from "vitest";
import { fakeSlack } from "./fake-platforms.ts";
import { aHub, type FakePlatform, slack, unique } from "./hub-api.ts";

describe("a Slack app", () => {
  const APP = {
    SLACK_CLIENT_ID: "client",
    SLACK_CLIENT_SECRET: "client-secret",
    SLACK_SIGNING_SECRET: "signing",
  };

  async function install(platform: FakePlatform, query = "") {
    const made = await aHub(platform, APP);
    const { hub, key } = made;
    const started = await hub.ask("GET", `/oauth/slack/start${query}`, { key });
    expect(started.status).toBe(302);
    const consent = new URL(started.headers.get("location") ?? "");
    return { ...made, consent, state: consent.searchParams.get("state") ?? "" };
  }

  test("is installed through the consent page, and its token is sealed", async () => {
    const slackPlatform = fakeSlack();
    const { hub, tenant, key, consent, state } = await install(slackPlatform.platform);
    expect(consent.origin + consent.pathname).toBe("https://slack.com/oauth/v2/authorize");
    expect(consent.searchParams.get("redirect_uri")).toBe(
      `${hub.deps.vars.PUBLIC_URL}/oauth/slack/callback`,
    );
    const finished = await hub.ask("GET", `/oauth/slack/callback?code=good-code&state=${state}`, {
      key: null,
    });
    expect(finished.status).toBe(200);
    expect(finished.text).not.toContain("xoxb-installed");
    expect(finished.body).toMatchObject({
      tenant,
      channel: "slack",
      teamId: "T_OAUTH",
      appId: "A_APP",
      botUserId: "U_BOT",
      botId: "B_BOT",
      state: "open",
    });
    const located = await hub.deps.directory.byId(finished.body.id, hub.deps.now());
    expect(located?.connection.credentials).toMatchObject({
      botToken: "xoxb-installed",
      signingSecret: "signing",
    });
    const path = `/instances/${finished.body.id}`;
    expect((await hub.ask("GET", path, { key })).body.state).toBe("open");
    expect((await hub.ask("POST", `${path}/logout`, { key })).body.state).toBe("revoked");
    const after = await hub.ask("GET", path, { key });
    expect(after.body).toMatchObject({ state: "revoked", detail: "token_revoked" });
    expect((await hub.ask("DELETE", path, { key })).status).toBe(204);
  });

  test("installed again, renews the same connection", async () => {
    const { hub, key, state } = await install(fakeSlack().platform);
    const finish = (signed: string) =>
      hub.ask("GET", `/oauth/slack/callback?code=good-code&state=${signed}`, { key: null });
    const first = await finish(state);
    const again = await hub.ask("GET", `/oauth/slack/start?connection=${first.body.id}`, { key });
    const signed = new URL(again.headers.get("location") ?? "").searchParams.get("state") ?? "";
    expect((await finish(signed)).body.id).toBe(first.body.id);
  });

  test("a state that is forged, stale or of another purpose is refused before Slack is asked", async () => {
    const { hub, state } = await install(fakeSlack().platform);
    const finish = (signed: string) =>
      hub.ask("GET", `/oauth/slack/callback?code=good-code&state=${signed}`, { key: null });
    expect((await finish(`${state}x`)).status).toBe(400);
    expect((await finish("e30.AAAAAAAAAAAAAAAAAAAAAA")).status).toBe(400);
    hub.setNow(hub.deps.now() + 10 * 60_000);
    expect((await finish(state)).status).toBe(400);
    expect(hub.calls).toEqual([]);
  });

  test("a refused code or consent is 422", async () => {
    const { hub, state } = await install(fakeSlack().platform);
    const code = await hub.ask("GET", `/oauth/slack/callback?code=bad&state=${state}`, {
      key: null,
    });
    expect([code.status, code.body.platform]).toEqual([
      422,
      { reason: "denied", detail: "invalid_code" },
    ]);
    const denied = await hub.ask(
      "GET",
      `/oauth/slack/callback?error=access_denied&state=${state}`,
      { key: null },
    );
    expect(denied.status).toBe(422);
  });

  test("another tenant's connection cannot be named", async () => {
    const { hub, key } = await aHub(fakeSlack().platform, APP);
    const other = await aHub(fakeSlack().platform, APP);
    const theirs = slack(unique("sl"));
    await other.hub.ask("POST", `/tenants/${other.tenant}/connections`, {
      key: other.key,
      body: theirs,
    });
    expect(
      (await hub.ask("GET", `/oauth/slack/start?connection=${theirs.id}`, { key })).status,
    ).toBe(404);
  });

  test("without a configured app is 422", async () => {
    const { hub, key } = await aHub(fakeSlack().platform);
    expect((await hub.ask("GET", "/oauth/slack/start", { key })).status).toBe(422);
  });
});
