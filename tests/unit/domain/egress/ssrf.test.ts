import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkAddress, checkUrl, type EgressPolicy } from "../../../../domain/egress/ssrf.ts";

const PRODUCTION: EgressPolicy = { allow: [], production: true, ownHost: "hub.example.com" };
const DEVELOPMENT: EgressPolicy = { ...PRODUCTION, production: false };

describe("checkUrl", () => {
  test.each([
    ["https://example.com/hook", "name"],
    ["https://EXAMPLE.com./hook", "name"],
    ["HTTPS://example.com:8443/hook?x=1", "name"],
    ["https://bücher.example/", "name"],
    ["https://8.8.8.8/", "address"],
    ["https://[2606:4700::1111]/", "address"],
    ["https://example.com/a@b", "name"],
    ["https://example.com?x=//127.0.0.1", "name"],
  ])("%s may be called (%s)", (url, kind) => {
    expect(checkUrl(url, PRODUCTION)).toMatchObject({ ok: true, value: { kind } });
  });

  test.each([
    ["", "malformed"],
    ["example.com", "malformed"],
    ["//example.com/", "malformed"],
    ["https:example.com", "malformed"],
    ["https:///example.com", "malformed"],
    ["https://", "malformed"],
    ["https://exa mple.com/", "malformed"],
    ["https://example.com\\@127.0.0.1/", "malformed"],
    ["https://127.0.0.1\n.example.com/", "malformed"],
    [" https://example.com/", "malformed"],
    ["https://256.1.1.1/", "malformed"],
    ["https://example.com:99999/", "malformed"],
    ["ftp://example.com/", "scheme"],
    ["javascript:alert(1)", "scheme"],
    ["http://example.com/", "scheme"],
    ["https://user@example.com/", "userinfo"],
    ["https://:pass@example.com/", "userinfo"],
    ["https://example.com:22/", "port"],
    ["https://example.com:6379/", "port"],
    ["https://hub.example.com/webhooks/slack/acme", "own_host"],
    ["https://HUB.example.com.:8443/", "own_host"],
    ["https://intranet/", "private_name"],
    ["https://a.localhost./", "private_name"],
    ["https://metadata.google.internal/", "private_name"],
    ["https://printer.local/", "private_name"],
    ["https://1.0.0.127.in-addr.arpa/", "private_name"],
    ["https://127.1/", "private_address"],
    ["https://0x7f.1/", "private_address"],
    ["https://2130706433/", "private_address"],
    ["https://0177.0.0.1./", "private_address"],
    ["https://①②⑦.⓪.⓪.①/", "private_address"],
    ["https://[::ffff:10.0.0.1]/", "private_address"],
    ["https://[64:ff9b::a00:1]/", "private_address"],
    ["https://[fd00::1]/", "private_address"],
    [`https://example.com/${"a".repeat(2048)}`, "too_long"],
  ])("%s is refused: %s", (url, reason) => {
    expect(checkUrl(url, PRODUCTION)).toEqual({ ok: false, failure: { reason } });
  });

  test("plain http is for development", () => {
    expect(checkUrl("http://example.com/", DEVELOPMENT).ok).toBe(true);
  });

  test.each([
    ["127.0.0.1", "http://127.0.0.1:9999/x", true],
    ["127.0.0.1", "http://127.1:9999/x", true],
    ["127.0.0.1:9999", "http://127.0.0.1:9999/", true],
    ["127.0.0.1:9999", "http://127.0.0.1:9998/", false],
    ["localhost:80", "http://localhost/", true],
    ["localhost", "http://localhost.:8080/", true],
    ["localhost", "http://a.localhost/", false],
    ["[::1]:3000", "http://[::1]:3000/", true],
    ["127.0.0.1", "http://user@127.0.0.1/", false],
    ["127.0.0.1", "ftp://127.0.0.1/", false],
    ["127.0.0.1", "http://127.0.0.2/", false],
    ["", "http://127.0.0.1/", false],
  ])("with %s allowed, %s: %s", (entry, url, allowed) => {
    expect(checkUrl(url, { ...DEVELOPMENT, allow: [entry] }).ok).toBe(allowed);
  });

  test("an allow list means nothing in production, and never opens the way to ourselves", () => {
    expect(checkUrl("https://127.0.0.1/", { ...PRODUCTION, allow: ["127.0.0.1"] }).ok).toBe(false);
    const local = { allow: ["localhost"], production: false, ownHost: "localhost:8787" };
    expect(checkUrl("http://localhost:8787/", local)).toMatchObject({
      failure: { reason: "own_host" },
    });
    expect(checkUrl("http://localhost:9000/", local)).toMatchObject({ value: { kind: "allowed" } });
  });

  test("is total, and never lets a loopback through in any notation", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(typeof checkUrl(text, PRODUCTION).ok).toBe("boolean");
        expect(typeof checkUrl(`https://${text}`, PRODUCTION).ok).toBe("boolean");
      }),
      { numRuns: 500, seed: 20_261_121 },
    );
    const loopback = fc.integer({ min: 0x7f00_0000, max: 0x7fff_ffff });
    fc.assert(
      fc.property(loopback, (address) => {
        const hex = `0x${address.toString(16)}`;
        for (const host of [
          String(address),
          hex,
          `0${address.toString(8)}`,
          `[::ffff:${hex.slice(2, 6)}:${hex.slice(6)}]`,
        ]) {
          expect(checkUrl(`https://${host}/`, PRODUCTION).ok).toBe(false);
        }
      }),
      { numRuns: 200, seed: 20_261_121 },
    );
  });
});

