/**
 * Evaluates the alert rules of every tenant that has some, once a minute, against the live gauges of its shards. A
 * transition is published first and noted afterwards: one that could not be noted is published again under the same
 * key, which is one event.
 */
import { evaluateRule } from "../../domain/events/alerts.ts";
import { hubEnvelope } from "../../domain/events/hub-event.ts";
import type { Gauges } from "../../domain/events/shard/due.ts";
import { LOG_SUBSCRIPTION } from "../../domain/events/subscribing.ts";
import { allDatabases } from "../../platform/database.ts";
import { publishEvents } from "../../platform/event-bus.ts";
import { tenantShards } from "../../platform/event-shard-count.ts";
import { eventShard } from "../../platform/event-shards.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import {
  noteEvaluation,
  readRules,
  type StoredRule,
  tenantsWithRules,
} from "../../platform/repositories/alert-rules.ts";
import { isolateOf } from "../isolate.ts";

export async function evaluateAlerts(env: Env, nowMs: number): Promise<void> {
  for (const db of allDatabases(env))
    for (const tenant of await tenantsWithRules(db)) await evaluateTenant(env, db, tenant, nowMs);
}

/** One tenant whose shards can't be asked keeps its state; the others have their turn. */
async function evaluateTenant(
  env: Env,
  db: D1Database,
  tenant: string,
  nowMs: number,
): Promise<void> {
  try {
    const gauges = await gaugesOf(env, tenant);
    const rules = await readRules(db, tenant);
    const evaluated: StoredRule[] = [];
    for (const rule of rules) {
      const after = await evaluate(env, rule, gauges, nowMs);
      if (after) evaluated.push(after);
    }
    if (evaluated.length > 0)
      await db.batch(evaluated.map((rule) => noteEvaluation(db, rule, nowMs)));
  } catch (error) {
    count("alert_evaluations_total", { outcome: "failed" });
    const code = error instanceof Error ? error.name : "unknown";
    logLine("alerts.stalled", { tenant, code });
  }
}

async function gaugesOf(env: Env, tenant: string): Promise<readonly Gauges[]> {
  const deps = { env, shards: isolateOf(env).vars.EVENT_SHARDS };
  const shards = await tenantShards(deps, tenant);
  const all = await Promise.all(shards.map((shard) => eventShard(env, shard).gauges()));
  return all.flat().filter(({ subscription }) => subscription !== LOG_SUBSCRIPTION.id);
}

/** Undefined where its transition could not be told: the next minute tries again. */
async function evaluate(
  env: Env,
  stored: StoredRule,
  gauges: readonly Gauges[],
  nowMs: number,
): Promise<StoredRule | undefined> {
  const { state, change } = evaluateRule(stored.rule, stored.state, gauges, nowMs);
  const after = { ...stored, state };
  count("alert_evaluations_total", { outcome: change ?? "unchanged" });
  if (!change) return after;
  return (await tell(env, after, change, nowMs)) ? after : undefined;
}

async function tell(
  env: Env,
  { tenant, id, rule, state }: StoredRule,
  change: "raised" | "cleared",
  nowMs: number,
): Promise<boolean> {
  const { name, metric, threshold, subscription, severity } = rule;
  const data = {
    rule: id,
    name,
    metric,
    value: state.value ?? 0,
    threshold,
    severity,
    ...(subscription === undefined ? {} : { subscription }),
  };
  const key = `alert:${id}:${state.changes}`;
  const subject = `alert-rules/${id}`;
  const event = hubEnvelope(tenant, { type: `alert.${change}`, data, subject }, key, nowMs);
  const shards = isolateOf(env).vars.EVENT_SHARDS;
  const bytes = JSON.stringify(event).length;
  const [published] = await publishEvents({ env, shards }, tenant, [
    { key, event, bytes, logged: true },
  ]);
  return published?.is === "accepted";
}
