/**
 * Spans as an OTLP/HTTP JSON request (opentelemetry.io, OTLP specification: ids in hex, 64-bit numbers as
 * strings, lowerCamelCase keys). Attributes pass the same allow-list as log lines, but for what a tenant chose to
 * have said in its traces; a status has no message.
 */
import { cleanFields, type SafeFields } from "./fields.ts";
import { isSafeText } from "./safe-value.ts";
import type { Traceparent } from "./traceparent.ts";

export type SpanStatus = "unset" | "ok" | "error";

export interface Span {
  readonly at: Traceparent;
  readonly parentSpanId: string | undefined;
  /** `noun.verb`. */
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: SafeFields;
  readonly status: SpanStatus;
  /** Whether it answers somebody outside: the first span of a unit of work. */
  readonly root: boolean;
  /** What was said. Only of a tenant that switched `tracing.pii` on; it passes no allow-list. */
  readonly content?: SpanContent;
}

/** The messages that were answered and the reply, cut at `CONTENT_CHARS_MAX`; who they are with. */
export interface SpanContent {
  readonly asked: string;
  readonly replied: string;
  /** The platform's address of the conversation; may be a phone number. */
  readonly conversationKey: string;
}

/** UTF-16 units of one text in a span: collectors refuse or cut long attributes. */
const CONTENT_CHARS_MAX = 4096;

const SERVICE_NAME = "omni-edge";
const SPAN_NAME = /^[a-z][a-z0-9_]{0,40}(?:\.[a-z0-9_]{1,40}){0,3}$/;
const STATUS_CODE = { unset: 0, ok: 1, error: 2 } as const;
const KIND_INTERNAL = 1;
const KIND_SERVER = 2;

/** The body of one export request. */
export function otlpRequest(spans: readonly Span[]): unknown {
  const resource = { attributes: [attribute("service.name", SERVICE_NAME)] };
  const scopeSpans = [{ scope: { name: SERVICE_NAME }, spans: spans.map(spanJson) }];
  return { resourceSpans: [{ resource, scopeSpans }] };
}

function spanJson(span: Span): unknown {
  return {
    traceId: span.at.traceId,
    spanId: span.at.spanId,
    ...(span.parentSpanId ? { parentSpanId: span.parentSpanId } : {}),
    name: SPAN_NAME.test(span.name) && isSafeText(span.name) ? span.name : "span.unnamed",
    kind: span.root ? KIND_SERVER : KIND_INTERNAL,
    startTimeUnixNano: nanos(span.startMs),
    endTimeUnixNano: nanos(Math.max(span.startMs, span.endMs)),
    attributes: [
      ...cleanFields(span.attributes).map(([name, value]) => attribute(`omni.${name}`, value)),
      ...contentAttributes(span.content),
    ],
    status: { code: STATUS_CODE[span.status] },
  };
}

function contentAttributes(content: SpanContent | undefined): unknown[] {
  if (!content) return [];
  const { asked, replied, conversationKey } = content;
  return Object.entries({ asked, replied, conversation_key: conversationKey })
    .filter(([, text]) => text !== "")
    .map(([name, text]) => attribute(`omni.content.${name}`, cut(text)));
}

function cut(text: string): string {
  return text.slice(0, CONTENT_CHARS_MAX).toWellFormed();
}

function attribute(key: string, value: string | number | boolean): unknown {
  if (typeof value === "string") return { key, value: { stringValue: value } };
  if (typeof value === "boolean") return { key, value: { boolValue: value } };
  return Number.isSafeInteger(value)
    ? { key, value: { intValue: String(value) } }
    : { key, value: { doubleValue: value } };
}

/** Milliseconds since the epoch as nanoseconds, which a number can't hold. */
function nanos(ms: number): string {
  return String(BigInt(Math.round(ms)) * 1_000_000n);
}
