/** Finding a post in doubt by its metadata. */
import { describe, expect, it } from "vitest";
import { slackReconciliation } from "../../../../channels/slack/reconciliation.ts";
import type { StepResponse } from "../../../../schema/outbound.ts";
import { CONNECTION, NOW_MS, outbound } from "./webhooks.ts";

const short = outbound({ type: "text", text: "hi" });
const long = outbound({
  type: "text",
  text: Array.from({ length: 1200 }, (_unused, i) => `word${i}`).join(" "),
});

function posted(outId: string, part: number, ts: string) {
  return { ts, metadata: { event_type: "omni_edge", event_payload: { out_id: outId, part } } };
}

function read(message: typeof short, answer: unknown, delivered?: StepResponse[], status = 200) {
  const body = typeof answer === "string" ? answer : JSON.stringify(answer);
  return slackReconciliation.read(message, status, body, delivered);
}

const done = (...parts: number[]): StepResponse[] =>
  parts.map((part) => ({ step: `part:${part}`, outcome: "delivered" }));

describe("request", () => {
  it("asks the channel's history since shortly before the message", () => {
    const described = slackReconciliation.request(short, CONNECTION);
    const url = new URL(described?.url ?? "");
    expect(described).toMatchObject({
      method: "GET",
      headers: { authorization: "Bearer xoxb-test" },
      idempotent: true,
    });
    expect(url.pathname).toBe("/api/conversations.history");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      channel: "C0GENERAL",
      oldest: `${(NOW_MS - 60_000) / 1000}.000000`,
      inclusive: "true",
      limit: "15",
      include_all_metadata: "true",
    });
  });

  it("asks a thread for its replies", () => {
    const inThread = { ...short, conversationKey: "T0ACME:C0GENERAL:1763700000.000100" };
    const url = new URL(slackReconciliation.request(inThread, CONNECTION)?.url ?? "");
    expect(url.pathname).toBe("/api/conversations.replies");
    expect(url.searchParams.get("ts")).toBe("1763700000.000100");
  });

  it("asks nothing where the answer could not tell", () => {
    const url = "https://hooks.slack.com/x";
    const responder = { via: "slack_response_url", url, expiresAtMs: NOW_MS } as const;
    for (const message of [
      { ...short, responder },
      { ...short, conversationKey: "T0ACME:U0ANA" },
      { ...short, conversationKey: "nonsense" },
      outbound({ type: "delete", target: "1.1" }),
      outbound({ type: "media", media: [{ kind: "image", source: { from: "url", url } }] }),
    ]) {
      expect(slackReconciliation.request(message, CONNECTION)).toBeUndefined();
    }
  });
});

describe("read", () => {
  it("finds its own post among others", () => {
    const messages = [
      { ts: "1763700105.000100", text: "someone else" },
      posted("msg_2", 0, "1763700104.000100"),
      posted("msg_1", 0, "1763700103.000100"),
    ];
    expect(read(short, { ok: true, messages })).toEqual({
      found: "yes",
      platformId: "1763700103.000100",
    });
  });

  it("says no only when it saw everything", () => {
    const messages = [posted("msg_2", 0, "1763700104.000100")];
    expect(read(short, { ok: true, messages, has_more: false })).toEqual({ found: "no" });
    expect(read(short, { ok: true, messages, has_more: true })).toEqual({ found: "unknown" });
  });

  it("does not believe foreign metadata", () => {
    const foreign = { ...posted("msg_1", 0, "1763700103.0001") };
    foreign.metadata.event_type = "another_app";
    expect(read(short, { ok: true, messages: [foreign] })).toEqual({ found: "no" });
  });

  it.each([
    ["an error", { ok: false, error: "ratelimited" }, 200],
    ["a failure", { ok: true, messages: [] }, 500],
    ["no JSON", "<html>", 200],
    ["no list", { ok: true }, 200],
  ])("does not know after %s", (_name, answer, status) => {
    expect(read(short, answer, undefined, status)).toEqual({ found: "unknown" });
  });

  it("tells the part in doubt from those known", () => {
    const messages = [posted("msg_1", 0, "1763700101.1"), posted("msg_1", 1, "1763700102.1")];
    expect(read(long, { ok: true, messages }, done(0))).toEqual({
      found: "yes",
      platformId: "1763700102.1",
      steps: [
        { step: "part:0", outcome: "delivered" },
        { step: "part:1", outcome: "delivered", platformId: "1763700102.1" },
      ],
    });
    expect(read(long, { ok: true, messages }, done(0, 1))).toEqual({ found: "no" });
    expect(read(long, { ok: true, messages })).toEqual({ found: "unknown" });
  });

  it("knows the whole message by its last part", () => {
    const messages = [posted("msg_1", 2, "1763700103.1")];
    expect(read(long, { ok: true, messages }, done(0, 1))).toEqual({
      found: "yes",
      platformId: "1763700103.1",
    });
  });
});
