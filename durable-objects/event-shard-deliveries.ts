/** The delivery rows of one shard: the queries its decisions ask, each answered by an index, and their writes. */
import type { DeliveryRow, Note, ShardView } from "../domain/events/shard/rows.ts";

type Queries = Pick<
  ShardView,
  | "delivery"
  | "nextInGroup"
  | "ready"
  | "blocked"
  | "due"
  | "expired"
  | "nextDueMs"
  | "nextExpiryMs"
  | "oldestAtMs"
>;

/** `ms` bounds and limits come last. Exported for the test that reads their plans. */
export const DELIVERY_SQL = {
  delivery: "SELECT * FROM delivery WHERE subscription = ? AND grp = ? AND seq = ?",
  nextInGroup:
    "SELECT * FROM delivery WHERE subscription = ? AND grp = ? AND seq > ? ORDER BY seq LIMIT 1",
  ready:
    "SELECT * FROM delivery WHERE subscription = ? AND place = 'ready' AND (expires_ms IS NULL OR expires_ms >= ?) ORDER BY priority DESC, seq LIMIT ?",
  blocked:
    "SELECT * FROM delivery WHERE subscription = ? AND place = 'blocked' ORDER BY priority DESC, seq LIMIT ?",
  due: "SELECT * FROM delivery WHERE place = 'delayed' AND due_ms <= ? ORDER BY due_ms LIMIT ?",
  expired: "SELECT * FROM delivery WHERE expires_ms < ? ORDER BY expires_ms LIMIT ?",
  nextDueMs: "SELECT due_ms AS ms FROM delivery WHERE place = 'delayed' ORDER BY due_ms LIMIT 1",
  nextExpiryMs:
    "SELECT expires_ms AS ms FROM delivery WHERE expires_ms IS NOT NULL ORDER BY expires_ms LIMIT 1",
  /** The first row of each priority. */
  oldestAtMs:
    "SELECT at_ms AS ms FROM delivery WHERE subscription = ? AND place = ? AND priority = ? ORDER BY seq LIMIT 1",
} as const;

const PRIORITIES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const;

export function deliveryQueries(sql: SqlStorage): Queries {
  const rows = (query: string, ...bindings: unknown[]) =>
    sql
      .exec<Columns>(query, ...bindings)
      .toArray()
      .map(rowOf);
  const ms = (query: string, ...bindings: unknown[]) =>
    sql.exec<{ ms: number }>(query, ...bindings).toArray()[0]?.ms;
  return {
    delivery: (subscription, group, seq) =>
      rows(DELIVERY_SQL.delivery, subscription, group, seq)[0],
    nextInGroup: (subscription, group, afterSeq) =>
      rows(DELIVERY_SQL.nextInGroup, subscription, group, afterSeq)[0],
    ready: (subscription, nowMs, limit) => rows(DELIVERY_SQL.ready, subscription, nowMs, limit),
    blocked: (subscription, limit) => rows(DELIVERY_SQL.blocked, subscription, limit),
    due: (nowMs, limit) => rows(DELIVERY_SQL.due, nowMs, limit),
    expired: (nowMs, limit) => rows(DELIVERY_SQL.expired, nowMs, limit),
    nextDueMs: () => ms(DELIVERY_SQL.nextDueMs),
    nextExpiryMs: () => ms(DELIVERY_SQL.nextExpiryMs),
    oldestAtMs(subscription, place) {
      const firsts = PRIORITIES.map((level) =>
        ms(DELIVERY_SQL.oldestAtMs, subscription, place, level),
      );
      const known = firsts.filter((moment) => moment !== undefined);
      return known.length > 0 ? Math.min(...known) : undefined;
    },
  };
}

export function putDelivery(sql: SqlStorage, row: DeliveryRow): void {
  sql.exec(
    "INSERT INTO delivery (subscription, grp, seq, key, place, priority, at_ms, due_ms, expires_ms, attempts, notes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (subscription, grp, seq) DO UPDATE SET place = excluded.place, due_ms = excluded.due_ms, attempts = excluded.attempts, notes = excluded.notes",
    row.subscription,
    row.group,
    row.seq,
    row.key,
    row.place === "waiting" ? null : row.place,
    row.priority,
    row.atMs,
    row.dueMs,
    row.expiresMs ?? null,
    row.attempts,
    row.notes.length > 0 ? JSON.stringify(row.notes) : null,
  );
}

export function dropDelivery(
  sql: SqlStorage,
  subscription: string,
  group: string,
  seq: number,
): void {
  sql.exec(
    "DELETE FROM delivery WHERE subscription = ? AND grp = ? AND seq = ?",
    subscription,
    group,
    seq,
  );
}

type Columns = {
  subscription: string;
  grp: string;
  seq: number;
  key: string;
  place: Exclude<DeliveryRow["place"], "waiting"> | null;
  priority: number;
  at_ms: number;
  due_ms: number;
  expires_ms: number | null;
  attempts: number;
  notes: string | null;
};

function rowOf(columns: Columns): DeliveryRow {
  return {
    subscription: columns.subscription,
    group: columns.grp,
    seq: columns.seq,
    key: columns.key,
    place: columns.place ?? "waiting",
    priority: columns.priority,
    atMs: columns.at_ms,
    dueMs: columns.due_ms,
    ...(columns.expires_ms === null ? {} : { expiresMs: columns.expires_ms }),
    attempts: columns.attempts,
    notes: columns.notes === null ? [] : (JSON.parse(columns.notes) as readonly Note[]),
  };
}
