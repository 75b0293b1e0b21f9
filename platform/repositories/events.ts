/** The log of published events in the tenant's database: three slots of 30 days, in the order of their shards. */
import { SLOT_COUNT, slotOf } from "../../domain/messaging/message-id.ts";
import type { EventEnvelope } from "../../schema/event.ts";

/** An event with its place. */
export interface LoggedEvent {
  readonly tenant: string;
  readonly shard: string;
  /** About ms since the epoch, strictly rising within a shard. */
  readonly seq: number;
  readonly event: EventEnvelope;
}

/** Events of one id that are looked at. */
const EVENTS_PER_ID_MAX = 10;
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

/** Events of a tenant's log by their ids, oldest first; an id given twice by different sources is there twice. */
export async function findEvents(
  db: D1Database,
  tenant: string,
  ids: readonly string[],
): Promise<readonly LoggedEvent[]> {
  const found = await inEverySlot(db, (slot) =>
    db
      .prepare(
        `SELECT seq, shard, body FROM events_${slot} INDEXED BY events_${slot}_id
         WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2)) LIMIT ?3`,
      )
      .bind(tenant, JSON.stringify(ids), ids.length * EVENTS_PER_ID_MAX),
  );
  return found.sort(inOrder).map((row) => logged(tenant, row));
}

/** The newest event of that id: two sources may have used one. Rejects as D1 does. */
export async function findEvent(
  db: D1Database,
  tenant: string,
  id: string,
): Promise<LoggedEvent | undefined> {
  const found = await inEverySlot(db, (slot) =>
    db
      .prepare(
        `SELECT seq, shard, body FROM events_${slot} INDEXED BY events_${slot}_id
         WHERE tenant_id = ?1 AND id = ?2 ORDER BY seq DESC LIMIT 1`,
      )
      .bind(tenant, id),
  );
  const newest = found.sort(inOrder).at(-1);
  return newest && logged(tenant, newest);
}

/** Through the view the planner would rather walk the key: it likes an order more than an index. */
async function inEverySlot(
  db: D1Database,
  statement: (slot: number) => D1PreparedStatement,
): Promise<EventRow[]> {
  const answers = await db.batch<EventRow>(
    Array.from({ length: SLOT_COUNT }, (_, slot) => statement(slot)),
  );
  return answers.flatMap(({ results }) => results);
}

function inOrder(a: LogPlace, b: LogPlace): number {
  return a.seq - b.seq || (a.shard < b.shard ? -1 : 1);
}

function logged(tenant: string, { seq, shard, body }: EventRow): LoggedEvent {
  return { tenant, shard, seq, event: JSON.parse(body) as EventEnvelope };
}

/** Rows that one search looks at. What it does not find in them it goes on looking for with the next page. */
export const SEARCHED_ROWS_MAX = 1000;
/** Bytes of events in one page. */
export const PAGE_BYTES_MAX = 4_000_000;

export interface EventSearch {
  readonly tenant: string;
  /** Both included. */
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly order: "newest" | "oldest";
  readonly partition?: string;
  readonly isWanted?: (type: string) => boolean;
  readonly after?: LogPlace;
  readonly limit: number;
  /** Default: a page and one row where everything is wanted, else SEARCHED_ROWS_MAX. */
  readonly searchedRows?: number;
}

export interface FoundEvents {
  readonly events: readonly LoggedEvent[];
  /** Where to go on, with or without events on this page; absent where there is nothing more. */
  readonly next?: LogPlace;
}

interface IndexRow extends LogPlace {
  readonly type: string;
  readonly partition_key: string | null;
  readonly bytes: number;
}

/** One page of those events of a log that are wanted. Bounded in rows that are looked at and in bytes that are read. */
export async function listEvents(db: D1Database, search: EventSearch): Promise<FoundEvents> {
  const { tenant, limit, partition, isWanted = () => true } = search;
  const searchedRows = search.searchedRows ?? rowsOf(search);
  const { results } = await indexStatement(db, search, searchedRows).all<IndexRow>();
  const chosen: IndexRow[] = [];
  let bytes = 0;
  let last: IndexRow | undefined;
  for (const row of results) {
    const isFull = chosen.length >= limit || (chosen.length > 0 && bytes >= PAGE_BYTES_MAX);
    if (isFull) return { events: await bodiesOf(db, tenant, chosen), ...nextOf(last) };
    last = row;
    if (partition !== undefined && row.partition_key !== partition) continue;
    if (!isWanted(row.type)) continue;
    chosen.push(row);
    bytes += row.bytes;
  }
  const events = await bodiesOf(db, tenant, chosen);
  return results.length < searchedRows ? { events } : { events, ...nextOf(last) };
}

function rowsOf({ partition, isWanted, limit }: EventSearch): number {
  return partition === undefined && isWanted === undefined ? limit + 1 : SEARCHED_ROWS_MAX;
}

function nextOf(last: LogPlace | undefined): Pick<FoundEvents, "next"> {
  return last ? { next: { seq: last.seq, shard: last.shard } } : {};
}

function indexStatement(
  db: D1Database,
  search: EventSearch,
  searchedRows: number,
): D1PreparedStatement {
  const { tenant, fromSeq, toSeq, order, after } = search;
  const oldest = order === "oldest";
  const from = after && oldest ? Math.max(fromSeq, after.seq) : fromSeq;
  const to = after && !oldest ? Math.min(toSeq, after.seq) : toSeq;
  const [beyond, direction] = oldest ? [">", "ASC"] : ["<", "DESC"];
  return db
    .prepare(
      `SELECT seq, shard, type, partition_key, octet_length(body) AS bytes FROM events
       WHERE tenant_id = ?1 AND seq >= ?2 AND seq <= ?3
         AND (?4 IS NULL OR seq ${beyond} ?4 OR shard ${beyond} ?5)
       ORDER BY seq ${direction}, shard ${direction} LIMIT ?6`,
    )
    .bind(tenant, from, to, after?.seq ?? null, after?.shard ?? null, searchedRows);
}

/** In the order of the places. */
async function bodiesOf(
  db: D1Database,
  tenant: string,
  places: readonly LogPlace[],
): Promise<readonly LoggedEvent[]> {
  const slots = Map.groupBy(places, ({ seq }) => slotOf(seq));
  if (slots.size === 0) return [];
  const answers = await db.batch<EventRow>(
    [...slots].map(([slot, group]) =>
      db
        .prepare(
          `SELECT e.seq, e.shard, e.body FROM json_each(?2) AS j CROSS JOIN events_${slot} AS e
           ON e.tenant_id = ?1 AND e.seq = j.value ->> 0 AND e.shard = j.value ->> 1`,
        )
        .bind(tenant, JSON.stringify(group.map(({ seq, shard }) => [seq, shard]))),
    ),
  );
  const rows = new Map(
    answers.flatMap(({ results }) => results).map((row) => [`${row.seq} ${row.shard}`, row]),
  );
  return places.flatMap(({ seq, shard }) => {
    const row = rows.get(`${seq} ${shard}`);
    return row ? [logged(tenant, row)] : [];
  });
}
