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

const start = async (options: Partial<EvolutionOptions> = {}): Promise<void> => {
  bench = await evolutionBench(options);
  ({ hub, evolution, call } = bench);
};

afterEach(() => bench.stop());

test("a send is answered PENDING and followed by send.message and three states", async () => {
  await start();
  const response = await call("/message/sendText/acme-support", {
    number: "5511900000002",
    text: "oi",
  });
  expect(response.status).toBe(201);
  const sent = (await response.json()) as { key: { id: string }; status: string };
  expect(sent.status).toBe("PENDING");
  await hub.until((heard) => heard.length >= 4);
  const states = hub.heard.filter(({ body }) => body.event === "messages.update");
  expect(states.map(({ body }) => (body.data as { status: string }).status).sort()).toEqual([
    "DELIVERY_ACK",
    "READ",
    "SERVER_ACK",
  ]);
  expect(states.every(({ body }) => (body.data as { keyId: string }).keyId === sent.key.id)).toBe(
    true,
  );
  expect(evolution.calls()).toMatchObject([
    {
      n: 1,
      method: "POST",
      path: "/message/sendText/acme-support",
      tenant: "acme",
      body: { text: "oi" },
    },
  ]);
});

test("2.4 repeats a send of one messageId without a second message, 2.3.7 does not", async () => {
  await start({ version: "2.4", emitSends: false });
  const send = { number: "5511900000002", text: "oi", messageId: "MINE1" };
  const first = await (await call("/message/sendText/acme-support", send)).json();
  expect(first).toMatchObject({ key: { id: "MINE1" } });
  expect(await (await call("/message/sendText/acme-support", send)).json()).toEqual(first);
  const found = await call("/chat/findMessages/acme-support", {
    where: { key: { id: "MINE1" } },
  });
  expect(await found.json()).toMatchObject({ messages: { total: 1, currentPage: 1, pages: 1 } });
  await bench.stop();
  await start({ emitSends: false });
  const other = (await (await call("/message/sendText/acme-support", send)).json()) as {
    key: { id: string };
  };
  expect(other.key.id).not.toBe("MINE1");
});

test("errors have Evolution's shape", async () => {
  await start();
  const text = { number: "5511900000002", text: "oi" };
  const unauthorized = await call("/message/sendText/acme-support", text, "wrong");
  expect(unauthorized.status).toBe(401);
  expect(await unauthorized.json()).toEqual({
    status: 401,
    error: "Unauthorized",
    response: { message: "Unauthorized" },
  });
  const unknown = await call("/message/sendText/nobody", text);
  expect(unknown.status).toBe(404);
  expect(await unknown.json()).toMatchObject({
    response: { message: ['The "nobody" instance does not exist'] },
  });
  const route = await call("/message/sendNothing/acme-support", text);
  expect(await route.json()).toMatchObject({
    response: { message: ["Cannot POST /message/sendNothing/acme-support"] },
  });
  await fetch(`${evolution.url}/_sim/absent`, {
    method: "POST",
    body: JSON.stringify({ numbers: ["5511900000009"] }),
  });
  const absent = await call("/message/sendText/acme-support", {
    ...text,
    number: "5511900000009",
  });
  expect(absent.status).toBe(400);
  expect(await absent.json()).toMatchObject({
    response: { message: [{ exists: false, number: "5511900000009" }] },
  });
  const empty = await call("/message/sendText/acme-support", { number: "5511900000002" });
  expect(await empty.json()).toMatchObject({
    response: { message: [['instance requires property "text"']] },
  });
});

test("an instance is created, paired by scanning, logged out and deleted", async () => {
  await start();
  const global = evolution.globalApiKey;
  const body = {
    instanceName: "new",
    integration: "WHATSAPP-BAILEYS",
    qrcode: true,
    webhook: {
      enabled: true,
      url: `${hub.url}/new`,
      headers: {},
      byEvents: false,
      base64: false,
      events: [],
    },
  };
  expect((await call("/instance/create", { instanceName: "new" }, global)).status).toBe(400);
  const created = await call("/instance/create", body, global);
  expect(created.status).toBe(201);
  const made = (await created.json()) as { hash: string; qrcode: { base64: string } };
  expect(made.qrcode.base64).toMatch(/^data:image\/png;base64,iVBOR/);
  expect((await call("/instance/create", body, global)).status).toBe(403);
  const offline = await call(
    "/message/sendText/new",
    { number: "5511900000002", text: "x" },
    made.hash,
  );
  expect(await offline.json()).toMatchObject({
    status: 400,
    response: { message: ["Error: Connection Closed"] },
  });
  await fetch(`${evolution.url}/_sim/scan`, {
    method: "POST",
    body: JSON.stringify({ instance: "new" }),
  });
  await hub.until((heard) =>
    heard.some(({ body }) => (body.data as { state?: string } | null)?.state === "open"),
  );
  expect(hub.heard.some(({ body }) => body.event === "qrcode.updated")).toBe(true);
  const state = await call("/instance/connectionState/new", undefined, made.hash);
  expect(await state.json()).toEqual({ instance: { instanceName: "new", state: "open" } });
  expect((await call("/instance/delete/new", undefined, made.hash, "DELETE")).status).toBe(400);
  expect((await call("/instance/logout/new", undefined, made.hash, "DELETE")).status).toBe(200);
  expect((await call("/instance/logout/new", undefined, made.hash, "DELETE")).status).toBe(400);
  expect((await call("/instance/delete/new", undefined, made.hash, "DELETE")).status).toBe(200);
  expect((await call("/instance/connectionState/new", undefined, made.hash)).status).toBe(404);
});

test("release 1 gives the token as an object", async () => {
  await start({ version: "1" });
  const body = { instanceName: "old", integration: "WHATSAPP-BAILEYS", token: "T" };
  const created = await call("/instance/create", body, evolution.globalApiKey);
  expect(await created.json()).toMatchObject({ hash: { apikey: "T" } });
});

test("media that came without bytes can be fetched", async () => {
  await start();
  const { id } = await evolution.emit({
    instance: "acme-support",
    from: "5511900000002",
    media: "document",
  });
  const response = await call("/chat/getBase64FromMediaMessage/acme-support", {
    message: { key: { id } },
  });
  expect(response.status).toBe(201);
  const found = (await response.json()) as { base64: string };
  expect(Buffer.from(found.base64, "base64").toString()).toMatch(/^%PDF/);
});

test("a server without licence answers 503 to everything", async () => {
  await start({ licensed: false });
  const response = await call("/instance/connectionState/acme-support");
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ code: "LICENSE_REQUIRED" });
});

test("two instances of one name are told apart by their tokens", async () => {
  await start();
  evolution.register({ instance: "acme-support", tenant: "globex", apiKey: "k2" });
  await call("/message/sendText/acme-support", { number: "5511900000002", text: "a" }, "k2");
  expect(evolution.calls()[0]?.tenant).toBe("globex");
});

test("registering an instance of a tenant again replaces it", async () => {
  await start();
  const again = { instance: "acme-support", tenant: "acme", apiKey: "k", state: "close" } as const;
  evolution.register(again);
  const state = await call("/instance/connectionState/acme-support");
  expect(await state.json()).toMatchObject({ instance: { state: "close" } });
});