describe("checkAddress", () => {
  test.each([
    ["1.1.1.1", true],
    ["172.32.0.1", true],
    ["100.128.0.1", true],
    ["2600::", true],
    ["::ffff:1.1.1.1", true],
    ["172.31.255.255", false],
    ["100.64.0.0", false],
    ["::ffff:172.16.0.1", false],
    ["::1.1.1.1", false],
    ["2001:1ff::1", false],
    ["2001:200::1", true],
    ["fec0::1", false],
    ["ff02::1", false],
    ["fe80::1%eth0", false],
    ["1.1.1", false],
    ["1.1.1.256", false],
    ["1:2:3:4:5:6:7", false],
    ["1:2:3:4:5:6:7:8:9", false],
    ["2600::1::2", false],
    ["", false],
    ["example.com", false],
  ])("%s is public: %s", (address, isPublic) => {
    expect(checkAddress(address).ok).toBe(isPublic);
  });
});

const SHARED = join(import.meta.dirname, "../../../../../shared/fixtures");
const present = existsSync(SHARED);

describe.skipIf(!present)(`shared tables${present ? "" : " (skipped: not here)"}`, () => {
  const read = (path: string) => JSON.parse(readFileSync(join(SHARED, path), "utf8"));

  test("every address and URL of the SSRF table", () => {
    const { ip, url } = read("events/ssrf.json") as Record<
      "ip" | "url",
      Record<"blocked" | "allowed", string[]>
    >;
    const failed = [
      ...ip.blocked.filter((each) => checkAddress(each).ok),
      ...ip.allowed.filter((each) => !checkAddress(each).ok),
      ...url.blocked.filter((each) => checkUrl(each, DEVELOPMENT).ok),
      ...url.allowed.filter((each) => !checkUrl(each, PRODUCTION).ok),
    ];
    expect(ip.blocked.length + url.blocked.length).toBeGreaterThan(50);
    expect(failed).toEqual([]);
  });

  test("every outbound URL case", () => {
    const cases = (read("nasty/outbound.json") as { id: string; url?: string }[]).filter(
      ({ url }) => url,
    );
    const passed = cases.filter(
      ({ url = "" }) => checkUrl(url, { ...DEVELOPMENT, ownHost: "hub_own_host" }).ok,
    );
    expect(cases.length).toBeGreaterThan(15);
    expect(passed.map(({ id }) => id)).toEqual([]);
  });
});
