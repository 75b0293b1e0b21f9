/**
 * What the triggers of a workflow stand for, brought in step with the version in force: its schedules and its hidden
 * subscription. One after the other per tenant, by its scheduler; doing it again changes nothing.
 */
import { HEALTHY } from "../domain/events/delivery.ts";
import {
  awaitableTypes,
  triggeredId,
  triggeredSubscription,
} from "../domain/workflows/triggers/hidden.ts";
import { type TriggerSchedule, triggerSchedules } from "../domain/workflows/triggers/schedules.ts";
import type { Subscription } from "../schema/subscription.ts";
import { parseVars } from "../schema/vars.ts";
import type { WorkflowDefinition } from "../schema/workflow.ts";
import { insist } from "./conversations.ts";
import { databaseFor } from "./database.ts";
import { tenantShards } from "./event-shard-count.ts";
import { eventShard } from "./event-shards.ts";
import { logLine } from "./log.ts";
import { forgetAudience } from "./message-events.ts";
import { count } from "./metrics.ts";
import {
  deleteSchedule,
  insertSchedule,
  listSchedules,
  replaceSchedule,
  SCHEDULES_MAX,
  type StoredSchedule,
} from "./repositories/schedules.ts";
import {
  deleteSubscription,
  findSubscription,
  insertSubscription,
  replaceSubscription,
} from "./repositories/subscriptions.ts";
import { findVersion, readRoute, type WorkflowRoute } from "./repositories/workflows.ts";

export interface SyncedWorkflow {
  /** Of its route; undefined where there is none any more. */
  readonly revision: number | undefined;
  /** False where the tenant had no room for all of it: to be done again. */
  readonly complete: boolean;
  /** Types of the events that its runs may come to wait for, whatever version they are of. */
  readonly awaitable: readonly string[];
}

/** Rejects as D1 does, and where a person has changed one of the schedules meanwhile: then it is to be done again. */
export async function syncWorkflow(
  env: Env,
  tenant: string,
  workflow: string,
  nowMs: number,
): Promise<SyncedWorkflow> {
  const db = databaseFor(env, tenant);
  const route = await readRoute(db, tenant, workflow);
  const versions = await versionsOf(db, tenant, workflow, route);
  const active = versions[0];
  const wanted = active ? triggerSchedules(active) : [];
  const scheduled = await syncSchedules(db, tenant, workflow, wanted, nowMs);
  const subscription = active && triggeredSubscription(active);
  const bound = await putHidden(env, { tenant, id: triggeredId(workflow) }, subscription, nowMs);
  return {
    revision: route?.revision,
    complete: scheduled && bound,
    awaitable: [...new Set(versions.flatMap(awaitableTypes))],
  };
}

/** The version in force first, then those that some runs still get or got. */
async function versionsOf(
  db: D1Database,
  tenant: string,
  workflow: string,
  route: WorkflowRoute | undefined,
): Promise<readonly WorkflowDefinition[]> {
  if (!route) return [];
  const names = [route.active, route.rollout?.version, route.previous];
  const found = await Promise.all(
    [...new Set(names.filter((name) => name !== undefined))].map((version) =>
      findVersion(db, tenant, workflow, version),
    ),
  );
  return found.flatMap((stored) => (stored ? [stored.definition] : []));
}

/** False where there was no room for one. */
async function syncSchedules(
  db: D1Database,
  tenant: string,
  workflow: string,
  wanted: readonly TriggerSchedule[],
  nowMs: number,
): Promise<boolean> {
  const all = await listSchedules(db, { tenant, workflow, limit: SCHEDULES_MAX });
  const known = new Map(
    all.filter(({ declared }) => declared).map((stored) => [stored.schedule.id, stored]),
  );
  const gone = [...known.keys()].filter((id) => !wanted.some(({ schedule }) => schedule.id === id));
  const placings = wanted.flatMap((one) => {
    const before = known.get(one.schedule.id);
    return placed(db, tenant, one, before, nowMs).map((statement) => ({ before, statement }));
  });
  const deletions = gone.flatMap((id) => deleteSchedule(db, tenant, id));
  if (deletions.length + placings.length === 0) return true;
  const written = await db.batch([...deletions, ...placings.map(({ statement }) => statement)]);
  const failed = placings.filter((_, n) => written[deletions.length + n]?.meta.changes === 0);
  if (failed.some(({ before }) => before)) throw new Error("a schedule was changed meanwhile");
  return failed.length === 0 || unbound(tenant, workflow, "schedules");
}

/** Whether a person has paused it is not the definition's business: it stays. */
function placed(
  db: D1Database,
  tenant: string,
  { schedule, start: declared }: TriggerSchedule,
  known: StoredSchedule | undefined,
  nowMs: number,
): readonly D1PreparedStatement[] {
  if (!known) {
    const times = { createdAtMs: nowMs, updatedAtMs: nowMs };
    return [insertSchedule(db, { tenant, schedule, declared, revision: 1, ...times })];
  }
  const { paused } = known.schedule;
  const next = { ...schedule, ...(paused === undefined ? {} : { paused }) };
  if (same(known, { schedule: next, declared })) return [];
  const updatedAtMs = Math.max(nowMs, known.updatedAtMs + 1);
  const revision = known.revision + 1;
  return [replaceSchedule(db, { ...known, schedule: next, declared, revision, updatedAtMs })];
}

function same(
  one: Pick<StoredSchedule, "schedule" | "declared">,
  other: Pick<StoredSchedule, "schedule" | "declared">,
): boolean {
  const textOf = ({ schedule, declared }: typeof one) =>
    JSON.stringify([schedule, declared], sortedMembers);
  return textOf(one) === textOf(other);
}

function sortedMembers(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Writes, changes or deletes a hidden subscription, and tells the shards. False where there is no room. Rejects as D1 does. */
export async function putHidden(
  env: Env,
  { tenant, id }: { readonly tenant: string; readonly id: string },
  wanted: Subscription | undefined,
  nowMs: number,
): Promise<boolean> {
  const db = databaseFor(env, tenant);
  const known = await findSubscription(db, tenant, id);
  if (JSON.stringify(known?.subscription) === JSON.stringify(wanted)) return true;
  const statement = wanted
    ? known
      ? replaceSubscription(db, {
          ...known,
          ...{ subscription: wanted, version: known.version + 1, updatedAtMs: nowMs },
        })
      : insertSubscription(db, {
          ...{ tenant, subscription: wanted, state: "active", stateReason: undefined },
          ...{ version: nowMs, health: HEALTHY, sealedSecrets: undefined },
          ...{ createdAtMs: nowMs, updatedAtMs: nowMs },
        })
    : deleteSubscription(db, tenant, id);
  const { meta } = await statement.run();
  if (wanted && meta.changes === 0) return unbound(tenant, id, "subscriptions");
  await tellShards(env, tenant);
  return true;
}

/** A shard that could not be told reads its subscriptions again within a minute. */
async function tellShards(env: Env, tenant: string): Promise<void> {
  forgetAudience(env, tenant);
  const deps = { env, shards: parseVars(env).EVENT_SHARDS };
  const shards = await tenantShards(deps, tenant).catch(() => []);
  await Promise.allSettled(shards.map((of) => insist(() => eventShard(env, of).refresh(of))));
}

/** The tenant has as many as it may: the trigger fires nothing until there is room. */
function unbound(tenant: string, key: string, reason: "schedules" | "subscriptions"): false {
  count("workflow_triggers_unbound_total", { tenant, reason });
  logLine("trigger.unbound", { tenant, key, reason });
  return false;
}
