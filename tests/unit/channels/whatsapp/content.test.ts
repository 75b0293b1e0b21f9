import { describe, expect, it } from "vitest";
import { only, onlyOf, payload, read } from "./fixture.ts";

describe("media", () => {
  it.each([
    ["image", "image", { from: "platform", id: "ACRITA0010" }, "olha isso"],
    ["image-inline", "image", { from: "inline", base64: "iVBORw0KGgo=" }, ""],
    [
      "image-stored",
      "image",
      { from: "url", url: "https://s3.example/evolution/pixel.png?sig=1" },
      "",
    ],
    ["image-view-once", "image", { from: "platform", id: "ACRITA0013" }, "só uma vez"],
    ["video-note", "video", { from: "platform", id: "ACRITA0014" }, ""],
    ["voice", "voice", { from: "platform", id: "ACRITA0015" }, "quero cancelar o pedido"],
    ["audio", "audio", { from: "platform", id: "ACRITA0016" }, ""],
    ["document-caption", "document", { from: "platform", id: "ACRITA0017" }, "segue a nota"],
    ["sticker", "sticker", { from: "platform", id: "ACRITA0018" }, ""],
  ])("%s is a %s", (name, kind, source, text) => {
    const { content } = only(name);
    expect(content.text).toBe(text);
    expect(content.media).toMatchObject([{ kind, source, size_bytes: 20_480 }]);
  });

  it("keeps name, type and length, and nothing that decrypts or previews", () => {
    expect(only("document-caption").content.media).toEqual([
      {
        kind: "document",
        source: { from: "platform", id: "ACRITA0017" },
        mime_type: "application/pdf",
        file_name: "nota.pdf",
        size_bytes: 20_480,
      },
    ]);
    expect(only("voice").content).toMatchObject({
      media: [{ mime_type: "audio/ogg; codecs=opus", duration_ms: 4_000 }],
      metadata: { transcribed: true },
    });
  });

  it.each([
    "javascript:alert(1)",
    "data:image/png;base64,AA",
    "file:///etc/passwd",
    "not a url",
    "",
  ])("does not take %j for an address", (mediaUrl) => {
    const body = payload("image-stored");
    body.data.message.mediaUrl = mediaUrl;
    expect(onlyOf(body).content.media[0]?.source).toEqual({ from: "platform", id: "ACRITA0012" });
  });

  it("leaves out a size or length that is no number", () => {
    const body = payload("audio");
    Object.assign(body.data.message.audioMessage, { fileLength: -1, seconds: "x", mimetype: {} });
    expect(onlyOf(body).content.media[0]).toEqual({
      kind: "audio",
      source: { from: "platform", id: "ACRITA0016" },
    });
  });
});

