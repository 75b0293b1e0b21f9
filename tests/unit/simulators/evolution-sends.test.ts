/** Every kind of send, and what can be done to a message afterwards. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { type EvolutionBench, evolutionBench } from "./evolution-bench.ts";

const NUMBER = "5511900000002";
let bench: EvolutionBench;
beforeEach(async () => {
  bench = await evolutionBench();
});
afterEach(() => bench.stop());

const send = async (action: string, body: object) => {
  const response = await bench.call(`/message/${action}/acme-support`, { number: NUMBER, ...body });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

test.each([
  ["sendMedia", { mediatype: "image", media: "aGk=", caption: "c" }, "imageMessage"],
  [
    "sendMedia",
    { mediatype: "document", media: "http://x.test/a.pdf", fileName: "a" },
    "documentMessage",
  ],
  ["sendWhatsAppAudio", { audio: "aGk=" }, "audioMessage"],
  ["sendSticker", { sticker: "aGk=" }, "stickerMessage"],
  ["sendLocation", { latitude: 0, longitude: 0, name: "n" }, "locationMessage"],
  ["sendContact", { contact: [{ fullName: "A", phoneNumber: "1" }] }, "contactMessage"],
  ["sendPoll", { name: "q", values: ["a", "b"] }, "pollCreationMessageV3"],
  [
    "sendReaction",
    { key: { id: "X", remoteJid: `${NUMBER}@s.whatsapp.net`, fromMe: false }, reaction: "" },
    "reactionMessage",
  ],
] as const)("%s with %o is accepted as %s", async (action, body, type) => {
  const sent = await send(action, body);
  expect(sent.status).toBe(201);
  expect(sent.body).toMatchObject({ messageType: type, status: "PENDING", key: { fromMe: true } });
  await bench.hub.until((heard) => heard.some(({ body: { event } }) => event === "send.message"));
});

test.each([
  ["sendMedia", { mediatype: "image" }, "media"],
  ["sendLocation", { longitude: 1 }, "latitude"],
  ["sendPoll", { name: "q" }, "values"],
  ["sendReaction", { reaction: "x" }, "key"],
])("%s with %o lacks %s", async (action, body, property) => {
  const refused = await send(action, body);
  expect(refused.status).toBe(400);
  expect(refused.body).toMatchObject({
    response: { message: [[`instance requires property "${property}"`]] },
  });
});

test("a multipart file is media, and is given back by getBase64FromMediaMessage", async () => {
  const form = new FormData();
  form.set("number", NUMBER);
  form.set("mediatype", "document");
  form.set("file", new Blob(["content"], { type: "text/plain" }), "a.txt");
  const response = await fetch(`${bench.evolution.url}/message/sendMedia/acme-support`, {
    method: "POST",
    headers: { apikey: "k" },
    body: form,
  });
  const { key } = (await response.json()) as { key: { id: string } };
  const found = await bench.call("/chat/getBase64FromMediaMessage/acme-support", {
    message: { key },
  });
  const { base64 } = (await found.json()) as { base64: string };
  expect(Buffer.from(base64, "base64").toString()).toBe("content");
});

test("own messages are edited and deleted; others' and unknown ones are not", async () => {
  const sent = await send("sendText", { text: "a" });
  const key = sent.body.key as { id: string };
  const edit = (id: string) =>
    bench.call("/chat/updateMessage/acme-support", { number: NUMBER, key: { id }, text: "b" });
  expect((await edit(key.id)).status).toBe(200);
  expect((await edit("UNKNOWN")).status).toBe(400);
  const { id } = await bench.evolution.emit({ instance: "acme-support", from: NUMBER, text: "x" });
  expect((await edit(String(id))).status).toBe(400);
  const path = "/chat/deleteMessageForEveryone/acme-support";
  expect((await bench.call(path, key, "k", "DELETE")).status).toBe(201);
  await bench.hub.until((heard) => heard.some(({ body }) => body.event === "messages.delete"));
});

test("numbers are normalised and looked up, marks and presence are accepted", async () => {
  const numbers = ["5531987654321", "5511987654321", "123"];
  const found = await bench.call("/chat/whatsappNumbers/acme-support", { numbers });
  expect(await found.json()).toEqual([
    { jid: "553187654321@s.whatsapp.net", exists: true, number: "5531987654321" },
    { jid: "5511987654321@s.whatsapp.net", exists: true, number: "5511987654321" },
    { jid: "123@s.whatsapp.net", exists: false, number: "123" },
  ]);
  const read = { readMessages: [{ id: "X", fromMe: false, remoteJid: "x" }] };
  expect((await bench.call("/chat/markMessageAsRead/acme-support", read)).status).toBe(201);
  const presence = { number: NUMBER, presence: "composing", delay: 10 };
  expect((await bench.call("/chat/sendPresence/acme-support", presence)).status).toBe(201);
});

test("after thirty codes nobody scanned the server gives up", async () => {
  await fetch(`${bench.evolution.url}/_sim/disconnect`, {
    method: "POST",
    body: JSON.stringify({ instance: "acme-support" }),
  });
  const connect = async () =>
    (await (await bench.call("/instance/connect/acme-support")).json()) as { base64?: string };
  for (let n = 0; n < 30; n += 1) expect((await connect()).base64).toBeDefined();
  expect((await connect()).base64).toBeUndefined();
  await bench.hub.until((heard) =>
    heard.some(({ body }) => (body.data as { state?: string } | null)?.state === "refused"),
  );
});
