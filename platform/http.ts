/**
 * One HTTP call to a platform, exactly as an adapter described it: no retry, no redirect, no judgement.
 * The deadline covers the answer's body too, and only its first bytes are read. What a status means is
 * the adapter's to say; whether the request may have taken effect is said here (`sent`).
 */
import type { OutboundMedia, OutboundRequest } from "../schema/outbound.ts";
import { type EncodedBody, encodeBody } from "./http-body.ts";
import { deadline, readBounded, untilAborted } from "./http-deadline.ts";

/** How much of an answer is read by default; `readResponse` of an adapter sees no more (64 KiB). */
const ANSWER_BYTES_MAX = 65_536;

export interface CallOptions {
  /** Default: the runtime's own. */
  readonly fetch?: typeof fetch;
  /** Bytes of the answer that are read; the rest is cancelled. Default 64 KiB. */
  readonly bytesMax?: number;
  /** Opens a file to send (R2 object or public URL); undefined where it cannot be had. */
  readonly media?: (media: OutboundMedia) => Promise<Response | undefined>;
  /** Ends the call early; reported as a timeout. */
  readonly signal?: AbortSignal;
  /** W3C trace context, sent along as it is. */
  readonly traceparent?: string;
}

/** `sent: false` only where certainly nothing left this hub; true means the downstream may have acted. */
export type CallResult =
  | {
      readonly ok: true;
      readonly status: number;
      readonly headers: Headers;
      readonly body: string;
    }
  | {
      readonly ok: false;
      readonly reason: "timeout" | "network" | "media";
      readonly sent: boolean;
    };

/** Makes the call. Never throws: every way to fail is a value. */
export async function callOnce(
  request: OutboundRequest,
  options: CallOptions = {},
): Promise<CallResult> {
  const signal = deadline(request.timeoutMs, options.signal);
  const body = await encodeBody(request.body, options.media, signal);
  if (!body) return { ok: false, reason: "media", sent: false };
  const ready = signal.aborted ? undefined : prepare(request, body, options.traceparent, signal);
  if (!ready) {
    await body.cancel();
    return { ok: false, reason: signal.aborted ? "timeout" : "network", sent: false };
  }
  try {
    const response = await untilAborted((options.fetch ?? fetch)(ready), signal);
    const text = await readBounded(response, options.bytesMax ?? ANSWER_BYTES_MAX, signal);
    return { ok: true, status: response.status, headers: response.headers, body: text };
  } catch {
    return { ok: false, reason: signal.aborted ? "timeout" : "network", sent: true };
  }
}

function prepare(
  request: OutboundRequest,
  body: EncodedBody,
  traceparent: string | undefined,
  signal: AbortSignal,
): Request | undefined {
  try {
    const headers = new Headers(request.headers);
    if (!headers.has("user-agent")) headers.set("user-agent", "omni-edge");
    if (traceparent) headers.set("traceparent", traceparent);
    if (body.contentType && (body.owned || !headers.has("content-type"))) {
      headers.set("content-type", body.contentType);
    }
    const init: RequestInit & { duplex?: "half" } = {
      method: request.method,
      headers,
      redirect: "manual",
      signal,
    };
    if (body.content !== undefined) init.body = body.content;
    if (body.content instanceof ReadableStream) init.duplex = "half";
    return new Request(request.url, init);
  } catch {
    return undefined;
  }
}
