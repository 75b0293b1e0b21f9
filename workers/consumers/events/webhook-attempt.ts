/** One admitted attempt at a webhook: looks at the clock once more, calls, judges, and writes down what happened. */
import { STANDARD_SCHEDULE, type Verdict } from "../../../domain/events/delivery.ts";
import { causeOf } from "../../../domain/events/resending.ts";
import type { LeasedDelivery } from "../../../domain/events/shard/lease.ts";
import type { Settlement } from "../../../domain/events/shard/settle.ts";
import { mintId } from "../../../domain/messaging/message-id.ts";
import type { DownstreamLimits } from "../../../domain/resilience/admission.ts";
import { noteOutcome } from "../../../platform/admission.ts";
import { count, observe } from "../../../platform/metrics.ts";
import type { DeliveryAttempt } from "../../../platform/repositories/delivery-attempts.ts";
import type { StoredSubscription } from "../../../platform/repositories/subscriptions.ts";
import type { Vault } from "../../../platform/vault.ts";
import {
  DELIVERY_TIMEOUT_MS_DEFAULT,
  type Delivered,
  deliverWebhook,
} from "../../../platform/webhook-delivery.ts";
import { webhookSecrets } from "../../../platform/webhook-secrets.ts";
import type { SubscriptionTarget } from "../../../schema/subscription.ts";
import type { Vars } from "../../../schema/vars.ts";
import type { Connections } from "../connections.ts";
import { crowdedOut, type Judgement, judgeDelivery, tooLate } from "./webhook-judgement.ts";

/** Waited at most for one of the invocation's connections, in ms; with the call it stays within the lease. */
const CONNECTION_WAIT_MS = 5000;

export type WebhookTarget = Extract<SubscriptionTarget, { kind: "webhook" }>;

/** Everything about the other side that all attempts of a token share. */
export interface Endpoint {
  readonly vars: Vars;
  readonly vault: Vault;
  readonly stored: StoredSubscription;
  readonly target: WebhookTarget;
  readonly shard: string;
  /** Its downstream. */
  readonly name: string;
  readonly limits: DownstreamLimits;
  readonly connections: Connections;
}

export interface AttemptMade {
  readonly settlement: Settlement;
  /** For the endpoint's record. */
  readonly verdict?: Verdict;
  /** For the log; absent where nothing was tried. */
  readonly row?: DeliveryAttempt;
}

/** Rejects only where the secrets cannot be opened; the lease then runs out. */
export async function attemptDelivery(
  endpoint: Endpoint,
  delivery: LeasedDelivery,
  slotId: string,
): Promise<AttemptMade> {
  const leave = await endpoint.connections.enter(CONNECTION_WAIT_MS);
  const startMs = Date.now();
  const { call, judged } = leave
    ? await attempt(endpoint, delivery, startMs).finally(leave)
    : { call: undefined, judged: crowdedOut(delivery.seq) };
  const { settlement, breaker, pauseMs, verdict } = judged;
  noteOutcome(endpoint.name, endpoint.limits, {
    slotId,
    verdict: breaker,
    ...(pauseMs === undefined ? {} : { pauseMs }),
  });
  const row = rowOf(endpoint, delivery, judged, { startMs, call });
  if (row) count("deliveries_total", { tenant: row.tenant_id, outcome: row.outcome });
  return { settlement, ...(verdict ? { verdict } : {}), ...(row ? { row } : {}) };
}

interface Attempted {
  readonly call: Delivered | undefined;
  readonly judged: Judgement;
}

async function attempt(
  endpoint: Endpoint,
  delivery: LeasedDelivery,
  startMs: number,
): Promise<Attempted> {
  if (startMs > (delivery.expiresMs ?? Infinity))
    return { call: undefined, judged: tooLate(delivery.seq) };
  const call = await callOnce(endpoint, delivery, startMs);
  return { call, judged: judge(endpoint, delivery, call) };
}

async function callOnce(
  { vars, vault, stored, target }: Endpoint,
  { event, attempt }: LeasedDelivery,
  nowMs: number,
): Promise<Delivered> {
  const call = {
    event,
    format: target.format ?? "envelope",
    secrets: await webhookSecrets(vault, stored, nowMs),
    attempt,
    nowMs,
    url: target.url,
    timeoutMs: target.timeout_ms ?? DELIVERY_TIMEOUT_MS_DEFAULT,
  };
  const delivered = await deliverWebhook(call, { vars });
  observe("delivery_duration_seconds", {}, delivered.durationMs / 1000);
  return delivered;
}

function judge(
  { stored, target }: Endpoint,
  { seq, attempt, expiresMs }: LeasedDelivery,
  { answer }: Delivered,
): Judgement {
  const delivery = {
    seq,
    attempt,
    ...(expiresMs === undefined ? {} : { expiresMs }),
    schedule: stored.subscription.retry ?? STANDARD_SCHEDULE,
    ...(target.terminal_statuses ? { terminalStatuses: target.terminal_statuses } : {}),
    nowMs: Date.now(),
  };
  return judgeDelivery(answer, delivery, Math.random);
}

function rowOf(
  { stored, shard }: Endpoint,
  { seq, attempt, event }: LeasedDelivery,
  { ended }: Judgement,
  { startMs, call }: { readonly startMs: number; readonly call: Delivered | undefined },
): DeliveryAttempt | undefined {
  if (!ended) return undefined;
  return {
    tenant_id: stored.tenant,
    subscription_id: stored.subscription.id,
    id: mintId("att", startMs, Math.random),
    event_id: event.event_id,
    event_type: event.event_type,
    shard,
    seq,
    attempt,
    cause: causeOf(event),
    outcome: ended.outcome,
    reason: ended.reason,
    status: ended.status,
    duration_ms: call?.durationMs ?? 0,
    request_headers: JSON.stringify(call?.shown ?? {}),
    response_body: call?.answer.is === "answered" ? call.answer.body : null,
    next_at: ended.nextAtMs,
    created_at: startMs,
  };
}
