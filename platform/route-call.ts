/**
 * What calls to external routes (webhooks, Hives) have in common: the turn they are given, how they may
 * fail, and what a status means where the route's own contract says nothing else.
 */
import { parseRetryAfter } from "../domain/resilience/backoff.ts";
import { fail, type Result } from "../domain/result.ts";
import type { UnifiedMessage } from "../schema/message.ts";
import type { OutboundContent } from "../schema/outbound.ts";
import type { EgressDeps, EgressFailure } from "./egress.ts";

/** A turn as a route sees it. All messages of a burst come at once, oldest first; never empty. */
export interface RouteTurn {
  readonly tenant: string;
  readonly connection: string;
  readonly conversation: string;
  readonly session: string;
  /** The idempotency key of the call: the same on every attempt. */
  readonly turnId: string;
  readonly messages: readonly UnifiedMessage[];
  /** What was said before this turn, oldest first: the tenant's `historyWindow`, replies included. */
  readonly history: readonly UnifiedMessage[];
}

export interface RouteDeps extends EgressDeps {
  readonly traceparent?: string;
  /** Ends the call early. */
  readonly signal?: AbortSignal;
}

export interface TurnFailure {
  readonly reason:
    | "refused_url"
    | "unresolvable"
    | "timeout"
    | "network"
    | "unconfigured"
    | "unauthorized"
    | "unknown_agent"
    | "rejected"
    | "gone"
    | "aborted"
    | "redirected"
    | "conflict"
    | "rate_limited"
    | "upstream_error"
    | "bad_answer"
    | "answer_too_large"
    | "run_error"
    | "run_paused"
    | "run_cancelled"
    | "run_pending";
  readonly retryable: boolean;
  /** The other side's own wish, in ms. */
  readonly afterMs?: number;
  /** True where it says something about the other side's health. */
  readonly breaker: boolean;
  /** Status, rule or path; never content. */
  readonly detail?: string;
}

/** What to send, in order; empty is silence. */
export type RouteAnswer = Result<readonly OutboundContent[], TurnFailure>;

/** How a call failed before there was an answer. */
export function egressFailure(failure: EgressFailure): TurnFailure {
  switch (failure.reason) {
    case "refused":
      return { reason: "refused_url", retryable: false, breaker: false, detail: failure.rule };
    case "unresolvable":
    case "lookup_failed":
      return { reason: "unresolvable", retryable: true, breaker: true, detail: failure.reason };
    case "timeout":
    case "network":
      return { reason: failure.reason, retryable: true, breaker: true };
  }
}

/** A status that is no success. Only 408, 5xx and what never came count against the other side's health. */
export function statusFailure(response: Response, nowMs: number): TurnFailure {
  const { status } = response;
  const detail = `status ${status}`;
  const afterMs = parseRetryAfter(response.headers.get("retry-after"), nowMs);
  const after = afterMs === undefined ? {} : { afterMs };
  if (status === 429) {
    return { reason: "rate_limited", retryable: true, breaker: false, detail, ...after };
  }
  if (status >= 300 && status < 400) {
    return { reason: "redirected", retryable: true, breaker: false, detail };
  }
  if (status >= 500 || status === 408) {
    return { reason: "upstream_error", retryable: true, breaker: true, detail, ...after };
  }
  return { reason: "rejected", retryable: true, breaker: false, detail, ...after };
}

/** Work that may end with its signal. Anything thrown becomes a failure of the network. */
export async function caught(
  work: Promise<RouteAnswer>,
  signal: AbortSignal,
): Promise<RouteAnswer> {
  try {
    return await work;
  } catch {
    const reason = signal.aborted ? "timeout" : "network";
    return fail({ reason, retryable: true, breaker: true });
  }
}

/** Headers every route call carries. */
export function traceHeaders(deps: RouteDeps): Readonly<Record<string, string>> {
  const agent = { "user-agent": "omni-edge" };
  return deps.traceparent ? { ...agent, traceparent: deps.traceparent } : agent;
}
