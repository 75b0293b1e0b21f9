/** Files and cards: what is asked of Slack, step by step. */
import { describe, expect, it } from "vitest";
import type { OutboundContent } from "../../../../schema/outbound.ts";
import { conversation, delivered, json, next, request } from "./sending.ts";
import { outbound } from "./webhooks.ts";

describe("media", () => {
  const file = {
    kind: "image",
    source: { from: "stored", key: "acme/1" },
    mime_type: "image/png",
    file_name: "scan.png",
    size_bytes: 2048,
  } as const;
  const content: OutboundContent = { type: "media", media: [file, file], text: "**two**" };
  const data = {
    "upload_url:0": { upload_url: "https://files.slack.com/upload/v1/a", file_id: "F0A" },
    "upload_url:1": { upload_url: "https://files.slack.com/upload/v1/b", file_id: "F0B" },
  };

  it("reserves, uploads and shares, in this order", () => {
    const requests = conversation(
      outbound(content, { conversationKey: "T0ACME:C0GENERAL:1763700000.000100" }),
      data,
    );
    expect(requests.map(({ step }) => step)).toEqual([
      "upload_url:0",
      "upload:0",
      "upload_url:1",
      "upload:1",
      "complete",
    ]);
    expect(requests[0]?.body).toEqual({
      as: "form",
      fields: { filename: "scan.png", length: "2048" },
    });
    expect(requests[1]).toMatchObject({
      url: "https://files.slack.com/upload/v1/a",
      headers: {},
      body: { as: "media", media: file, contentType: "image/png" },
    });
    expect(requests[4] && json(requests[4])).toEqual({
      files: [
        { id: "F0A", title: "scan.png" },
        { id: "F0B", title: "scan.png" },
      ],
      channel_id: "C0GENERAL",
      thread_ts: "1763700000.000100",
      initial_comment: "*two*",
    });
  });

  it("sends bytes to Slack only", () => {
    for (const upload_url of [
      "https://evil.test/a",
      "http://files.slack.com/a",
      "",
      "https://notslack.com/",
    ]) {
      const responses = [delivered("upload_url:0", { upload_url, file_id: "F0A" })];
      expect(next(outbound(content), responses)).toEqual({ refused: "upload_url_not_slack" });
    }
  });

  it("links a file of unknown length that has a URL, and refuses one that has none", () => {
    const linked: OutboundContent = {
      type: "media",
      media: [{ kind: "document", source: { from: "url", url: "https://a.test/b.pdf" } }],
      text: "see",
    };
    expect(json(request(outbound(linked))).text).toBe("see\n\n<https://a.test/b.pdf|document>");
    const unknown: OutboundContent = {
      type: "media",
      media: [{ kind: "image", source: { from: "stored", key: "k" } }],
    };
    expect(next(outbound(unknown))).toEqual({ refused: "media_size_unknown" });
  });

  it("opens a direct conversation first where it only knows the person", () => {
    const message = outbound({ type: "media", media: [file] }, { conversationKey: "T0ACME:U0ANA" });
    const requests = conversation(message, { ...data, open_dm: { channel: "D0ANA" } });
    expect(requests.map(({ step }) => step)).toEqual([
      "open_dm",
      "upload_url:0",
      "upload:0",
      "complete",
    ]);
    expect(requests[3] && json(requests[3]).channel_id).toBe("D0ANA");
  });
});

describe("cards", () => {
  const buttons = [
    { id: "yes", label: "Yes" },
    { id: "no", label: "No", url: "https://a.test" },
  ];

  it("are a section and buttons with the text as fallback", () => {
    const described = request(outbound({ type: "card", text: "**Sure?**", buttons }));
    expect(json(described)).toMatchObject({
      text: "*Sure?*",
      blocks: [
        { type: "section", text: { type: "mrkdwn", text: "*Sure?*" } },
        {
          type: "actions",
          elements: [
            {
              type: "button",
              action_id: "yes",
              value: "yes",
              text: { type: "plain_text", text: "Yes", emoji: true },
            },
            { action_id: "no", url: "https://a.test" },
          ],
        },
      ],
    });
  });

  it("keep Slack's limits: unique ids, labels, links, section length", () => {
    const text = "word ".repeat(1500);
    const many = [
      { id: "a", label: "" },
      { id: "a", label: "x".repeat(75), url: "javascript:alert(1)" },
    ];
    const requests = conversation(outbound({ type: "card", text, buttons: many }));
    const last = requests.at(-1);
    const blocks =
      last && (json(last).blocks as { text?: { text: string }; elements?: object[] }[]);
    expect(blocks?.[0]?.text?.text.length).toBeLessThanOrEqual(3000);
    expect(blocks?.[1]?.elements).toEqual([
      expect.objectContaining({ action_id: "a", text: expect.objectContaining({ text: "a" }) }),
      expect.objectContaining({ action_id: "a#2" }),
    ]);
    expect(JSON.stringify(blocks)).not.toContain("javascript:");
    expect(requests.slice(0, -1).every((described) => !("blocks" in json(described)))).toBe(true);
  });

  it("without buttons are posts, without text only buttons", () => {
    expect(json(request(outbound({ type: "card", text: "hi", buttons: [] })))).not.toHaveProperty(
      "blocks",
    );
    expect(json(request(outbound({ type: "card", text: "", buttons })))).toMatchObject({
      text: "Yes | No",
      blocks: [{ type: "actions" }],
    });
  });
});
