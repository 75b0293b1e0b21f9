/** Installing the Slack app into workspaces, the challenges Slack sends to new addresses, and leaving again. */
import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSlack, posted, slackConnection, teamOf } from "../../support/channels/slack.ts";
import {
  type ChannelWorld,
  ECHO,
  moment,
  startWorld,
  until,
} from "../../support/channels/world.ts";

const APP = {
  clientId: "client-of-the-app",
  clientSecret: "secret-of-the-app",
  signingSecret: "signing-secret-of-the-app",
};
let world: ChannelWorld;
const acme = () => world.api("acme");

beforeAll(async () => {
  world = await startWorld({
    bindings: {
      SLACK_CLIENT_ID: APP.clientId,
      SLACK_CLIENT_SECRET: APP.clientSecret,
      SLACK_SIGNING_SECRET: APP.signingSecret,
    },
  });
  await world.addTenant({
    id: "acme",
    config: { route: ECHO },
    connections: [slackConnection("own")],
  });
  await world.addTenant({ id: "globex", config: { route: ECHO } });
  openSlack(world, "own");
  // An app has one address for all its workspaces.
  for (const team of ["TNEW", "TOTHER", "TLATE", "TROTATE"]) {
    world.slack.register({
      ...APP,
      ...(team === "TROTATE" ? { refreshToken: "xoxe-1-first" } : {}),
      tenant: team,
      team,
      appId: "AAPP",
      botUserId: `U${team}BOT`,
      botId: `B${team}`,
      eventsUrl: `${world.hub.url}/webhooks/slack`,
    });
  }
});
afterAll(() => world?.stop());

describe("installing", () => {
  test("goes from start over consent to a connection that answers, without showing a token", async () => {
    const connection = await install("acme", "TNEW");
    expect(connection).toMatchObject({ channel: "slack", teamId: "TNEW", appId: "AAPP" });
    expect(JSON.stringify(connection)).not.toMatch(/xoxb-|xoxe/);
    expect((await acme().get(`/instances/${connection.id}`)).body.state).toBe("open");

    await world.slack.emit({ team: "TNEW", channel: "C0NEW", text: "hello app", wait: true });
    await posted(world, "C0NEW", "echo: hello app");
  });

  test("two tenants' workspaces behind one address are kept apart", async () => {
    await install("globex", "TOTHER");
    await world.slack.emit({ team: "TOTHER", channel: "C0OTHER", text: "for globex", wait: true });
    await posted(world, "C0OTHER", "echo: for globex");
    const texts = (items: readonly { content: { text: string } }[]) =>
      items.map(({ content }) => content.text);
    expect(texts(await world.api("globex").history())).toContain("for globex");
    expect(texts(await acme().history())).not.toContain("for globex");
    expect(texts(await world.api("globex").history())).not.toContain("hello app");
  });

  test("a state that is not ours installs nothing", async () => {
    const forged = await fetch(
      `${world.hub.url}/oauth/slack/callback?code=anything&state=${btoa("{}")}.x`,
    );
    expect(forged.status).toBe(400);
  });

  test("a workspace that another tenant has cannot be taken over", async () => {
    const url = await startUrl("globex");
    const consent = await fetch(`${url}&team=TNEW`, { redirect: "manual" });
    const back = await fetch(String(consent.headers.get("location")), { redirect: "manual" });
    expect(back.status).toBe(409);
    await world.slack.emit({ team: "TNEW", channel: "C0SAFE", text: "still acme's", wait: true });
    await posted(world, "C0SAFE", "echo: still acme's");
    const texts = (await world.api("globex").history()).map(({ content }) => content.text);
    expect(texts).not.toContain("still acme's");
  });

  test("nobody keeps a tenant out by naming its workspace in a connection of their own", async () => {
    const squatter = slackConnection("squatter", { teamId: "TLATE", appId: "AAPP" });
    await world.addTenant({ id: "squatters", connections: [squatter] });
    await install("acme", "TLATE");
    await world.slack.emit({ team: "TLATE", channel: "C0LATE", text: "in time", wait: true });
    await posted(world, "C0LATE", "echo: in time");
    expect(await world.api("squatters").history()).toEqual([]);
  });

  test("an installed connection cannot be turned towards another workspace", async () => {
    const own = (await world.api("globex").items("/tenants/globex/connections"))[0];
    const path = `/tenants/globex/connections/${String(own?.id)}`;
    const patched = await world.api("globex").patch(path, { teamId: "TNEW" });
    expect(patched.status).toBe(422);
    expect((await world.api("globex").get(path)).body.teamId).toBe("TOTHER");
  });

  test("a token that rotates is renewed before it ends, by the scheduled job, once", async () => {
    await install("acme", "TROTATE");
    await world.side(world.urls.slack, "tokens", { team: "TROTATE", error: "token_expired" });
    await world.hub.triggerScheduled("*/5 * * * *");
    await world.slack.emit({ team: "TROTATE", channel: "C0ROT", text: "tomorrow", wait: true });
    await posted(world, "C0ROT", "echo: tomorrow");
    await world.hub.triggerScheduled("*/5 * * * *");
    const renewals = world.slack
      .calls()
      .filter(
        ({ body }) => (body as { grant_type?: string } | null)?.grant_type === "refresh_token",
      );
    expect(renewals).toHaveLength(1);
    const shown = JSON.stringify(await acme().items("/tenants/acme/connections"));
    expect(shown + world.logs.join("\n")).not.toMatch(/xoxe|xoxb/);
  });

  test("the app's end in a workspace is seen", async () => {
    await world.slack.emit({ team: "TNEW", event: { type: "app_uninstalled" }, wait: true });
    await until("revoked", async () => {
      const items = await acme().items("/tenants/acme/connections");
      return items.find(({ teamId, state }) => teamId === "TNEW" && state === "revoked");
    });
  });
});

