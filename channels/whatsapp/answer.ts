/**
 * What Evolution's answers mean for one request. A send without an idempotency key that may have gone out is
 * uncertain, never repeated; the words of an error decide only where its status does not.
 */
import type { OutboundRequest, SendOutcome } from "../../schema/outbound.ts";
import { type Fields, fieldsOf, listOf, memberOf, objectOf, stringOf } from "../shared/fields.ts";

/** Longest wait an answer may ask for, in seconds. */
const RETRY_AFTER_SECONDS_MAX = 3600;
/** Longest id kept of an answer. */
const ID_CHARS_MAX = 256;

/** See `ChannelAdapter.readResponse`. */
export function readEvolutionAnswer(
  request: OutboundRequest,
  status: number,
  headers: Headers,
  body: string,
): SendOutcome {
  const json = objectIn(body);
  if (status >= 200 && status < 300) {
    return readSuccess(request, json);
  }
  if (status === 429) {
    return retryLater(headers);
  }
  if (status >= 400 && status < 500) {
    return readRefusal(request, status, json);
  }
  return readTrouble(request, status, json);
}

/** A send is proven by the id of its message; other calls have nothing to show. */
function readSuccess(request: OutboundRequest, json: Fields | undefined): SendOutcome {
  if (memberOf(json, "error") === true) {
    return byWords(request, json) ?? failed("refused");
  }
  const id = stringOf(objectOf(json, "key"), "id");
  if (id !== undefined && id.length <= ID_CHARS_MAX) {
    return { outcome: "delivered", platformId: id };
  }
  return creates(request) ? doubtful(request, "unreadable_answer") : { outcome: "delivered" };
}

function retryLater(headers: Headers): SendOutcome {
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  const usable = Number.isFinite(seconds) && seconds >= 0;
  const afterMs = usable ? Math.ceil(Math.min(seconds, RETRY_AFTER_SECONDS_MAX) * 1000) : undefined;
  const retry = { outcome: "retry", reason: "rate_limited", breaker: false } as const;
  return afterMs === undefined ? retry : { ...retry, afterMs };
}

function readRefusal(
  request: OutboundRequest,
  status: number,
  json: Fields | undefined,
): SendOutcome {
  switch (status) {
    case 401:
      return failed("unauthorized");
    case 403:
      return failed("forbidden");
    case 404:
      return failed(/does not exist/i.test(wordsOf(json)) ? "instance_not_found" : "unknown_route");
    case 408:
      return doubtful(request, "timeout");
    case 413:
      return failed("media_too_large");
    case 400:
      return notOnWhatsapp(json)
        ? failed("not_on_whatsapp")
        : (byWords(request, json) ?? failed("bad_request"));
    default:
      return failed(`http_${status}`);
  }
}

/** 5xx, and whatever is no final answer at all. */
function readTrouble(
  request: OutboundRequest,
  status: number,
  json: Fields | undefined,
): SendOutcome {
  if (status >= 300 && status < 400) {
    return failed("redirected");
  }
  if (status === 503) {
    return stringOf(json, "code") === "LICENSE_REQUIRED"
      ? failed("license_required")
      : { outcome: "retry", reason: "unavailable", breaker: true };
  }
  const worded = byWords(request, json);
  if (worded !== undefined) {
    return worded;
  }
  return status === 500 && memberOf(json, "error") !== undefined
    ? { outcome: "retry", reason: "server_error", breaker: true }
    : doubtful(request, `http_${status}`);
}

/**
 * Evolution puts what its client library threw into the words of a 400 or 500. A closed connection means
 * that nothing was sent; a time-out or a failed write of its database come after the message went out.
 */
function byWords(request: OutboundRequest, json: Fields | undefined): SendOutcome | undefined {
  const words = wordsOf(json);
  if (/connection closed/i.test(words)) {
    return { outcome: "retry", reason: "connection_closed", breaker: true };
  }
  if (/timed out|prisma|database/i.test(words)) {
    return doubtful(request, "error_after_send");
  }
  return /message not found/i.test(words) ? failed("message_not_found") : undefined;
}

function doubtful(request: OutboundRequest, reason: string): SendOutcome {
  return request.idempotent
    ? { outcome: "retry", reason, breaker: true }
    : { outcome: "uncertain", reason };
}

/** None of these says that Evolution is unwell, so none opens the breaker. */
function failed(reason: string): SendOutcome {
  return { outcome: "failed", reason, breaker: false };
}

function creates(request: OutboundRequest): boolean {
  return request.step.startsWith("part:") || request.step.startsWith("media:");
}

/** `response.message` is `[{jid, exists: false, number}]`, or such an object alone. */
function notOnWhatsapp(json: Fields | undefined): boolean {
  const response = objectOf(json, "response");
  const message = memberOf(response, "message");
  const items = Array.isArray(message) ? message : [message];
  return items.some((item) => memberOf(fieldsOf(item), "exists") === false);
}

/** The words of an error, for matching only: they may hold numbers and are never passed on. */
function wordsOf(json: Fields | undefined): string {
  const response = objectOf(json, "response");
  const words = [
    ...listOf(response, "message"),
    memberOf(response, "message"),
    memberOf(json, "message"),
    memberOf(json, "error"),
  ];
  return words.filter((word) => typeof word === "string").join(" ");
}

function objectIn(body: string): Fields | undefined {
  try {
    return fieldsOf(JSON.parse(body));
  } catch {
    return undefined;
  }
}
