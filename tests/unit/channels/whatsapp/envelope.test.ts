import { describe, expect, it } from "vitest";
import { whatsappAdapter } from "../../../../channels/whatsapp/adapter.ts";
import { rawWebhook } from "../../../contract/raw-webhook.ts";
import { parse, payload } from "./fixture.ts";

const reasonOf = (body: unknown) => {
  const result = parse(body);
  return result.ok ? "ok" : result.failure.reason;
};

describe("the envelope", () => {
  it.each(["MESSAGES_UPSERT", "messages.upsert", "messages-upsert", "Messages.Upsert"])(
    "reads %s as the same event",
    (event) => {
      expect(parse({ ...payload("text"), event })).toEqual(parse(payload("text")));
    },
  );

  it("takes the event from the path where the body has none", () => {
    const { event: _event, ...body } = payload("text");
    expect(parse(body, "messages-upsert")).toEqual(parse(payload("text")));
    expect(parse(body)).toMatchObject({
      ok: true,
      value: { ignored: [{ type: "not_a_webhook" }] },
    });
  });

  it.each(["loja-2", "LOJA-1", "loja-1 ", "", null, 7, undefined])(
    "refuses instance %j",
    (instance) => {
      expect(reasonOf({ ...payload("text"), instance })).toBe("wrong_connection");
    },
  );

  it.each([
    ["no data", { data: undefined }],
    ["a list as event", { event: [] }],
    ["text as data", { data: "hello" }],
    ["text as message", { data: { ...payload("text").data, message: "oi" } }],
    ["no key", { data: { ...payload("text").data, key: null } }],
    ["no address", { data: { ...payload("text").data, key: { id: "A", remoteJid: "" } } }],
    ["no address", { data: { ...payload("text").data, key: { id: "A", remoteJid: "a b@c" } } }],
    ["too many messages", { data: Array(101).fill(payload("text").data) }],
  ])("finds %s unusable", (_name, over) => {
    expect(reasonOf({ ...payload("text"), ...over })).toBe("wrong_shape");
  });

  it("bounds keys, and makes them well-formed", () => {
    const body = payload("text");
    body.data.key.id = "A".repeat(10_000);
    expect(reasonOf(body)).toBe("key_too_long");
    body.data.key.id = "X\ud800Y";
    expect(parse(body)).toMatchObject({
      ok: true,
      value: { messages: [{ platformId: "X\ufffdY" }] },
    });
  });

  it("is not polluted by hostile members", () => {
    const body = JSON.stringify(payload("text")).replace(
      '"data":{',
      '"__proto__":{"polluted":1},"data":{"__proto__":{"key":{}},"constructor":{"prototype":{"polluted":1}},',
    );
    const raw = rawWebhook(body);
    expect(whatsappAdapter.locate(raw)).toEqual({ addresses: ["loja-1"] });
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });
});

describe("locate", () => {
  it("names the instance", () => {
    const raw = rawWebhook(JSON.stringify(payload("text")));
    expect(whatsappAdapter.locate(raw)).toEqual({ addresses: ["loja-1"] });
  });

  it.each([
    "",
    "null",
    "[]",
    "{",
    '{"instance":5}',
    `{"instance":"${"x".repeat(129)}"}`,
    "[".repeat(99),
  ])("finds nothing in %j", (body) => {
    expect(whatsappAdapter.locate(rawWebhook(body))).toBeUndefined();
  });
});
