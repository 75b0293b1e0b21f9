/**
 * Erases what a deleted tenant has left: its conversations' and shards' objects, its runs, its files and archive, its
 * rows. May be cut off anywhere and made again: a job row stands until all of it is gone, and until then nobody can
 * take the tenant's name.
 */
import { HUB_TRAIL } from "../../domain/audit/entry.ts";
import { flushAudit, noteAudit } from "../../platform/audit-buffer.ts";
import { auditTrail } from "../../platform/audit-trail.ts";
import { conversationOf } from "../../platform/conversations.ts";
import { databaseFor } from "../../platform/database.ts";
import { formerShards, tenantShards } from "../../platform/event-shard-count.ts";
import { eventShard } from "../../platform/event-shards.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import { replayOf } from "../../platform/replays.ts";
import { purgeTraffic } from "../../platform/repositories/tenants.ts";
import { workflowRun } from "../../platform/workflow-runs.ts";
import { workflowScheduler } from "../../platform/workflow-triggers.ts";
import { mapBounded } from "../consumers/bounded.ts";
import { isolateOf } from "../isolate.ts";

/** Objects told in one round, and rounds of one call; the rest is for the next run of the job. */
const OBJECTS_PER_ROUND = 200;
const ROUNDS_MAX = 20;
const CONCURRENCY_MAX = 6;
/** Keys of one R2 deletion (R2 limits). */
const KEYS_MAX = 1000;
const PREFIXES = ["archive", "cold", "media", "runs", "audit", "audit-late"] as const;

/** Every tenant whose erasure was begun and not finished. */
export async function eraseTenants(env: Env): Promise<void> {
  const { results } = await env.DB.prepare("SELECT name FROM jobs WHERE name LIKE 'erase:%'").all<{
    name: string;
  }>();
  for (const { name } of results) await eraseTenant(env, name.slice("erase:".length));
}

/** Goes as far as one call may; never rejects. */
export async function eraseTenant(env: Env, tenant: string): Promise<void> {
  const outcome = await erase(env, tenant).catch(() => "failed" as const);
  count("tenants_erased_total", { outcome });
  logLine("tenant.erased", { tenant, outcome });
}

async function erase(env: Env, tenant: string): Promise<"done" | "more"> {
  const conversations = await forgetAll(env, tenant, "conversations", (id) =>
    conversationOf(env, tenant, id).forget(Date.now()),
  );
  // Before the runs: it starts some.
  await workflowScheduler(env, tenant).destroy().catch(gone);
  const runs = await forgetAll(env, tenant, "workflow_runs", (run) =>
    workflowRun(env, { tenant, run }).destroy().catch(gone),
  );
  const replays = await forgetAll(env, tenant, "replays", async (id) => {
    await replayOf(env, tenant, id).order("cancel");
  });
  const counting = { env, shards: isolateOf(env).vars.EVENT_SHARDS };
  const shards = await Promise.all([tenantShards(counting, tenant), formerShards(env, tenant)]);
  for (const shard of shards.flat()) await eventShard(env, shard).destroy().catch(gone);
  if ([conversations, runs, replays].every(Boolean)) await eraseTrail(env, tenant);
  const files = await Promise.all(PREFIXES.map((kind) => deleteUnder(env, `${kind}/${tenant}/`)));
  await purgeTraffic(databaseFor(env, tenant), tenant);
  if (![conversations, runs, replays, ...files].every(Boolean)) return "more";
  // How many shards it has stays: isolates remember it, and another tenant of that name must not have another number.
  await env.DB.prepare("DELETE FROM jobs WHERE name IN (?, ?, ?)")
    .bind(`erase:${tenant}`, `archive:${tenant}`, `archive-events:${tenant}`)
    .run();
  return "done";
}

/** The last thing that is known of a trail, how far it came, stands in the hub's own from now on. */
async function eraseTrail(env: Env, tenant: string): Promise<void> {
  const { seq, hash } = await auditTrail(env, tenant).head(tenant);
  if (seq === 0) return;
  noteAudit(HUB_TRAIL, {
    ...{ atMs: Date.now(), actor: { kind: "system" }, action: "tenant.erased", outcome: "ok" },
    ...{ target: { tenant, head: hash }, count: seq },
  });
  await flushAudit(env, Date.now());
  await auditTrail(env, tenant).destroy().catch(gone);
}

/** An object that ends itself ends the call to it. */
function gone(): void {}

/** Tells the objects behind the rows of a table, and deletes the rows. True when none is left. */
async function forgetAll(
  env: Env,
  tenant: string,
  table: "conversations" | "workflow_runs" | "replays",
  forget: (id: string) => Promise<void>,
): Promise<boolean> {
  const db = databaseFor(env, tenant);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const { results } = await db
      .prepare(`SELECT id FROM ${table} WHERE tenant_id = ? LIMIT ?`)
      .bind(tenant, OBJECTS_PER_ROUND)
      .all<{ id: string }>();
    if (results.length === 0) return true;
    await mapBounded(results, CONCURRENCY_MAX, ({ id }) => forget(id));
    await db
      .prepare(
        `DELETE FROM ${table} WHERE tenant_id = ? AND id IN (SELECT value FROM json_each(?))`,
      )
      .bind(tenant, JSON.stringify(results.map(({ id }) => id)))
      .run();
  }
  return false;
}

async function deleteUnder({ STORE }: Env, prefix: string): Promise<boolean> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const { objects } = await STORE.list({ prefix, limit: KEYS_MAX });
    if (objects.length === 0) return true;
    await STORE.delete(objects.map(({ key }) => key));
  }
  return false;
}
