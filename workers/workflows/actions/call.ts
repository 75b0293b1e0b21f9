/**
 * One call of an action to a URL that the tenant gave: behind the guard against private addresses, through the host's
 * breaker and bucket, never redirected, its answer bounded.
 */

import { parseRetryAfter } from "../../../domain/resilience/backoff.ts";
import { fail, ok, type Result } from "../../../domain/result.ts";
import type { ReportedError } from "../../../domain/workflows/run/events.ts";
import { type EgressFailure, guardedFetch } from "../../../platform/egress.ts";
import { readWhole } from "../../../platform/http-deadline.ts";
import { isolateOf } from "../../isolate.ts";
import type { ActionContext } from "./action.ts";
import { admitted, concluded, refusedBy, type Verdict } from "./admitted.ts";
import { hostOfSecretsRefused } from "./secret-hosts.ts";

/** Largest body of a call, in bytes (1 MiB). */
export const CALL_BODY_BYTES_MAX = 1_048_576;
/** Largest answer, in bytes (1 MiB): as much as a call can send on. */
const ANSWER_BYTES_MAX = 1_048_576;

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
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The other side's wish, ms. */
  readonly retryAfterMs?: number;
}

/** Any status is an answer. Rejects only when the attempt's time is over. */
export async function callOut(
  context: ActionContext,
  call: ActionCall,
): Promise<Result<CallAnswer, ReportedError>> {
  const { env, tenant } = context;
  const { url, method, headers, body, signal } = call;
  if (body !== undefined && new TextEncoder().encode(body).length > CALL_BODY_BYTES_MAX)
    return fail({ reason: "body_too_large", retryable: false });
  const host = URL.parse(url)?.host;
  if (host === undefined) return fail({ reason: "refused_url", retryable: false });
  const refused = hostOfSecretsRefused(context, url);
  if (refused) return fail(refused);
  const name = `${tenant}:url:${host}`;
  const admission = await admitted(env, name, signal);
  if (!admission.ok) return fail(refusedBy(admission));
  const init = { method, headers, signal, ...(body === undefined ? {} : { body }) };
  const answer = await answerOf(url, init, env, signal);
  const pauseMs = answer.ok ? answer.value.retryAfterMs : undefined;
  await concluded(env, { name, slotId: admission.slotId, verdict: verdictOf(answer), pauseMs });
  return answer;
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
    headers: headersOf(response),
    text: text.value,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Cookies are nobody's output. */
function headersOf({ headers }: Response): Readonly<Record<string, string>> {
  return Object.fromEntries([...headers].filter(([name]) => name !== "set-cookie"));
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

function verdictOf(answer: Result<CallAnswer, ReportedError>): Verdict {
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
