/** What is past its time leaves: a slot of messages by DROP, dead letters and early statuses in batches. */

import { SLOT_MS, slotOf } from "../../domain/messaging/message-id.ts";
import { allDatabases } from "../../platform/database.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import { purgeDeadLetters, releaseClaims } from "../../platform/repositories/dead-letters.ts";
import {
  PENDING_STATUS_MS,
  purgePendingStatuses,
} from "../../platform/repositories/pending-statuses.ts";
import {
  newestInSlot,
  renewSlotSql,
  SLOTTED_VIEWS,
  slotSchema,
} from "../../platform/repositories/slots.ts";

/** Rows deleted per statement and statements per run. */
const PURGE_BATCH = 500;
const PURGE_ROUNDS_MAX = 20;
/** Early statuses deleted per statement, and statements per run and database: 100,000 a night. */
export const STATUS_BATCH = 5000;
export const STATUS_ROUNDS_MAX = 20;
/** A slot is emptied this long after its last row was written, so that a replayed message still finds its slot. */
const SLOT_REST_MS = SLOT_MS;

/**
 * The slot that comes into use next still holds rows of two periods ago: it is dropped and made anew. Runs
 * daily; a slot that is already empty, whose rows are not old enough, or whose rows are not all archived yet, is
 * left alone.
 */
export async function dropOldSlots(env: Env, nowMs: number): Promise<void> {
  const slot = slotOf(nowMs + SLOT_MS);
  const archivedMs = await archivedUntil(env.DB);
  for (const db of allDatabases(env)) {
    for (const slotted of SLOTTED_VIEWS) {
      const newestMs = await newestInSlot(db, slotted, slot);
      if (newestMs === undefined || newestMs > nowMs - SLOT_REST_MS) continue;
      const outcome = newestMs < archivedMs ? "dropped" : "not_archived";
      if (outcome === "dropped") {
        const statements = renewSlotSql(await slotSchema(db, slotted.view, slot));
        await db.batch(statements.map((sql) => db.prepare(sql)));
      }
      count("slots_total", { outcome });
      logLine("slot.ended", { slot, kind: slotted.view, outcome });
    }
  }
}

/** Everything before this instant is in the archive, of every tenant. */
async function archivedUntil(db: D1Database): Promise<number> {
  const row = await db
    .prepare(
      `SELECT min(coalesce(m.value, t.created_at), coalesce(e.value, t.created_at)) AS at FROM tenants t
       LEFT JOIN jobs m ON m.name = 'archive:' || t.id LEFT JOIN jobs e ON e.name = 'archive-events:' || t.id
       ORDER BY at LIMIT 1`,
    )
    .first<{ at: number }>();
  return row?.at ?? Infinity;
}

export async function purgeDead(env: Env, nowMs: number): Promise<void> {
  for (const db of allDatabases(env)) {
    const freed = await releaseClaims(db, nowMs);
    if (freed > 0) logLine("claims.released", { items: freed });
    for (let round = 0; round < PURGE_ROUNDS_MAX; round++) {
      const purged = await purgeDeadLetters(db, nowMs, PURGE_BATCH);
      if (purged < PURGE_BATCH) break;
    }
  }
}

/** Statuses of sends that nobody has recorded, and nobody will. What one night leaves the next one takes. */
export async function forgetStatuses(env: Env, nowMs: number): Promise<void> {
  let items = 0;
  for (const db of allDatabases(env)) {
    for (let round = 0; round < STATUS_ROUNDS_MAX; round++) {
      const purged = await purgePendingStatuses(db, nowMs - PENDING_STATUS_MS, STATUS_BATCH);
      count("pending_statuses_forgotten_total", {}, purged);
      items += purged;
      if (purged < STATUS_BATCH) break;
    }
  }
  if (items > 0) logLine("statuses.forgotten", { items });
}
