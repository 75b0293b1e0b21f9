/** Publishes what stands in outboxes longer than it should: whoever wrote it is gone, or the bus was not to be reached. */
import { allDatabases } from "../../platform/database.ts";
import { publishOutbox } from "../../platform/outbox-publish.ts";
import { mapBounded } from "../consumers/bounded.ts";
import { tellingDeps } from "../operations/publish-owed.ts";

/** Younger rows are left to whoever wrote them, in ms. */
const LEFT_OVER_MS = 5000;
/** Tenants served per run and database; chosen anew each time, so that none that can't be served keeps others out. */
const TENANTS_MAX = 200;
const CONCURRENCY_MAX = 6;

/** One run. A tenant's failure never holds up the others. */
export async function publishLeftOvers(env: Env, nowMs: number): Promise<void> {
  const deps = tellingDeps(env);
  for (const db of allDatabases(env)) {
    const { results } = await db
      .prepare(
        "SELECT tenant_id FROM outbox GROUP BY tenant_id HAVING min(created_at) < ? ORDER BY random() LIMIT ?",
      )
      .bind(nowMs - LEFT_OVER_MS, TENANTS_MAX)
      .all<{ tenant_id: string }>();
    await mapBounded(results, CONCURRENCY_MAX, ({ tenant_id }) =>
      publishOutbox(deps, tenant_id, nowMs),
    );
  }
}