describe("other kinds", () => {
  it("reads places, 0/0 too", () => {
    expect(only("location").content).toEqual({
      text: "Cristo Redentor\nAlto da Boa Vista",
      media: [],
      metadata: {
        location: {
          latitude: -22.9519,
          longitude: -43.2105,
          name: "Cristo Redentor",
          address: "Alto da Boa Vista",
        },
      },
    });
    expect(only("location-live-zero").content).toEqual({
      text: "0, 0",
      media: [],
      metadata: { location: { latitude: 0, longitude: 0, live: true } },
    });
  });

  it("reads contacts with WhatsApp's own numbers", () => {
    expect(only("contact").content.metadata).toEqual({
      contacts: [{ name: "Oficina do Zé", phones: ["+5521944445555"] }],
    });
    expect(only("contacts").content.text).toBe("Ana +5521944446666\nBia +5521944447777");
  });

  it("reads polls", () => {
    expect(only("poll").content).toEqual({
      text: "Que dia?\n- Sábado\n- Domingo",
      media: [],
      metadata: { poll: { question: "Que dia?", options: ["Sábado", "Domingo"], selectable: 1 } },
    });
  });

  it.each([
    ["undecryptable", "undecryptable"],
    ["unsupported-event", "eventMessage"],
  ])("keeps %s as unsupported", (name, type) => {
    expect(only(name)).toMatchObject({
      kind: "message",
      content: { text: "", media: [], metadata: { unsupported: { type } } },
    });
  });

  it("never stores a hostile name of a kind", () => {
    const body = payload("unsupported-event");
    body.data.messageType = "x".repeat(5000);
    body.data.message = { "<script>": {} };
    expect(onlyOf(body).content.metadata).toEqual({ unsupported: { type: "unnamed" } });
  });

  it("unwraps disappearing messages, and wrappers in wrappers", () => {
    expect(only("ephemeral").content.text).toBe("some em 24 h");
    const body = payload("ephemeral");
    const { message } = body.data;
    body.data.message = { deviceSentMessage: { destinationJid: "x", message } };
    expect(onlyOf(body).content.text).toBe("some em 24 h");
  });

  it("reads the text of buttons and lists sent from the same number", () => {
    const body = payload("send");
    body.data.message = { listMessage: { title: "Entrega", description: "Escolha o dia" } };
    body.data.messageType = "listMessage";
    expect(onlyOf(body).content.text).toBe("Entrega\nEscolha o dia");
  });

  it("takes the content's kind from the content where the named one is missing", () => {
    const body = payload("image");
    body.data.messageType = "conversation";
    expect(onlyOf(body).content.media[0]?.kind).toBe("image");
  });

  it("makes text well-formed and drops NUL", () => {
    const body = payload("text");
    body.data.message.conversation = "a\u0000b\ud83d";
    expect(onlyOf(body).content.text).toBe("ab\ufffd");
  });
});

describe("gestures", () => {
  it.each([
    ["button-reply", "3EB0LOJA0010", { type: "button", id: "confirm", title: "Confirmar" }],
    [
      "list-reply",
      "3EB0LOJA0011",
      { type: "list", id: "delivery:tomorrow", title: "Entrega amanhã" },
    ],
    ["template-reply", "3EB0LOJA0012", { type: "button", id: "stop", title: "Parar avisos" }],
    ["flow-reply", "3EB0LOJA0013", { type: "flow", id: "slot-9h", title: "Horário escolhido" }],
    ["poll-vote", "3EB0LOJA0009", { type: "poll_vote", values: ["Sábado"] }],
  ])("%s is an interaction on its message", (name, targetId, interaction) => {
    const message = only(name);
    expect(message).toMatchObject({ kind: "interaction", targetId });
    expect(message.content.metadata).toEqual({ interaction });
    expect(message.content.text).not.toBe("");
  });

  it("survives a flow answer that is no JSON", () => {
    const body = payload("flow-reply");
    body.data.message.interactiveResponseMessage.nativeFlowResponseMessage.paramsJson = "{";
    expect(onlyOf(body).content.metadata).toEqual({
      interaction: { type: "flow", title: "Horário escolhido" },
    });
  });

  it.each([
    ["reaction", { emoji: "❤️", action: "added" }],
    ["reaction-removed", { emoji: "", action: "removed" }],
  ])("%s is a reaction with a key of its own", (name, reaction) => {
    const message = only(name);
    expect(message).toMatchObject({ kind: "reaction", targetId: "3EB0LOJA0001" });
    expect(message.content.metadata).toEqual({ reaction });
    expect(message.eventKey.endsWith(message.platformId)).toBe(true);
  });
});

describe("secrets and leftovers", () => {
  it.each(["text", "image", "voice", "document-caption", "poll", "send", "error"])(
    "%s keeps none of Evolution's",
    (name) => {
      const reading = JSON.stringify(read(name));
      for (const stray of [
        "NOT-TO-BE-KEPT",
        "evo.example",
        "mmg.whatsapp.net",
        "mediaKey",
        "jpegThumbnail",
        "waveform",
        "messageSecret",
      ]) {
        expect(reading).not.toContain(stray);
      }
    },
  );
});
