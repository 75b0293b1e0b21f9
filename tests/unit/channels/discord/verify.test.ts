import { verifyKey } from "discord-interactions";
import { describe, expect, it } from "vitest";
import { discordAdapter } from "../../../../channels/discord/adapter.ts";
import {
  absence,
  aConnection,
  aWebhook,
  NOW_MS,
  shared,
  sharedPresent,
  signed,
} from "./support.ts";

const NOW_SECONDS = NOW_MS / 1000;
const BODY = '{"type":1,"note":"olá"}';
const stamp = (offsetSeconds = 0) => String(NOW_SECONDS + offsetSeconds);

async function outcome(headers: Record<string, string>, body: string = BODY, publicKey?: string) {
  const connection = publicKey ? aConnection({ credentials: { publicKey } }) : aConnection();
  const result = await discordAdapter.verify(aWebhook(body, headers), connection, NOW_MS);
  return result.ok ? "ok" : result.failure.reason;
}

describe("a Discord signature", () => {
  it("is accepted with hex of either case, inside the window on both sides", async () => {
    const good = signed(BODY, stamp());
    expect(await outcome(good)).toBe("ok");
    const upper = (good["x-signature-ed25519"] ?? "").toUpperCase();
    expect(await outcome({ ...good, "x-signature-ed25519": upper })).toBe("ok");
    expect(await outcome(signed(BODY, stamp(-300)))).toBe("ok");
    expect(await outcome(signed(BODY, stamp(300)))).toBe("ok");
  });

  it("is refused without either header", async () => {
    expect(await outcome({})).toBe("missing");
    expect(await outcome({ "x-signature-timestamp": stamp() })).toBe("missing");
    const { "x-signature-ed25519": only = "" } = signed(BODY, stamp());
    expect(await outcome({ "x-signature-ed25519": only })).toBe("missing");
  });

  it("is refused when stale or ahead of time, though the signature is right for the stamp", async () => {
    expect(await outcome(signed(BODY, stamp(-301)))).toBe("stale");
    expect(await outcome(signed(BODY, stamp(301)))).toBe("future");
    expect(await outcome(signed(BODY, String(NOW_MS)))).toBe("malformed");
    expect(await outcome(signed(BODY, "1e9"))).toBe("malformed");
    expect(await outcome(signed(BODY, `${stamp()}.5`))).toBe("malformed");
    expect(await outcome(signed(BODY, ` ${stamp()}`))).toBe("malformed");
  });

  it.each([
    ["one pair short", (hex: string) => hex.slice(2)],
    ["one pair long", (hex: string) => `${hex}00`],
    ["no hex", (hex: string) => `zz${hex.slice(2)}`],
    ["sent twice", (hex: string) => `${hex}, ${hex}`],
    ["very long", () => "a".repeat(1_000_000)],
  ])("is malformed when %s, and nothing throws", async (_name, change) => {
    const good = signed(BODY, stamp());
    const changed = change(good["x-signature-ed25519"] ?? "");
    expect(await outcome({ ...good, "x-signature-ed25519": changed })).toBe("malformed");
  });

  it("is refused over other bytes, another stamp, another key", async () => {
    const good = signed(BODY, stamp());
    expect(await outcome(good, `${BODY}\n`)).toBe("mismatch");
    expect(await outcome({ ...good, "x-signature-timestamp": stamp(1) })).toBe("mismatch");
    expect(await outcome(signed(BODY, stamp(), "foreign"))).toBe("mismatch");
    expect(await outcome({ ...good, "x-signature-ed25519": "0".repeat(128) })).toBe("mismatch");
  });

  it("proves nothing without a usable public key", async () => {
    const good = signed(BODY, stamp());
    expect(await outcome(good, BODY, "not-a-key")).toBe("unconfigured");
    expect(await outcome(good, BODY, "ab".repeat(31))).toBe("unconfigured");
  });

  it("still verifies after more keys than are kept", async () => {
    for (let i = 0; i < 300; i++) {
      const hex = i.toString(16).padStart(64, "0");
      await outcome(signed(BODY, stamp()), BODY, hex);
    }
    expect(await outcome(signed(BODY, stamp()))).toBe("ok");
  });
});

/** Where we answer differently from Discord's own library, on purpose: it does not look at the stamp at all. */
const STRICTER: readonly string[] = ["stale", "future", "malformed stamp"];

describe("compared with discord-interactions' verifyKey", () => {
  const good = signed(BODY, stamp());
  const flipped = (good["x-signature-ed25519"] ?? "").replace(/.$/, (c) => (c === "0" ? "1" : "0"));
  const matrix: readonly [string, Record<string, string>, string][] = [
    ["good", good, BODY],
    ["last digit flipped", { ...good, "x-signature-ed25519": flipped }, BODY],
    ["zeros", { ...good, "x-signature-ed25519": "0".repeat(128) }, BODY],
    ["truncated", { ...good, "x-signature-ed25519": flipped.slice(0, 20) }, BODY],
    ["empty body", signed("", stamp()), ""],
    ["other body", good, "{}"],
    ["foreign key", signed(BODY, stamp(), "foreign"), BODY],
    ["stamp changed", { ...good, "x-signature-timestamp": stamp(1) }, BODY],
    ["stale", signed(BODY, stamp(-3600)), BODY],
    ["future", signed(BODY, stamp(3600)), BODY],
    ["malformed stamp", signed(BODY, "soon"), BODY],
  ];

  it.each(matrix)("agrees, or is stricter where listed: %s", async (name, headers, body) => {
    const theirs = await verifyKey(
      Buffer.from(body),
      headers["x-signature-ed25519"] ?? "",
      headers["x-signature-timestamp"] ?? "",
      aConnection().credentials.publicKey,
    );
    const ours = (await outcome(headers, body)) === "ok";
    expect(ours).toBe(STRICTER.includes(name) ? false : theirs);
    if (STRICTER.includes(name)) expect(theirs).toBe(true);
  });
});

interface Vector {
  readonly channel: string;
  readonly name: string;
  readonly publicKeyHex: string;
  readonly timestamp: string;
  readonly rawBody: string;
  readonly signature: string;
}

describe.skipIf(!sharedPresent)(`the published vectors${absence}`, () => {
  it("verify, and the bad one does not", async () => {
    const all = JSON.parse(shared("signatures/vectors.json")) as Vector[];
    const vectors = all.filter(({ channel }) => channel === "discord");
    expect(vectors.length).toBeGreaterThanOrEqual(3);
    for (const vector of vectors) {
      const headers = {
        "x-signature-ed25519": vector.signature,
        "x-signature-timestamp": vector.timestamp,
      };
      const connection = aConnection({ credentials: { publicKey: vector.publicKeyHex } });
      const atMs = Number(vector.timestamp) * 1000;
      const result = await discordAdapter.verify(
        aWebhook(vector.rawBody, headers),
        connection,
        atMs,
      );
      expect([vector.name, result.ok]).toEqual([vector.name, !vector.name.endsWith("BAD")]);
    }
  });
});
