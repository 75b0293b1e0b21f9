/**
 * Webhook subscriptions: every lease is handed over at once, behind the endpoint's breaker, pace and bulkhead. The
 * log of attempts is written before the settlement, the endpoint's record after the calls; neither holds up a delivery.
 */
import type { LeasedDelivery } from "../../../domain/events/shard/lease.ts";
import {
  DOWNSTREAM_LIMITS_DEFAULT,
  type DownstreamLimits,
} from "../../../domain/resilience/admission.ts";
import { type Admissions, admitCalls, flushOutcomes } from "../../../platform/admission.ts";
import { databaseFor } from "../../../platform/database.ts";
import { untilAborted } from "../../../platform/http-deadline.ts";
import { count } from "../../../platform/metrics.ts";
import { insertAttempts } from "../../../platform/repositories/delivery-attempts.ts";
import { isolateOf } from "../../isolate.ts";
import { noteHealth } from "../../operations/endpoint-health.ts";
import type { DeliveryHandler, HandlerContext, Leased } from "./targets.ts";
import {
  type AttemptMade,
  attemptDelivery,
  type Endpoint,
  type WebhookTarget,
} from "./webhook-attempt.ts";
import { postponed } from "./webhook-judgement.ts";

/**
 * Deliveries of one lease. All of them start together, so that the longest call (30 s) ends within the lease
 * (45 s), and workerd opens six connections at once.
 */
const DELIVERIES_MAX = 6;
/** Waited at most for a place in the pace of an endpoint, in ms; then the delivery goes back to its shard. */
const PACE_WAIT_MS_MAX = 2000;
/** The log and the record may take this long each, in ms: a slow database must not outlast the lease. */
const WRITE_MS_MAX = 3500;
/** Deliveries of an endpoint that was switched off meanwhile wait for their shard to hear of it, in ms. */
const SWITCHED_OFF_WAIT_MS = 60_000;
/** Without a rate of its own an endpoint is held to this, in requests a second: what the schema allows at most. */
const RATE_DEFAULT = { per_second: 1000, burst: 1000 };

export function webhookHandler(context: HandlerContext, target: WebhookTarget): DeliveryHandler {
  const { env, token, stored, connections } = context;
  const { vars, vault } = isolateOf(env);
  const name = `${token.tenant}:subscription:${token.subscription}`;
  const limits = limitsOf(target);
  const { shard } = token;
  const endpoint = { vars, vault, stored, target, shard, name, limits, connections };
  let record = stored;
  return {
    max: DELIVERIES_MAX,
    async deliver({ deliveries }: Leased) {
      // Switched off by one of its last calls; the shard may not have heard of it yet.
      if (record.state !== "active")
        return deliveries.map(({ seq }) => postponed(seq, SWITCHED_OFF_WAIT_MS).settlement);
      const made = await callAll(env, endpoint, deliveries);
      await writeLog(env, token.tenant, made);
      const verdicts = made.flatMap(({ verdict }) => (verdict ? [verdict] : []));
      record = await inTime(noteHealth({ env, vars }, record, verdicts, Date.now()), record);
      await flushOutcomes(env);
      return made.map(({ settlement }) => settlement);
    },
  };
}

function limitsOf({ rate = RATE_DEFAULT }: WebhookTarget): DownstreamLimits {
  const { per_second: ratePerSecond, burst } = rate;
  return { ...DOWNSTREAM_LIMITS_DEFAULT, ratePerSecond, burst };
}

/** Starts each as soon as it is admitted; in the order in which they ended. */
async function callAll(
  env: Env,
  endpoint: Endpoint,
  deliveries: readonly LeasedDelivery[],
): Promise<readonly AttemptMade[]> {
  const made: AttemptMade[] = [];
  const running: Promise<unknown>[] = [];
  const untilMs = Date.now() + PACE_WAIT_MS_MAX;
  for (let left = deliveries; left.length > 0; ) {
    const admitted = await admitCalls(env, endpoint.name, endpoint.limits, left.length);
    const started = left.slice(0, admitted.slotIds.length);
    for (const [at, delivery] of started.entries()) {
      const call = attemptDelivery(endpoint, delivery, admitted.slotIds[at] ?? "");
      running.push(call.then((one) => made.push(one)));
    }
    left = left.slice(started.length);
    const waitMs = admitted.refused?.retryAfterMs ?? 0;
    if (left.length > 0 && Date.now() + waitMs > untilMs) {
      made.push(...holdBack(endpoint, left, admitted));
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  await Promise.all(running);
  return made;
}

/** Throttled or behind an open breaker: that is no failure of theirs. */
function holdBack(
  { stored: { tenant } }: Endpoint,
  left: readonly LeasedDelivery[],
  { refused }: Admissions,
): readonly AttemptMade[] {
  const { reason = "busy", retryAfterMs = 0 } = refused ?? {};
  count("delivery_refusals_total", { tenant, reason }, left.length);
  return left.map(({ seq }) => ({ settlement: postponed(seq, retryAfterMs).settlement }));
}

/** What cannot be logged is settled all the same: the event has been delivered or not. */
async function writeLog(env: Env, tenant: string, made: readonly AttemptMade[]): Promise<void> {
  const rows = made.flatMap(({ row }) => (row ? [row] : []));
  if (rows.length === 0) return;
  const db = databaseFor(env, tenant);
  try {
    const written = db.batch([...insertAttempts(db, rows)]);
    await untilAborted(written, AbortSignal.timeout(WRITE_MS_MAX));
  } catch {
    count("delivery_log_failures_total", { tenant }, rows.length);
  }
}

/** What it comes to, or what is known already where that takes too long. */
async function inTime<T>(work: Promise<T>, known: T): Promise<T> {
  return untilAborted(work, AbortSignal.timeout(WRITE_MS_MAX)).catch(() => known);
}
