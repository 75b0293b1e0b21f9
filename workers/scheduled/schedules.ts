/** Looks after the scheduler of every tenant with workflows: a lost alarm or a lost call is made good here. */
import { allDatabases } from "../../platform/database.ts";
import { deadline, untilAborted } from "../../platform/http-deadline.ts";
import { count } from "../../platform/metrics.ts";
import { tenantsWithWorkflows } from "../../platform/repositories/schedules.ts";
import { workflowScheduler } from "../../platform/workflow-triggers.ts";
import { mapBounded } from "../consumers/bounded.ts";

/** Tenants read at once. */
const TENANTS_PER_PAGE = 200;
const CONCURRENCY_MAX = 6;
/** One scheduler may take this long, in ms. */
const WATCH_MS_MAX = 30_000;

export async function watchSchedulers(env: Env, nowMs: number): Promise<void> {
  for (const db of allDatabases(env)) {
    for (let after: string | undefined = ""; after !== undefined; ) {
      const tenants: readonly string[] = await tenantsWithWorkflows(db, after, TENANTS_PER_PAGE);
      await mapBounded(tenants, CONCURRENCY_MAX, (tenant) => watchOne(env, tenant, nowMs));
      after = tenants.length < TENANTS_PER_PAGE ? undefined : tenants.at(-1);
    }
  }
}

async function watchOne(env: Env, tenant: string, nowMs: number): Promise<void> {
  try {
    const watched = workflowScheduler(env, tenant).watch(tenant, nowMs);
    const { late } = await untilAborted(watched, deadline(WATCH_MS_MAX));
    if (late) count("schedulers_rearmed_total", {});
  } catch {
    count("schedulers_unwatched_total", {});
  }
}
