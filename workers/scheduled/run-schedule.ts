/** The cron jobs of `wrangler.toml`. Each job fails alone, and says so in one line. */
import { flushAudit } from "../../platform/audit-buffer.ts";
import { appendLate } from "../../platform/audit-late.ts";
import { logLine } from "../../platform/log.ts";
import { count, flushMetrics } from "../../platform/metrics.ts";
import { eraseTenants } from "../operations/erase-tenant.ts";
import { publishOwed } from "../operations/publish-owed.ts";
import { evaluateAlerts } from "./alerts.ts";
import { archiveHours } from "./archive.ts";
import { ageArchive } from "./archive-age.ts";
import { repairDrift } from "./drift.ts";
import { watchGateways } from "./gateways.ts";
import { publishLeftOvers } from "./outbox.ts";
import { dropOldSlots, forgetStatuses, purgeDead } from "./retention.ts";
import { watchSchedulers } from "./schedules.ts";
import { renewSlackTokens } from "./slack-tokens.ts";
import { sweepConversations } from "./sweep.ts";

type Job = (env: Env, nowMs: number) => Promise<unknown>;

const JOBS: Readonly<Record<string, Readonly<Record<string, Job>>>> = {
  "* * * * *": { outbox: publishLeftOvers, alerts: evaluateAlerts },
  "*/5 * * * *": {
    sweep: sweepConversations,
    erase: eraseTenants,
    audit: appendLate,
    drift: repairDrift,
    gateways: watchGateways,
    tokens: renewSlackTokens,
    schedulers: watchSchedulers,
  },
  "7 * * * *": { archive: archiveHours },
  "13 3 * * *": {
    slots: dropOldSlots,
    age: ageArchive,
    purge: purgeDead,
    statuses: forgetStatuses,
  },
};

export async function runSchedule(cron: string, env: Env, nowMs: number): Promise<void> {
  for (const [name, job] of Object.entries(JOBS[cron] ?? {})) {
    const startMs = Date.now();
    let outcome = "done";
    try {
      await job(env, nowMs);
    } catch (error) {
      outcome = error instanceof Error ? error.name : "failed";
    }
    count("jobs_total", { job: name, outcome });
    logLine("job.ended", { job: name, outcome, durationMs: Date.now() - startMs });
  }
  await publishOwed(env);
  await flushAudit(env, Date.now());
  await flushMetrics(env, Date.now());
}
