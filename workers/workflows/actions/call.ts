/**
 * One call of an action to a URL that the tenant gave: behind the guard against private addresses, through the host's
 * breaker and bucket, never redirected, its answer bounded.
 */

import { DOWNSTREAM_LIMITS_DEFAULT } from "../../../domain/resilience/admission.ts";
import { parseRetryAfter } from "../../../domain/resilience/backoff.ts";
import { fail, ok, type Result } from "../../../domain/result.ts";
import type { ReportedError } from "../../../domain/workflows/run/events.ts";
import {
  type Admission,
  admitCall,
  flushOutcomes,
  noteOutcome,
} from "../../../platform/admission.ts";
import { type EgressFailure, guardedFetch } from "../../../platform/egress.ts";
import { readWhole, untilAborted } from "../../../platform/http-deadline.ts";
import { isolateOf } from "../../isolate.ts";
import type { ActionContext } from "./action.ts";

/** Largest body of a call, in bytes (1 MiB). */
export const CALL_BODY_BYTES_MAX = 1_048_576;
/** Largest answer, in bytes: a step's output has as many characters. */
const ANSWER_BYTES_MAX = 262_144;
/** A place in the host's bucket is waited for this long, ms; then the attempt fails. */
const ADMISSION_WAIT_MS = 60_000;
const LIMITS = DOWNSTREAM_LIMITS_DEFAULT;

export interface ActionCall {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export interface CallAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  /** The other side's wish, ms. */
  readonly retryAfterMs?: number;
}

/** Any status is an answer. Rejects only when the attempt's time is over. */
export async function callOut(
  { env, tenant }: ActionContext,
  call: ActionCall,
): Promise<Result<CallAnswer, ReportedError>> {
  const { url, method, headers, body, signal } = call;
  if (body !== undefined && new TextEncoder().encode(body).length > CALL_BODY_BYTES_MAX)
    return fail({ reason: "body_too_large", retryable: false });
  const host = URL.parse(url)?.host;
  if (host === undefined) return fail({ reason: "refused_url", retryable: false });
  const name = `${tenant}:url:${host}`;
  const admission = await admitted(env, name, signal);
  if (!admission.ok) return fail(refused(admission));
  const init = { method, headers, signal, ...(body === undefined ? {} : { body }) };
  const answer = await answerOf(url, init, env, signal);
  const pauseMs = answer.ok ? answer.value.retryAfterMs : undefined;
  const { slotId } = admission;
  noteOutcome(name, LIMITS, {
    slotId,
    verdict: verdictOf(answer),
    ...(pauseMs ? { pauseMs } : {}),
  });
  await flushOutcomes(env);
  return answer;
}

/** Waits for its turn; an open breaker is not waited for. */
async function admitted(env: Env, name: string, signal: AbortSignal): Promise<Admission> {
  const untilMs = Date.now() + ADMISSION_WAIT_MS;
  for (;;) {
    const admission = await admitCall(env, name, LIMITS);
    if (admission.ok || admission.reason === "breaker_open") return admission;
    if (Date.now() + admission.retryAfterMs > untilMs) return admission;
    await untilAborted(
      new Promise((resolve) => setTimeout(resolve, Math.max(admission.retryAfterMs, 10))),
      signal,
    );
  }
}

function refused({ reason, retryAfterMs }: Extract<Admission, { ok: false }>): ReportedError {
  return { reason, retryable: true, retryAfterMs };
}

async function answerOf(
  url: string,
  init: RequestInit & { readonly signal: AbortSignal },
  env: Env,
  signal: AbortSignal,
): Promise<Result<CallAnswer, ReportedError>> {
  const called = await guardedFetch(url, init, { vars: isolateOf(env).vars });
  if (!called.ok) return fail(unreachable(called.failure));
  const response = called.value;
  const text = await bodyOf(response, signal);
  if (!text.ok) return text;
  const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), Date.now());
  return ok({
    status: response.status,
    contentType: response.headers.get("content-type") ?? "",
    text: text.value,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

async function bodyOf(
  response: Response,
  signal: AbortSignal,
): Promise<Result<string, ReportedError>> {
  try {
    const text = await readWhole(response, ANSWER_BYTES_MAX, signal);
    return text === undefined ? fail({ reason: "answer_too_large", retryable: false }) : ok(text);
  } catch {
    return fail({ reason: signal.aborted ? "timeout" : "network" });
  }
}

function unreachable(failure: EgressFailure): ReportedError {
  if (failure.reason === "refused")
    return { reason: "refused_url", retryable: false, message: failure.rule };
  return { reason: failure.reason };
}

function verdictOf(answer: Result<CallAnswer, ReportedError>): "success" | "failure" | "neutral" {
  if (!answer.ok) return answer.failure.retryable === false ? "neutral" : "failure";
  const { status } = answer.value;
  if (status >= 500 || status === 408) return "failure";
  return status < 400 ? "success" : "neutral";
}

/** What a status that is no success means: 4xx is not tried again, but for 408, 425 and 429. */
export function statusError({ status, retryAfterMs }: CallAnswer): ReportedError {
  const again = status >= 500 || status === 408 || status === 425 || status === 429;
  return {
    ...{ reason: `http.${status}`, retryable: again },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