describe("challenges", () => {
  test("the connection's own address answers one signed with its secret", async () => {
    const answer = await challenge("/webhooks/slack/own", "signing-secret-of-own");
    expect(answer).toEqual({ status: 200, body: "a-challenge" });
    const forged = await challenge("/webhooks/slack/own", "somebody-else");
    expect(forged.status).toBe(401);
  });

  test("the app's address answers one signed with the app's secret, and nothing else", async () => {
    const answer = await challenge("/webhooks/slack", APP.signingSecret);
    expect(answer).toEqual({ status: 200, body: "a-challenge" });
    expect((await challenge("/webhooks/slack", "somebody-else")).status).toBe(401);
    expect((await challenge("/webhooks/slack", APP.signingSecret, -600)).status).toBe(401);
  });

  test("a message is never accepted by the app's secret alone", async () => {
    const event = {
      type: "message",
      channel: "C0X",
      user: "U1",
      text: "no team",
      ts: "1795200000.000100",
    };
    const bodies = [
      { type: "event_callback", event_id: "Ev1", event },
      { type: "event_callback", event_id: "Ev2", team_id: "TNOBODY", api_app_id: "AAPP", event },
      {
        type: "event_callback",
        event_id: "Ev3",
        team_id: teamOf("own"),
        api_app_id: "AOWN",
        event,
      },
    ];
    const statuses = [];
    for (const body of bodies) {
      statuses.push(
        (await signed("/webhooks/slack", APP.signingSecret, JSON.stringify(body))).status,
      );
    }
    expect(statuses.every((status) => status === 401 || status === 404)).toBe(true);
    await moment();
    expect((await acme().history()).some(({ content }) => content.text === "no team")).toBe(false);
  });
});

describe("leaving", () => {
  test("deleting the instance revokes its token at Slack", async () => {
    expect((await acme().delete("/instances/own")).status).toBe(204);
    expect(world.slack.calls().filter(({ path }) => path === "/api/auth.revoke")).toHaveLength(1);
    expect((await acme().get("/instances/own")).status).toBe(404);
  });
});

async function startUrl(tenant: string): Promise<string> {
  const { body, status } = await world
    .api(tenant)
    .get("/oauth/slack/start", { accept: "application/json" });
  expect(status).toBe(200);
  return String(body.url);
}

async function install(tenant: string, team: string): Promise<Record<string, unknown>> {
  const consent = await fetch(`${await startUrl(tenant)}&team=${team}`, { redirect: "manual" });
  expect(consent.status).toBe(302);
  const back = await fetch(String(consent.headers.get("location")), { redirect: "manual" });
  expect(back.status).toBe(200);
  return (await back.json()) as Record<string, unknown>;
}

async function challenge(path: string, secret: string, skewSeconds = 0) {
  const body = JSON.stringify({ token: "old", challenge: "a-challenge", type: "url_verification" });
  const response = await signed(path, secret, body, skewSeconds);
  return { status: response.status, body: await response.text() };
}

function signed(path: string, secret: string, body: string, skewSeconds = 0): Promise<Response> {
  const stamp = String(Math.floor(Date.now() / 1000) + skewSeconds);
  const mac = createHmac("sha256", secret).update(`v0:${stamp}:${body}`).digest("hex");
  return fetch(world.hub.url + path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-slack-request-timestamp": stamp,
      "x-slack-signature": `v0=${mac}`,
    },
    body,
  });
}
