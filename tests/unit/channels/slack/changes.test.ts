/** Edits, deletions and reactions; an unfurl is none of them. */
import { describe, expect, it } from "vitest";
import {
  eventBody,
  fixture,
  jsonWebhook,
  messageOf,
  parse,
  readingOf,
  textBody,
} from "./webhooks.ts";

const read = (name: string) => readingOf(jsonWebhook(fixture(name)));
const message = (name: string) => messageOf(jsonWebhook(fixture(name)));

describe("edits and deletions", () => {
  it("reads an edit with its target and new text", () => {
    expect(message("message-edited")).toMatchObject({
      kind: "edit",
      eventKey: "T0ACME:C0GENERAL:1763700000.000100:edit:1763700030.000000",
      conversationKey: "T0ACME:C0GENERAL",
      targetId: "1763700000.000100",
      content: { text: "Hi, is order 8 ready?" },
      sender: { id: "U0ANA" },
      timestampMs: 1763700030000,
    });
  });

  it("does not take an unfurl for an edit", () => {
    expect(read("message-unfurled").ignored).toEqual([{ type: "unfurl" }]);
    const edited = { user: "U0ANA", ts: "1763700005.000000" };
    const after = { user: "U0ANA", ts: "1763700000.0001", text: "same", edited };
    const unfurledLater = textBody("x", {
      subtype: "message_changed",
      message: { ...after, attachments: [{}] },
      previous_message: after,
    });
    expect(readingOf(jsonWebhook(unfurledLater)).ignored).toEqual([{ type: "unfurl" }]);
  });

  it("takes changed text as an edit even without an edit stamp, and two edits as two events", () => {
    const change = (ts: string, edited?: string) =>
      messageOf(
        jsonWebhook(
          textBody("x", {
            ts,
            subtype: "message_changed",
            message: {
              user: "U0ANA",
              ts: "1763700000.0001",
              text: ts,
              ...(edited ? { edited: { ts: edited } } : {}),
            },
            previous_message: { user: "U0ANA", ts: "1763700000.0001", text: "before" },
          }),
        ),
      ).eventKey;
    expect(change("1763700009.0001")).toBe("T0ACME:C0GENERAL:1763700000.0001:edit:1763700009.0001");
    expect(change("1763700009.0001", "1763700009.0000")).not.toBe(
      change("1763700010.0001", "1763700010.0000"),
    );
  });

  it("keeps an edit of a reply in its thread", () => {
    const reply = {
      user: "U0ANA",
      ts: "1763700010.0001",
      thread_ts: "1763700000.0001",
      text: "new",
      edited: { ts: "1763700011.0000" },
    };
    const body = textBody("x", { subtype: "message_changed", message: reply });
    expect(messageOf(jsonWebhook(body)).conversationKey).toBe("T0ACME:C0GENERAL:1763700000.0001");
  });

  it("reads a deletion, also that of a thread's root", () => {
    const expected = {
      kind: "delete",
      eventKey: "T0ACME:C0GENERAL:1763700000.000100:delete",
      conversationKey: "T0ACME:C0GENERAL",
      targetId: "1763700000.000100",
      sender: { id: "U0ANA" },
      content: { text: "", media: [], metadata: {} },
    };
    expect(message("message-deleted")).toMatchObject(expected);
    expect(message("thread-root-deleted")).toMatchObject(expected);
  });

  it("reads a deletion of which Slack tells only the timestamp", () => {
    const body = textBody(undefined, { subtype: "message_deleted", deleted_ts: "1763700000.5" });
    expect(messageOf(jsonWebhook(body))).toMatchObject({
      kind: "delete",
      sender: { id: "unknown" },
    });
  });

  it("reads the deletion of a root of which only the tombstone is told", () => {
    const tombstone = { subtype: "tombstone", user: "USLACKBOT", ts: "1763700000.5" };
    const body = textBody(undefined, { subtype: "message_changed", message: tombstone });
    const { kind, sender, conversationKey } = messageOf(jsonWebhook(body));
    expect({ kind, sender: sender.id, conversationKey }).toEqual({
      kind: "delete",
      sender: "unknown",
      conversationKey: "T0ACME:C0GENERAL",
    });
  });

  it("quarantines changes without a target", () => {
    for (const event of [
      { subtype: "message_changed" },
      { subtype: "message_changed", message: { text: "x", edited: { ts: "1.1" } } },
      { subtype: "message_deleted", user: undefined },
    ]) {
      expect(parse(jsonWebhook(textBody("x", event)))).toMatchObject({
        ok: false,
        failure: { reason: "wrong_shape" },
      });
    }
  });
});

describe("reactions", () => {
  it("reads adding and removing as two events of the channel's conversation", () => {
    const added = message("reaction-added");
    const removed = message("reaction-removed");
    expect(added).toMatchObject({
      kind: "reaction",
      conversationKey: "T0ACME:C0GENERAL",
      targetId: "1763700000.000100",
      content: { metadata: { reaction: { emoji: "👍", action: "added" } } },
    });
    expect(removed.content.metadata).toEqual({ reaction: { emoji: "👍", action: "removed" } });
    expect(added.eventKey).not.toBe(removed.eventKey);
  });

  it("ignores our own reactions and those on files", () => {
    const event = (fixture("reaction-added").event ?? {}) as Record<string, unknown>;
    const own = readingOf(jsonWebhook(eventBody({ ...event, user: "U0BOT" })));
    expect(own.ignored).toEqual([{ type: "own_echo" }]);
    const file = readingOf(
      jsonWebhook(eventBody({ ...event, item: { type: "file", file: "F0" } })),
    );
    expect(file.ignored).toEqual([{ type: "reaction_added:file" }]);
  });

  it("needs an event id, the only key of a toggled reaction", () => {
    const event = fixture("reaction-added").event as Record<string, unknown>;
    const body = eventBody(event, { event_id: undefined });
    expect(parse(jsonWebhook(body))).toMatchObject({ ok: false });
  });
});
