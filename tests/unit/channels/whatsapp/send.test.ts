import { describe, expect, it } from "vitest";
import { nextEvolution } from "../../../../channels/whatsapp/send.ts";
import type { WhatsappConnection } from "../../../../schema/connection.ts";
import type {
  OutboundContent,
  OutboundMessage,
  OutboundRequest,
  StepResponse,
} from "../../../../schema/outbound.ts";
import { connection, nowMs, RITA } from "./fixture.ts";

const url = "https://media.example/a.png";
const photo = { kind: "image", source: { from: "url", url }, mime_type: "image/png" } as const;

function message(content: OutboundContent, over: Partial<OutboundMessage> = {}): OutboundMessage {
  const id = "msg_01hq000000abcdefghjkmn";
  return { id, conversationKey: RITA, content, createdAtMs: nowMs, ...over };
}

function all(
  content: OutboundContent,
  { over = {}, ...to }: Partial<WhatsappConnection> & { over?: Partial<OutboundMessage> } = {},
): OutboundRequest[] {
  const requests: OutboundRequest[] = [];
  for (;;) {
    const done = requests.map(({ step }): StepResponse => ({ step, outcome: "delivered" }));
    const next = nextEvolution(message(content, over), { ...connection, ...to }, done);
    if (next === "done") return requests;
    if ("refused" in next) throw new Error(next.refused);
    requests.push(next);
  }
}

const bodies = (requests: readonly OutboundRequest[]) =>
  requests.map(({ body }) => (body.as === "json" ? body.json : body));
const one = (...args: Parameters<typeof all>) => all(...args)[0] as OutboundRequest;

describe("a text", () => {
  it("goes to the instance, formatted, with the key in its header", () => {
    const request = one({ type: "text", text: "**oi** Rita" }, { instance: "loja/1 ã" });
    expect(request).toEqual({
      step: "part:0",
      method: "POST",
      url: "https://evo.example/message/sendText/loja%2F1%20%C3%A3",
      headers: { apikey: "instance-token" },
      body: { as: "json", json: { number: RITA, text: "*oi* Rita" } },
      timeoutMs: 10_000,
      idempotent: false,
    });
  });

  it("quotes in its first part only", () => {
    const text = "palavra ".repeat(1000);
    const sent = bodies(all({ type: "text", text }, { over: { replyTo: "ACRITA0001" } }));
    expect(sent[0]).toMatchObject({ quoted: { key: { id: "ACRITA0001" } } });
    expect(sent.slice(1).every((body) => !JSON.stringify(body).includes("quoted"))).toBe(true);
    expect(sent).toHaveLength(2);
  });

  it("has a message id of its own for every part since 2.4, and may then be repeated", () => {
    const text = "palavra ".repeat(1000);
    const requests = all({ type: "text", text }, { version: "2.4" });
    const ids = bodies(requests).map((body) => (body as { messageId?: string }).messageId);
    expect(ids).toEqual([
      expect.stringMatching(/^3EB0[0-9A-F]{18}$/),
      expect.stringMatching(/^3EB0[0-9A-F]{18}$/),
    ]);
    expect(new Set(ids).size).toBe(2);
    expect(requests.every(({ idempotent }) => idempotent)).toBe(true);
    expect(bodies(all({ type: "text", text }, { version: "2.4" }))).toEqual(bodies(requests));
  });

  it("is wrapped for version 1", () => {
    const request = one({ type: "text", text: "oi" }, { version: "1", over: { replyTo: "A1" } });
    expect(bodies([request])).toEqual([
      { number: RITA, options: { quoted: { key: { id: "A1" } } }, textMessage: { text: "oi" } },
    ]);
  });

  it("goes to a bare number as to its address", () => {
    const request = one(
      { type: "text", text: "oi" },
      { over: { conversationKey: "+5521922223333" } },
    );
    expect(bodies([request])).toEqual([{ number: RITA, text: "oi" }]);
  });
});

describe("media", () => {
  it("carries the text as caption of the first", () => {
    expect(bodies(all({ type: "media", media: [photo, photo], text: "_duas_" }))).toEqual([
      {
        number: RITA,
        mediatype: "image",
        media: url,
        fileName: "image.png",
        mimetype: "image/png",
        caption: "_duas_",
      },
      {
        number: RITA,
        mediatype: "image",
        media: url,
        fileName: "image.png",
        mimetype: "image/png",
      },
    ]);
  });

  it("sends a text that is no caption after the files", () => {
    const long = all({ type: "media", media: [photo], text: "x".repeat(1025) });
    expect(long.map(({ step }) => step)).toEqual(["media:0", "part:1"]);
    const voice = all({ type: "media", media: [{ ...photo, kind: "voice" }], text: "ouça" });
    expect(voice.map(({ url: to }) => new URL(to).pathname)).toEqual([
      "/message/sendWhatsAppAudio/loja-1",
      "/message/sendText/loja-1",
    ]);
  });

  it.each([
    ["voice", "sendWhatsAppAudio", { number: RITA, audio: url, encoding: true }],
    ["sticker", "sendSticker", { number: RITA, sticker: url }],
    [
      "audio",
      "sendMedia",
      {
        number: RITA,
        mediatype: "audio",
        media: url,
        fileName: "audio.png",
        mimetype: "image/png",
      },
    ],
    [
      "document",
      "sendMedia",
      {
        number: RITA,
        mediatype: "document",
        media: url,
        fileName: "document.png",
        mimetype: "image/png",
      },
    ],
  ] as const)("%s goes through %s", (kind, route, body) => {
    const request = one({ type: "media", media: [{ ...photo, kind }] });
    expect(request.url).toBe(`https://evo.example/message/${route}/loja-1`);
    expect(bodies([request])).toEqual([body]);
  });

  it.each([
    [
      "image",
      "mediaMessage",
      { mediatype: "image", media: url, fileName: "image.png", mimetype: "image/png" },
    ],
    ["voice", "audioMessage", { audio: url }],
    ["sticker", "stickerMessage", { image: url }],
  ] as const)("%s is wrapped for version 1 as %s", (kind, name, content) => {
    const request = one({ type: "media", media: [{ ...photo, kind }] }, { version: "1" });
    expect(bodies([request])[0]).toMatchObject({ number: RITA, [name]: content });
  });
});

