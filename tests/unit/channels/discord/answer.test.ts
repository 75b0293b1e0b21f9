import { describe, expect, it } from "vitest";
import { discordAdapter } from "../../../../channels/discord/adapter.ts";
import type { OutboundRequest } from "../../../../schema/outbound.ts";
import { fixture } from "./support.ts";

function aRequest(over: Partial<OutboundRequest> = {}): OutboundRequest {
  return {
    step: "part:0",
    method: "POST",
    url: "https://discord.com/api/v10/channels/1/messages",
    headers: {},
    body: { as: "none" },
    timeoutMs: 1,
    idempotent: true,
    ...over,
  };
}

function judge(
  status: number,
  body: unknown = "",
  over: Partial<OutboundRequest> = {},
  headers: Record<string, string> = {},
) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return discordAdapter.readResponse(aRequest(over), status, new Headers(headers), text);
}

describe("an answer of the REST API", () => {
  it("of success has the message's id where it gives one", () => {
    expect(judge(200, { id: "900" })).toEqual({ outcome: "delivered", platformId: "900" });
    expect(judge(204)).toEqual({ outcome: "delivered" });
  });

  it("that is a 200 but not Discord's JSON proves nothing: repeated where harmless, else uncertain", () => {
    expect(judge(200, "<html>", { idempotent: true })).toMatchObject({ outcome: "retry" });
    expect(judge(200, "<html>", { idempotent: false })).toMatchObject({ outcome: "uncertain" });
  });

  it("gives the direct channel to the next step, or has to be asked again", () => {
    const open = { step: "open_dm" };
    expect(judge(200, { id: "88" }, open)).toEqual({
      outcome: "delivered",
      data: { channel: "88" },
    });
    expect(judge(200, {}, open)).toMatchObject({ outcome: "retry" });
  });

  it("of 429 waits as told, in the body's fractions of a second, and blames nobody", () => {
    const wait = (afterMs: number, reason = "rate_limited") => ({
      outcome: "retry",
      reason,
      breaker: false,
      afterMs,
    });
    expect(judge(429, fixture("rest-rate-limited"))).toEqual(wait(1250));
    expect(judge(429, { retry_after: 0.65, global: true })).toEqual(
      wait(650, "rate_limited_global"),
    );
    expect(judge(429, "<html>", {}, { "retry-after": "7" })).toEqual(wait(7000));
    expect(judge(429, { retry_after: 1e12 })).toEqual(wait(900_000));
  });

  it.each([["soon"], ["-1"], [""]])("ignores a Retry-After of %j", (value) => {
    const outcome = judge(429, "", {}, value === "" ? {} : { "retry-after": value });
    expect(outcome).toEqual({ outcome: "retry", reason: "rate_limited", breaker: false });
  });

  it.each([
    [400, 50035, "invalid_form"],
    [403, 50001, "missing_access"],
    [403, 50007, "cannot_dm"],
    [403, 50013, "missing_permissions"],
    [404, 10003, "unknown_channel"],
    [404, 10008, "unknown_message"],
    [400, 40005, "too_large"],
    [400, 12345, "discord_12345"],
  ])("of %i with code %i is permanent: %s", (status, code, reason) => {
    expect(judge(status, { code, message: "secret words" })).toEqual({
      outcome: "failed",
      reason,
      breaker: false,
    });
  });

  it("names refused fields, never their values", () => {
    expect(judge(400, fixture("rest-invalid-form"))).toMatchObject({ detail: "content" });
  });

  it("of 401 stops the downstream, of 413 is too large", () => {
    expect(judge(401, { code: 0 })).toEqual({
      outcome: "failed",
      reason: "unauthorized",
      breaker: true,
    });
    expect(judge(413)).toMatchObject({ outcome: "failed", reason: "too_large" });
  });

  it("of a 403 without JSON is the edge's block, not Discord's refusal", () => {
    expect(judge(403, "<html>error code: 1015")).toEqual({
      outcome: "retry",
      reason: "edge_blocked",
      afterMs: 60_000,
      breaker: true,
    });
  });

  it("of 5xx is repeated where that is safe, and uncertain where not", () => {
    expect(judge(502)).toEqual({ outcome: "retry", reason: "http_502", breaker: true });
    expect(judge(502, "", { idempotent: false })).toEqual({
      outcome: "uncertain",
      reason: "http_502",
    });
  });

  it("that a message to delete is gone is what was wanted", () => {
    expect(judge(404, { code: 10008 }, { method: "DELETE" })).toEqual({ outcome: "delivered" });
    expect(judge(403, { code: 50013 }, { method: "DELETE" })).toMatchObject({ outcome: "failed" });
    expect(judge(404, "<html>", { method: "DELETE" })).toMatchObject({ outcome: "failed" });
  });

  it("that the responder may not be known yet: our acknowledgement is still on its way", () => {
    const original = { step: "original:0", method: "PATCH" } as const;
    const later = { outcome: "retry", reason: "responder_not_ready", breaker: false };
    expect(judge(404, { code: 10015 }, original)).toEqual(later);
  });

  it("that the responder is gone needs Discord's own code", () => {
    const original = { step: "original:0", method: "PATCH" } as const;
    const gone = { outcome: "delivered", data: { gone: "responder_gone" } };
    expect(judge(401, { code: 50027 }, original)).toEqual(gone);
    expect(judge(404, { code: 10062 }, original)).toEqual(gone);
    expect(judge(401, "", original)).toMatchObject({ outcome: "failed", reason: "unauthorized" });
    expect(judge(404, "", original)).toMatchObject({ outcome: "failed" });
    expect(judge(404, { code: 10015 })).toMatchObject({ outcome: "failed" });
  });

  it("is total from 100 to 599, with and without a body", () => {
    const shapes = ["", "null", "[]", "{", '{"code":"x","retry_after":null,"errors":3,"id":5}'];
    const outcomes = new Set(["delivered", "retry", "uncertain", "failed"]);
    for (let status = 100; status < 600; status++) {
      for (const body of shapes) {
        const { outcome } = judge(status, body);
        expect(outcomes.has(outcome)).toBe(true);
        if (outcome === "delivered") expect(status >= 200 && status < 300).toBe(true);
      }
    }
  });
});
