/** The adapter against the simulated Evolution, release by release: each understands the other. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { whatsappAdapter } from "../../../../channels/whatsapp/adapter.ts";
import type { Connection, WhatsappConnection } from "../../../../schema/connection.ts";
import type {
  OutboundContent,
  OutboundMessage,
  OutboundRequest,
  StepResponse,
} from "../../../../schema/outbound.ts";
import type { WebhookReading } from "../../../../schema/parsed.ts";
import {
  type EvolutionSimulator,
  startEvolution,
} from "../../../../simulators/evolution/simulator.ts";
import { rawWebhook } from "../../../contract/raw-webhook.ts";

const FROM = "5521922223333";
const JID = `${FROM}@s.whatsapp.net`;
/** The server drops the ninth digit of mobiles in this area. */
const SENT_JID = "552122223333@s.whatsapp.net";
const LID = "990000000000001@lid";
const JWT_KEY = "jwt-key-of-the-simulator";
const SECRET = "webhook-secret-of-the-simulator";

let receiver: Server;
let port = 0;
/** Every message has an id of its own: since 2.4 the id makes a send idempotent. */
let serial = 1;
let received: { url: string; headers: Record<string, string>; body: string }[] = [];

beforeAll(async () => {
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const headers = request.headers as Record<string, string>;
      received.push({ url: request.url ?? "", headers, body: Buffer.concat(chunks).toString() });
      response.end();
    });
  });
  await new Promise<void>((listening) => receiver.listen(0, "127.0.0.1", listening));
  port = (receiver.address() as AddressInfo).port;
});
beforeEach(() => {
  received = [];
});
afterAll(() => new Promise((closed) => receiver.close(closed)));

