/**
 * Whether the owner of a URL wants deliveries there: the endpoint gets a signed `endpoint.verification` event with a
 * random challenge and has to answer with it, so that the hub cannot be pointed at somebody who never asked.
 */
import { mintId } from "../../domain/messaging/message-id.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { toBase64Url } from "../../domain/security/base64url.ts";
import { noteCall } from "../../platform/audit-calls.ts";
import type { StoredSubscription } from "../../platform/repositories/subscriptions.ts";
import type { Vault } from "../../platform/vault.ts";
import { type DeliveryAnswer, deliverWebhook } from "../../platform/webhook-delivery.ts";
import { webhookSecrets } from "../../platform/webhook-secrets.ts";
import type { EventEnvelope } from "../../schema/event.ts";
import type { Vars } from "../../schema/vars.ts";

/** Type of the event that carries the challenge, in `data.challenge`. */
export const VERIFICATION_TYPE = "endpoint.verification";
/** The endpoint has this long to answer, in ms. */
const CHECK_TIMEOUT_MS = 10_000;
const CHALLENGE_BYTES = 32;

export interface EndpointCheckDeps {
  readonly vars: Vars;
  readonly vault: Vault;
  /** ms since the epoch. */
  now(): number;
}

export interface EndpointCheckFailure {
  /**
   * `refused`: the URL leads nowhere an event may go. `unreachable`: no answer. `status`: not a 2xx.
   * `wrong_answer`: a 2xx without the challenge. `not_a_webhook`: nothing to ask.
   */
  readonly reason: "refused" | "unreachable" | "status" | "wrong_answer" | "not_a_webhook";
  /** The rule, the status or what went wrong: a code, never text of the endpoint. */
  readonly detail: string;
}

/**
 * Asks once. The endpoint answers 2xx with the challenge as plain text or as JSON `{"challenge": "…"}`. Rejects where
 * the secrets cannot be opened.
 */
export async function challengeEndpoint(
  { vars, vault, now }: EndpointCheckDeps,
  stored: StoredSubscription,
): Promise<Result<void, EndpointCheckFailure>> {
  const { target } = stored.subscription;
  if (target.kind !== "webhook") return fail({ reason: "not_a_webhook", detail: target.kind });
  const nowMs = now();
  const challenge = toBase64Url(crypto.getRandomValues(new Uint8Array(CHALLENGE_BYTES)));
  const call = {
    event: verificationOf(stored, challenge, nowMs),
    format: target.format ?? "envelope",
    secrets: await webhookSecrets(vault, stored, nowMs),
    attempt: 1,
    nowMs,
    url: target.url,
    timeoutMs: CHECK_TIMEOUT_MS,
  };
  const { answer } = await deliverWebhook(call, { vars });
  const judged = judge(answer, challenge);
  noteCall(stored.tenant, {
    ...{ action: "endpoint.verify", actor: { kind: "system" }, startMs: nowMs },
    target: { subscription: stored.subscription.id },
    failure: judged.ok
      ? undefined
      : { code: judged.failure.reason, refused: judged.failure.reason !== "unreachable" },
  });
  return judged;
}

function judge(answer: DeliveryAnswer, challenge: string): Result<void, EndpointCheckFailure> {
  switch (answer.is) {
    case "refused":
      return fail({ reason: "refused", detail: answer.reason });
    case "unanswered":
    case "unknown":
      return fail({ reason: "unreachable", detail: answer.reason });
    case "answered": {
      const { status, body } = answer;
      if (status < 200 || status > 299) return fail({ reason: "status", detail: `http_${status}` });
      if (saidOf(body) === challenge) return ok(undefined);
      return fail({ reason: "wrong_answer", detail: `http_${status}` });
    }
  }
}

/** What an answer gives as the challenge. */
function saidOf(body: string): unknown {
  try {
    const json: unknown = JSON.parse(body);
    if (typeof json === "object" && json !== null && "challenge" in json) return json.challenge;
    return json;
  } catch {
    return body.trim();
  }
}

function verificationOf(
  { subscription }: StoredSubscription,
  challenge: string,
  nowMs: number,
): EventEnvelope {
  return {
    event_id: mintId("evt", nowMs, Math.random),
    event_type: VERIFICATION_TYPE,
    event_version: "1.0",
    timestamp: new Date(nowMs).toISOString(),
    source: `/subscriptions/${subscription.id}`,
    data: { subscription: subscription.id, challenge },
    metadata: { subject: subscription.id },
  };
}
