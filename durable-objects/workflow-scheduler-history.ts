/** What became of slots on its way into the tenant's history and onto its bus: each record once, however often it is tried. */
import { databaseFor } from "../platform/database.ts";
import { count } from "../platform/metrics.ts";
import { writeTelling } from "../platform/outbox.ts";
import { publishOutbox } from "../platform/outbox-publish.ts";
import { takeOwed } from "../platform/owed.ts";
import { recordSlots, type SlotRecord } from "../platform/repositories/schedule-slots.ts";
import { parseVars } from "../schema/vars.ts";
import type { SchedulerStorage } from "./workflow-scheduler-storage.ts";

/** Records written in one batch. */
const RECORDS_PER_BATCH = 40;

/** False where the database did not take it all. */
export async function writeHistory(
  env: Env,
  tenant: string,
  storage: SchedulerStorage,
  nowMs: number,
): Promise<boolean> {
  const db = databaseFor(env, tenant);
  try {
    for (;;) {
      const rows = storage.records(RECORDS_PER_BATCH);
      const last = rows.at(-1);
      if (!last) break;
      const records = rows.map(({ record }) => record);
      await writeTelling(db, tenant, recordSlots(db, tenant, records, nowMs));
      storage.forgetRecords(last.n);
      for (const record of records) countRecord(tenant, record);
    }
  } catch {
    count("schedule_history_failures_total", { tenant });
    return false;
  }
  await tell(env, tenant);
  return true;
}

function countRecord(tenant: string, { outcome, reason, slots }: SlotRecord): void {
  count("schedule_slots_total", { tenant, outcome: reason ?? outcome }, Math.max(slots ?? 1, 1));
}

/** Right away; what fails waits for the minutely job. */
async function tell(env: Env, tenant: string): Promise<void> {
  if (takeOwed(tenant).length === 0) return;
  const { EVENT_SHARDS: shards, TENANT_CACHE_MS: cacheMs } = parseVars(env);
  await publishOutbox({ env, shards, cacheMs }, tenant, Date.now());
}
