/**
 * How a webhook endpoint does over its deliveries: failures in a row and since when, written when they change; an
 * endpoint that is gone or has only failed for five days is switched off. Its owner is told by events, once per change.
 */
import {
  FAILING_MS_MAX,
  type HealthStep,
  settleHealth,
  type Verdict,
} from "../../domain/events/delivery.ts";
import { mintId } from "../../domain/messaging/message-id.ts";
import { insist } from "../../platform/conversations.ts";
import { databaseFor } from "../../platform/database.ts";
import { publishEvents } from "../../platform/event-bus.ts";
import { loadCatalogue } from "../../platform/event-catalogue.ts";
import { tenantShards } from "../../platform/event-shard-count.ts";
import { eventShard } from "../../platform/event-shards.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import {
  findSubscription,
  replaceSubscription,
  type StoredSubscription,
  updateHealth,
} from "../../platform/repositories/subscriptions.ts";
import type { EventEnvelope } from "../../schema/event.ts";
import type { Vars } from "../../schema/vars.ts";

/** Several consumers may note at the same moment; each round one of them is through. */
const ROUNDS_MAX = 4;

export interface HealthDeps {
  readonly env: Env;
  readonly vars: Pick<Vars, "EVENT_SHARDS">;
}

type Change = NonNullable<HealthStep["change"]>;

/** Adds verdicts, oldest first; answers the subscription as it is then. Never rejects. */
export async function noteHealth(
  deps: HealthDeps,
  stored: StoredSubscription,
  verdicts: readonly Verdict[],
  nowMs: number,
): Promise<StoredSubscription> {
  try {
    return await note(deps, stored, verdicts, nowMs);
  } catch {
    count("endpoint_health_failures_total", { tenant: stored.tenant });
    return stored;
  }
}

async function note(
  deps: HealthDeps,
  stored: StoredSubscription,
  verdicts: readonly Verdict[],
  nowMs: number,
): Promise<StoredSubscription> {
  const db = databaseFor(deps.env, stored.tenant);
  let before = stored;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const step = foldHealth(before.health, verdicts, nowMs);
    if (isSame(step.health, before.health) && !step.change) return before;
    const after = afterStep(before, step, verdicts, nowMs);
    const write =
      after.state === before.state
        ? updateHealth(db, before, step.health)
        : replaceSubscription(db, after);
    if ((await write.run()).meta.changes > 0) {
      if (step.change) await tell(deps, before, after, step.change, nowMs);
      return after;
    }
    const now = await findSubscription(db, stored.tenant, stored.subscription.id);
    if (now?.state !== "active") return { ...before, state: now?.state ?? "disabled" };
    before = now;
  }
  count("endpoint_health_failures_total", { tenant: stored.tenant });
  return before;
}

/** All verdicts of a lease as one step; `disabled` wins, then the last change. */
export function foldHealth(
  before: StoredSubscription["health"],
  verdicts: readonly Verdict[],
  nowMs: number,
): HealthStep {
  let health = before;
  let change: HealthStep["change"];
  for (const verdict of verdicts) {
    const step = settleHealth(health, verdict, nowMs);
    health = step.health;
    change = change === "disabled" ? change : (step.change ?? change);
  }
  return change ? { health, change } : { health };
}

function isSame(a: StoredSubscription["health"], b: StoredSubscription["health"]): boolean {
  return a.failures === b.failures && a.failingSinceMs === b.failingSinceMs;
}

function afterStep(
  before: StoredSubscription,
  { health, change }: HealthStep,
  verdicts: readonly Verdict[],
  nowMs: number,
): StoredSubscription {
  if (change !== "disabled") return { ...before, health };
  const gone = verdicts.some(({ outcome }) => outcome === "gone");
  return {
    ...before,
    health,
    version: before.version + 1,
    state: "disabled",
    stateReason: gone ? "gone" : "failing",
    updatedAtMs: nowMs,
  };
}

async function tell(
  deps: HealthDeps,
  before: StoredSubscription,
  after: StoredSubscription,
  change: Change,
  nowMs: number,
): Promise<void> {
  const { tenant, subscription } = after;
  const reason = after.stateReason;
  count("endpoint_changes_total", { tenant, change });
  logLine(`endpoint.${change}`, {
    tenant,
    subscription: subscription.id,
    ...(change === "disabled" && reason ? { reason } : {}),
  });
  if (change === "disabled") await refreshShards(deps, tenant);
  await publish(deps, before, after, change, nowMs);
}

/** What a shard does not hear now it reads within a minute by itself. */
async function refreshShards({ env, vars }: HealthDeps, tenant: string): Promise<void> {
  const counting = { env, shards: vars.EVENT_SHARDS };
  const shards = await tenantShards(counting, tenant).catch(() => []);
  await Promise.allSettled(shards.map((of) => insist(() => eventShard(env, of).refresh(of))));
}

/** Never to the endpoint itself: one that takes every event would go on failing about its own failures. */
async function publish(
  { env, vars }: HealthDeps,
  before: StoredSubscription,
  after: StoredSubscription,
  change: Change,
  nowMs: number,
): Promise<void> {
  const { tenant, subscription } = after;
  const event = warningOf(before, after, change, nowMs);
  const catalogue = await loadCatalogue(env, tenant, nowMs);
  const only = catalogue.targetsOf({ event, logged: false }).filter((id) => id !== subscription.id);
  const since = before.health.failingSinceMs ?? after.health.failingSinceMs ?? nowMs;
  const key = `endpoint:${subscription.id}:${after.version}:${change}:${since}`;
  const bytes = JSON.stringify(event).length;
  const deps = { env, shards: vars.EVENT_SHARDS };
  const [published] = await publishEvents(deps, tenant, [
    { key, event, bytes, only, logged: true },
  ]);
  if (published?.is !== "accepted") count("endpoint_health_failures_total", { tenant });
}

function warningOf(
  before: StoredSubscription,
  after: StoredSubscription,
  change: Change,
  nowMs: number,
): EventEnvelope {
  const { id } = after.subscription;
  const sinceMs = after.health.failingSinceMs ?? before.health.failingSinceMs;
  return {
    event_id: mintId("evt", nowMs, Math.random),
    event_type: `endpoint.${change}`,
    event_version: "1.0",
    timestamp: new Date(nowMs).toISOString(),
    source: `/subscriptions/${id}`,
    data: {
      subscription: id,
      failures: change === "recovered" ? before.health.failures : after.health.failures,
      ...(sinceMs === undefined ? {} : { failing_since: new Date(sinceMs).toISOString() }),
      ...(sinceMs === undefined || change !== "failing"
        ? {}
        : { disables_at: new Date(sinceMs + FAILING_MS_MAX).toISOString() }),
      ...(change === "disabled" ? { reason: after.stateReason } : {}),
    },
    metadata: { subject: id, partition_key: `subscription:${id}` },
  };
}
