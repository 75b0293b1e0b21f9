import { describe, expect, test } from "vitest";
import { fromBase64Url, toBase64Url, toHex } from "../../../../domain/security/base64url.ts";
import {
  formatEnvelope,
  keyContext,
  parseEnvelope,
  parseKeks,
  valueContext,
} from "../../../../domain/security/envelope.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("the text form of a sealed value", () => {
  const envelope = {
    version: 7,
    iv: new Uint8Array(12).fill(1),
    ciphertext: new Uint8Array([250, 251, 252]),
  };

  test("is four parts and reads back", () => {
    const sealed = formatEnvelope(envelope);
    expect(sealed).toBe("v1.7.AQEBAQEBAQEBAQEB.-vv8");
    expect(parseEnvelope(sealed)).toEqual({ ok: true, value: envelope });
  });

  test.each([
    "",
    "v1.7.AQEBAQEBAQEBAQEB",
    "v2.7.AQEBAQEBAQEBAQEB.-vv8",
    "v1.0.AQEBAQEBAQEBAQEB.-vv8",
    "v1.1e999.AQEBAQEBAQEBAQEB.-vv8",
    "v1.7.AQEB.-vv8",
    "v1.7.AQEBAQEBAQEBAQEB.",
    "v1.7.AQEBAQEBAQEBAQEB.-vv8.x",
    "v1.7.AQEBAQEBAQEBAQE*.-vv8",
  ])("%j is malformed", (sealed) => {
    expect(parseEnvelope(sealed)).toEqual({ ok: false, failure: { reason: "malformed" } });
  });

  test("no two things share their authenticated data", () => {
    const contexts = [
      valueContext("a", "b", 1),
      valueContext("a", "b", 2),
      valueContext("b", "a", 1),
      valueContext("dek", "", 1),
      keyContext("a", 1, "b"),
      keyContext("a", 1, "c"),
    ].map(text);
    expect(new Set(contexts).size).toBe(contexts.length);
  });
});

describe("key-encryption keys", () => {
  const key = btoa("0123456789abcdef0123456789abcdef");

  test("are read in order, spaces aside", () => {
    const read = parseKeks(`new:${key}, old:${key}`);
    expect(read.ok && read.value.map(({ kid, bytes }) => [kid, bytes.length])).toEqual([
      ["new", 32],
      ["old", 32],
    ]);
  });

  test.each(["", ",", `a b:${key}`, `:${key}`, `k:${key.slice(4)}`, `k:${key},k:${key}`, "k:***"])(
    "%j is refused without being repeated in the reason",
    (list) => {
      const read = parseKeks(list);
      expect(read.ok).toBe(false);
      if (!read.ok && list.length > 8) expect(read.failure.reason).not.toContain(list.slice(2, 20));
    },
  );
});

test("base64url and hex", () => {
  const bytes = new Uint8Array([0, 255, 16, 62, 63]);
  expect(toBase64Url(bytes)).toBe("AP8QPj8");
  expect(fromBase64Url("AP8QPj8")).toEqual(bytes);
  expect(fromBase64Url("AP8QPj8=")).toEqual(bytes);
  expect(fromBase64Url("é")).toBeUndefined();
  expect(toHex(bytes)).toBe("00ff103e3f");
});
