import { describe, expect, it } from "vitest";
import { verifyEvolution } from "../../../../channels/whatsapp/verify.ts";
import type { WhatsappConnection } from "../../../../schema/connection.ts";
import { rawWebhook } from "../../../contract/raw-webhook.ts";
import { evolutionJwt } from "../../../contract/samples/whatsapp.ts";
import { connection, nowMs } from "./fixture.ts";

const KEY = "jwt-key-of-the-instance";
const SECRET = "secret-of-the-webhook";

async function verdict(
  credentials: Omit<WhatsappConnection["credentials"], "apiKey">,
  headers: Record<string, string>,
) {
  const own = { ...connection, credentials: { apiKey: "k", ...credentials } };
  const result = await verifyEvolution(rawWebhook("{}", headers), own, nowMs);
  return result.ok ? "ok" : result.failure.reason;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const jwt = (over: object = {}, atMs = nowMs) => bearer(evolutionJwt(KEY, atMs, over));
const seconds = Math.floor(nowMs / 1000);

describe("proofs of an Evolution webhook", () => {
  it("are impossible where none is configured", async () => {
    expect(await verdict({}, jwt())).toBe("unconfigured");
    expect(await verdict({ webhookSecret: "", jwtKey: "" }, jwt())).toBe("unconfigured");
  });

  it("are either of two where both are configured", async () => {
    const both = { webhookSecret: SECRET, jwtKey: KEY };
    expect(await verdict(both, { "x-webhook-secret": SECRET })).toBe("ok");
    expect(await verdict(both, jwt())).toBe("ok");
    expect(await verdict(both, { "x-webhook-secret": "x", ...jwt() })).toBe("ok");
    expect(await verdict(both, { "x-webhook-secret": "x" })).toBe("mismatch");
    expect(await verdict(both, {})).toBe("missing");
  });

  it("do not stand in for each other where only one is configured", async () => {
    expect(await verdict({ webhookSecret: SECRET }, jwt())).toBe("missing");
    expect(await verdict({ jwtKey: KEY }, { "x-webhook-secret": KEY })).toBe("missing");
  });

  it.each([
    ["expired 1 s ago", { iat: seconds - 601, exp: seconds - 1 }, "stale"],
    ["expires now", { iat: seconds - 600, exp: seconds }, "stale"],
    ["lives ten years", { exp: seconds + 315_360_000 }, "malformed"],
    ["lives 900 s", { exp: seconds + 900 }, "ok"],
    ["from 5 minutes ahead", { iat: seconds + 300, exp: seconds + 900 }, "ok"],
    ["from further ahead", { iat: seconds + 301, exp: seconds + 900 }, "future"],
    ["without exp", { exp: undefined }, "malformed"],
    ["without iat", { iat: undefined }, "malformed"],
    ["exp as text", { exp: String(seconds + 60) }, "malformed"],
    ["of another app", { app: "other" }, "malformed"],
    ["for another action", { action: "login" }, "malformed"],
    ["without app and action", { app: undefined, action: undefined }, "ok"],
  ])("a token %s is %s", async (_name, over, expected) => {
    expect(await verdict({ jwtKey: KEY }, jwt(over))).toBe(expected);
  });

  it("a token of another key, another algorithm or no form at all is refused", async () => {
    const [header, claims, mac] = evolutionJwt(KEY, nowMs).split(".");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    expect(await verdict({ jwtKey: "other" }, jwt())).toBe("mismatch");
    for (const token of [
      `${none}.${claims}.`,
      `${none}.${claims}.${mac}`,
      `${header}.${claims}`,
      `${header}.${claims}.${mac}.x`,
      `..${mac}`,
      "x".repeat(100_000),
      `${header}.%%%.${mac}`,
    ]) {
      expect(await verdict({ jwtKey: KEY }, bearer(token)), token.slice(0, 40)).toBe("malformed");
    }
    expect(await verdict({ jwtKey: KEY }, { authorization: `Basic ${mac}` })).toBe("malformed");
  });
});
