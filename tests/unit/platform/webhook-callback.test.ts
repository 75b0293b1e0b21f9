import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { callWebhookRoute } from "../../../platform/webhook-callback.ts";
import { newWebhookSecret, verifyWebhook } from "../../../platform/webhook-signature.ts";
import type { UnifiedMessage } from "../../../schema/message.ts";

const NOW_MS = 1_790_000_000_000;
const VARS = {
  ENVIRONMENT: "test",
  EGRESS_ALLOW: "",
  PUBLIC_URL: "https://hub.example.com",
  DOH_URL: "",
} as const;

const MESSAGE: UnifiedMessage = {
  id: "msg_1",
  source: "slack",
  tenant: "acme",
  content: { text: "hi", media: [], metadata: {} },
  timestamp: "2026-11-21T06:00:00.000Z",
  connection: "c1",
  conversation: "cnv_1",
  direction: "inbound",
  kind: "message",
  eventKey: "k",
  platform_id: "p",
  sender: { id: "U1", aliases: [] },
  group: false,
  mentions: [],
};

const TURN = {
  tenant: "acme",
  connection: "c1",
  conversation: "cnv_1",
  session: "ses_1",
  turnId: "trn_1",
  messages: [MESSAGE, { ...MESSAGE, id: "msg_2" }],
  history: [{ ...MESSAGE, id: "msg_0" }],
};

interface Sent {
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly redirect: string | undefined;
}

/** Calls the route against a server that gives `answer`, and says what that server got. */
async function call(answer: () => Response | Promise<Response>, options: Options = {}) {
  const sent: Sent[] = [];
  const fetch = async (url: string, init: RequestInit) => {
    const headers = new Headers(init.headers as Record<string, string>);
    sent.push({ url, headers, body: init.body as Uint8Array, redirect: init.redirect });
    return answer();
  };
  const route = {
    kind: "webhook",
    url: options.url ?? "https://example.com/hook",
    timeoutMs: options.timeoutMs ?? 1000,
    ...(options.secret === undefined ? {} : { secret: options.secret }),
  } as const;
  const deps = { vars: VARS, nowMs: NOW_MS, fetch: fetch as unknown as typeof globalThis.fetch };
  const result = await callWebhookRoute(route, TURN, { ...deps, traceparent: "00-1-2-01" });
  return { result, sent };
}

interface Options {
  readonly url?: string;
  readonly secret?: string;
  readonly timeoutMs?: number;
}

const json = (value: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });

describe("what the receiver gets", () => {
  test("the whole turn, signed with every secret, under the turn's id", async () => {
    const [fresh, old] = [newWebhookSecret(), newWebhookSecret()];
    const { sent } = await call(() => new Response(null, { status: 204 }), {
      secret: `${fresh} ${old}`,
    });
    const [request] = sent;
    if (!request) throw new Error("nothing sent");
    expect(request.url).toBe("https://example.com/hook");
    expect(request.redirect).toBe("manual");
    expect(request.headers.get("webhook-id")).toBe("trn_1");
    expect(request.headers.get("traceparent")).toBe("00-1-2-01");
    for (const secret of [fresh, old]) {
      const header = (name: string) => request.headers.get(name);
      expect((await verifyWebhook(header, request.body, [secret], NOW_MS)).ok).toBe(true);
    }
    expect(JSON.parse(new TextDecoder().decode(request.body))).toEqual({
      type: "message.received",
      timestamp: MESSAGE.timestamp,
      data: {
        tenant: "acme",
        connection: "c1",
        conversation: "cnv_1",
        session_id: "ses_1",
        turn_id: "trn_1",
        messages: [MESSAGE, { ...MESSAGE, id: "msg_2" }],
        history: [{ ...MESSAGE, id: "msg_0" }],
      },
    });
  });

  test("the same bytes on every attempt", async () => {
    const first = await call(() => json({}));
    const second = await call(() => json({}));
    expect(second.sent[0]?.body).toEqual(first.sent[0]?.body);
  });

  test("no call at all to an address inside, or with a secret that cannot sign", async () => {
    const inside = await call(() => json({}), { url: "http://169.254.169.254/" });
    expect(inside.sent).toHaveLength(0);
    expect(inside.result).toMatchObject({ failure: { reason: "refused_url", retryable: false } });
    const unsigned = await call(() => json({}), { secret: "whsec_short" });
    expect(unsigned.sent).toHaveLength(0);
    expect(unsigned.result).toMatchObject({
      failure: { reason: "unconfigured", retryable: false },
    });
  });
});

