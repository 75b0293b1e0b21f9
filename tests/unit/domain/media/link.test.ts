import { describe, expect, test } from "vitest";
import { mediaKey, readMediaLink, tenantOfKey } from "../../../../domain/media/link.ts";
import { openMediaLink, publicMediaUrl } from "../../../../platform/media-link.ts";

const NOW_MS = 1_790_000_000_000;
const KEY = mediaKey("acme", NOW_MS, "msg_1", 0);
const VARS = { PUBLIC_URL: "https://hub.example.com", MEDIA_SECRET: "a-media-secret" };

describe("media keys", () => {
  test("say tenant, month, message and position", () => {
    expect(KEY).toBe("media/acme/2026-09/msg_1/0");
    expect(tenantOfKey(KEY)).toBe("acme");
  });

  test.each([
    ["archive/acme/2026-09/msg_1/0"],
    ["media/acme/2026-09/../../0"],
    ["media/acme/2026-09/msg_1/0/x"],
    ["media//2026-09/msg_1/0"],
    ["media/acme/2026-09/msg_1/-1"],
    [""],
  ])("%s is none", (key) => {
    expect(tenantOfKey(key)).toBeUndefined();
  });
});

describe("media links", () => {
  const link = async () => new URL(await publicMediaUrl(VARS, KEY, NOW_MS + 1000));

  test("open their key until they expire", async () => {
    expect((await link()).href).toMatch(
      /^https:\/\/hub\.example\.com\/media\/acme\/2026-09\/msg_1\/0\?/,
    );
    expect(await openMediaLink(VARS, await link(), NOW_MS + 999)).toEqual({ ok: true, value: KEY });
    const late = await openMediaLink(VARS, await link(), NOW_MS + 1000);
    expect(late).toEqual({ ok: false, failure: { reason: "expired" } });
  });

  test.each([
    ["another file", "msg_1/0", "msg_1/1"],
    ["another tenant", "acme", "globex"],
    ["a later end", "expires=1", "expires=2"],
    ["another signature", "signature=", "signature=0"],
  ])("do not open with %s", async (_, from, to) => {
    const { href } = await link();
    const forged =
      to === "signature=0" ? `${href.slice(0, -64)}${"0".repeat(64)}` : href.replace(from, to);
    expect(forged).not.toBe(href);
    const verdict = await openMediaLink(VARS, new URL(forged), NOW_MS);
    expect(verdict).toEqual({ ok: false, failure: { reason: "mismatch" } });
  });

  test("do not open with another secret", async () => {
    const verdict = await openMediaLink({ MEDIA_SECRET: "another-secret" }, await link(), NOW_MS);
    expect(verdict).toMatchObject({ ok: false });
  });

  test.each([
    ["/media/acme/2026-09/msg_1/0", "expires=1e12&signature=x"],
    ["/media/acme/2026-09/msg_1/0", ""],
    ["/media/../vault/key", `expires=9999999999&signature=${"0".repeat(64)}`],
    ["/media/acme/2026-09/msg_1/0", `expires=9999999999&signature=${"0".repeat(63)}G`],
  ])("%s?%s is malformed", (path, query) => {
    const verdict = readMediaLink(path, new URLSearchParams(query), NOW_MS);
    expect(verdict).toEqual({ ok: false, failure: { reason: "malformed" } });
  });
});
