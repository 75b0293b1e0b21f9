/** Changes of the connection, things ignored by name, challenges, unreadable bodies. */
import { describe, expect, it } from "vitest";
import {
  bodyWebhook,
  eventBody,
  fixture,
  jsonWebhook,
  parse,
  readingOf,
  textBody,
} from "./webhooks.ts";

const read = (name: string) => readingOf(jsonWebhook(fixture(name)));

describe("everything else", () => {
  it.each([
    ["app_uninstalled", {}, { state: "revoked", detail: "app_uninstalled" }],
    [
      "tokens_revoked",
      { tokens: { bot: ["U0BOT"] } },
      { state: "revoked", detail: "tokens_revoked" },
    ],
    ["app_rate_limited", {}, { state: "rate_limited" }],
  ])("turns %s into a change of the connection", (type, more, connection) => {
    const reading = readingOf(jsonWebhook(eventBody({ type, ...more })));
    expect(reading).toMatchObject({ messages: [], connection });
  });

  it("reads the rate limit notice that stands outside an event", () => {
    const body = { type: "app_rate_limited", team_id: "T0ACME", minute_rate_limited: 1763700000 };
    expect(readingOf(jsonWebhook(body)).connection).toEqual({ state: "rate_limited" });
  });

  it("does not mind a person withdrawing their own token", () => {
    const reading = readingOf(
      jsonWebhook(eventBody({ type: "tokens_revoked", tokens: { oauth: ["U0ANA"], bot: [] } })),
    );
    expect(reading.connection).toBeUndefined();
    expect(reading.ignored).toEqual([{ type: "tokens_revoked:user" }]);
  });

  it.each(["channel_join", "channel_topic", "message_replied", "huddle_thread"])(
    "ignores the subtype %s by its name",
    (subtype) => {
      const body = textBody("x", { subtype });
      expect(readingOf(jsonWebhook(body)).ignored).toEqual([{ type: subtype }]);
    },
  );

  it.each(["member_joined_channel", "function_executed", "team_access_granted", "something_new"])(
    "ignores the event %s by its name",
    (type) => {
      expect(readingOf(jsonWebhook(eventBody({ type }))).ignored).toEqual([{ type }]);
    },
  );

  it("never lets content become a name", () => {
    const reading = readingOf(jsonWebhook(eventBody({ type: "call me on +1 555 0100" })));
    expect(reading.ignored).toEqual([{ type: "unnamed" }]);
  });

  it("echoes a challenge as plain text, HTML or not", () => {
    const challenge = "<script>alert(1)</script>";
    expect(read("url-verification").ack).toEqual({
      status: 200,
      contentType: "text/plain",
      body: "3eZbrw1aB",
    });
    expect(readingOf(jsonWebhook({ type: "url_verification", challenge }))).toMatchObject({
      ack: { contentType: "text/plain", body: challenge },
      messages: [],
    });
  });

  it.each([[undefined], [""], [5], [{ a: 1 }], ["x".repeat(1001)]])(
    "refuses a challenge that is no short string (%#)",
    (challenge) => {
      const result = parse(jsonWebhook({ type: "url_verification", challenge }));
      expect(result).toMatchObject({ ok: false, failure: { reason: "wrong_shape" } });
    },
  );

  it.each([
    ["not JSON", "payload=not-json", "invalid_json"],
    ["empty", "", "invalid_json"],
    ["null", "null", "wrong_shape"],
    ["an array", "[]", "wrong_shape"],
    ["a number", "42", "wrong_shape"],
    ["a string", '"x"', "wrong_shape"],
    ["no type", '{"team_id":"T0ACME"}', "wrong_shape"],
    ["an event without type", '{"type":"event_callback","event":{}}', "wrong_shape"],
    ["too deep", `{"a":${"[".repeat(100)}${"]".repeat(100)}}`, "too_deep"],
  ])("quarantines a body that is %s", (_name, body, reason) => {
    expect(parse(bodyWebhook(body, "application/json"))).toMatchObject({
      ok: false,
      failure: { reason },
    });
  });

  it("quarantines bytes that are not UTF-8, in JSON and in forms", () => {
    const bytes = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]);
    for (const type of ["application/json", "application/x-www-form-urlencoded"]) {
      expect(parse(bodyWebhook(bytes, type))).toMatchObject({
        ok: false,
        failure: { reason: "invalid_utf8" },
      });
    }
  });

  it("gives the same reading for the same bytes", () => {
    const raw = jsonWebhook(fixture("file-share"));
    expect(readingOf(raw)).toEqual(readingOf(raw));
  });
});