describe("what its answer means", () => {
  const text = (value: string) => ({ type: "text", text: value });
  test.each([
    ["a reply", { reply: "**hi**" }, [text("**hi**")]],
    ["parts before reply", { reply: "a", parts: ["b", "c"] }, [text("b"), text("c")]],
    ["empty parts give way", { reply: "a", parts: [] }, [text("a")]],
    ["other members", { reply: "a", trace: { x: 1 } }, [text("a")]],
    [
      "rich parts",
      { parts: [{ type: "reaction", target: "p", emoji: "👍" }] },
      [{ type: "reaction", target: "p", emoji: "👍" }],
    ],
    ["blank parts", { parts: ["", " \n", "x"] }, [text("x")]],
    ["null", { reply: null, parts: null }, []],
    ["nothing", {}, []],
  ])("%s", async (_, answer, contents) => {
    expect((await call(() => json(answer))).result).toEqual({ ok: true, value: contents });
  });

  test.each([
    ["204", () => new Response(null, { status: 204 })],
    ["an empty body", () => new Response("")],
    ["a plain ok", () => new Response("ok", { headers: { "content-type": "text/plain" } })],
  ])("%s is silence", async (_, answer) => {
    expect((await call(answer)).result).toEqual({ ok: true, value: [] });
  });

  test.each([
    ["410", () => json({}, 410), "gone", false, false],
    [
      "the abort header",
      () => json({}, 400, { "webhook-delivery": "abort-message" }),
      "aborted",
      false,
      false,
    ],
    ["404", () => json({}, 404), "rejected", true, false],
    ["302", () => json({}, 302, { location: "http://127.0.0.1/" }), "redirected", true, false],
    ["500", () => json({}, 500), "upstream_error", true, true],
    ["a broken connection", () => Promise.reject(new TypeError("reset")), "network", true, true],
    [
      "not JSON",
      () => new Response("{{", { headers: { "content-type": "application/json" } }),
      "bad_answer",
      true,
      false,
    ],
    ["the wrong shape", () => json({ reply: 7 }), "bad_answer", false, false],
    ["an unknown part", () => json({ parts: [{ type: "bomb" }] }), "bad_answer", false, false],
    ["too many parts", () => json({ parts: new Array(51).fill("x") }), "bad_answer", false, false],
    [
      "256 KiB and one byte",
      () => new Response("x".repeat(262_145)),
      "answer_too_large",
      false,
      false,
    ],
  ])("%s is %s", async (_, answer, reason, retryable, breaker) => {
    const { result } = await call(answer);
    expect(result).toMatchObject({ ok: false, failure: { reason, retryable, breaker } });
  });

  test("429 and 503 say when to come back", async () => {
    const limited = await call(() => json({}, 429, { "retry-after": "7" }));
    expect(limited.result).toMatchObject({
      failure: { reason: "rate_limited", retryable: true, breaker: false, afterMs: 7000 },
    });
    const down = await call(() => json({}, 503, { "retry-after": "soon" }));
    expect(down.result).toMatchObject({ failure: { reason: "upstream_error", breaker: true } });
    expect(down.result).not.toHaveProperty("failure.afterMs");
  });

  test("a receiver that never answers, and one that never ends, are timeouts", async () => {
    const silent = await call(() => new Promise<Response>(() => undefined), { timeoutMs: 100 });
    expect(silent.result).toMatchObject({
      failure: { reason: "timeout", retryable: true, breaker: true },
    });
    const endless = () =>
      new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(9)) }));
    const slow = await call(endless, { timeoutMs: 100 });
    expect(slow.result).toMatchObject({ failure: { reason: "timeout" } });
  });
});

const FIXTURE = join(
  import.meta.dirname,
  "../../../../shared/fixtures/omni/v2_webhook_provider_reply.json",
);
const present = existsSync(FIXTURE);

test.skipIf(!present)(
  `reads the recorded provider reply${present ? "" : " (skipped: shared fixtures are not here)"}`,
  async () => {
    const recorded: { parts: string[] } = JSON.parse(readFileSync(FIXTURE, "utf8"));
    const { result } = await call(() => json(recorded));
    expect(result).toEqual({
      ok: true,
      value: recorded.parts.map((text) => ({ type: "text", text })),
    });
  },
);
