import { describe, expect, test } from "vitest";
import { planMediaFetch } from "../../../../domain/media/fetch-plan.ts";
import type { ConnectionInput } from "../../../../schema/connection.ts";
import type { Media, MediaSource } from "../../../../schema/message.ts";

const SLACK: ConnectionInput = {
  id: "s",
  channel: "slack",
  teamId: "T1",
  credentials: { signingSecret: "x", botToken: "xoxb-1" },
};
const DISCORD: ConnectionInput = {
  id: "d",
  channel: "discord",
  applicationId: "1",
  credentials: { publicKey: "00", botToken: "bot" },
};
const WHATSAPP: ConnectionInput = {
  id: "w",
  channel: "whatsapp",
  provider: "evolution",
  instance: "my phone",
  baseUrl: "https://evolution.example.com/",
  credentials: { apiKey: "evo" },
};

const media = (source: MediaSource): Media => ({ kind: "image", source });
const atUrl = (url: string) => media({ from: "url", url });

describe("planMediaFetch", () => {
  test.each([[{ from: "stored", key: "k" }], [{ from: "refused", reason: "r" }]] as const)(
    "has nothing to do for %j",
    (source) => {
      expect(planMediaFetch(SLACK, media(source))).toEqual({ kind: "none" });
    },
  );

  test("takes bytes that came along", () => {
    const plan = planMediaFetch(WHATSAPP, media({ from: "inline", base64: "AAAA" }));
    expect(plan).toEqual({ kind: "inline", base64: "AAAA" });
  });

  test("the bot token goes to Slack's own file host only, over https only", () => {
    expect(planMediaFetch(SLACK, atUrl("https://files.slack.com/a"))).toEqual({
      kind: "bytes",
      url: "https://files.slack.com/a",
      headers: { authorization: "Bearer xoxb-1" },
    });
    for (const url of [
      "http://files.slack.com/a",
      "https://files.slack.com.evil.example/a",
      "https://files.slack.com:8443/a",
      "https://evil.example/files.slack.com",
    ]) {
      expect(planMediaFetch(SLACK, atUrl(url))).toEqual({
        kind: "refused",
        reason: "foreign_host",
      });
    }
  });

  test("an origin of the connection's own is trusted like the platform's", () => {
    const local = { ...SLACK, baseUrl: "http://127.0.0.1:4000" };
    expect(planMediaFetch(local, atUrl("http://127.0.0.1:4000/media/x"))).toMatchObject({
      kind: "bytes",
    });
    expect(planMediaFetch(local, atUrl("http://127.0.0.1:4001/media/x"))).toMatchObject({
      kind: "refused",
    });
  });

  test("Discord's files need no token, and come from Discord", () => {
    expect(planMediaFetch(DISCORD, atUrl("https://cdn.discordapp.com/a?ex=1"))).toEqual({
      kind: "bytes",
      url: "https://cdn.discordapp.com/a?ex=1",
      headers: {},
    });
    expect(planMediaFetch(DISCORD, atUrl("https://example.com/a")).kind).toBe("refused");
    expect(planMediaFetch(DISCORD, media({ from: "platform", id: "1" }))).toEqual({
      kind: "refused",
      reason: "no_way_to_fetch",
    });
  });

  test("Evolution is asked by message id, or its storage is read without its key", () => {
    expect(planMediaFetch(WHATSAPP, media({ from: "platform", id: "3EB0" }))).toEqual({
      kind: "evolution_base64",
      url: "https://evolution.example.com/chat/getBase64FromMediaMessage/my%20phone",
      headers: { apikey: "evo", "content-type": "application/json" },
      body: '{"message":{"key":{"id":"3EB0"}},"convertToMp4":false}',
    });
    expect(planMediaFetch(WHATSAPP, atUrl("https://s3.example.com/a"))).toMatchObject({
      kind: "bytes",
      headers: {},
    });
  });

  test("Slack files known by id are looked up first", () => {
    expect(planMediaFetch(SLACK, media({ from: "platform", id: "F1&x" }))).toMatchObject({
      kind: "slack_info",
      url: "https://slack.com/api/files.info",
      body: "file=F1%26x",
    });
  });

  test("a message from the API has public URLs only", () => {
    expect(planMediaFetch(undefined, atUrl("https://example.com/a"))).toMatchObject({
      kind: "bytes",
      headers: {},
    });
    expect(planMediaFetch(undefined, atUrl("file:///etc/passwd"))).toEqual({
      kind: "refused",
      reason: "not_http",
    });
    expect(planMediaFetch(undefined, media({ from: "platform", id: "1" })).kind).toBe("refused");
  });
});
