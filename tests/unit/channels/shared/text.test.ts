import { describe, expect, it } from "vitest";
import { boundedKey, wellFormed } from "../../../../channels/shared/text.ts";

describe("wellFormed", () => {
  it("replaces lone surrogates and removes NUL, and leaves the rest", () => {
    expect(wellFormed("a\ud800b")).toBe("a\ufffdb");
    expect(wellFormed("a\u0000b")).toBe("ab");
    expect(wellFormed("olá 👩‍💻\u001b[31m")).toBe("olá 👩‍💻\u001b[31m");
  });
});

describe("boundedKey", () => {
  it("joins parts and makes them well-formed", () => {
    expect(boundedKey(["a", "b\ud800"])).toEqual({ ok: true, value: "a:b\ufffd" });
  });

  it("accepts 512 characters and refuses 513", () => {
    expect(boundedKey(["k".repeat(512)]).ok).toBe(true);
    expect(boundedKey(["k".repeat(513)])).toMatchObject({
      ok: false,
      failure: { reason: "key_too_long" },
    });
  });
});
