/** What Slack's answers mean, for every step, status and error. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { slackAdapter } from "../../../../channels/slack/adapter.ts";
import type { OutboundRequest } from "../../../../schema/outbound.ts";

const OUTCOMES = new Set(["delivered", "retry", "uncertain", "failed"]);
const STEPS = ["part:0", "respond:0", "edit", "delete", "react", "unreact", "open_dm"];
const MORE_STEPS = ["upload_url:0", "upload:0", "complete", "unknown"];
const ONCE = new Set(["part:0", "respond:0", "complete"]);

function requestOf(step: string): OutboundRequest {
  return {
    step,
    method: "POST",
    url: "https://slack.com/api/x",
    headers: {},
    body: { as: "none" },
    timeoutMs: 1000,
    idempotent: !ONCE.has(step),
  };
}

function outcome(step: string, status: number, body: unknown, headers: HeadersInit = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return slackAdapter.readResponse(requestOf(step), status, new Headers(headers), text);
}

describe("readResponse", () => {
  it("reads a post's timestamp as its id", () => {
    const body = { ok: true, channel: "C0", ts: "1763700000.000100", message: { text: "x" } };
    expect(outcome("part:0", 200, body)).toEqual({
      outcome: "delivered",
      platformId: "1763700000.000100",
    });
  });

  it("hands on what later steps need, and tries again where it is missing", () => {
    const reserved = { ok: true, upload_url: "https://files.slack.com/u", file_id: "F0A" };
    expect(outcome("upload_url:0", 200, reserved)).toEqual({
      outcome: "delivered",
      data: { upload_url: "https://files.slack.com/u", file_id: "F0A" },
    });
    expect(outcome("upload_url:0", 200, { ok: true })).toMatchObject({ outcome: "retry" });
    expect(outcome("open_dm", 200, { ok: true, channel: { id: "D0" } })).toEqual({
      outcome: "delivered",
      data: { channel: "D0" },
    });
  });

  it("names a shared file by its message where Slack tells it, else by the file", () => {
    const shares = { public: { C0: [{ ts: "1763700000.000200" }] } };
    expect(outcome("complete", 200, { ok: true, files: [{ id: "F0A", shares }] })).toEqual({
      outcome: "delivered",
      platformId: "1763700000.000200",
    });
    expect(outcome("complete", 200, { ok: true, files: [{ id: "F0A" }] })).toEqual({
      outcome: "delivered",
      platformId: "F0A",
    });
  });

  it.each([
    "channel_not_found",
    "not_in_channel",
    "is_archived",
    "msg_too_long",
    "no_text",
    "invalid_auth",
    "account_inactive",
    "token_revoked",
    "missing_scope",
    "an_error_of_next_year",
  ])("ends on HTTP 200 with %s, without blaming Slack's health", (error) => {
    expect(outcome("part:0", 200, { ok: false, error })).toEqual({
      outcome: "failed",
      reason: error,
      breaker: false,
    });
  });

  it("keeps content out of reasons", () => {
    const error = "Hello Ana, your card 4111";
    expect(outcome("part:0", 200, { ok: false, error })).toMatchObject({ reason: "unnamed_error" });
  });

  it("waits when throttled, as long as told and no longer than an hour", () => {
    const error = { ok: false, error: "ratelimited" };
    const retry = { outcome: "retry", reason: "ratelimited", breaker: false };
    expect(outcome("part:0", 429, error, { "retry-after": "7" })).toEqual({
      ...retry,
      afterMs: 7000,
    });
    expect(outcome("part:0", 200, error, { "retry-after": "7" })).toEqual({
      ...retry,
      afterMs: 7000,
    });
    expect(outcome("part:0", 429, "", { "retry-after": "999999999" })).toEqual({
      ...retry,
      afterMs: 3_600_000,
    });
    for (const bad of ["-1", "soon", ""]) {
      expect(outcome("part:0", 429, "", { "retry-after": bad })).toEqual(retry);
    }
  });

  it.each(["internal_error", "fatal_error"])("does not repeat a post after %s", (error) => {
    expect(outcome("part:0", 200, { ok: false, error })).toEqual({
      outcome: "uncertain",
      reason: error,
    });
    expect(outcome("edit", 200, { ok: false, error })).toMatchObject({ outcome: "retry" });
  });

  it.each(["service_unavailable", "request_timeout", "rate_limited"])(
    "repeats after %s",
    (error) => {
      expect(outcome("part:0", 200, { ok: false, error })).toMatchObject({ outcome: "retry" });
    },
  );

  it.each([
    ["react", "already_reacted"],
    ["unreact", "no_reaction"],
    ["delete", "message_not_found"],
  ])("takes %s with %s as done", (step, error) => {
    expect(outcome(step, 200, { ok: false, error })).toEqual({ outcome: "delivered" });
    expect(outcome("edit", 200, { ok: false, error })).toMatchObject({ outcome: "failed" });
  });

  it.each([
    [500, "uncertain", "retry"],
    [502, "uncertain", "retry"],
    [503, "retry", "retry"],
    [504, "uncertain", "retry"],
    [408, "uncertain", "retry"],
    [403, "failed", "failed"],
    [404, "failed", "failed"],
    [302, "failed", "failed"],
  ])("reads HTTP %i as %s for a post and %s for a repeatable call", (status, post, call) => {
    expect(outcome("part:0", status, "<html>").outcome).toBe(post);
    expect(outcome("edit", status, "<html>").outcome).toBe(call);
  });

  it.each(["", "<html>", "null", "[]", '"ok"', '{"ok":"true"}', "{"])(
    "does not know after HTTP 200 with %j",
    (body) => {
      expect(outcome("part:0", 200, body).outcome).toBe("uncertain");
      expect(outcome("react", 200, body).outcome).toBe("retry");
    },
  );

  it("closes a response URL that is used up or gone, and keeps one that is throttled", () => {
    for (const status of [400, 403, 404, 410]) {
      expect(outcome("respond:0", status, "used_url")).toEqual({
        outcome: "delivered",
        data: { closed: "1" },
      });
    }
    expect(outcome("respond:0", 200, "ok")).toEqual({ outcome: "delivered" });
    expect(outcome("respond:0", 429, "").outcome).toBe("retry");
    expect(outcome("respond:0", 502, "").outcome).toBe("uncertain");
  });

  it("takes any 2xx as bytes uploaded", () => {
    expect(outcome("upload:0", 200, "OK - 2048")).toEqual({ outcome: "delivered" });
  });

  it("is total over every status, step and body", () => {
    const steps = [...STEPS, ...MORE_STEPS];
    for (let status = 100; status <= 599; status++) {
      for (const step of steps) {
        expect(OUTCOMES.has(outcome(step, status, "").outcome)).toBe(true);
      }
    }
    fc.assert(
      fc.property(fc.constantFrom(...steps), fc.integer(), fc.json(), (step, status, body) => {
        expect(OUTCOMES.has(outcome(step, status, body).outcome)).toBe(true);
      }),
    );
  });

  it("never says retry for a post that may have been taken", () => {
    const body = fc.oneof(fc.json(), fc.string());
    fc.assert(
      fc.property(fc.constantFrom(200, 500, 502, 504, 599), body, (status, text) => {
        expect(outcome("part:0", status, text).outcome).not.toBe("retry");
      }),
    );
  });
});
