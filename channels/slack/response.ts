/**
 * What Slack's answers mean. Most failures come as HTTP 200 with `ok: false`; a post that may have been
 * taken is `uncertain`, because Slack has no idempotency key (Slack docs: Web API errors). Total over
 * every status and body.
 */
import { parseRetryAfter } from "../../domain/resilience/backoff.ts";
import type { OutboundRequest, SendOutcome } from "../../schema/outbound.ts";
import { type Fields, fieldsOf } from "../shared/fields.ts";
import { stringOf } from "./fields.ts";
import { deliveredOf } from "./results.ts";

/** Slack says that part of the work may be done. */
const MAYBE_APPLIED: ReadonlySet<string> = new Set(["internal_error", "fatal_error"]);
/** Refused before anything was done; worth another try. */
const TRANSIENT: ReadonlySet<string> = new Set([
  "ratelimited",
  "rate_limited",
  "request_timeout",
  "service_unavailable",
  "team_added_to_org",
]);
/** Errors that say the wanted effect is already there, by step. */
const ALREADY: Readonly<Record<string, string>> = {
  react: "already_reacted",
  unreact: "no_reaction",
  delete: "message_not_found",
};
const ERROR_CODE = /^[a-z0-9_]{1,64}$/;

/** See `ChannelAdapter.readResponse`. */
export function readSlackResponse(
  request: OutboundRequest,
  status: number,
  headers: Headers,
  body: string,
): SendOutcome {
  const kind = request.step.split(":")[0] ?? "";
  if (status === 429) {
    return throttled("ratelimited", headers);
  }
  if (status >= 200 && status < 300) {
    return kind === "upload" || kind === "respond"
      ? { outcome: "delivered" }
      : readAnswer(request, kind, headers, body);
  }
  if (kind === "respond" && status >= 400 && status < 500) {
    // Used up or expired: over, without effect; the post goes to the channel instead.
    return { outcome: "delivered", data: { closed: "1" } };
  }
  return readHttpFailure(request, status, headers);
}

function readAnswer(
  request: OutboundRequest,
  kind: string,
  headers: Headers,
  body: string,
): SendOutcome {
  const answer = answerOf(body);
  if (answer === undefined) {
    return doubtful(request, "unreadable_answer");
  }
  if (answer.ok === true) {
    return (
      deliveredOf(kind, answer) ?? { outcome: "retry", reason: "incomplete_answer", breaker: true }
    );
  }
  const error = stringOf(answer.error) ?? "";
  const code = ERROR_CODE.test(error) ? error : "unnamed_error";
  if (Object.hasOwn(ALREADY, kind) && ALREADY[kind] === code) {
    return { outcome: "delivered" };
  }
  if (MAYBE_APPLIED.has(code)) {
    return doubtful(request, code);
  }
  return TRANSIENT.has(code)
    ? throttled(code, headers)
    : { outcome: "failed", reason: code, breaker: false };
}

function readHttpFailure(request: OutboundRequest, status: number, headers: Headers): SendOutcome {
  const reason = `http_${status}`;
  if (status === 503) {
    return { ...throttled(reason, headers), breaker: true };
  }
  if (status === 408 || status >= 500 || status < 200) {
    return doubtful(request, reason);
  }
  return { outcome: "failed", reason, breaker: false };
}

/** Repeatable calls are repeated; of others nobody knows whether they took effect. */
function doubtful(request: OutboundRequest, reason: string): SendOutcome {
  return request.idempotent
    ? { outcome: "retry", reason, breaker: true }
    : { outcome: "uncertain", reason };
}

/** Too many calls say nothing about Slack's health. */
function throttled(
  reason: string,
  headers: Headers,
): Extract<SendOutcome, { readonly outcome: "retry" }> {
  // Slack sends whole seconds; a date would need a clock and is not used (Slack docs: rate limits).
  const afterMs = parseRetryAfter(headers.get("retry-after"), Number.POSITIVE_INFINITY);
  return {
    outcome: "retry",
    reason,
    breaker: false,
    ...(afterMs === undefined ? {} : { afterMs }),
  };
}

function answerOf(body: string): Fields | undefined {
  try {
    const answer = fieldsOf(JSON.parse(body));
    return typeof answer?.ok === "boolean" ? answer : undefined;
  } catch {
    return undefined;
  }
}
