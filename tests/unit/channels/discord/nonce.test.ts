import { describe, expect, it } from "vitest";
import { nonceOf } from "../../../../channels/discord/nonce.ts";
import { mintId } from "../../../../domain/messaging/message-id.ts";
import { NOW_MS } from "./support.ts";

describe("a nonce", () => {
  it("fits into 25 characters and is the same at every attempt, another for every part", () => {
    const ids = [mintId("msg", NOW_MS, () => 0.999), "msg_1", "x".repeat(500), "odd id/é"];
    for (const id of ids) {
      const nonces = Array.from({ length: 200 }, (_, part) => nonceOf(id, part));
      for (const nonce of nonces) expect(nonce.length).toBeLessThanOrEqual(25);
      expect(new Set(nonces).size).toBe(200);
      expect(nonceOf(id, 0)).toBe(nonces[0]);
    }
    expect(nonceOf("x".repeat(500), 0)).not.toBe(nonceOf("x".repeat(501), 0));
  });
});
