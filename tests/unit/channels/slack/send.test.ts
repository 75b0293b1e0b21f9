/** Texts, answers through a response URL, and gestures on a message: what is asked of Slack. */
import { describe, expect, it } from "vitest";
import type { OutboundContent } from "../../../../schema/outbound.ts";
import { conversation, delivered, json, next, request } from "./sending.ts";
import { CONNECTION, NOW_MS, outbound } from "./webhooks.ts";

const RESPONDER = {
  via: "slack_response_url",
  url: "https://hooks.slack.com/commands/T0ACME/1/secret",
  expiresAtMs: NOW_MS + 1000,
} as const;

describe("text", () => {
  it("posts mrkdwn with the metadata by which it is found again", () => {
    const described = request(
      outbound({ type: "text", text: "**Hi** <you> & [docs](https://a.test)" }),
    );
    expect(described).toMatchObject({
      step: "part:0",
      method: "POST",
      url: "https://slack.com/api/chat.postMessage",
      headers: {
        authorization: "Bearer xoxb-test",
        "content-type": "application/json; charset=utf-8",
      },
      idempotent: false,
    });
    expect(json(described)).toEqual({
      channel: "C0GENERAL",
      text: "*Hi* &lt;you&gt; &amp; <https://a.test|docs>",
      unfurl_links: false,
      metadata: { event_type: "omni_edge", event_payload: { out_id: "msg_1", part: 0 } },
    });
  });

  it("is done when its parts have answers, and asks the same for the same answers", () => {
    const message = outbound({ type: "text", text: "hi" });
    expect(next(message, [delivered("part:0")])).toBe("done");
    expect(next(message)).toEqual(next(message));
  });

  it("answers in the conversation's thread, or in the one named", () => {
    const content: OutboundContent = { type: "text", text: "hi" };
    const inThread = outbound(content, { conversationKey: "T0ACME:C0GENERAL:1763700000.000100" });
    expect(json(request(inThread)).thread_ts).toBe("1763700000.000100");
    const named = outbound(content, { thread: "1763700001.000100" });
    expect(json(request(named)).thread_ts).toBe("1763700001.000100");
    expect(json(request(outbound(content)))).not.toHaveProperty("thread_ts");
  });

  it("splits long text into numbered parts within the limit, in order and without loss", () => {
    const words = Array.from({ length: 3000 }, (_unused, i) => `word${i}`);
    const requests = conversation(outbound({ type: "text", text: words.join(" ") }));
    expect(requests.map(({ step }) => step)).toEqual(requests.map((_unused, i) => `part:${i}`));
    expect(requests.length).toBeGreaterThan(5);
    const texts = requests.map((described) => String(json(described).text));
    expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(4000);
    expect(texts.join(" ").split(/\s+/)).toEqual(words);
  });

  it("uses the connection's base URL", () => {
    const connection = { ...CONNECTION, baseUrl: "http://127.0.0.1:7001/" };
    expect(request(outbound({ type: "text", text: "hi" }), [], connection).url).toBe(
      "http://127.0.0.1:7001/api/chat.postMessage",
    );
  });

  it("posts to a person where the conversation has no channel", () => {
    const message = outbound({ type: "text", text: "hi" }, { conversationKey: "T0ACME:U0ANA" });
    expect(json(request(message)).channel).toBe("U0ANA");
    expect(conversation(message)).toHaveLength(1);
  });

  it.each([
    ["empty text", outbound({ type: "text", text: " \n " }), "empty_text"],
    [
      "a foreign key",
      outbound({ type: "text", text: "x" }, { conversationKey: "5511@s" }),
      "unknown_conversation",
    ],
    [
      "a key with a bad thread",
      outbound({ type: "text", text: "x" }, { conversationKey: "T:C:x" }),
      "unknown_conversation",
    ],
    [
      "an unknown emoji",
      outbound({ type: "reaction", target: "1.1", emoji: "🦭" }),
      "emoji_unknown",
    ],
    ["an empty edit", outbound({ type: "edit", target: "1.1", text: "" }), "empty_text"],
  ])("refuses %s", (_name, message, refused) => {
    expect(next(message)).toEqual({ refused });
  });

  it("refuses without a bot token", () => {
    const connection = { ...CONNECTION, credentials: { signingSecret: "s" } };
    expect(next(outbound({ type: "text", text: "x" }), [], connection)).toEqual({
      refused: "bot_token_missing",
    });
  });

  it("has nothing to do for typing", () => {
    expect(next(outbound({ type: "typing" }))).toBe("done");
  });
});

describe("response_url", () => {
  const long = Array.from({ length: 1200 }, (_unused, i) => `word${i}`).join(" ");

  it("carries the first part without our token, the others go to the channel", () => {
    const requests = conversation(outbound({ type: "text", text: long }, { responder: RESPONDER }));
    expect(requests.map(({ step }) => step)).toEqual(["respond:0", "part:1", "part:2"]);
    expect(requests[0]?.url).toBe(RESPONDER.url);
    expect(JSON.stringify(requests[0])).not.toContain("xoxb");
    expect(requests[1]?.url).toContain("/api/chat.postMessage");
  });

  it("falls back to the channel when it is used up", () => {
    const message = outbound({ type: "text", text: "hi" }, { responder: RESPONDER });
    expect(next(message, [delivered("respond:0")])).toBe("done");
    const closed = [delivered("respond:0", { closed: "1" })];
    expect(request(message, closed).step).toBe("part:0");
    expect(next(message, [...closed, delivered("part:0")])).toBe("done");
  });

  it("never leaves Slack's host", () => {
    const responder = { ...RESPONDER, url: "https://evil.test/x" };
    const message = outbound({ type: "text", text: "hi" }, { responder });
    expect(request(message).url).toBe("https://slack.com/api/chat.postMessage");
  });
});

describe("gestures on a message", () => {
  it.each([
    ["👍", false, "reactions.add", "thumbsup"],
    ["❤", true, "reactions.remove", "heart"],
    ["👍🏽", false, "reactions.add", "thumbsup::skin-tone-4"],
    [":party_parrot:", false, "reactions.add", "party_parrot"],
    ["white_check_mark", false, "reactions.add", "white_check_mark"],
  ])("reacts with %s (removing: %s)", (emoji, remove, method, name) => {
    const described = request(outbound({ type: "reaction", target: "1.1", emoji, remove }));
    expect(described.url).toBe(`https://slack.com/api/${method}`);
    expect(described.idempotent).toBe(true);
    expect(json(described)).toEqual({ channel: "C0GENERAL", timestamp: "1.1", name });
  });

  it("edits and deletes", () => {
    const edit = request(outbound({ type: "edit", target: "1.1", text: "_new_" }));
    expect(edit.url).toBe("https://slack.com/api/chat.update");
    expect(json(edit)).toEqual({ channel: "C0GENERAL", ts: "1.1", text: "_new_", blocks: [] });
    const remove = request(outbound({ type: "delete", target: "1.1" }));
    expect(remove.url).toBe("https://slack.com/api/chat.delete");
    expect(json(remove)).toEqual({ channel: "C0GENERAL", ts: "1.1" });
  });

  it("posts what no longer fits into an edited message", () => {
    const text = Array.from({ length: 1200 }, (_unused, i) => `word${i}`).join(" ");
    const steps = conversation(outbound({ type: "edit", target: "1.1", text })).map((r) => r.step);
    expect(steps).toEqual(["edit", "part:1", "part:2"]);
  });
});
