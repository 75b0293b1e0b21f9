import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { INBOUND_SCHEMES, type InboundScheme } from "../../../../domain/events/inbound-hmac.ts";
import { verifyInbound } from "../../../../platform/inbound-hmac.ts";

const NOW_MS = Date.UTC(2026, 10, 21);
const SECONDS = NOW_MS / 1000;
const BODY = Buffer.from([0, 255, 10, 123]);
const sign = (before = "", secret = "secret", encoding: "hex" | "base64" = "hex") =>
  createHmac("sha256", secret).update(before).update(BODY).digest(encoding);
const stripe = (seconds: number | string) => `t=${seconds},v0=ff,v1=${sign(`${seconds}.`)}`;

describe("webhooks of custom sources", () => {
  test.each([
    ["sha256 over bytes that are no text", "sha256", { "x-webhook-signature": `sha256=${sign()}` }],
    ["upper-case hex", "sha256", { "x-webhook-signature": `sha256=${sign().toUpperCase()}` }],
    ["base64", "shopify", { "x-shopify-hmac-sha256": sign("", "secret", "base64") }],
    ["an older secret", "github", { "x-hub-signature-256": `sha256=${sign("", "older")}` }],
    ["a time exactly 300 s old", "stripe", { "x-signature": stripe(SECONDS - 300) }],
    ["a time exactly 300 s ahead", "stripe", { "x-signature": stripe(SECONDS + 300) }],
    [
      "the time in a header of its own",
      "slack",
      {
        "x-slack-signature": `v0=${sign(`v0:${SECONDS}:`)}`,
        "x-slack-request-timestamp": String(SECONDS),
      },
    ],
  ] as const)("accepts %s", async (_, scheme, headers) => {
    expect(await verdict(INBOUND_SCHEMES[scheme], headers)).toBe("ok");
  });

  test.each([
    ["nothing", "sha256", {}, "missing"],
    ["another prefix", "sha256", { "x-webhook-signature": `sha1=${sign()}` }, "malformed"],
    ["no hex", "sha256", { "x-webhook-signature": "sha256=zz" }, "malformed"],
    ["half a byte", "sha256", { "x-webhook-signature": `sha256=${sign().slice(1)}` }, "malformed"],
    ["another length", "sha256", { "x-webhook-signature": "sha256=abcd" }, "mismatch"],
    ["another secret", "sha256", { "x-webhook-signature": `sha256=${sign("", "x")}` }, "mismatch"],
    ["an empty secret", "sha256", { "x-webhook-signature": `sha256=${sign("", "")}` }, "mismatch"],
    ["301 s old", "stripe", { "x-signature": stripe(SECONDS - 301) }, "stale"],
    ["301 s ahead", "stripe", { "x-signature": stripe(SECONDS + 301) }, "future"],
    ["a time with more behind it", "stripe", { "x-signature": stripe(`${SECONDS}x`) }, "malformed"],
    ["two times", "stripe", { "x-signature": `t=1,${stripe(SECONDS)}` }, "missing"],
    ["a very long header", "stripe", { "x-signature": "v1=00,".repeat(1000) }, "malformed"],
  ] as const)("refuses %s", async (_, scheme, headers, reason) => {
    expect(await verdict(INBOUND_SCHEMES[scheme], headers)).toBe(reason);
  });
});

async function verdict(
  scheme: InboundScheme,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  const lookUp = (name: string) => headers[name] ?? null;
  const result = await verifyInbound(scheme, lookUp, BODY, ["secret", "older", ""], NOW_MS);
  return result.ok ? "ok" : result.failure.reason;
}
