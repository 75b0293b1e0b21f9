/**
 * One attempt to hand an event to a webhook: writes and signs the request, calls behind the guard against private
 * addresses, reads the beginning of the answer. Judges nothing and never repeats.
 */

import type { UrlFailure } from "../domain/egress/ssrf.ts";
import type { AttemptOutcome } from "../domain/events/delivery.ts";
import { type EgressDeps, type EgressFailure, guardedFetch } from "./egress.ts";
import { deadline, readBounded } from "./http-deadline.ts";
import {
  type EventAttempt,
  type EventRequest,
  type RequestFailure,
  requestOf,
} from "./webhook-request.ts";

/** Waits this long for the whole answer where the subscription says nothing (Standard Webhooks: 15 to 30 s). */
export const DELIVERY_TIMEOUT_MS_DEFAULT = 15_000;
/** Bytes kept of an answer. */
export const ANSWER_BYTES_MAX = 16_384;

export interface DeliveryCall extends EventAttempt {
  readonly url: string;
  readonly timeoutMs: number;
}

type Answered = Extract<AttemptOutcome, { is: "answered" }>;
type Unanswered = Extract<AttemptOutcome, { is: "unanswered" }>;

export type DeliveryAnswer =
  | (Answered & {
      /** The first 16 KiB, well formed and without NUL. */
      readonly body: string;
    })
  | (Unanswered & { readonly reason: "timeout" | "network" | "unresolvable" })
  /** The URL leads nowhere an event may go, or the event cannot be written into a request: never worth a retry. */
  | { readonly is: "refused"; readonly reason: UrlFailure["reason"] | RequestFailure["reason"] }
  /** Our own resolver did not say where the name leads; nothing was sent. */
  | { readonly is: "unknown"; readonly reason: "lookup_failed" };

export interface Delivered {
  readonly answer: DeliveryAnswer;
  /** Headers that were sent, without the signature. */
  readonly shown: Readonly<Record<string, string>>;
  readonly durationMs: number;
}

/** Never rejects. */
export async function deliverWebhook(call: DeliveryCall, deps: EgressDeps): Promise<Delivered> {
  const request = await requestOf(call);
  if (!request.ok)
    return { answer: { is: "refused", ...request.failure }, shown: {}, durationMs: 0 };
  const startMs = Date.now();
  const answer = await send(call, request.value, deps);
  return { answer, shown: request.value.shown, durationMs: Date.now() - startMs };
}

async function send(
  { url, timeoutMs }: DeliveryCall,
  { headers, body }: EventRequest,
  deps: EgressDeps,
): Promise<DeliveryAnswer> {
  const signal = deadline(timeoutMs);
  const called = await guardedFetch(url, { method: "POST", headers, body, signal }, deps);
  if (!called.ok) return unanswered(called.failure);
  const { status, headers: answered } = called.value;
  return {
    is: "answered",
    status,
    retryAfter: answered.get("retry-after"),
    control: answered.get("webhook-delivery"),
    body: await beginningOf(called.value, signal),
  };
}

/** A status has been given: an answer whose body breaks off or comes too slowly is one all the same. */
async function beginningOf(response: Response, signal: AbortSignal): Promise<string> {
  try {
    const text = await readBounded(response, ANSWER_BYTES_MAX, signal);
    return text.toWellFormed().replaceAll("\0", "\u{FFFD}");
  } catch {
    return "";
  }
}

function unanswered(failure: EgressFailure): DeliveryAnswer {
  switch (failure.reason) {
    case "refused":
      return { is: "refused", reason: failure.rule };
    case "unresolvable":
      return { is: "unanswered", error: "dns_error", reason: failure.reason };
    case "lookup_failed":
      return { is: "unknown", reason: failure.reason };
    case "timeout":
      return { is: "unanswered", error: "timeout", reason: failure.reason };
    case "network":
      return { is: "unanswered", error: "connection_reset", reason: failure.reason };
  }
}
