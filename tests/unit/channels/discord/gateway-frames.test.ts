import { describe, expect, it } from "vitest";
import { APPLICATION, aConnection, fixture, parse, read, readOne } from "./support.ts";

type Frame = { d: Record<string, unknown> } & Record<string, unknown>;
const frame = (name: string): Frame => JSON.parse(fixture(name));
/** A fixture whose `d` is changed. */
function changed(name: string, d: Record<string, unknown>): Frame {
  const base = frame(name);
  return { ...base, d: { ...base.d, ...d } };
}
const skipped = (body: unknown) => read(body).ignored.map(({ type }) => type);

describe("MESSAGE_CREATE", () => {
  it("becomes a message with typed mentions and resolved tokens", () => {
    const message = readOne({ ...frame("gateway-message"), own_roles: ["700000000000000600"] });
    expect(message).toMatchObject({
      kind: "message",
      eventKey: "1470000000000000010",
      conversationKey: "700000000000000200",
      group: true,
      timestampMs: Date.UTC(2026, 2, 1, 10, 0, 0, 500),
    });
    expect(message.content.text).toBe(
      "@hub-bot veja <#700000000000000201> :ok: <@&700000000000000600>",
    );
    expect(message.mentions).toEqual([
      { kind: "everyone", id: "everyone" },
      { kind: "bot", id: APPLICATION },
      { kind: "bot", id: "700000000000000600" },
      { kind: "channel", id: "700000000000000201" },
    ]);
  });

  it("takes a role for a role where nothing says it is the bot's", () => {
    expect(readOne(frame("gateway-message")).mentions).toContainEqual({
      kind: "role",
      id: "700000000000000600",
    });
  });

  it("knows replies, forwards and threads", () => {
    expect(readOne(frame("gateway-reply")).replyTo).toBe("1470000000000000010");
    const forward = readOne(frame("gateway-forward"));
    expect(forward.replyTo).toBeUndefined();
    expect(forward.content.text).toBe("forwarded words");
    const inThread = readOne(frame("gateway-in-thread"));
    expect([inThread.conversationKey, inThread.thread]).toEqual([
      "1470000000000000010",
      "1470000000000000010",
    ]);
  });

  it("keeps files of Discord's hosts, refuses others by reason, drops impossible sizes", () => {
    const { media, metadata } = readOne(frame("gateway-files")).content;
    expect(media.map(({ kind, source }) => [kind, source.from])).toEqual([
      ["image", "url"],
      ["voice", "url"],
      ["image", "refused"],
      ["sticker", "url"],
      ["sticker", "refused"],
    ]);
    expect(media[1]?.duration_ms).toBe(3200);
    expect(media[2]).toEqual({
      kind: "image",
      source: { from: "refused", reason: "foreign_host" },
      mime_type: "image/svg+xml",
      file_name: "evil.svg",
    });
    expect(metadata).toEqual({});
  });

  it.each([
    ["javascript:alert(1)", "not_http"],
    ["data:text/html,x", "not_http"],
    ["file:///etc/passwd", "not_http"],
    ["//cdn.discordapp.com/x", "not_http"],
    ["https://cdn.discordapp.com.evil.example/x", "foreign_host"],
    ["https://cdn.discordapp.com@evil.example/x", "foreign_host"],
    ["https://cdn.discordapp.com:8443/x", "foreign_host"],
    ["http://127.0.0.1/x", "foreign_host"],
  ])("does not fetch %s", (url, reason) => {
    const body = changed("gateway-files", { attachments: [{ url }], sticker_items: [] });
    expect(readOne(body).content.media[0]?.source).toEqual({ from: "refused", reason });
  });

  it("takes files from the origin that the connection names as its platform", () => {
    const attachments = [{ url: "http://127.0.0.1:9000/media/a.png" }];
    const body = changed("gateway-files", { attachments, sticker_items: [] });
    const message = readOne(body, aConnection({ baseUrl: "http://127.0.0.1:9000" }));
    expect(message.content.media[0]?.source.from).toBe("url");
  });

  it("stays a message when Discord has emptied it, and says so", () => {
    const message = readOne(frame("gateway-no-content"));
    expect(message.content).toEqual({
      text: "",
      media: [],
      metadata: { unsupported: { type: "no_content" } },
    });
  });

  it.each([
    ["gateway-own-echo", "own_echo"],
    ["gateway-other-bot", "bot_message"],
    ["gateway-system", "system_message"],
  ])("%s is ignored as %s", (name, reason) => {
    expect(skipped(frame(name))).toEqual([reason]);
  });

  it("knows answers to its own interactions by their webhook, and other webhooks as bots", () => {
    expect(skipped(changed("gateway-message", { webhook_id: APPLICATION }))).toEqual(["own_echo"]);
    expect(skipped(changed("gateway-message", { webhook_id: "5" }))).toEqual(["bot_message"]);
  });

  it("takes the snowflake's time where the timestamp is unusable", () => {
    const message = readOne(changed("gateway-message", { timestamp: "yesterday" }));
    expect(message.timestampMs).toBe(Number(1470000000000000010n >> 22n) + 1420070400000);
    const odd = readOne(changed("gateway-message", { timestamp: null, id: "12" }));
    expect(odd.timestampMs).toBeUndefined();
  });

  it("makes text well-formed and drops NUL", () => {
    const text = readOne(changed("gateway-message", { content: "a\u0000b\ud83d" })).content.text;
    expect(text).toBe("ab\ufffd");
  });

  it("without an author, or with an endless id, is quarantined", () => {
    for (const d of [{ author: undefined }, { id: "1".repeat(10_000) }, { content: 5 }]) {
      const result = parse(changed("gateway-message", d));
      expect(result.ok ? "" : result.failure.reason).toBe("wrong_shape");
    }
  });
});

