/**
 * What an answer of Discord's REST API means for a send. Total over every status. Codes: "Opcodes and Status
 * Codes: JSON Error Codes". 10,000 answers of 401, 403 or 429 in ten minutes ban an address at Discord's edge,
 * so an unauthorised token counts against the breaker: it must stop at once.
 */
import type { OutboundRequest, SendOutcome } from "../../schema/outbound.ts";
import { RESPONDER_NOT_READY } from "../shared/responder.ts";
import { OPEN_DM, RESPONDER_GONE } from "./send.ts";

/** Longest wait taken from an answer; above it the sender's own schedule is better. */
const RETRY_AFTER_MAX_MS = 15 * 60_000;
/** Blocked by Discord's edge (no JSON in the answer): repeating soon makes it worse. */
const EDGE_BLOCK_MS = 60_000;

const REASONS: Readonly<Record<number, string>> = {
  10003: "unknown_channel",
  10008: "unknown_message",
  10013: "unknown_user",
  10014: "unknown_emoji",
  10015: "unknown_webhook",
  40005: "too_large",
  50001: "missing_access",
  50006: "empty_message",
  50007: "cannot_dm",
  50013: "missing_permissions",
  50027: "responder_expired",
  50035: "invalid_form",
  160005: "thread_locked",
};
/** Unknown interaction, invalid webhook token; for `@original` also the unknown message. */
const GONE_CODES: readonly number[] = [10062, 50027, 10008];
/**
 * Unknown webhook: the interaction is not acknowledged as far as this server of Discord's knows. Follows a
 * deferred answer at random for some seconds (discord-api-docs issue 7220), and for ever where it came too late.
 */
const NOT_READY_CODE = 10015;
/** Unknown channel, message, emoji: what was to be deleted is not there. */
const ABSENT_CODES: readonly number[] = [10003, 10008, 10014];

interface Answer {
  readonly json: boolean;
  readonly id?: string;
  readonly code?: number;
  readonly retryAfterSeconds?: number;
  readonly global: boolean;
  /** Names of the refused fields, never their values. */
  readonly fields: readonly string[];
}

/** See `ChannelAdapter.readResponse`. */
export function readAnswer(
  request: OutboundRequest,
  status: number,
  headers: Headers,
  body: string,
): SendOutcome {
  const answer = answerOf(body);
  if (status >= 200 && status < 300) return accepted(request, status, answer);
  if (status === 429) return limited(answer, headers);
  if (status >= 500 || status === 408) return faulty(request, status);
  if (isResponderStep(request) && status === 404 && answer.code === NOT_READY_CODE) {
    return { outcome: "retry", reason: RESPONDER_NOT_READY, breaker: false };
  }
  if (isResponderStep(request) && isGone(status, answer)) {
    return { outcome: "delivered", data: { gone: RESPONDER_GONE } };
  }
  if (request.method === "DELETE" && isAbsent(status, answer)) return { outcome: "delivered" };
  return refused(status, answer);
}

function answerOf(body: string): Answer {
  const json = parsed(body);
  if (!json) return { json: false, global: false, fields: [] };
  const { id, code, retry_after: after, errors } = json;
  return {
    json: true,
    global: json.global === true,
    fields: typeof errors === "object" && errors ? Object.keys(errors).filter(isFieldName) : [],
    ...(typeof id === "string" && /^\d{1,20}$/.test(id) && { id }),
    ...(typeof code === "number" && { code }),
    ...(typeof after === "number" && Number.isFinite(after) && { retryAfterSeconds: after }),
  };
}

function parsed(body: string): { readonly [key: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(body);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as { readonly [key: string]: unknown }) : undefined;
  } catch {
    return undefined;
  }
}

function isFieldName(name: string): boolean {
  return /^[a-z_]{1,32}$/.test(name);
}

/**
 * A direct channel is needed by the next step; without its id that step could not be made. A 200 that is not
 * Discord's JSON came from something in between: it proves nothing.
 */
function accepted(request: OutboundRequest, status: number, { id, json }: Answer): SendOutcome {
  if (status === 200 && !json) {
    return request.idempotent
      ? { outcome: "retry", reason: "bad_answer", breaker: true }
      : { outcome: "uncertain", reason: "bad_answer" };
  }
  if (request.step === OPEN_DM) {
    return id
      ? { outcome: "delivered", data: { channel: id } }
      : { outcome: "retry", reason: "bad_answer", breaker: true };
  }
  return { outcome: "delivered", ...(id && { platformId: id }) };
}

/** Seconds as a fraction in the body; the header has whole ones. Without JSON it is the edge that limits. */
function limited(answer: Answer, headers: Headers): SendOutcome {
  const seconds = answer.retryAfterSeconds ?? Number(headers.get("retry-after") ?? Number.NaN);
  const usable = Number.isFinite(seconds) && seconds >= 0;
  const waitMs = Math.min(Math.ceil(seconds * 1000), RETRY_AFTER_MAX_MS);
  const global = answer.global || headers.get("x-ratelimit-global") === "true";
  const reason = global ? "rate_limited_global" : "rate_limited";
  return { outcome: "retry", reason, breaker: false, ...(usable && { afterMs: waitMs }) };
}

/** It may have happened: repeated where that is safe, else left uncertain. */
function faulty(request: OutboundRequest, status: number): SendOutcome {
  const reason = `http_${status}`;
  return request.idempotent
    ? { outcome: "retry", reason, breaker: true }
    : { outcome: "uncertain", reason };
}

function isResponderStep(request: OutboundRequest): boolean {
  return request.step.startsWith("original:") || request.step.startsWith("follow_up:");
}

/** Only Discord's own code counts: a bare status may come from anything in between. */
function isGone(status: number, { code }: Answer): boolean {
  return (status === 401 || status === 404) && code !== undefined && GONE_CODES.includes(code);
}

function isAbsent(status: number, { code }: Answer): boolean {
  return status === 404 && code !== undefined && ABSENT_CODES.includes(code);
}

function refused(status: number, answer: Answer): SendOutcome {
  if (status === 401) return { outcome: "failed", reason: "unauthorized", breaker: true };
  if (status === 403 && !answer.json) {
    return { outcome: "retry", reason: "edge_blocked", afterMs: EDGE_BLOCK_MS, breaker: true };
  }
  const named = answer.code ? (REASONS[answer.code] ?? `discord_${answer.code}`) : undefined;
  const reason = named ?? (status === 413 ? "too_large" : `http_${status}`);
  const detail = answer.fields.join(", ");
  return { outcome: "failed", reason, breaker: false, ...(detail && { detail }) };
}
