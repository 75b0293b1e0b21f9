/**
 * Rows of the outbox that name a stored message and what became of it. They are written in the batch that changes the
 * message, by what the database then has: a status that moves nothing tells nothing.
 */
import { SLOT_COUNT, seqOfId, slotOf } from "../../domain/messaging/message-id.ts";
import { STATUS_RANK } from "../../domain/messaging/status.ts";
import type { ParsedStatus } from "../../schema/parsed.ts";
import { SQL_NOW_MS } from "../outbox.ts";
import type { StoredMessage } from "./messages.ts";

/** Ids sort as the hops of a message follow each other, where the database's clock sees no difference. */
const INTO = "INSERT OR IGNORE INTO outbox (tenant_id, id, body, created_at)";

/** How a recorded send has ended, and what its platform said of it before. Goes behind `recordOutbound`. */
export function tellRecorded(
  db: D1Database,
  tenant: string,
  messageId: string,
): D1PreparedStatement {
  const slot = slotOf(seqOfId(messageId) ?? 0);
  const ranks = JSON.stringify(STATUS_RANK);
  return db
    .prepare(
      `${INTO} SELECT m.tenant_id, m.id || ':' || (?3 ->> h.key) || '.' || h.key, json_object('view', m.id, 'hop', h.key), ${SQL_NOW_MS}
       FROM messages_${slot} AS m, json_each(m.metadata, '$.hops') AS h
       WHERE m.tenant_id = ?1 AND m.id = ?2 AND h.key IN ('sent', 'uncertain', 'failed', 'delivered', 'read')`,
    )
    .bind(tenant, messageId, ranks);
}

/** Where a status will move a message, that it does. Goes before `applyStatuses` of the same status. */
export function tellStatus(
  db: D1Database,
  tenant: string,
  connection: string,
  { status, platformId }: ParsedStatus,
): readonly D1PreparedStatement[] {
  const rank = STATUS_RANK[status];
  return Array.from({ length: SLOT_COUNT }, (_, slot) =>
    db
      .prepare(
        `${INTO} SELECT tenant_id, id || ':${rank}.${status}', json_object('view', id, 'hop', '${status}'), ${SQL_NOW_MS}
         FROM messages_${slot} INDEXED BY messages_${slot}_platform
         WHERE tenant_id = ?1 AND connection_id = ?2 AND platform_id = ?3 AND direction = 'outbound' AND status_rank < ?4`,
      )
      .bind(tenant, connection, platformId, rank),
  );
}

/** Messages by their ids, in the slots they can be in; those that are gone are left out. */
export async function readMessages(
  db: D1Database,
  tenant: string,
  ids: readonly string[],
): Promise<readonly StoredMessage[]> {
  const bySlot = Map.groupBy(ids, (id) => slotOf(seqOfId(id) ?? 0));
  if (bySlot.size === 0) return [];
  const pages = await db.batch<StoredMessage>(
    [...bySlot].map(([slot, group]) =>
      db
        .prepare(
          `SELECT * FROM messages_${slot} WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2))`,
        )
        .bind(tenant, JSON.stringify(group)),
    ),
  );
  return pages.flatMap(({ results }) => results);
}
