import { jwtVerify } from "jose";
import { afterEach, expect, test } from "vitest";
import type {
  EvolutionOptions,
  EvolutionSimulator,
} from "../../../simulators/evolution/simulator.ts";
import { type EvolutionBench, evolutionBench } from "./evolution-bench.ts";
import type { Listener } from "./listener.ts";

let bench: EvolutionBench;
let hub: Listener;
let evolution: EvolutionSimulator;
let call: EvolutionBench["call"];
let data: EvolutionBench["data"];
let key: EvolutionBench["key"];

const start = async (options: Partial<EvolutionOptions> = {}): Promise<void> => {
  bench = await evolutionBench(options);
  ({ hub, evolution, call, data, key } = bench);
};

afterEach(() => bench.stop());

test("a written text arrives as messages.upsert with the registered secret and a token jose accepts", async () => {
  await start();
  const { id } = await evolution.emit({
    instance: "acme-support",
    from: "+55 11 90000-0002",
    name: "Ana",
    text: "olá",
    wait: true,
  });
  const [first] = hub.heard;
  expect(first?.headers["x-webhook-secret"]).toBe("s");
  expect(first?.headers.jwt_key).toBeUndefined();
  const token = String(first?.headers.authorization).replace("Bearer ", "");
  const { payload } = await jwtVerify(token, new TextEncoder().encode("j"));
  expect(payload).toMatchObject({ app: "evolution", action: "webhook" });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(600);
  expect(first?.body).toMatchObject({
    event: "messages.upsert",
    instance: "acme-support",
    sender: "5511900000001@s.whatsapp.net",
    apikey: null,
  });
  expect(key()).toMatchObject({ id, remoteJid: "5511900000002@s.whatsapp.net", fromMe: false });
  expect(data()).toMatchObject({ pushName: "Ana", messageType: "conversation" });
  expect(Number.isInteger(data().messageTimestamp)).toBe(true);
});

test.each([
  [
    "2.3.6",
    { remoteJid: "77@lid", remoteJidAlt: "5511900000002@s.whatsapp.net", addressingMode: "lid" },
  ],
  ["2.3.7", { remoteJid: "5511900000002@s.whatsapp.net", addressingMode: "lid" }],
  [
    "2.4",
    { remoteJid: "5511900000002@s.whatsapp.net", remoteJidAlt: "77@lid", addressingMode: "pn" },
  ],
] as const)("release %s shows a hidden id its own way", async (version, expected) => {
  await start({ version });
  await evolution.emit({
    instance: "acme-support",
    from: "5511900000002",
    lid: "77",
    text: "x",
    wait: true,
  });
  expect(key()).toMatchObject(expected);
  expect(hub.heard[0]?.headers["x-instance-name"]).toBe(
    version === "2.4" ? "acme-support" : undefined,
  );
});

test("release 1 keeps extended text, names the owner and has no instanceId", async () => {
  await start({ version: "1" });
  await evolution.emit({
    instance: "acme-support",
    from: "5511900000002",
    text: "answer",
    quoted: { id: "Q1", text: "question" },
    wait: true,
  });
  expect(data()).toMatchObject({ messageType: "extendedTextMessage", owner: "acme-support" });
  expect(data().instanceId).toBeUndefined();
});

test("edits, deletes, reactions and media have their own shapes", async () => {
  await start();
  const from = "5511900000002";
  const say = (body: object) =>
    evolution.emit({ instance: "acme-support", from, wait: true, ...body });
  await say({ edit: { id: "AC1", text: "better" } });
  await say({ delete: "AC1" });
  await say({ reaction: { target: "3EB0", emoji: "👍" } });
  await say({ media: { kind: "image", caption: "look", inline: "base64" } });
  await say({ media: "voice", group: "120363000000000001", lid: "9" });
  expect(hub.heard.map(({ body }) => body.event)).toEqual([
    "messages.edited",
    "messages.delete",
    "messages.upsert",
    "messages.upsert",
    "messages.upsert",
  ]);
  expect(data(0)).toMatchObject({
    type: "MESSAGE_EDIT",
    editedMessage: { conversation: "better" },
  });
  expect(data(1)).toMatchObject({
    id: "AC1",
    status: "DELETED",
    remoteJid: `${from}@s.whatsapp.net`,
  });
  expect(data(2).message).toMatchObject({ reactionMessage: { text: "👍", key: { id: "3EB0" } } });
  expect(data(3).message).toMatchObject({
    imageMessage: { caption: "look", mimetype: "image/png" },
  });
  expect((data(3).message as { base64: string }).base64).toMatch(/^iVBOR/);
  expect(key(4)).toMatchObject({ remoteJid: "120363000000000001@g.us", participant: "9@lid" });
});

test("tries again after 503 and gives up at once after 404", async () => {
  await start();
  hub.answers = [503, 503, 200];
  await evolution.emit({
    instance: "acme-support",
    from: "5511900000002",
    text: "x",
    wait: true,
  });
  expect(hub.heard).toHaveLength(3);
  expect(hub.heard[1]?.raw).toBe(hub.heard[0]?.raw);
  hub.answers = [404];
  await evolution.emit({
    instance: "acme-support",
    from: "5511900000002",
    text: "y",
    wait: true,
  });
  expect(hub.heard).toHaveLength(4);
  expect(evolution.deliveries().map(({ status }) => status)).toEqual([503, 503, 200, 404]);
});

test("gives up after ten tries", async () => {
  await start({ timeScale: 0.00001 });
  hub.answers = Array(20).fill(500);
  await evolution.emit({
    instance: "acme-support",
    from: "5511900000002",
    text: "x",
    wait: true,
  });
  expect(hub.heard).toHaveLength(10);
});

test("by-event paths and event lists are honoured", async () => {
  await start();
  await call("/webhook/set/acme-support", {
    webhook: { enabled: true, url: `${hub.url}/w`, byEvents: true, events: ["MESSAGES_UPSERT"] },
  });
  await evolution.emit({
    instance: "acme-support",
    event: "contacts.update",
    data: [],
    wait: true,
  });
  await evolution.emit({
    instance: "acme-support",
    from: "5511900000002",
    text: "x",
    wait: true,
  });
  expect(hub.heard.map(({ path }) => path)).toEqual(["/w/messages-upsert"]);
  const found = await call("/webhook/find/acme-support");
  expect(await found.json()).toMatchObject({ url: `${hub.url}/w`, webhookByEvents: true });
});
