/**
 * Statuses that came before their send was recorded (`applyStatuses`). Recording takes them; those of sends that
 * nobody here ever records, such as another system's on the same number, are forgotten by their age.
 */

/**
 * How long one waits, in ms: 7 days. A send is recorded within a day (`SEND_TTL_MS`), or once its dead letter is
 * replayed, which is kept as long.
 */
export const PENDING_STATUS_MS = 7 * 24 * 3_600_000;

/** Forgets at most so many that came before this instant, in ms; answers how many. Rejects as D1 does. */
export async function purgePendingStatuses(
  db: D1Database,
  beforeMs: number,
  limit: number,
): Promise<number> {
  const purged = await db
    .prepare(
      `DELETE FROM pending_statuses WHERE (tenant_id, connection_id, platform_id) IN
       (SELECT tenant_id, connection_id, platform_id FROM pending_statuses WHERE at < ? LIMIT ?)`,
    )
    .bind(beforeMs, limit)
    .run();
  return purged.meta.changes;
}
