/** What is past its time leaves: a slot of messages by DROP, dead letters in batches. */

import { SLOT_COUNT, SLOT_MS, slotOf } from "../../domain/messaging/message-id.ts";
import { allDatabases } from "../../platform/database.ts";
import { logLine } from "../../platform/log.ts";
import { purgeDeadLetters } from "../../platform/repositories/dead-letters.ts";
import { messageSlotSql } from "../../platform/repositories/message-slots.ts";

/** Rows deleted per statement and statements per run. */
const PURGE_BATCH = 500;
const PURGE_ROUNDS_MAX = 20;
/** A slot is emptied this long after its last row was written, so that a replayed message still finds its slot. */
const SLOT_REST_MS = SLOT_MS;

/**
 * The slot that comes into use next still holds rows of two periods ago: it is dropped and made anew. Runs
 * daily; a slot that is already empty, or whose rows are not old enough, is left alone.
 */
export async function dropOldSlots(env: Env, nowMs: number): Promise<void> {
  const slot = slotOf(nowMs + SLOT_MS);
  for (const db of allDatabases(env)) {
    const newest = await db
      .prepare(`SELECT max(created_at) AS at FROM messages_${slot}`)
      .first<{ at: number | null }>();
    if (newest?.at === null || newest === null || newest.at > nowMs - SLOT_REST_MS) continue;
    const statements = messageSlotSql(slot, SLOT_COUNT).map((sql) => db.prepare(sql));
    await db.batch(statements);
    logLine("slot.dropped", { slot });
  }
}

export async function purgeDead(env: Env, nowMs: number): Promise<void> {
  for (const db of allDatabases(env)) {
    for (let round = 0; round < PURGE_ROUNDS_MAX; round++) {
      const purged = await purgeDeadLetters(db, nowMs, PURGE_BATCH);
      if (purged < PURGE_BATCH) break;
    }
  }
}
