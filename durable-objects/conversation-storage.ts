/**
 * The rows of one conversation. Two pairs of tables take turns by the day, so that yesterday leaves by
 * DROP (which bills nothing) and never row by row; a key older than both pairs is outside the 24 h window.
 */

import { OWN_IDS_MAX } from "../domain/conversation/limits.ts";
import type { ConversationState, Flow, Write } from "../domain/conversation/state.ts";
import { emptyState } from "../domain/conversation/state.ts";
import type {
  ConversationConfig,
  DeadItem,
  InboxItem,
  OutboxItem,
} from "../schema/conversation.ts";

const PAIRS = [0, 1] as const;

/** Creates what is missing. Synchronous, cheap, repeatable. */
export function createTables(sql: SqlStorage): void {
  sql.exec("CREATE TABLE IF NOT EXISTS state (k TEXT PRIMARY KEY, v TEXT NOT NULL) WITHOUT ROWID");
  sql.exec(
    "CREATE TABLE IF NOT EXISTS dead (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
  );
  for (const pair of PAIRS) createPair(sql, pair);
}

function createPair(sql: SqlStorage, pair: 0 | 1): void {
  sql.exec(
    `CREATE TABLE IF NOT EXISTS inbox_${pair} (event_key TEXT PRIMARY KEY, seq INTEGER NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID`,
  );
  sql.exec(
    `CREATE TABLE IF NOT EXISTS outbox_${pair} (seq INTEGER PRIMARY KEY, done INTEGER NOT NULL, persisted_seq INTEGER NOT NULL, settled_seq INTEGER NOT NULL, body TEXT NOT NULL)`,
  );
}

/** Rebuilds the state after the object's memory was lost. The volatile part starts empty. */
export function loadState(sql: SqlStorage, nowMs: number): ConversationState {
  const fresh = emptyState(nowMs);
  const rows = new Map(
    sql
      .exec<{ k: string; v: string }>("SELECT k, v FROM state")
      .toArray()
      .map((row) => [row.k, row.v]),
  );
  const config = parse<ConversationConfig>(rows.get("config"));
  const stored = parse<Flow>(rows.get("flow")) ?? fresh.flow;
  const marks = sql
    .exec<{ p: number | null; s: number | null; q: number | null }>(
      "SELECT max(persisted_seq) AS p, max(settled_seq) AS s, max(seq) AS q FROM (SELECT * FROM outbox_0 UNION ALL SELECT * FROM outbox_1)",
    )
    .one();
  const flow: Flow = {
    ...stored,
    persistedSeq: Math.max(stored.persistedSeq, marks.p ?? 0),
    settledSeq: Math.max(stored.settledSeq, marks.s ?? 0),
  };
  const low = Math.min(flow.persistedSeq, flow.settledSeq);
  const inbox = bodies<InboxItem>(
    sql,
    `SELECT body FROM (SELECT * FROM inbox_0 UNION ALL SELECT * FROM inbox_1) WHERE seq > ${low} ORDER BY seq`,
  );
  const outbox = bodies<OutboxItem>(
    sql,
    "SELECT body FROM (SELECT * FROM outbox_0 UNION ALL SELECT * FROM outbox_1) WHERE done = 0 ORDER BY seq",
  );
  const newest = sql
    .exec<{ q: number | null }>(
      "SELECT max(seq) AS q FROM (SELECT seq FROM inbox_0 UNION ALL SELECT seq FROM inbox_1)",
    )
    .one().q;
  const lastSeq = Math.max(newest ?? 0, marks.q ?? 0);
  return {
    ...fresh,
    ...(config ? { config } : {}),
    flow,
    inbox: inbox.filter((item) => item.seq > flow.persistedSeq || item.wantsTurn),
    outbox,
    deads: bodies<DeadItem>(sql, "SELECT body FROM dead ORDER BY id"),
    ownPlatformIds: ownIds(sql),
    lastSeq,
    lastAtMs: lastSeq,
  };
}

/** Message ids of the given event keys, where a table still holds them. */
export function knownKeys(sql: SqlStorage, keys: readonly string[]): Map<string, string> {
  const list = JSON.stringify(keys);
  const rows = sql.exec<{ event_key: string; id: string }>(
    "SELECT event_key, id FROM inbox_0 WHERE event_key IN (SELECT value FROM json_each(?)) UNION ALL SELECT event_key, id FROM inbox_1 WHERE event_key IN (SELECT value FROM json_each(?))",
    list,
    list,
  );
  return new Map(rows.toArray().map((row) => [row.event_key, row.id]));
}

/** The numbers that the messages of these keys have now. */
export function seqsOf(sql: SqlStorage, keys: readonly string[]): readonly number[] {
  const list = JSON.stringify(keys);
  const rows = sql.exec<{ seq: number }>(
    "SELECT seq FROM (SELECT event_key, seq FROM inbox_0 UNION ALL SELECT event_key, seq FROM inbox_1) WHERE event_key IN (SELECT value FROM json_each(?))",
    list,
  );
  return rows.toArray().map((row) => row.seq);
}

/** The newest stored item of an outbound id, done or not, where a table still holds it. */
export function findOutbox(sql: SqlStorage, id: string): OutboxItem | undefined {
  return bodies<OutboxItem>(
    sql,
    "SELECT body FROM (SELECT * FROM outbox_0 UNION ALL SELECT * FROM outbox_1) WHERE json_extract(body, '$.id') = ? ORDER BY seq DESC",
    id,
  )[0];
}

