import { describe, expect, test } from "vitest";
import {
  API_KEY_RANDOM_BYTES,
  generateApiKey,
  hashApiKey,
  sameSecret,
} from "../../../../domain/security/api-key.ts";

const random = () => crypto.getRandomValues(new Uint8Array(API_KEY_RANDOM_BYTES));

describe("a generated key", () => {
  test("names its environment and prefix, and never comes twice", () => {
    const made = Array.from({ length: 200 }, () => generateApiKey("live", random()));
    for (const { key, prefix } of made) {
      expect(key).toMatch(/^hub_live_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}$/);
      expect(key.split("_")[2]).toBe(prefix);
    }
    expect(new Set(made.map(({ key }) => key)).size).toBe(200);
  });

  test("takes no letter from the bytes that would favour some", () => {
    const bytes = new Uint8Array(API_KEY_RANDOM_BYTES).fill(255);
    bytes.fill(61, 200);
    expect(generateApiKey("dev", bytes).key).toBe(`hub_dev_${"z".repeat(8)}_${"z".repeat(43)}`);
  });

  test("is refused where randomness is short", () => {
    expect(() => generateApiKey("dev", new Uint8Array(10))).toThrow("too few random bytes");
  });
});

test("the hash is SHA-256 in hex (FIPS 180-2 vector)", async () => {
  expect(await hashApiKey("abc")).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});

test.each([
  ["same", "same", true],
  ["same", "samf", false],
  ["same", "same ", false],
  ["", "", true],
  ["é", "e\u0301", false],
])("%j and %j are the same secret: %s", async (a, b, expected) => {
  expect(await sameSecret(a, b)).toBe(expected);
});
