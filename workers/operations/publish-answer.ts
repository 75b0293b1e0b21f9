/** The answer to a publish call: 202 means that everything in it is durable, and nothing else does. */
import { HubError } from "../../domain/errors.ts";
import { fail, ok } from "../../domain/result.ts";
import { EVENT_KEY_CHARS_MAX, type PublishInput } from "../../schema/event.ts";
import type { ApiDeps } from "../http/deps.ts";
import { json } from "../http/route.ts";
import { type PublishOutcome, publish } from "./publish.ts";
import { type Candidate, readPublishCall } from "./publish-input.ts";
import { type PublishRefusal, refusalError, refusedItem } from "./publish-refusal.ts";

export interface PublishRequest {
  readonly tenant: string;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  readonly nowMs: number;
}

/** 202, or 207 for a batch of which something was refused. Throws what was wrong with one event, or with all of a call. */
export async function answerPublish(
  deps: Pick<ApiDeps, "env" | "vars">,
  { tenant, headers, bytes, nowMs }: PublishRequest,
): Promise<Response> {
  const call = readPublishCall(headers, bytes, nowMs);
  const traceparent = headers.get("traceparent") ?? undefined;
  const key = headers.get("idempotency-key") ?? undefined;
  const operation = { tenant, nowMs, traceparent };
  if (call.is === "single") {
    const candidates = [keyed(call.event, key)];
    const [outcome] = await publish(deps, { ...operation, candidates });
    if (outcome?.ok) return json(202, outcome.value);
    throw outcome ? refusalError(outcome.failure) : new HubError("internal");
  }
  if (key !== undefined)
    throw new HubError("bad_request", "an Idempotency-Key is for one event: give each its own");
  const outcomes = await publish(deps, { ...operation, candidates: call.events });
  throwCommon(outcomes);
  return batchAnswer(outcomes);
}

function batchAnswer(outcomes: readonly PublishOutcome[]): Response {
  const items = outcomes.map((outcome) =>
    outcome.ok ? { status: "accepted", ...outcome.value } : refusedItem(outcome.failure),
  );
  const accepted = outcomes.filter(({ ok: isAccepted }) => isAccepted).length;
  const refused = items.length - accepted;
  return json(refused === 0 ? 202 : 207, { accepted, refused, items });
}

/** The header is the key of the one event of a call. */
function keyed(candidate: Candidate, key: string | undefined): Candidate {
  if (!candidate.ok || key === undefined) return candidate;
  const given: PublishInput = candidate.value;
  if (key.length === 0 || key.length > EVENT_KEY_CHARS_MAX)
    return fail(refusal(`Idempotency-Key has 1 to ${EVENT_KEY_CHARS_MAX} characters`));
  if (given.idempotency_key !== undefined && given.idempotency_key !== key)
    return fail(refusal("Idempotency-Key and idempotency_key differ"));
  return ok({ ...given, idempotency_key: key });
}

function refusal(detail: string): PublishRefusal {
  return { code: "bad_request", reason: "idempotency_key", detail };
}

/** Where no event could be taken for now, the whole call has to come again: 503 or 429. */
function throwCommon(outcomes: readonly PublishOutcome[]): void {
  const [first] = outcomes;
  if (!first || first.ok) return;
  const { code } = first.failure;
  const isForNow = code === "unavailable" || code === "rate_limited";
  if (isForNow && outcomes.every((one) => !one.ok && one.failure.code === code))
    throw refusalError(first.failure);
}
