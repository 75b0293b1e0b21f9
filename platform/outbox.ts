/**
 * The outbox: what a change has to tell, written in the same batch as the change, so that neither is there without the
 * other. `platform/outbox-publish.ts` hands it to the bus and deletes it. Rows carry an event of their own, or name a
 * stored message and the hop to be told of it (a view, made when it is published).
 */
import { type HubEvent, hubEnvelope } from "../domain/events/hub-event.ts";
import { mintId } from "../domain/messaging/message-id.ts";
import { oweEvents } from "./owed.ts";

/** Where the statement stands in its batch. `if_changed`: right behind the one whose change it tells of. */
type Told = "always" | "if_changed";

/** The database's own time, in ms: rows of one database are published in the order in which they were written. */
export const SQL_NOW_MS = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/** Characters of an id's entropy that count ids of the same ms. */
const COUNT_CHARS = 3;
let latest = { atMs: 0, made: 0 };

/** Ids of one ms rise as they are made, so that rows of one batch, which share their time, are told in their order. */
function risingId(nowMs: number): string {
  latest = { atMs: nowMs, made: latest.atMs === nowMs ? latest.made + 1 : 0 };
  let place = 0;
  return mintId("evt", nowMs, () => {
    place += 1;
    if (place > COUNT_CHARS) return Math.random();
    return (Math.floor(latest.made / 32 ** (COUNT_CHARS - place)) % 32) / 32;
  });
}

/** The statement that puts an event beside the change it tells of. `if_changed`: only if the statement before it did. */
export function outboxInsert(
  db: D1Database,
  tenant: string,
  event: HubEvent,
  nowMs: number,
  told: Told = "always",
): D1PreparedStatement {
  const id = risingId(nowMs);
  const body = JSON.stringify(hubEnvelope(tenant, event, id, nowMs));
  const where = told === "if_changed" ? " WHERE changes() > 0" : "";
  return db
    .prepare(
      `INSERT INTO outbox (tenant_id, id, body, created_at) SELECT ?1, ?2, ?3, ${SQL_NOW_MS}${where}`,
    )
    .bind(tenant, id, body);
}

/** A member of the event's data that only a row knows, and what must be so of the row for there to be an event. */
export interface FromRow {
  readonly from: "dead_letters" | "connections" | "event_types";
  readonly column: string;
  readonly id: string;
  /** The column that `id` stands in; absent: `id`. */
  readonly key?: string;
  /** SQL, and the value of its `?5`. Absent: the statement before it changed something. */
  readonly where?: readonly [sql: string, value?: string];
}

/** As `outboxInsert`, and one member of the data comes out of a row. */
export function outboxInsertWhere(
  db: D1Database,
  tenant: string,
  event: HubEvent,
  nowMs: number,
  { from, column, id, key = "id", where }: FromRow,
): D1PreparedStatement {
  const eventId = risingId(nowMs);
  const body = JSON.stringify(hubEnvelope(tenant, event, eventId, nowMs));
  const [sql, ...values] = where ?? ["changes() > 0"];
  return db
    .prepare(
      `INSERT INTO outbox (tenant_id, id, body, created_at)
       SELECT ?1, ?2, json_set(?3, '$.data.${column}', ${column}), ${SQL_NOW_MS} FROM ${from}
       WHERE tenant_id = ?1 AND ${key} = ?4 AND ${sql}`,
    )
    .bind(tenant, eventId, body, id, ...values);
}

/** One batch, after which the bus is owed its events. Rejects as D1 does: then nothing is changed and nothing told. */
export async function writeTelling(
  db: D1Database,
  tenant: string,
  statements: readonly D1PreparedStatement[],
): Promise<readonly D1Result[]> {
  const results = await db.batch([...statements]);
  oweEvents(tenant);
  return results;
}