describe("gestures", () => {
  it.each([
    ["2.3.7", "POST"],
    ["1", "PUT"],
  ] as const)("an edit in version %s is a %s", (version, method) => {
    const request = one({ type: "edit", target: "3EB0A", text: "novo" }, { version });
    expect(request).toMatchObject({
      method,
      url: "https://evo.example/chat/updateMessage/loja-1",
      idempotent: true,
    });
    const key = { id: "3EB0A", remoteJid: RITA, fromMe: true };
    expect(bodies([request])).toEqual([{ number: RITA, key, text: "novo" }]);
  });

  it("an edit too long for one message goes on in new ones", () => {
    const requests = all({ type: "edit", target: "3EB0A", text: "palavra ".repeat(1000) });
    expect(requests.map(({ step }) => step)).toEqual(["edit", "part:1"]);
  });

  it("reactions are set and taken back", () => {
    const key = { id: "A1", remoteJid: RITA, fromMe: false };
    const reaction = { type: "reaction", target: "A1", emoji: "👍" } as const;
    expect(bodies(all(reaction))).toEqual([{ key, reaction: "👍" }]);
    expect(bodies(all({ ...reaction, remove: true }))).toEqual([{ key, reaction: "" }]);
  });

  it("deletes for everyone", () => {
    const request = one({ type: "delete", target: "3EB0A" });
    expect(request).toMatchObject({
      method: "DELETE",
      url: "https://evo.example/chat/deleteMessageForEveryone/loja-1",
    });
    expect(bodies([request])).toEqual([{ id: "3EB0A", remoteJid: RITA, fromMe: true }]);
  });

  it("types no longer than its limit, and waits for it", () => {
    const request = one({ type: "typing", durationMs: 60_000 });
    expect(bodies([request])).toEqual([{ number: RITA, presence: "composing", delay: 10_000 }]);
    expect(request.timeoutMs).toBe(20_000);
  });

  it("a card is its text and a numbered list", () => {
    const buttons = [
      { id: "y", label: "Sim" },
      { id: "s", label: "Site", url: "https://example.com/" },
    ];
    expect(bodies(all({ type: "card", text: "Confirma?", buttons }))).toEqual([
      { number: RITA, text: "Confirma?\n\n1. Sim\n2. Site: https://example.com/" },
    ]);
  });
});

describe("what cannot be sent", () => {
  const text = { type: "text", text: "oi" } as const;
  it.each([
    ["no_base_url", message(text), { baseUrl: undefined }],
    ["no_base_url", message(text), { baseUrl: "simulator" }],
    ["no_base_url", message(text), { baseUrl: "ftp://evo.example" }],
    ["no_base_url", message(text), { baseUrl: "https://user:pw@evo.example" }],
    ["bad_address", message(text, { conversationKey: "../etc" }), {}],
    ["bad_address", message(text, { conversationKey: "status@broadcast" }), {}],
    ["empty_text", message({ type: "text", text: "\n" }), {}],
    ["bad_target", message({ type: "delete", target: "a/b" }), {}],
    [
      "media_without_url",
      message({ type: "media", media: [{ kind: "image", source: { from: "stored", key: "k" } }] }),
      {},
    ],
    [
      "media_without_url",
      message({
        type: "media",
        media: [{ kind: "image", source: { from: "url", url: "data:x" } }],
      }),
      {},
    ],
    [
      "media_too_large",
      message({ type: "media", media: [{ ...photo, size_bytes: 16 * 1024 * 1024 + 1 }] }),
      {},
    ],
  ])("is refused as %s", (refused, what, over) => {
    const to = { ...connection, ...over } as typeof connection;
    expect(nextEvolution(what, to, [])).toEqual({ refused });
  });

  it("lets a document be larger than a picture", () => {
    const media = [{ ...photo, kind: "document" as const, size_bytes: 50_000_000 }];
    expect(all({ type: "media", media })).toHaveLength(1);
  });

  it("uses nothing but the origin of the base address", () => {
    const request = one({ type: "text", text: "oi" }, { baseUrl: "https://evo.example/evil/?x=" });
    expect(request.url).toBe("https://evo.example/message/sendText/loja-1");
  });
});
