/**
 * Spans of a unit of work, collected in memory and exported to the collector in one request when it has
 * ended (the caller hands the promise to `waitUntil`). Bounded; a failed export is counted, never thrown.
 */
import type { SafeFields } from "../domain/observability/fields.ts";
import {
  otlpRequest,
  type Span,
  type SpanContent,
  type SpanStatus,
} from "../domain/observability/otlp.ts";
import {
  childOf,
  formatTraceparent,
  newTraceparent,
  parseTraceparent,
  type Traceparent,
} from "../domain/observability/traceparent.ts";
import { count } from "./metrics.ts";

const SPANS_MAX = 512;
const EXPORT_TIMEOUT_MS = 5000;
const TRACES_PATH = "/v1/traces";

/** One unit of work within a trace. */
export interface Trace {
  readonly at: Traceparent;
  /** For calls made by this unit: names its first span as their parent. */
  readonly traceparent: string;
  readonly spans: Span[];
  /** The caller's span. */
  readonly parentSpanId: string | undefined;
  readonly random: () => number;
}

/** Continues the caller's trace, or begins one. `random` yields numbers in [0, 1). */
export function startTrace(
  traceparent: string | null | undefined,
  random: () => number = Math.random,
): Trace {
  const caller = parseTraceparent(traceparent);
  const at = caller ? childOf(caller, random) : newTraceparent(random);
  const parentSpanId = caller?.spanId;
  return { at, traceparent: formatTraceparent(at), spans: [], parentSpanId, random };
}

/** Records a step of the unit; returns the `traceparent` for calls that were made within it. */
export function span(
  trace: Trace,
  name: string,
  startMs: number,
  endMs: number,
  attributes: SafeFields,
  status: SpanStatus,
): string {
  const at = childOf(trace.at, trace.random);
  const parentSpanId = trace.at.spanId;
  push(trace, { at, parentSpanId, name, startMs, endMs, attributes, status, root: false });
  return formatTraceparent(at);
}

/**
 * Records the unit itself: the span that all its steps name as their parent. Call it once, at the end. `content` only
 * where the tenant's `tracing.pii` is on.
 */
export function endTrace(
  trace: Trace,
  name: string,
  startMs: number,
  endMs: number,
  attributes: SafeFields,
  status: SpanStatus,
  content?: SpanContent,
): void {
  const { at, parentSpanId } = trace;
  const told = content ? { content } : {};
  push(trace, { at, parentSpanId, name, startMs, endMs, attributes, status, root: true, ...told });
}

/** Sends all spans in one request. Traces the caller asked not to sample stay here. Never rejects. */
export async function exportSpans(
  traces: readonly Trace[],
  endpoint: string,
  send: typeof fetch = fetch,
): Promise<void> {
  const sampled = traces.filter((trace) => trace.at.sampled).flatMap((trace) => trace.spans);
  const spans = sampled.slice(0, SPANS_MAX);
  if (endpoint === "" || spans.length === 0) return;
  if (sampled.length > spans.length) {
    count("trace_exports_total", { outcome: "truncated" });
  }
  const outcome = await post(tracesUrl(endpoint), JSON.stringify(otlpRequest(spans)), send);
  count("trace_exports_total", { outcome });
}

function push(trace: Trace, one: Span): void {
  if (trace.spans.length < SPANS_MAX) trace.spans.push(one);
  else if (one.root) trace.spans[SPANS_MAX - 1] = one;
}

function tracesUrl(endpoint: string): string {
  const base = endpoint.replace(/\/$/, "");
  return base.endsWith(TRACES_PATH) ? base : base + TRACES_PATH;
}

async function post(
  url: string,
  body: string,
  send: typeof fetch,
): Promise<"sent" | "refused" | "failed"> {
  try {
    const headers = { "content-type": "application/json" };
    const signal = AbortSignal.timeout(EXPORT_TIMEOUT_MS);
    const response = await send(url, { method: "POST", headers, body, signal });
    await response.body?.cancel();
    return response.ok ? "sent" : "refused";
  } catch {
    return "failed";
  }
}
