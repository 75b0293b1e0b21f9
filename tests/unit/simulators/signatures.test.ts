/** The simulators' signatures, judged by the platforms' own libraries and by published vectors. */
import { existsSync, readFileSync } from "node:fs";
import { verifySlackRequest } from "@slack/bolt";
import { verifyKey } from "discord-interactions";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createCourier } from "../../../simulators/delivery.ts";
import {
  discordPing,
  discordPublicKey,
  discordSchedule,
  discordWebhookEvent,
} from "../../../simulators/discord/sender.ts";
import { evolutionJwt } from "../../../simulators/evolution/sender.ts";
import {
  type SlackApp,
  slackCommand,
  slackEvent,
  slackSchedule,
  slackSignature,
} from "../../../simulators/slack/sender.ts";
import { type Listener, listen } from "./listener.ts";

const VECTORS = new URL("../../../../shared/fixtures/signatures/vectors.json", import.meta.url)
  .pathname;
const APP: SlackApp = { signingSecret: "shh", appId: "A1", teamId: "T1", botUserId: "U_BOT" };
const SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

let hub: Listener;
beforeEach(async () => {
  hub = await listen();
});
afterEach(() => hub.stop());

const accepts =
  (headers: Readonly<Record<string, string>>, body: string, secret = "shh") =>
  () =>
    verifySlackRequest({
      signingSecret: secret,
      body,
      headers: {
        "x-slack-signature": headers["x-slack-signature"] ?? "",
        "x-slack-request-timestamp": Number(headers["x-slack-request-timestamp"]),
      },
    });

describe("Slack", () => {
  test("Bolt accepts events and commands, and refuses a changed body or secret", () => {
    const event = slackEvent(APP, hub.url, { type: "message", text: "olá" });
    expect(accepts(event.headers, event.body)).not.toThrow();
    expect(accepts(event.headers, `${event.body} `)).toThrow();
    expect(accepts(event.headers, event.body, "other")).toThrow();
    const command = slackCommand(APP, hub.url, { command: "/hub", text: "olá mundo" });
    expect(accepts(command.headers, command.body)).not.toThrow();
    expect(new URLSearchParams(command.body).get("text")).toBe("olá mundo");
  });

  test("three retries follow a failure, each signed and numbered", async () => {
    hub.answers = [500, 500, 500, 500, 500];
    const courier = createCourier(0.0001);
    await courier.deliver(
      slackEvent(APP, hub.url, { type: "message" }),
      "message",
      slackSchedule("shh"),
    );
    expect(hub.heard.map(({ headers }) => headers["x-slack-retry-num"])).toEqual([
      undefined,
      "1",
      "2",
      "3",
    ]);
    const last = hub.heard[3];
    expect(last?.headers["x-slack-retry-reason"]).toBe("http_error");
    expect(accepts(last?.headers as Record<string, string>, last?.raw ?? "")).not.toThrow();
  });
});

describe("Discord", () => {
  test("discord-interactions accepts a ping and refuses the forged one", async () => {
    const key = discordPublicKey(SEED);
    expect(key).toBe("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    for (const forged of [false, true]) {
      const { headers, body } = discordPing(SEED, hub.url, "700000000000000001", forged);
      const signature = headers["x-signature-ed25519"] ?? "";
      const time = headers["x-signature-timestamp"] ?? "";
      expect(await verifyKey(body, signature, time, key)).toBe(!forged);
    }
  });

  test("a webhook event has no zone in its time and is tried again", async () => {
    hub.answers = [503, 204];
    const request = discordWebhookEvent(SEED, hub.url, "1", {
      type: "APPLICATION_AUTHORIZED",
      data: {},
    });
    await createCourier(0.001).deliver(request, "event", discordSchedule("event"));
    expect(hub.heard).toHaveLength(2);
    const event = hub.heard[1]?.body.event as { timestamp: string };
    expect(event.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$/);
  });
});

interface Vector {
  readonly channel: string;
  readonly name: string;
  readonly secret: string;
  readonly timestamp: string;
  readonly rawBody: string;
  readonly signature: string;
  readonly value?: string;
}

describe.skipIf(!existsSync(VECTORS))("published vectors (skipped: ../shared absent)", () => {
  const vectors = existsSync(VECTORS)
    ? (JSON.parse(readFileSync(VECTORS, "utf8")) as Vector[])
    : [];

  test("Slack signatures are reproduced", () => {
    const slack = vectors.filter(({ channel }) => channel === "slack");
    expect(slack.length).toBeGreaterThan(1);
    for (const { secret, timestamp, rawBody, signature } of slack) {
      expect(slackSignature(secret, timestamp, rawBody)).toBe(signature);
    }
  });

  test("the Evolution token is reproduced", () => {
    const vector = vectors.find(({ channel }) => channel === "evolution");
    const token = vector?.value?.replace("Bearer ", "") ?? "";
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as {
      iat: number;
    };
    expect(evolutionJwt(vector?.secret ?? "", claims.iat * 1000)).toBe(token);
  });
});
