/**
 * What a trail keeps: one row per block, in the order of its entries, and how far it was sealed and archived. A block
 * is one insert, so that it is there whole or not at all; rows are never changed, and leave in bulk once archived.
 */
import type { AuditBlock, AuditHead, SealedHead } from "../domain/audit/chain.ts";

/** Ids of the newest blocks that are held in memory: what is appended again is appended soon. */
const RECENT_MAX = 500;

interface BlockRow extends Record<string, SqlStorageValue> {
  readonly first: number;
  readonly entries: number;
  readonly id: string;
  readonly appended: number;
  readonly oldest: number;
  readonly newest: number;
  readonly body: string;
  readonly hash: string;
  readonly mac: string;
}

export interface AuditStorage {
  trail(): string | undefined;
  keepTrail(trail: string): void;
  /** Behind the last block; undefined where there is none. */
  head(): AuditHead | undefined;
  add(block: AuditBlock): void;
  /** Of the newest blocks; `all`: of every block. */
  knows(id: string, all: boolean): boolean;
  /** Blocks with entries from `seq` on, oldest first. */
  from(seq: number, limit: number): readonly AuditBlock[];
  /** Blocks with entries before `seq` and times in the range, newest first. */
  before(
    seq: number,
    range: { readonly sinceMs: number; readonly untilMs: number },
    limit: number,
  ): readonly AuditBlock[];
  sealed(): number;
  keepSealed(seq: number): void;
  /** Up to where entries have left for the archive. */
  floor(): SealedHead | undefined;
  /** Takes the archived ones away and says so, at once. */
  raiseFloor(floor: SealedHead): void;
}

/** WITHOUT ROWID: a row is its own index. */
const TABLE = `CREATE TABLE IF NOT EXISTS blocks (first INTEGER PRIMARY KEY, entries INTEGER NOT NULL,
  id TEXT NOT NULL, appended INTEGER NOT NULL, oldest INTEGER NOT NULL, newest INTEGER NOT NULL,
  body TEXT NOT NULL, hash TEXT NOT NULL, mac TEXT NOT NULL) WITHOUT ROWID`;

export function openAuditStorage(storage: DurableObjectStorage): AuditStorage {
  const { sql, kv } = storage;
  sql.exec(TABLE);
  const recent = new Set<string>();
  const ids = sql.exec<{ id: string }>(
    "SELECT id FROM blocks ORDER BY first DESC LIMIT ?",
    RECENT_MAX,
  );
  for (const { id } of ids.toArray().toReversed()) recent.add(id);
  return {
    ...namesOf(kv),
    ...readers(sql),
    head: () => headOf(sql),
    add: (block) => {
      insert(sql, block);
      recent.add(block.id);
      if (recent.size > RECENT_MAX) recent.delete(recent.values().next().value ?? "");
    },
    knows: (id, all) => recent.has(id) || (all && isKept(sql, id)),
    raiseFloor: (floor) =>
      storage.transactionSync(() => {
        kv.put("floor", floor);
        sql.exec("DELETE FROM blocks WHERE first <= ?", floor.seq);
      }),
  };
}

function namesOf(
  kv: SyncKvStorage,
): Pick<AuditStorage, "trail" | "keepTrail" | "sealed" | "keepSealed" | "floor"> {
  return {
    trail: () => kv.get<string>("trail"),
    keepTrail: (trail) => kv.put("trail", trail),
    sealed: () => kv.get<number>("sealed") ?? 0,
    keepSealed: (seq) => kv.put("sealed", seq),
    floor: () => kv.get<SealedHead>("floor"),
  };
}

function insert(sql: SqlStorage, block: AuditBlock): void {
  const { first, entries, id, appendedMs, oldestMs, newestMs, body, hash, mac } = block;
  sql.exec(
    "INSERT INTO blocks (first, entries, id, appended, oldest, newest, body, hash, mac) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ...[first, entries, id, appendedMs, oldestMs, newestMs, body, hash, mac],
  );
}

function isKept(sql: SqlStorage, id: string): boolean {
  return sql.exec("SELECT 1 FROM blocks WHERE id = ? LIMIT 1", id).toArray().length > 0;
}

function headOf(sql: SqlStorage): AuditHead | undefined {
  const rows = sql.exec<{ seq: number; hash: string }>(
    "SELECT first + entries - 1 AS seq, hash FROM blocks ORDER BY first DESC LIMIT 1",
  );
  return rows.toArray()[0];
}

function readers(sql: SqlStorage): Pick<AuditStorage, "from" | "before"> {
  const read = (where: string, ...values: SqlStorageValue[]) =>
    sql
      .exec<BlockRow>(`SELECT * FROM blocks WHERE ${where} LIMIT ?`, ...values)
      .toArray()
      .map(blockOf);
  return {
    // The block that `seq` is in the middle of begins before it.
    from: (seq, limit) =>
      read(
        "first >= coalesce((SELECT max(first) FROM blocks WHERE first <= ?1), ?1) AND first + entries > ?1 ORDER BY first",
        ...[seq, limit],
      ),
    before: (seq, { sinceMs, untilMs }, limit) =>
      read(
        "first < ? AND newest >= ? AND oldest < ? ORDER BY first DESC",
        ...[seq, sinceMs, untilMs, limit],
      ),
  };
}

function blockOf(row: BlockRow): AuditBlock {
  const { first, entries, id, appended, oldest, newest, body, hash, mac } = row;
  const times = { appendedMs: appended, oldestMs: oldest, newestMs: newest };
  return { first, entries, id, ...times, body, hash, mac };
}
