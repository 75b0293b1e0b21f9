import { describe, expect, test } from "vitest";
import { AGENT, call, framed, json, said, streamed } from "./hive-support.ts";

describe("AgentOS: what the Hive gets", () => {
  test("one form-data run with session, user, context and idempotency key", async () => {
    const { sent } = await call({ ...AGENT, apiKey: "s3cret", hints: { priority: 7 } }, () =>
      json({ content: "x" }),
    );
    const [request] = sent;
    expect(request?.url).toBe("https://hive.example.com/agents/support/runs");
    expect(request?.headers.get("authorization")).toBe("Bearer s3cret");
    expect(request?.headers.get("idempotency-key")).toBe("trn_1");
    expect(request?.headers.get("traceparent")).toBe("00-1-2-01");
    expect(request?.headers.get("content-type")).toBe("application/x-www-form-urlencoded");
    const form = Object.fromEntries(new URLSearchParams(String(request?.body)));
    expect(form).toMatchObject({
      message: "one\n[image]\ntwo",
      stream: "false",
      session_id: "ses_1",
      user_id: "5511",
    });
    expect(JSON.parse(String(form.metadata))).toEqual({
      tenant: "acme",
      connection: "c1",
      conversation: "cnv_1",
      turn_id: "trn_1",
      priority: 7,
    });
  });

  test.each([
    [{ team: "front desk" }, "/teams/front%20desk/runs"],
    [{ team: "t", agent: "a" }, "/teams/t/runs"],
    [{ agent: "../../config" }, "/agents/..%2F..%2Fconfig/runs"],
    [{ hints: { preferred_agent: "sales" } }, "/agents/sales/runs"],
  ])("%j goes to %s", async (route, path) => {
    const { sent } = await call(route, () => json({ content: "x" }));
    expect(sent[0]?.url).toBe(`https://hive.example.com${path}`);
  });

  test("the key goes where the route says, or nowhere", async () => {
    const own = await call({ ...AGENT, apiKey: "k", auth: "x-api-key" }, () =>
      json({ content: "x" }),
    );
    expect(own.sent[0]?.headers.get("x-api-key")).toBe("k");
    expect(own.sent[0]?.headers.has("authorization")).toBe(false);
    const none = await call(AGENT, () => json({ content: "x" }));
    expect(none.sent[0]?.headers.has("authorization")).toBe(false);
  });

  test("nobody to run and an address inside are refused without a call", async () => {
    const nobody = await call({}, () => json({}));
    expect(nobody.result).toMatchObject({ failure: { reason: "unconfigured", retryable: false } });
    const inside = await call({ ...AGENT, baseUrl: "http://10.0.0.5" }, () => json({}));
    expect(inside.result).toMatchObject({ failure: { reason: "refused_url", retryable: false } });
    expect([...nobody.sent, ...inside.sent]).toEqual([]);
  });
});

describe("AgentOS: plain answers", () => {
  test.each([
    ["text", { content: "Hello", status: "COMPLETED" }, said("Hello")],
    ["structured content", { content: { a: 1 }, status: "COMPLETED" }, said('{"a":1}')],
    ["no content", { content: null, status: "COMPLETED" }, { ok: true, value: [] }],
    ["blank content", { content: " ", status: "COMPLETED" }, { ok: true, value: [] }],
  ])("%s", async (_, body, result) => {
    expect((await call(AGENT, () => json(body))).result).toEqual(result);
  });

  test.each([
    ["PAUSED", "run_paused", false],
    ["CANCELLED", "run_cancelled", false],
    ["ERROR", "run_error", true],
    ["PENDING", "run_pending", true],
    ["RUNNING", "run_pending", true],
  ])("status %s is %s", async (status, reason, retryable) => {
    const { result } = await call(AGENT, () => json({ content: "x", status }));
    expect(result).toMatchObject({ ok: false, failure: { reason, retryable } });
  });

  test.each([
    [401, "unauthorized", false, false],
    [404, "unknown_agent", false, false],
    [409, "conflict", true, false],
    [422, "rejected", false, false],
    [429, "rate_limited", true, false],
    [302, "redirected", true, false],
    [500, "upstream_error", true, true],
    [503, "upstream_error", true, true],
  ])("status %i is %s", async (status, reason, retryable, breaker) => {
    const { result } = await call(AGENT, () => json({ detail: "x" }, status));
    expect(result).toMatchObject({ ok: false, failure: { reason, retryable, breaker } });
  });

  test("429 and 409 say when to come back", async () => {
    const limited = await call(AGENT, () => json({}, 429, { "retry-after": "3" }));
    expect(limited.result).toMatchObject({ failure: { afterMs: 3000 } });
    expect((await call(AGENT, () => json({}, 409))).result).toMatchObject({
      failure: { afterMs: 2000 },
    });
  });

  test.each([
    ["no JSON", "<html>"],
    ["an array", "[1]"],
    ["half an object", '{"content":"x'],
    ["nothing", ""],
    ["an object of something else", '{"ok":true}'],
  ])("%s is a bad answer", async (_, body) => {
    const { result } = await call(
      AGENT,
      () => new Response(body, { headers: { "content-type": "application/json" } }),
    );
    expect(result).toMatchObject({ failure: { reason: "bad_answer" } });
  });
});

describe("the JSON contract", () => {
  const route = {
    dialect: "json",
    agent: "support",
    hints: { preferred_agent: "sales", priority: 9 },
  } as const;

  test("gets tenant, message, context and hints", async () => {
    const { sent } = await call({ ...route, apiKey: "k" }, () => json({ reply: "x" }));
    expect(sent[0]?.url).toBe("https://hive.example.com/process");
    expect(sent[0]?.headers.get("authorization")).toBe("Bearer k");
    expect(sent[0]?.headers.get("idempotency-key")).toBe("trn_1");
    const body = JSON.parse(String(sent[0]?.body));
    expect(body).toMatchObject({
      tenant: "acme",
      message: { id: "msg_two", text: "one\n[image]\ntwo" },
      context: { conversation: "cnv_1", turn_id: "trn_1" },
      routing_hints: { preferred_agent: "sales", priority: 9, session_id: "ses_1" },
    });
    expect(body.context.messages).toHaveLength(3);
  });

  test.each([
    [{ reply: "a" }, said("a")],
    [{ response: "a" }, said("a")],
    [{ content: "a" }, said("a")],
    [
      { parts: ["a", { type: "typing" }], reply: "z" },
      { ok: true, value: [{ type: "text", text: "a" }, { type: "typing" }] },
    ],
    [{}, { ok: true, value: [] }],
  ])("%j", async (body, result) => {
    expect((await call(route, () => json(body))).result).toEqual(result);
  });

  test("may stream too, may say nothing, must not talk nonsense", async () => {
    const stream = await call(route, () => streamed(framed(["RunCompleted", { content: "x" }])));
    expect(stream.result).toEqual(said("x"));
    const silent = await call(route, () => new Response(null, { status: 204 }));
    expect(silent.result).toEqual({ ok: true, value: [] });
    const wrong = await call(route, () => json({ reply: { deep: 1 } }));
    expect(wrong.result).toMatchObject({ failure: { reason: "bad_answer", retryable: false } });
  });
});
