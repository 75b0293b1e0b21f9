import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { equalsConstantTime, verifyHmacSha256 } from "../../../../channels/shared/hmac.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const sign = (secret: string, text: string) =>
  createHmac("sha256", secret).update(text).digest("hex");

describe("verifyHmacSha256", () => {
  it("accepts the digest of the joined parts, in either case", async () => {
    const hex = sign("s3cret", "v0:1:body");
    expect(await verifyHmacSha256("s3cret", [bytes("v0:1:"), bytes("body")], hex)).toBe(true);
    expect(await verifyHmacSha256("s3cret", [bytes("v0:1:body")], hex.toUpperCase())).toBe(true);
  });

  it("refuses another secret, another body, and anything that is not 64 hex digits", async () => {
    const hex = sign("s3cret", "body");
    expect(await verifyHmacSha256("other", [bytes("body")], hex)).toBe(false);
    expect(await verifyHmacSha256("s3cret", [bytes("bodY")], hex)).toBe(false);
    for (const bad of ["", hex.slice(2), `${hex}00`, `${hex}, ${hex}`, "z".repeat(64)]) {
      expect(await verifyHmacSha256("s3cret", [bytes("body")], bad)).toBe(false);
    }
  });

  it("verifies nothing with an empty secret", async () => {
    expect(await verifyHmacSha256("", [bytes("body")], "0".repeat(64))).toBe(false);
  });

  it("still answers right after more secrets than it keeps keys for", async () => {
    for (let i = 0; i < 600; i++) {
      await verifyHmacSha256(`secret-${i}`, [bytes("x")], "0".repeat(64));
    }
    expect(await verifyHmacSha256("secret-0", [bytes("x")], sign("secret-0", "x"))).toBe(true);
  });
});

describe("equalsConstantTime", () => {
  it("compares whole strings", async () => {
    expect(await equalsConstantTime("abc", "abc")).toBe(true);
    expect(await equalsConstantTime("abc", "abd")).toBe(false);
    expect(await equalsConstantTime("abc", "abcd")).toBe(false);
    expect(await equalsConstantTime("", "")).toBe(true);
  });
});