/** Writes the rows of one decision. The caller wraps them in one transaction. */
export function applyWrites(sql: SqlStorage, writes: readonly Write[], pair: 0 | 1): void {
  let current = pair;
  for (const write of writes) {
    if ("rotate" in write) {
      current = write.rotate;
      rotate(sql, write);
    } else applyWrite(sql, write, current);
  }
}

function applyWrite(sql: SqlStorage, write: Exclude<Write, { rotate: 0 | 1 }>, pair: 0 | 1): void {
  if ("drop" in write) {
    sql.exec("DELETE FROM dead WHERE id = ?", write.id);
    return;
  }
  switch (write.put) {
    case "inbox":
      putInbox(sql, write.item, write.fresh, pair);
      return;
    case "outbox":
      putOutboxRow(sql, write, pair);
      return;
    case "flow":
      putState(sql, "flow", write.flow);
      return;
    case "config":
      putState(sql, "config", write.config);
      return;
    case "dead":
      sql.exec(
        "INSERT INTO dead (id, body) VALUES (?, ?)",
        write.item.id,
        JSON.stringify(write.item),
      );
  }
}

function putInbox(sql: SqlStorage, item: InboxItem, fresh: boolean, pair: 0 | 1): void {
  const body = JSON.stringify(item);
  const key = item.message.eventKey;
  if (!fresh) {
    for (const table of PAIRS) {
      const found = sql.exec(
        `UPDATE inbox_${table} SET seq = ?, body = ? WHERE event_key = ? RETURNING id`,
        item.seq,
        body,
        key,
      );
      if (found.toArray().length > 0) return;
    }
  }
  sql.exec(
    `INSERT INTO inbox_${pair} (event_key, seq, id, body) VALUES (?, ?, ?, ?)`,
    key,
    item.seq,
    item.id,
    body,
  );
}

function putOutboxRow(
  sql: SqlStorage,
  write: Extract<Write, { put: "outbox" }>,
  pair: 0 | 1,
): void {
  const { item, persistedSeq, settledSeq } = write;
  const done = item.state.is === "done" ? 1 : 0;
  const body = JSON.stringify(item);
  const other = pair === 0 ? 1 : 0;
  const moved = sql.exec(
    `UPDATE outbox_${other} SET done = ?, persisted_seq = ?, settled_seq = ?, body = ? WHERE seq = ? RETURNING seq`,
    done,
    persistedSeq,
    settledSeq,
    body,
    item.seq,
  );
  if (moved.toArray().length > 0) return;
  sql.exec(
    `INSERT INTO outbox_${pair} (seq, done, persisted_seq, settled_seq, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (seq) DO UPDATE SET done = excluded.done, persisted_seq = excluded.persisted_seq, settled_seq = excluded.settled_seq, body = excluded.body`,
    item.seq,
    done,
    persistedSeq,
    settledSeq,
    body,
  );
}

function putState(sql: SqlStorage, key: string, value: unknown): void {
  sql.exec(
    "INSERT INTO state (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v",
    key,
    JSON.stringify(value),
  );
}

function rotate(sql: SqlStorage, write: Extract<Write, { rotate: 0 | 1 }>): void {
  const carried = new Set([
    ...write.inbox.map((item) => item.seq),
    ...write.outbox.map((item) => item.seq),
  ]);
  const older = rowsOf(sql, write.rotate).filter((seq) => carried.has(seq));
  sql.exec(`DROP TABLE inbox_${write.rotate}`);
  sql.exec(`DROP TABLE outbox_${write.rotate}`);
  createPair(sql, write.rotate);
  for (const item of write.inbox)
    if (older.includes(item.seq)) putInbox(sql, item, true, write.rotate);
  for (const item of write.outbox) {
    if (older.includes(item.seq))
      putOutboxRow(sql, { put: "outbox", item, persistedSeq: 0, settledSeq: 0 }, write.rotate);
  }
}

function rowsOf(sql: SqlStorage, pair: 0 | 1): readonly number[] {
  const rows = sql.exec<{ seq: number }>(
    `SELECT seq FROM inbox_${pair} UNION ALL SELECT seq FROM outbox_${pair}`,
  );
  return rows.toArray().map((row) => row.seq);
}

function ownIds(sql: SqlStorage): readonly string[] {
  const recent = bodies<OutboxItem>(
    sql,
    `SELECT body FROM (SELECT * FROM outbox_0 UNION ALL SELECT * FROM outbox_1) WHERE done = 1 ORDER BY seq DESC LIMIT ${OWN_IDS_MAX}`,
  );
  return recent.reverse().flatMap((item) => {
    const end =
      item.state.is === "done" && item.state.end.status === "sent"
        ? item.state.end.platformId
        : undefined;
    return [...item.steps.map((step) => step.platformId), end].filter((id) => id !== undefined);
  });
}

function bodies<T>(sql: SqlStorage, query: string, ...bindings: unknown[]): T[] {
  return sql
    .exec<{ body: string }>(query, ...bindings)
    .toArray()
    .map((row) => JSON.parse(row.body) as T);
}

function parse<T>(text: string | undefined): T | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as T);
}
