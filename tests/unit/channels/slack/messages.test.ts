/** New Slack messages: text, threads, files, and what is quarantined. */
import { describe, expect, it } from "vitest";
import {
  bodyWebhook,
  CONNECTION,
  fixture,
  jsonWebhook,
  messageOf,
  parse,
  readingOf,
  textBody,
} from "./webhooks.ts";

const read = (name: string) => readingOf(jsonWebhook(fixture(name)));
const message = (name: string) => messageOf(jsonWebhook(fixture(name)));

describe("messages", () => {
  it("reads a plain message", () => {
    expect(message("message")).toEqual({
      kind: "message",
      origin: "contact",
      eventKey: "T0ACME:C0GENERAL:1763700000.000100",
      conversationKey: "T0ACME:C0GENERAL",
      platformId: "1763700000.000100",
      sender: { id: "U0ANA", aliases: [] },
      group: true,
      content: { text: "Hi @U0BOT, is <order 7> ready?", media: [], metadata: {} },
      mentions: [{ kind: "bot", id: "U0BOT" }],
      timestampMs: 1763700000000,
    });
  });

  it("gives message and app_mention of one post the same key, conversation and content", () => {
    expect(message("app-mention")).toEqual(message("message"));
  });

  it("acknowledges events with an empty 200", () => {
    expect(read("message").ack).toEqual({ status: 200 });
  });

  it("is one-to-one in a direct conversation", () => {
    const { group, conversationKey, content } = message("direct-message");
    expect({ group, conversationKey, text: content.text }).toEqual({
      group: false,
      conversationKey: "T0ACME:D0ANA",
      text: "olá 👋",
    });
  });

  it("puts a reply into its thread's conversation, and the root into the channel's", () => {
    const reply = message("thread-reply");
    expect(reply.conversationKey).toBe("T0ACME:C0GENERAL:1763700000.000100");
    expect(reply.thread).toBe("1763700000.000100");
    const root = message("thread-root");
    expect(root.conversationKey).toBe("T0ACME:C0GENERAL");
    expect(root.thread).toBeUndefined();
    expect(message("thread-broadcast").thread).toBe("1763700000.000100");
  });

  it("keeps which kind of message /me and a broadcast were", () => {
    expect(message("me-message").content.metadata).toEqual({ subtype: "me_message" });
    expect(message("thread-broadcast").content.metadata).toEqual({ subtype: "thread_broadcast" });
  });

  it("keeps files by URL only where the bot token may go", () => {
    expect(message("file-share").content.media).toEqual([
      {
        kind: "image",
        source: {
          from: "url",
          url: "https://files.slack.com/files-pri/T0ACME-F0IMAGE/download/scan.png",
        },
        mime_type: "image/png",
        file_name: "scan.png",
        size_bytes: 2048,
      },
      {
        kind: "voice",
        source: { from: "url", url: "https://files.slack.com/files-tmb/T0ACME-F0CLIP/audio.mp4" },
        mime_type: "audio/mp4",
        file_name: "audio_message.m4a",
        size_bytes: 9000,
        duration_ms: 3200,
      },
      { kind: "document", source: { from: "platform", id: "F0STUB" } },
      {
        kind: "document",
        source: { from: "platform", id: "F0DRIVE" },
        mime_type: "application/vnd.google-apps.spreadsheet",
        file_name: "sheet",
      },
      { kind: "document", source: { from: "refused", reason: "tombstone" } },
    ]);
  });

  it.each([
    ["http://files.slack.com/x", "platform"],
    ["https://files.slack.com.evil.test/x", "platform"],
    ["https://user:pass@files.slack.com/x", "platform"],
    ["https://files.slack.com:8443/x", "platform"],
    ["http://169.254.169.254/x", "platform"],
    ["javascript:alert(1)", "platform"],
    ["http://127.0.0.1:7001/files/x", "url"],
  ])("takes file address %s as %s with a base URL of its own", (url, from) => {
    const files = [{ id: "F0", url_private: url }];
    const connection = { ...CONNECTION, baseUrl: "http://127.0.0.1:7001" };
    const read = messageOf(jsonWebhook(textBody("x", { files })), connection);
    expect(read.content.media[0]?.source.from).toBe(from);
  });

  it("keeps the whole of a text beyond Slack's limit", () => {
    const { content } = messageOf(jsonWebhook(textBody("a".repeat(40_001))));
    expect(content.text).toHaveLength(40_001);
  });

  it("takes a null text as empty, and anything else but a string as wrong", () => {
    expect(messageOf(jsonWebhook(textBody(null))).content.text).toBe("");
    for (const text of [5, { a: 1 }, ["x"], true]) {
      expect(parse(jsonWebhook(textBody(text)))).toMatchObject({
        ok: false,
        failure: { reason: "wrong_shape" },
      });
    }
  });

  it.each([
    ["user", { user: undefined }],
    ["channel", { channel: undefined }],
    ["channel with a colon", { channel: "C0:GENERAL" }],
    ["ts", { ts: 1763700000.0001 }],
    ["ts with letters", { ts: "now" }],
    ["a user that is an object", { user: { id: "U0" } }],
    ["an endless id", { user: "U".repeat(10_000) }],
  ])("quarantines a message without a usable %s", (_name, event) => {
    expect(parse(jsonWebhook(textBody("hi", event)))).toMatchObject({
      ok: false,
      failure: { reason: "wrong_shape" },
    });
  });

  it("says that it saw something it cannot show", () => {
    const shared = textBody("", { attachments: [{ text: "quoted" }] });
    const { metadata } = messageOf(jsonWebhook(shared)).content;
    expect(metadata).toEqual({ unsupported: { type: "attachments" } });
  });

  it("keeps neither token, blocks nor raw payload", () => {
    const kept = JSON.stringify([read("message"), read("file-share"), read("app-mention")]);
    expect(kept).not.toContain("never-kept");
    expect(kept).not.toContain("rich_text");
    expect(kept).not.toContain("thumb");
  });

  it("is not moved by hostile property names", () => {
    const raw = JSON.stringify(textBody("hi")).replace(
      '"text"',
      '"__proto__":{"team":"T0OTHER","polluted":1},"constructor":{"prototype":{"polluted":1}},"text"',
    );
    const read = messageOf(bodyWebhook(raw, "application/json"));
    expect(read.conversationKey).toBe("T0ACME:C0GENERAL");
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(JSON.stringify(read)).not.toContain("polluted");
  });
});
