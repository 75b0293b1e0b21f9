import { describe, expect, it } from "vitest";
import { OWNER, only, onlyOf, payload, RITA, RITA_LID, read, readBody } from "./fixture.ts";

const PHONE = "5521922223333";

describe("a message of a contact", () => {
  it("is read whole", () => {
    expect(only("text")).toEqual({
      kind: "message",
      origin: "contact",
      eventKey: `loja-1:${RITA}:ACRITA0001`,
      conversationKey: RITA,
      platformId: "ACRITA0001",
      sender: { id: RITA, aliases: [PHONE], name: "Rita" },
      group: false,
      content: { text: "Bom dia! Vocês abrem hoje?", media: [], metadata: {} },
      timestampMs: 1_772_370_000_000,
      mentions: [],
    });
  });

  it.each(["text-2.3.6-lid", "text-2.4-lid"])(
    "%s has one conversation and every alias, wherever the release puts the number",
    (name) => {
      const message = only(name);
      expect(message.conversationKey).toBe(RITA);
      expect(message.eventKey).toBe(`loja-1:${RITA}:ACRITA0003`);
      expect(message.sender).toEqual({ id: RITA, aliases: [RITA_LID, PHONE], name: "Rita" });
    },
  );

  it("knows no hidden id where 2.3.7 has overwritten it", () => {
    const { conversationKey, eventKey, sender } = only("text-2.3.7-lid");
    expect([conversationKey, eventKey]).toEqual([RITA, `loja-1:${RITA}:ACRITA0003`]);
    expect(sender.aliases).toEqual([PHONE]);
  });

  it("is filed under the hidden id where there is no number", () => {
    const message = only("text-only-lid");
    expect(message.conversationKey).toBe(RITA_LID);
    expect(message.sender).toEqual({ id: RITA_LID, aliases: [], name: "Rita" });
  });

  it("takes older releases' names of the other address", () => {
    const body = payload("text-only-lid");
    body.data.key.senderPn = RITA;
    expect(onlyOf(body)).toMatchObject({ conversationKey: RITA, sender: { id: RITA } });
  });

  it("loses the device, and the spelling of older servers", () => {
    const body = payload("text");
    for (const jid of ["5521922223333:12@s.whatsapp.net", "5521922223333@c.us", PHONE]) {
      body.data.key.remoteJid = jid;
      expect(onlyOf(body).conversationKey).toBe(RITA);
    }
  });

  it("in a group has its author, and the bot's mention typed", () => {
    const message = only("group-mention");
    expect(message).toMatchObject({
      conversationKey: "120363900000000009@g.us",
      group: true,
      sender: { id: RITA, aliases: [RITA_LID, PHONE], name: "Rita" },
      mentions: [
        { kind: "bot", id: OWNER },
        { kind: "user", id: "5531933334444@s.whatsapp.net" },
      ],
    });
  });

  it.each(["text-quoted", "text-v1"])("%s replies to what it quotes", (name) => {
    expect(only(name).replyTo).toBe("3EB0LOJA0001");
  });

  it("of version 1 keeps its text and its time", () => {
    expect(only("text-v1")).toMatchObject({
      content: { text: "Respondendo: sim" },
      timestampMs: 1_772_370_000_000,
    });
  });

  it("quotes from the content's own member too", () => {
    const body = payload("image");
    body.data.message.imageMessage.contextInfo = { stanzaId: "3EB0Q" };
    expect(onlyOf(body).replyTo).toBe("3EB0Q");
  });
});

describe("a message of our own", () => {
  it("typed on the phone is the phone's, without the placeholder name", () => {
    expect(only("text-from-phone")).toMatchObject({
      origin: "phone",
      conversationKey: RITA,
      sender: { id: OWNER, aliases: ["5511911110000"] },
    });
    expect(only("text-from-phone").sender.name).toBeUndefined();
  });

  it("sent through the API is the API's, with the key of the same message on the phone", () => {
    expect(only("send")).toMatchObject({
      origin: "api",
      eventKey: `loja-1:${RITA}:3EB0LOJA0001`,
      timestampMs: 1_772_370_000_000,
    });
  });

  it("is filed under the person where the address is a bare number", () => {
    expect(only("send-bare-number")).toMatchObject({ origin: "api", conversationKey: RITA });
  });

  it("never becomes the contact's name", () => {
    const body = payload("text-2.3.6-lid");
    body.data.key.fromMe = true;
    body.data.key.senderPn = OWNER;
    expect(onlyOf(body)).toMatchObject({ conversationKey: RITA, sender: { id: OWNER } });
  });
});

describe("what is no conversation", () => {
  it.each([
    ["status-story", "status_broadcast"],
    ["newsletter", "newsletter"],
    ["history", "history"],
    ["keys-only", "senderKeyDistributionMessage"],
    ["call", "CALL"],
    ["contacts-update", "CONTACTS_UPDATE"],
    ["group-participants", "GROUP_PARTICIPANTS_UPDATE"],
    ["presence", "PRESENCE_UPDATE"],
    ["error", "ERROR"],
    ["rest-send-201", "not_a_webhook"],
  ])("%s is ignored as %s", (name, type) => {
    expect(read(name)).toMatchObject({ messages: [], statuses: [], ignored: [{ type }] });
  });

  it("is ignored under its own name when unknown", () => {
    const body = { ...payload("text"), event: "typebot.start" };
    expect(readBody(body).ignored).toEqual([{ type: "TYPEBOT_START" }]);
  });
});

describe("several messages in one webhook", () => {
  it("are each read, from both shapes of a list", () => {
    const ids = ["ACRITA0060", "ACRITA0061"];
    expect(read("batch").messages.map(({ platformId }) => platformId)).toEqual(ids);
    expect(readBody({ ...payload("batch"), data: [] }).ignored).toEqual([{ type: "empty_list" }]);
    const list = { ...payload("batch"), data: payload("batch").data.messages };
    expect(readBody(list).messages.map(({ platformId }) => platformId)).toEqual(ids);
  });
});

describe("times", () => {
  it.each([
    [1_772_370_000, 1_772_370_000_000],
    ["1772370000", 1_772_370_000_000],
    [{ low: 1_772_370_000, high: 0, unsigned: true }, 1_772_370_000_000],
    [-5, undefined],
    [0, undefined],
    [1e20, undefined],
    [null, undefined],
    ["soon", undefined],
    [{ low: "x", high: 0 }, undefined],
    [{ low: 1, high: 1e9 }, undefined],
    [[], undefined],
  ])("%j is read as %s", (messageTimestamp, timestampMs) => {
    const body = payload("text");
    body.data.messageTimestamp = messageTimestamp;
    expect(onlyOf(body).timestampMs).toBe(timestampMs);
  });

  it("reads 64-bit words with a negative low half", () => {
    expect(only("send-update").timestampMs).toBe(1_772_370_005_000);
  });
});