describe.each(["1", "2.3.6", "2.3.7", "2.4"] as const)("Evolution %s", (version) => {
  let simulator: EvolutionSimulator;
  let connection: Connection<WhatsappConnection>;

  beforeAll(async () => {
    const url = `http://127.0.0.1:${port}/hook`;
    const headers = { "x-webhook-secret": SECRET, jwt_key: JWT_KEY };
    const account = { instance: "loja-1", apiKey: "token-1", owner: "5511911110000" };
    simulator = await startEvolution({
      version,
      timeScale: 0.02,
      accounts: [{ ...account, webhook: { url, headers, byEvents: true } }],
    });
    connection = {
      id: "wa-1",
      tenant: "acme",
      channel: "whatsapp",
      provider: "evolution",
      instance: "loja-1",
      version,
      baseUrl: simulator.url,
      credentials: { apiKey: "token-1", webhookSecret: SECRET, jwtKey: JWT_KEY },
    };
  });
  afterAll(() => simulator.stop());

  it("is believed by its header and by its token", async () => {
    await emit({ from: FROM, text: "oi" });
    const [webhook] = received;
    const raw = rawWebhook(webhook?.body ?? "", webhook?.headers);
    for (const only of [{ webhookSecret: SECRET }, { jwtKey: JWT_KEY }]) {
      const credentials = { apiKey: "x", ...only };
      const result = await whatsappAdapter.verify(raw, { ...connection, credentials }, Date.now());
      expect(result).toEqual({ ok: true, value: undefined });
    }
  });

  it("has one conversation for a person with a hidden id", async () => {
    const reading = await emit({ from: FROM, lid: LID, name: "Rita", text: "oi" });
    const [message] = reading.messages;
    expect(message).toMatchObject({ kind: "message", origin: "contact", conversationKey: JID });
    expect(message?.sender).toMatchObject({ id: JID, name: "Rita" });
    expect(message?.content.text).toBe("oi");
  });

  it("shows only the hidden id of some", async () => {
    const reading = await emit({ from: FROM, lid: LID, onlyLid: true, text: "oi" });
    expect(reading.messages).toMatchObject([{ conversationKey: LID }]);
  });

  it("quotes, except in a plain text of 2.4", async () => {
    const { messages } = await emit({ from: FROM, text: "sim", quoted: { id: "Q1", text: "?" } });
    expect(messages[0]?.replyTo).toBe(version === "2.4" ? undefined : "Q1");
  });

  it.each(["image", "video", "audio", "voice", "document", "sticker"])("sends %s", async (kind) => {
    const { messages } = await emit({ from: FROM, media: { kind, caption: "olha" } });
    expect(messages[0]?.content).toMatchObject({ text: "olha", media: [{ kind }] });
  });

  it("sends gestures and other kinds", async () => {
    const kinds = [
      [{ reaction: { target: "3EB0A", emoji: "👍" } }, { kind: "reaction", targetId: "3EB0A" }],
      [{ edit: { id: "A1", text: "novo" } }, { kind: "edit", targetId: "A1" }],
      [{ delete: "A1" }, { kind: "delete", targetId: "A1" }],
      [{ button: { id: "yes", text: "Sim" } }, { kind: "interaction" }],
      [
        { text: "do celular", fromMe: true },
        { kind: "message", origin: "phone" },
      ],
      [{ location: { latitude: 0, longitude: 0 } }, { kind: "message" }],
      [{ contact: { name: "Zé", phone: "5521944445555" } }, { kind: "message" }],
      [{ poll: { question: "Dia?", options: ["a", "b"] } }, { kind: "message" }],
    ] as const;
    for (const [body, expected] of kinds) {
      const { messages } = await emit({ from: FROM, ...body });
      expect(messages).toMatchObject([{ conversationKey: JID, ...expected }]);
    }
  });

  it("takes a text, echoes it, and tells how far it got", async () => {
    const [step] = await send({ type: "text", text: "**oi**" });
    const readings = await settled(4);
    expect(readings.flatMap(({ messages }) => messages)).toMatchObject([
      { origin: "api", platformId: step?.platformId, content: { text: "*oi*" } },
    ]);
    expect(readings.flatMap(({ statuses }) => statuses)).toEqual(
      expect.arrayContaining(
        ["sent", "delivered", "read"].map((status) => ({ platformId: step?.platformId, status })),
      ),
    );
  });

  it("takes deletions and typing, and edits and reactions since version 2", async () => {
    const [step] = await send({ type: "text", text: "oi" });
    const target = step?.platformId ?? "";
    const always = [
      { type: "delete", target },
      { type: "typing", durationMs: 10 },
    ] as const;
    // The simulated server has version 2's shapes only for these two.
    const sinceTwo = [
      { type: "edit", target, text: "novo" },
      { type: "reaction", target, emoji: "👍" },
    ] as const;
    for (const content of version === "1" ? always : [...sinceTwo, ...always]) {
      expect(await send(content)).toHaveLength(1);
    }
  });

  it("makes one message of a repeated send since 2.4, and two before", async () => {
    const message = outbound({ type: "text", text: "uma vez" });
    const ids = [await attempt(message), await attempt(message)].map(
      (outcome) => outcome.outcome === "delivered" && outcome.platformId,
    );
    expect(new Set(ids).size).toBe(version === "2.4" ? 1 : 2);
  });

  it("shows what went out, and what did not", async () => {
    const content = { type: "text", text: `unique ${version}` } as const;
    const message = outbound(content, { conversationKey: SENT_JID });
    const { id } = message;
    const request = whatsappAdapter.reconciliation?.request(message, connection);
    const ask = async () => {
      const answer = await call(request as OutboundRequest);
      return whatsappAdapter.reconciliation?.read(message, answer.status, answer.body);
    };
    expect((await ask())?.found).not.toBe("yes");
    const [step] = await send(content, { id, conversationKey: SENT_JID });
    expect(await ask()).toMatchObject({ found: "yes", platformId: step?.platformId });
  });

  it("says who is not on WhatsApp, and who we are not", async () => {
    const absent = outbound(
      { type: "text", text: "oi" },
      { conversationKey: "55219@s.whatsapp.net" },
    );
    expect(await attempt(absent)).toMatchObject({ outcome: "failed", reason: "not_on_whatsapp" });
    const stranger = { ...connection, credentials: { apiKey: "wrong" } };
    const text = outbound({ type: "text", text: "oi" });
    expect(await attempt(text, stranger)).toMatchObject({ reason: "unauthorized" });
    const elsewhere = { ...connection, instance: "loja-9" };
    expect(await attempt(text, elsewhere)).toMatchObject({ reason: "instance_not_found" });
  });

  async function emit(body: Record<string, unknown>): Promise<WebhookReading> {
    const before = received.length;
    await simulator.emit({ instance: "loja-1", wait: true, ...body });
    const mine = received.slice(before).map(readingOf);
    const found = mine.find(({ messages, statuses }) => messages.length + statuses.length > 0);
    return found ?? { ack: { status: 200 }, messages: [], statuses: [], ignored: [] };
  }

  function readingOf(webhook: (typeof received)[number]): WebhookReading {
    const suffix = webhook.url.slice("/hook/".length);
    const raw = rawWebhook(webhook.body, webhook.headers, suffix);
    const result = whatsappAdapter.parse(raw, { connection, nowMs: Date.now() });
    if (!result.ok) {
      throw new Error(`${webhook.url}: ${result.failure.reason} ${result.failure.detail}`);
    }
    return result.value;
  }

  /** Waits for that many webhooks. */
  async function settled(count: number): Promise<WebhookReading[]> {
    await expect.poll(() => received.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(count);
    return received.map(readingOf);
  }

  async function send(content: OutboundContent, over: Partial<OutboundMessage> = {}) {
    const message = outbound(content, over);
    const steps: StepResponse[] = [];
    for (;;) {
      const next = whatsappAdapter.next(message, connection, steps);
      if (next === "done") return steps;
      if ("refused" in next) throw new Error(next.refused);
      const outcome = await judged(next);
      if (outcome.outcome !== "delivered") throw new Error(JSON.stringify(outcome));
      steps.push({ step: next.step, ...outcome });
    }
  }

  async function attempt(message: OutboundMessage, as = connection) {
    const next = whatsappAdapter.next(message, as, []);
    if (typeof next === "string" || "refused" in next) throw new Error("nothing to send");
    return judged(next);
  }

  async function judged(request: OutboundRequest) {
    const { status, headers, body } = await call(request);
    return whatsappAdapter.readResponse(request, status, headers, body);
  }
});

async function call({ url, method, headers, body }: OutboundRequest) {
  const json = body.as === "json" ? JSON.stringify(body.json) : "";
  const sent = { "content-type": "application/json", ...headers };
  const response = await fetch(url, { method, headers: sent, body: json });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

function outbound(content: OutboundContent, over: Partial<OutboundMessage> = {}): OutboundMessage {
  const id = `msg_01hq000000${String(serial++).padStart(12, "0")}`;
  return { id, conversationKey: JID, content, createdAtMs: Date.now(), ...over };
}
