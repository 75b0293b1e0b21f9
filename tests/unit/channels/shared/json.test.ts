import { describe, expect, it } from "vitest";
import { readJson } from "../../../../channels/shared/json.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const nested = (depth: number) => bytes("[".repeat(depth) + "]".repeat(depth));

describe("readJson", () => {
  it("reads JSON with and without a byte order mark", () => {
    expect(readJson(bytes('{"a":1}'))).toEqual({ ok: true, value: { a: 1 } });
    expect(readJson(bytes('\uFEFF{"a":1}'))).toEqual({ ok: true, value: { a: 1 } });
  });

  it.each([
    ["empty", bytes("")],
    ["text", bytes("hello")],
    ["half an object", bytes('{"a":')],
    ["an unterminated string", bytes('"abc\\')],
  ])("refuses %s as invalid_json", (_name, body) => {
    expect(readJson(body)).toMatchObject({ ok: false, failure: { reason: "invalid_json" } });
  });

  it("refuses bytes that are not UTF-8", () => {
    const body = new Uint8Array([0x22, 0xff, 0xfe, 0x22]);
    expect(readJson(body)).toMatchObject({ ok: false, failure: { reason: "invalid_utf8" } });
  });

  it("accepts nesting up to the limit and refuses one more", () => {
    expect(readJson(nested(64)).ok).toBe(true);
    expect(readJson(nested(65))).toMatchObject({ ok: false, failure: { reason: "too_deep" } });
    expect(readJson(nested(3), 2)).toMatchObject({ ok: false, failure: { reason: "too_deep" } });
  });

  it("does not count brackets inside strings", () => {
    const text = JSON.stringify({ text: `${"[{".repeat(500)}\\"` });
    expect(readJson(bytes(text)).ok).toBe(true);
  });

  it("refuses a million brackets without recursion", () => {
    expect(readJson(bytes("[".repeat(1_000_000)))).toMatchObject({
      ok: false,
      failure: { reason: "too_deep" },
    });
  });

  it("keeps __proto__ an ordinary own key", () => {
    const reading = readJson(bytes('{"__proto__":{"polluted":true}}'));
    expect(reading.ok && Object.hasOwn(reading.value as object, "__proto__")).toBe(true);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
