import { describe, expect, it } from "vitest";
import { toUnified } from "../../../../domain/messaging/unified.ts";
import { UnifiedMessage } from "../../../../schema/message.ts";
import type { ParsedMessage } from "../../../../schema/parsed.ts";

const parsed: ParsedMessage = {
  kind: "message",
  origin: "contact",
  eventKey: "k",
  conversationKey: "5521922223333@s.whatsapp.net",
  platformId: "A1",
  sender: { id: "s", aliases: [] },
  group: false,
  content: { text: "oi", media: [], metadata: {} },
  timestampMs: Date.UTC(2026, 2, 1),
  mentions: [],
};
const context = {
  id: "msg_1",
  tenant: "acme",
  connection: "wa-1",
  source: "whatsapp",
  conversation: "cnv_1",
  receivedAtMs: Date.UTC(2026, 2, 2),
} as const;

describe("toUnified", () => {
  it("makes a valid unified message, and leaves the platform's address out", () => {
    const unified = toUnified(parsed, context);
    expect(UnifiedMessage.parse(unified)).toEqual(unified);
    expect(unified.timestamp).toBe("2026-03-01T00:00:00.000Z");
    expect(JSON.stringify(unified)).not.toContain("5521922223333");
  });

  it.each([
    ["contact", "inbound"],
    ["phone", "outbound"],
    ["api", "outbound"],
  ] as const)("a message of the %s is %s", (origin, direction) => {
    expect(toUnified({ ...parsed, origin }, context).direction).toBe(direction);
  });

  it("takes the time of receipt where there is no other", () => {
    const { timestampMs: _none, ...timeless } = parsed;
    expect(toUnified(timeless, context).timestamp).toBe("2026-03-02T00:00:00.000Z");
  });

  it("never lets the way to answer out", () => {
    const responder = { via: "slack_response_url", url: "https://secret", expiresAtMs: 1 } as const;
    expect(JSON.stringify(toUnified({ ...parsed, responder }, context))).not.toContain("secret");
  });

  it("keeps what a change or a reply refers to", () => {
    const edit = { ...parsed, kind: "edit", targetId: "A0", replyTo: "R", thread: "T" } as const;
    expect(toUnified(edit, context)).toMatchObject({ target_id: "A0", reply_to: "R", thread: "T" });
  });
});
