/** The log of published events in the tenant's database: three slots of 30 days, in the order of their shards. */
import { slotOf } from "../../domain/messaging/message-id.ts";
import type { EventEnvelope } from "../../schema/event.ts";

/** An event with its place. */
export interface LoggedEvent {
  readonly tenant: string;
  readonly shard: string;
  /** About ms since the epoch, strictly rising within a shard. */
  readonly seq: number;
  readonly event: EventEnvelope;
}

/** Bytes of rows in one statement: D1 takes 2 MB per bound value (D1 limits). */
const STATEMENT_BYTES_MAX = 1_000_000;

/** The statements that write events, each row once however often it is said. */
export function insertEvents(
  db: D1Database,
  events: readonly LoggedEvent[],
): readonly D1PreparedStatement[] {
  const rows = events.map(valuesOf);
  const slots = Map.groupBy(rows, ([, seq]) => slotOf(Number(seq)));
  return [...slots].flatMap(([slot, group]) =>
    partsOf(group).map((part) =>
      db
        .prepare(
          `INSERT OR IGNORE INTO events_${slot} (tenant_id, seq, shard, id, type, partition_key, body)
           SELECT j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3, j.value ->> 4, j.value ->> 5, j.value ->> 6 FROM json_each(?) AS j WHERE true`,
        )
        .bind(JSON.stringify(part)),
    ),
  );
}

type Values = readonly (string | number | null)[];

function valuesOf({ tenant, shard, seq, event }: LoggedEvent): Values {
  const { event_id, event_type, metadata } = event;
  const body = JSON.stringify(event);
  return [tenant, seq, shard, event_id, event_type, metadata.partition_key ?? null, body];
}

function partsOf(rows: readonly Values[]): readonly (readonly Values[])[] {
  const parts: Values[][] = [];
  let bytes = Infinity;
  for (const row of rows) {
    const size = String(row.at(-1)).length * 2;
    bytes += size;
    if (bytes <= STATEMENT_BYTES_MAX) parts.at(-1)?.push(row);
    else {
      parts.push([row]);
      bytes = size;
    }
  }
  return parts;
}

/** Where a walk through the log stands: after this row. */
export interface LogPlace {
  readonly seq: number;
  readonly shard: string;
}

interface EventRow {
  readonly seq: number;
  readonly shard: string;
  readonly body: string;
}

/**
 * One page of a tenant's log, both numbers included, in the order (seq, shard). A walk goes on with the last row of
 * the page before as `after`; a page shorter than `limit` is the last one. Rejects as D1 does.
 */
export async function pageOfEvents(
  db: D1Database,
  page: {
    readonly tenant: string;
    readonly fromSeq: number;
    readonly toSeq: number;
    readonly after?: LogPlace;
    readonly limit: number;
  },
): Promise<readonly LoggedEvent[]> {
  const { tenant, fromSeq, toSeq, after, limit } = page;
  const lower = after ? Math.max(fromSeq, after.seq) : fromSeq;
  const { results } = await db
    .prepare(
      `SELECT seq, shard, body FROM events
       WHERE tenant_id = ?1 AND seq >= ?2 AND seq <= ?3 AND (seq > ?4 OR shard > ?5)
       ORDER BY seq, shard LIMIT ?6`,
    )
    .bind(tenant, lower, toSeq, after?.seq ?? -1, after?.shard ?? "", limit)
    .all<EventRow>();
  return results.map((row) => logged(tenant, row));
}

function logged(tenant: string, { seq, shard, body }: EventRow): LoggedEvent {
  return { tenant, shard, seq, event: JSON.parse(body) as EventEnvelope };
}
