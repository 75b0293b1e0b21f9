/** What the platform says of a connection itself. Not a change of the resource: its ETag stays. */
import { outboxInsertWhere, writeTelling } from "../outbox.ts";

/**
 * Notes a state, and tells of it where it is another than before; a new detail alone (the next QR code) is nobody's
 * event. Connections live in the first database. Rejects as D1 does.
 */
export async function noteState(
  db: D1Database,
  tenant: string,
  id: string,
  state: string,
  detail: string | null,
): Promise<void> {
  const event = {
    type: "connection.state_changed",
    subject: id,
    connection: id,
    data: { connection: id, state },
  } as const;
  const told = outboxInsertWhere(db, tenant, event, Date.now(), {
    from: "connections",
    column: "channel",
    id,
    where: ["state <> ?5", state],
  });
  const update = db
    .prepare(
      `UPDATE connections SET state = ?1, state_detail = ?2 WHERE id = ?3 AND tenant_id = ?4
       AND (state <> ?1 OR state_detail IS NOT ?2)`,
    )
    .bind(state, detail, id, tenant);
  await writeTelling(db, tenant, [told, update]);
}
