/** How answers are judged: every status, any body, and never a blind repetition. */
import { expect, it } from "vitest";
import type { OutboundMessage, OutboundRequest, SendOutcome } from "../../../schema/outbound.ts";
import type { Suite } from "./suite.ts";

const OUTCOMES: readonly unknown[] = ["delivered", "retry", "uncertain", "failed"];
const REFUSALS = [400, 401, 403, 404, 413, 429, 500, 502, 503, 504];
const GARBAGE = ["", "{", "null", "[]", '"x"', "<html>", '{"ok":1}', '{"error":{}}', "\u0000"];
const WAITS = ["7", "999999999", "-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "1e999"];
const WAIT_MS_MAX = 86_400_000;

interface FirstStep {
  readonly message: OutboundMessage;
  readonly request: OutboundRequest;
}

export const answers: Suite = (adapter, samples) => {
  const steps = samples.outbound.flatMap((message): FirstStep[] => {
    const next = adapter.next(message, samples.connection, []);
    return typeof next === "object" && "method" in next ? [{ message, request: next }] : [];
  });
  const judge = (request: OutboundRequest, status: number, body: string, headers = {}) =>
    adapter.readResponse(request, status, new Headers(headers), body);

  it("judges every status of every kind of call, whatever the body", () => {
    const odd: string[] = [];
    for (const { request } of steps) {
      for (let status = 100; status < 600; status++) {
        for (const body of GARBAGE) {
          if (!OUTCOMES.includes(judge(request, status, body).outcome)) {
            odd.push(`${request.step} ${status} ${body}`);
          }
        }
      }
    }
    expect(steps.length).toBeGreaterThan(0);
    expect(odd).toEqual([]);
  });

  it("takes no 4xx or 5xx for the end of a message", () => {
    for (const { message, request } of steps) {
      for (const status of REFUSALS) {
        const ends = endsWith(message, request, judge(request, status, ""));
        expect(ends, `${message.content.type} ${request.step} ${status}`).toBe(false);
      }
    }
  });

  it("repeats nothing that may have gone out", () => {
    for (const { request } of steps.filter(({ request }) => !request.idempotent)) {
      expect(judge(request, 504, "<html>").outcome, request.step).toBe("uncertain");
    }
    for (const { request } of steps.filter(({ request }) => request.idempotent)) {
      expect(judge(request, 504, "<html>").outcome, request.step).toBe("retry");
    }
  });

  it("waits as long as a 429 says, bounded", () => {
    const request = steps[0]?.request as OutboundRequest;
    for (const value of WAITS) {
      const outcome = judge(request, 429, "{}", { "retry-after": value });
      expect(outcome.outcome).toBe("retry");
      const afterMs = outcome.outcome === "retry" ? (outcome.afterMs ?? 0) : -1;
      expect(afterMs >= 0 && afterMs <= WAIT_MS_MAX, value).toBe(true);
    }
    expect(judge(request, 429, "{}", { "retry-after": "7" })).toMatchObject({ afterMs: 7_000 });
  });

  /** A step may count as passed although it was refused (a gesture's way back is gone) if another one follows. */
  function endsWith(message: OutboundMessage, request: OutboundRequest, outcome: SendOutcome) {
    if (outcome.outcome !== "delivered") {
      return false;
    }
    const step = { step: request.step, ...outcome };
    return adapter.next(message, samples.connection, [step]) === "done";
  }
};
