/** The index of the archive: one row per object in R2. Can be made anew from the objects alone (`workers/operations/archive-index.ts`). */

export type SegmentKind = "messages" | "events";

/** One archive object. `first` and `last`: ids of messages, or numbers of events as text. */
export interface Segment {
  readonly tenant: string;
  readonly kind: SegmentKind;
  /** Start of its hour, ms since the epoch. */
  readonly hourMs: number;
  readonly part: number;
  readonly key: string;
  readonly rows: number;
  /** Of the NDJSON, uncompressed. */
  readonly bytes: number;
  /** Of the NDJSON, uncompressed; hexadecimal. */
  readonly sha256: string;
  readonly first: string;
  readonly last: string;
  /** Compressed, under the cold prefix. */
  readonly cold: boolean;
  readonly createdAtMs: number;
}

interface SegmentRow {
  readonly tenant_id: string;
  readonly kind: SegmentKind;
  readonly hour: number;
  readonly part: number;
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly first: string;
  readonly last: string;
  readonly cold: number;
  readonly created_at: number;
}

/** Idempotent; the last word on where an object lies wins. */
export function putSegment(db: D1Database, segment: Segment): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO segments (tenant_id, kind, hour, part, key, rows, bytes, sha256, first, last, cold, created_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
       ON CONFLICT (tenant_id, kind, hour, part) DO UPDATE SET key = ?5, rows = ?6, bytes = ?7, sha256 = ?8, first = ?9, last = ?10, cold = ?11`,
    )
    .bind(
      segment.tenant,
      segment.kind,
      segment.hourMs,
      segment.part,
      segment.key,
      segment.rows,
      segment.bytes,
      segment.sha256,
      segment.first,
      segment.last,
      segment.cold ? 1 : 0,
      segment.createdAtMs,
    );
}

export interface SegmentQuery {
  readonly tenant: string;
  readonly kind: SegmentKind;
  /** Hours that begin at or after this … */
  readonly fromMs: number;
  /** … and before this. */
  readonly toMs: number;
  readonly limit: number;
  /** Only those that have not moved to the cold prefix. */
  readonly warm?: boolean;
}

/** In the order of their hours and parts. */
export async function listSegments(
  db: D1Database,
  { tenant, kind, fromMs, toMs, limit, warm }: SegmentQuery,
): Promise<readonly Segment[]> {
  const { results } = await db
    .prepare(
      `SELECT * FROM segments WHERE tenant_id = ? AND kind = ? AND hour >= ? AND hour < ? ${warm ? "AND cold = 0" : ""} ORDER BY hour, part LIMIT ?`,
    )
    .bind(tenant, kind, fromMs, toMs, limit)
    .all<SegmentRow>();
  return results.map(segmentOf);
}

export function dropSegment(db: D1Database, segment: Segment): D1PreparedStatement {
  const { tenant, kind, hourMs, part } = segment;
  return db
    .prepare("DELETE FROM segments WHERE tenant_id = ? AND kind = ? AND hour = ? AND part = ?")
    .bind(tenant, kind, hourMs, part);
}

function segmentOf(row: SegmentRow): Segment {
  const { tenant_id, hour, cold, created_at, ...rest } = row;
  return { ...rest, tenant: tenant_id, hourMs: hour, cold: cold === 1, createdAtMs: created_at };
}
