import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openSigned, signText } from "../../../../domain/security/signed-text.ts";

describe("signed text", () => {
  test("comes back as it was, whatever it was", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 200 }), async (text) => {
        const token = await signText("secret", "cursor", text);
        expect(token).toMatch(/^[\w-]*\.[\w-]{22}$/);
        expect(await openSigned("secret", "cursor", token)).toBe(text);
      }),
      { seed: 7, numRuns: 50 },
    );
  });

  test("opens for its own secret and purpose only", async () => {
    const token = await signText("secret", "cursor a", "x");
    expect(await openSigned("other", "cursor a", token)).toBeUndefined();
    expect(await openSigned("secret", "cursor b", token)).toBeUndefined();
  });

  test("no changed character passes", async () => {
    const token = await signText("secret", "p", "tenant=acme");
    for (const [index, char] of [...token].entries()) {
      const changed = token.slice(0, index) + (char === "A" ? "B" : "A") + token.slice(index + 1);
      const opened = await openSigned("secret", "p", changed);
      // The last character of a part may hold bits that base64 ignores: then nothing has changed.
      expect(opened === undefined || opened === "tenant=acme").toBe(true);
      if (![token.indexOf(".") - 1, token.length - 1].includes(index))
        expect(opened).toBeUndefined();
    }
  });

  test.each(["", ".", "a", "a.b", "a.b.c", "%.%", "x".repeat(5000), "é.é"])(
    "%j is nothing",
    async (token) => {
      expect(await openSigned("secret", "p", token)).toBeUndefined();
    },
  );
});