describe("MESSAGE_UPDATE", () => {
  it("is an edit where edited_timestamp says so, each edit once", () => {
    const edit = readOne(frame("gateway-edit"));
    expect(edit).toMatchObject({
      kind: "edit",
      targetId: "1470000000000000010",
      eventKey: "1470000000000000010:2026-03-01T10:05:00.123000+00:00",
      timestampMs: Date.UTC(2026, 2, 1, 10, 5, 0, 123),
    });
    expect(readOne(frame("gateway-edit")).eventKey).toBe(edit.eventKey);
    const later = changed("gateway-edit", { edited_timestamp: "2026-03-01T10:06:00+00:00" });
    expect(readOne(later).eventKey).not.toBe(edit.eventKey);
  });

  it("is none for a pin, or for a partial update without content", () => {
    expect(skipped(frame("gateway-pin"))).toEqual(["not_an_edit"]);
    const d = { id: "1", channel_id: "2", embeds: [] };
    expect(skipped({ ...frame("gateway-edit"), d })).toEqual(["not_an_edit"]);
    expect(skipped(changed("gateway-edit", { content: null }))).toEqual(["not_an_edit"]);
  });

  it("of our own message is our echo", () => {
    const author = { id: APPLICATION, bot: true };
    expect(skipped(changed("gateway-edit", { author }))).toEqual(["own_echo"]);
  });
});

describe("deletions and reactions", () => {
  it("delete one or many, by target", () => {
    expect(readOne(frame("gateway-delete"))).toMatchObject({
      kind: "delete",
      eventKey: "1470000000000000010:delete",
      targetId: "1470000000000000010",
      group: true,
    });
    const { messages } = read(frame("gateway-delete-bulk"));
    expect(messages.map(({ eventKey }) => eventKey)).toEqual([
      "1470000000000000010:delete",
      "1470000000000000011:delete",
    ]);
  });

  it("key a reaction by session and sequence: a replay is the same, a toggle is new", () => {
    const add = frame("gateway-reaction-add");
    const message = readOne(add);
    expect(message).toMatchObject({
      kind: "reaction",
      eventKey: "1470000000000000010:700000000000000900:👍:+:sess-1:24",
      targetId: "1470000000000000010",
      content: { metadata: { reaction: { emoji: "👍", action: "added" } } },
    });
    expect(readOne(add).eventKey).toBe(message.eventKey);
    expect(readOne({ ...add, s: 30 }).eventKey).not.toBe(message.eventKey);
    expect(readOne({ ...add, session: "sess-2" }).eventKey).not.toBe(message.eventKey);
  });

  it("name custom emoji so that they can be sent back", () => {
    expect(readOne(frame("gateway-reaction-remove")).content.metadata).toEqual({
      reaction: { emoji: "ok:700000000000000500", action: "removed" },
    });
  });

  it("ignore the bot's own and other bots' reactions", () => {
    expect(skipped(changed("gateway-reaction-add", { user_id: APPLICATION }))).toEqual([
      "own_echo",
    ]);
    const member = { user: { id: "700000000000000900", bot: true } };
    expect(skipped(changed("gateway-reaction-add", { member }))).toEqual(["bot_message"]);
  });
});

describe("other frames", () => {
  it.each(["READY", "RESUMED", "TYPING_START", "THREAD_CREATE", "GUILD_CREATE", "GUILD_DELETE"])(
    "%s is ignored by its name",
    (t) => {
      expect(skipped({ op: 0, s: 1, t, d: {} })).toEqual([t]);
    },
  );

  it("that are no dispatch are ignored by their opcode", () => {
    expect(skipped({ op: 11, t: null, s: null, d: null })).toEqual(["gateway_op_11"]);
  });
});
