import { afterEach, describe, expect, test } from "vitest";
import type { SafeFields } from "../../../domain/observability/fields.ts";
import { parseTraceparent } from "../../../domain/observability/traceparent.ts";
import { takeDelta } from "../../../platform/metrics.ts";
import { endTrace, exportSpans, span, startTrace } from "../../../platform/trace.ts";
import { CANARIES, canariesIn } from "../domain/observability/canaries.ts";

const CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const T = 1_750_000_000_123;

/** A collector that keeps what it is sent. */
function collector(answer: () => Response = () => new Response("{}")) {
  const sent: { url: string; body: string; type: string | null }[] = [];
  const send = (async (url: string, init: RequestInit) => {
    const type = new Headers(init.headers).get("content-type");
    sent.push({ url, body: String(init.body), type });
    return answer();
  }) as typeof fetch;
  return { sent, send };
}

/** The spans of an export request, as a collector reads them. */
function spansOf(body: string | undefined): Record<string, unknown>[] {
  return JSON.parse(body ?? "{}").resourceSpans[0].scopeSpans[0].spans;
}

function counters(): Readonly<Record<string, number>> {
  return takeDelta()?.counters ?? {};
}

afterEach(() => void takeDelta());

describe("a trace", () => {
  test("continues the caller's", () => {
    const trace = startTrace(CALLER);
    expect(trace.at.traceId).toBe("4bf92f3577b34da6a3ce929d0e0e4736");
    expect(trace.parentSpanId).toBe("00f067aa0ba902b7");
    expect(trace.at.spanId).not.toBe(trace.parentSpanId);
    expect(parseTraceparent(trace.traceparent)).toEqual(trace.at);
  });

  test.each([undefined, null, "", "nonsense"])("begins anew from %j", (header) => {
    const trace = startTrace(header);
    expect(trace.parentSpanId).toBeUndefined();
    expect(parseTraceparent(trace.traceparent)?.sampled).toBe(true);
  });

  test("says what was said only where it is given, cut and well formed", async () => {
    const { sent, send } = collector();
    const trace = startTrace(CALLER);
    const content = { asked: "", replied: `${"x".repeat(4095)}😀`, conversationKey: "5511" };
    endTrace(trace, "message.answered", T, T + 9, {}, "ok", content);
    await exportSpans([trace], "https://collector.example", send);
    expect(spansOf(sent[0]?.body)[0]?.attributes).toEqual([
      { key: "omni.content.replied", value: { stringValue: `${"x".repeat(4095)}\ufffd` } },
      { key: "omni.content.conversation_key", value: { stringValue: "5511" } },
    ]);
  });

  test("is exported as one OTLP/HTTP JSON request", async () => {
    const { sent, send } = collector();
    const trace = startTrace(CALLER);
    const inner = span(trace, "message.sent", T, T + 5, { tenant: "acme", attempt: 2 }, "error");
    endTrace(trace, "turn.ended", T, T + 9, { tenant: "acme", ok: true, durationMs: 1.5 }, "ok");
    await exportSpans([trace], "https://collector.example/", send);
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({
      url: "https://collector.example/v1/traces",
      type: "application/json",
    });
    const [step, root] = spansOf(sent[0]?.body);
    expect(JSON.parse(sent[0]?.body ?? "").resourceSpans[0].resource).toEqual({
      attributes: [{ key: "service.name", value: { stringValue: "omni-edge" } }],
    });
    expect(step).toEqual({
      traceId: trace.at.traceId,
      spanId: parseTraceparent(inner)?.spanId,
      parentSpanId: trace.at.spanId,
      name: "message.sent",
      kind: 1,
      startTimeUnixNano: "1750000000123000000",
      endTimeUnixNano: "1750000000128000000",
      attributes: [
        { key: "omni.tenant", value: { stringValue: "acme" } },
        { key: "omni.attempt", value: { intValue: "2" } },
      ],
      status: { code: 2 },
    });
    expect(root).toMatchObject({
      spanId: trace.at.spanId,
      parentSpanId: "00f067aa0ba902b7",
      kind: 2,
      status: { code: 1 },
      attributes: [{}, { value: { boolValue: true } }, { value: { doubleValue: 1.5 } }],
    });
    expect(counters()).toEqual({ "trace_exports_total|sent": 1 });
  });

  test("goes to the endpoint as given where that names the path", async () => {
    const { sent, send } = collector();
    const trace = startTrace(undefined);
    endTrace(trace, "turn.ended", T, T, {}, "unset");
    await exportSpans([trace], "https://c.example/otlp/v1/traces", send);
    expect(sent[0]?.url).toBe("https://c.example/otlp/v1/traces");
  });

  test.each(CANARIES)("carries %j in no span", async (canary) => {
    const { sent, send } = collector();
    const trace = startTrace(canary);
    const attributes = Object.fromEntries(
      ["tenant", "conversation", "reason", "durationMs", "ok", "text", canary].map((name) => [
        name,
        canary,
      ]),
    ) as SafeFields;
    span(trace, canary, T, T, attributes, "ok");
    endTrace(trace, `turn.${canary}`, T, T, attributes, "ok");
    await exportSpans([trace], "https://c.example", send);
    expect(spansOf(sent[0]?.body)).toHaveLength(2);
    expect(canariesIn(sent[0]?.body ?? "")).toEqual([]);
  });
});

describe("an export", () => {
  const one = () => {
    const trace = startTrace(undefined);
    endTrace(trace, "turn.ended", T, T, {}, "ok");
    return trace;
  };

  test("has at most 512 spans; the unit's own is among a trace's", async () => {
    const { sent, send } = collector();
    const trace = startTrace(undefined);
    for (let n = 0; n < 600; n++) span(trace, "step.done", T, T, {}, "ok");
    endTrace(trace, "turn.ended", T, T, {}, "ok");
    await exportSpans([trace, one()], "https://c.example", send);
    const spans = spansOf(sent[0]?.body);
    expect(spans).toHaveLength(512);
    expect(spans.at(-1)).toMatchObject({ name: "turn.ended" });
    expect(counters()).toMatchObject({ "trace_exports_total|truncated": 1 });
  });

  test("leaves out traces the caller asked not to sample, and is not sent without spans", async () => {
    const { sent, send } = collector();
    const quiet = startTrace(CALLER.replace(/01$/, "00"));
    endTrace(quiet, "turn.ended", T, T, {}, "ok");
    await exportSpans([quiet], "https://c.example", send);
    await exportSpans([], "https://c.example", send);
    await exportSpans([one()], "", send);
    expect(sent).toEqual([]);
  });

  test("that is refused or fails is counted and does not throw", async () => {
    await exportSpans(
      [one()],
      "https://c.example",
      collector(() => new Response("", { status: 503 })).send,
    );
    const broken = (() => Promise.reject(new Error("no route"))) as typeof fetch;
    await expect(exportSpans([one()], "https://c.example", broken)).resolves.toBeUndefined();
    await expect(exportSpans([one()], "not a url", fetch)).resolves.toBeUndefined();
    expect(counters()).toEqual({
      "trace_exports_total|refused": 1,
      "trace_exports_total|failed": 2,
    });
  });
});
