/** Who is believed: its own proof, unchanged, once, in time. */
import { expect, it } from "vitest";
import type { HeaderValues } from "../channel-samples.ts";
import { bytesOf, rawWebhook } from "../raw-webhook.ts";
import type { Suite } from "./suite.ts";

export const proofs: Suite = (adapter, samples) => {
  const { connection, nowMs, proofHeaders, proofWindow, webhooks } = samples;
  const [plain] = webhooks;
  const bytes = bytesOf(plain.body);
  const proofAt = (atMs: number, secret: "own" | "foreign" = "own") =>
    samples.prove(bytes, atMs, secret);
  const verify = async (headers: HeaderValues, body = bytes) => {
    const type = plain.contentType ?? "application/json";
    const raw = rawWebhook(body, { "content-type": type, ...headers });
    return (await adapter.verify(raw, connection, nowMs)).ok;
  };

  it("accepts its own", async () => {
    expect(await verify(await proofAt(nowMs))).toBe(true);
  });

  it("refuses a foreign secret", async () => {
    expect(await verify(await proofAt(nowMs, "foreign"))).toBe(false);
  });

  it("refuses a webhook without any proof", async () => {
    expect(await verify({})).toBe(false);
  });

  it.each(proofHeaders)("refuses it without %s, and with it empty", async (name) => {
    const { [name]: value, ...rest } = await proofAt(nowMs);
    expect(value).toBeDefined();
    expect(await verify(rest)).toBe(false);
    expect(await verify({ ...rest, [name]: "" })).toBe(false);
  });

  it.each(proofHeaders)("refuses it with %s twice, as a server joins them", async (name) => {
    const headers = await proofAt(nowMs);
    expect(await verify({ ...headers, [name]: `${headers[name]}, ${headers[name]}` })).toBe(false);
    expect(await verify({ ...headers, [name]: `${headers[name]}, x` })).toBe(false);
  });

  it.each(proofHeaders)("refuses %s with any character changed", async (name) => {
    const headers = await proofAt(nowMs);
    const value = headers[name] ?? "";
    for (const at of [0, 1, value.length >> 1, value.length - 1]) {
      const other = value[at] === "7" ? "3" : "7";
      const changed = value.slice(0, at) + other + value.slice(at + 1);
      expect(await verify({ ...headers, [name]: changed }), `character ${at}`).toBe(false);
    }
    expect(await verify({ ...headers, [name]: value.slice(0, -1) })).toBe(false);
    expect(await verify({ ...headers, [name]: "x".repeat(100_000) })).toBe(false);
  });

  if (samples.proofCoversBody)
    it("refuses a body with any byte changed", async () => {
      const headers = await proofAt(nowMs);
      for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
        const changed = bytes.slice();
        changed[at] = (changed[at] as number) ^ 1;
        expect(await verify(headers, changed), `byte ${at}`).toBe(false);
      }
      const longer = new Uint8Array(bytes.length + 1);
      longer.set(bytes);
      longer[bytes.length] = 0x0a;
      expect(await verify(headers, longer), "a newline appended").toBe(false);
      expect(await verify(headers, bytes.slice(0, -1)), "cut").toBe(false);
    });

  if (proofWindow)
    it("keeps its window, both ways", async () => {
      const { pastMs, futureMs } = proofWindow;
      expect(await verify(await proofAt(nowMs - pastMs + 2_000)), "old but in it").toBe(true);
      expect(await verify(await proofAt(nowMs - pastMs - 2_000)), "too old").toBe(false);
      expect(await verify(await proofAt(nowMs + futureMs - 2_000)), "ahead but in it").toBe(true);
      expect(await verify(await proofAt(nowMs + futureMs + 2_000)), "too far ahead").toBe(false);
      expect(await verify(await proofAt(nowMs - 3_600_000)), "an hour old").toBe(false);
    });
};
