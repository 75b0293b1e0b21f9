import { describe, expect, it } from "vitest";
import { platformIdOf } from "../../../../channels/whatsapp/message-id.ts";
import { evolutionReconciliation as reconciliation } from "../../../../channels/whatsapp/reconcile.ts";
import type {
  OutboundContent,
  OutboundMessage,
  StepResponse,
} from "../../../../schema/outbound.ts";
import { connection, nowMs, RITA } from "./fixture.ts";

const NOW_SECONDS = nowMs / 1000;

function message(content: OutboundContent): OutboundMessage {
  const id = "msg_01hq000000abcdefghjkmn";
  return { id, conversationKey: RITA, content, createdAtMs: nowMs };
}

const text = message({ type: "text", text: "**oi**" });

function record(id: string, conversation: string, over: object = {}, key: object = {}) {
  return {
    id: `db-${id}`,
    key: { id, fromMe: true, remoteJid: RITA, ...key },
    messageType: "conversation",
    message: { conversation },
    messageTimestamp: NOW_SECONDS,
    ...over,
  };
}

function page(records: readonly object[], pages = 1): string {
  return JSON.stringify({
    messages: { total: records.length, pages, currentPage: 1, records },
  });
}

const read = (body: string, delivered?: readonly StepResponse[], what = text) =>
  reconciliation.read(what, 200, body, delivered);
const theirs = record("ACX", "oi?", {}, { fromMe: false });

describe("asking whether a send went out", () => {
  it("lists the chat", () => {
    expect(reconciliation.request(text, connection)).toEqual({
      step: "reconcile",
      method: "POST",
      url: "https://evo.example/chat/findMessages/loja-1",
      headers: { apikey: "instance-token" },
      body: { as: "json", json: { where: { key: { remoteJid: RITA } }, page: 1 } },
      timeoutMs: 10_000,
      idempotent: true,
    });
  });

  it.each([
    message({ type: "typing" }),
    message({ type: "delete", target: "A" }),
    message({ type: "text", text: " " }),
    { ...text, conversationKey: "?" },
  ])("is not asked where no message would be made", (what) => {
    expect(reconciliation.request(what, connection)).toBeUndefined();
  });

  it("finds ours by its text", () => {
    const found = read(page([theirs, record("3EB0A", "*oi*")]));
    const step = { step: "part:0", outcome: "delivered", platformId: "3EB0A" };
    expect(found).toEqual({ found: "yes", platformId: "3EB0A", steps: [step] });
  });

  it("finds ours by the id we chose, whatever it shows", () => {
    const id = platformIdOf(text.id, "part:0");
    expect(read(page([record(id, "")]))).toMatchObject({ found: "yes", platformId: id });
  });

  it.each([
    ["theirs", record("X", "*oi*", {}, { fromMe: false })],
    ["another text", record("X", "oi")],
    ["an older one", record("X", "*oi*", { messageTimestamp: NOW_SECONDS - 60 })],
    ["one without a time", record("X", "*oi*", { messageTimestamp: null })],
  ])("does not take %s for it", (_name, other) => {
    expect(read(page([other]))).toEqual({ found: "no" });
  });

  it("allows for clocks that differ by seconds, and times as text", () => {
    const early = record("3EB0A", "*oi*", { messageTimestamp: String(NOW_SECONDS - 4) });
    expect(read(page([early]))).toMatchObject({ found: "yes" });
  });

  it("cannot tell from a chat of which nothing is shown", () => {
    expect(read(page([]))).toEqual({ found: "unknown" });
  });

  it("cannot tell when the page does not reach back to the send", () => {
    const newer = record("X", "later", { messageTimestamp: NOW_SECONDS + 60 });
    expect(read(page([newer], 2))).toEqual({ found: "unknown" });
    const older = record("Y", "before", { messageTimestamp: NOW_SECONDS - 60 });
    expect(read(page([newer, older], 2))).toEqual({ found: "no" });
  });

  it.each([
    [500, page([theirs])],
    [200, ""],
    [200, "{}"],
    [200, '{"messages":5}'],
    [200, "null"],
    [200, '{"messages":{"records":{}}}'],
  ])("cannot tell from %d %s", (status, body) => {
    expect(reconciliation.read(text, status, body)).toEqual({ found: "unknown" });
  });

  it("reads the bare list of version 1", () => {
    expect(read(JSON.stringify([record("3EB0A", "*oi*")]))).toMatchObject({ found: "yes" });
  });

  it("looks for the first part not known, and not twice for the same message", () => {
    const long = message({ type: "text", text: `${"a".repeat(4096)}\n\n${"a".repeat(4096)}` });
    const first: StepResponse = { step: "part:0", outcome: "delivered", platformId: "3EB0A" };
    const recordOf = (id: string) => record(id, "a".repeat(4096));
    expect(read(page([recordOf("3EB0A")]), [first], long)).toEqual({ found: "no" });
    expect(read(page([recordOf("3EB0B"), recordOf("3EB0A")]), [first], long)).toEqual({
      found: "yes",
      platformId: "3EB0B",
      steps: [first, { step: "part:1", outcome: "delivered", platformId: "3EB0B" }],
    });
  });

  it("finds media by kind and caption", () => {
    const source = { from: "url", url: "https://media.example/a.ogg" } as const;
    const image = message({ type: "media", media: [{ kind: "image", source }], text: "olha" });
    const sent = (caption: string) =>
      record("3EB0M", "", { message: { imageMessage: { caption } }, messageType: "imageMessage" });
    expect(read(page([sent("olha")]), [], image)).toMatchObject({ found: "yes" });
    expect(read(page([sent("outra")]), [], image)).toEqual({ found: "no" });
    const voice = message({ type: "media", media: [{ kind: "voice", source }] });
    const audio = record("3EB0V", "", { message: { audioMessage: { ptt: true } } });
    expect(read(page([audio]), [], voice)).toMatchObject({ found: "yes", platformId: "3EB0V" });
  });
});
