/**
 * The rows of one conversation. Two tables take turns by the day, so that yesterday leaves by DROP (which
 * bills nothing) and never row by row; a key older than both is outside the 24 h window. Messages (`i:` +
 * event key) and sends (`o:` + seq) share a table: a conversation's first message pays for few tables.
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

const TABLES = [0, 1] as const;
const BOTH = "(SELECT * FROM rows_0 UNION ALL SELECT * FROM rows_1)";
const INBOX = "k >= 'i:' AND k < 'i;'";
const OUTBOX = "k >= 'o:' AND k < 'o;'";
const DEAD_PREFIX = "dead:";

/** Creates what is missing. Synchronous, cheap, repeatable. */
export function createTables(sql: SqlStorage): void {
  sql.exec("CREATE TABLE IF NOT EXISTS state (k TEXT PRIMARY KEY, v TEXT NOT NULL) WITHOUT ROWID");
  for (const table of TABLES) createRows(sql, table);
}

/** `done` and the two watermarks are those of a send; 0 for a message. */
function createRows(sql: SqlStorage, table: 0 | 1): void {
  sql.exec(
    `CREATE TABLE IF NOT EXISTS rows_${table} (k TEXT PRIMARY KEY, seq INTEGER NOT NULL, id TEXT NOT NULL,
     done INTEGER NOT NULL, persisted_seq INTEGER NOT NULL, settled_seq INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID`,
  );
}

/** Rebuilds the state after the object's memory was lost. The volatile part starts empty. */
export function loadState(sql: SqlStorage, nowMs: number): ConversationState {
  const fresh = emptyState(nowMs);
  const kept = sql.exec<{ k: string; v: string }>("SELECT k, v FROM state ORDER BY k").toArray();
  const rows = new Map(kept.map((row) => [row.k, row.v]));
  const config = parse<ConversationConfig>(rows.get("config"));
  const stored = parse<Flow>(rows.get("flow")) ?? fresh.flow;
  const marks = sql
    .exec<{ p: number | null; s: number | null; q: number | null }>(
      `SELECT max(persisted_seq) AS p, max(settled_seq) AS s, max(seq) AS q FROM ${BOTH}`,
    )
    .one();
  const flow: Flow = {
    ...stored,
    persistedSeq: Math.max(stored.persistedSeq, marks.p ?? 0),
    settledSeq: Math.max(stored.settledSeq, marks.s ?? 0),
  };
  const low = Math.min(flow.persistedSeq, flow.settledSeq);
  const inbox = bodies<InboxItem>(sql, `WHERE ${INBOX} AND seq > ? ORDER BY seq`, low);
  const deads = kept.filter((row) => row.k.startsWith(DEAD_PREFIX));
  return {
    ...fresh,
    ...(config ? { config } : {}),
    flow,
    inbox: inbox.filter((item) => item.seq > flow.persistedSeq || item.wantsTurn),
    outbox: bodies<OutboxItem>(sql, `WHERE ${OUTBOX} AND done = 0 ORDER BY seq`),
    deads: deads.map((row) => JSON.parse(row.v) as DeadItem),
    ownPlatformIds: ownIds(sql),
    lastSeq: marks.q ?? 0,
    lastAtMs: marks.q ?? 0,
  };
}

/** Message ids of the given event keys, where a table still holds them. */
export function knownKeys(sql: SqlStorage, keys: readonly string[]): Map<string, string> {
  const [only, ...others] = keys;
  if (only !== undefined && others.length === 0) return knownKey(sql, only);
  const list = JSON.stringify(keys.map((key) => `i:${key}`));
  const wanted = "k IN (SELECT value FROM json_each(?))";
  const rows = sql.exec<{ k: string; id: string }>(
    `SELECT k, id FROM rows_0 WHERE ${wanted} UNION ALL SELECT k, id FROM rows_1 WHERE ${wanted}`,
    list,
    list,
  );
  return new Map(rows.toArray().map((row) => [row.k.slice(2), row.id]));
}

/** Nearly every webhook has one message: without `json_each` the question costs a fraction of the time. */
function knownKey(sql: SqlStorage, key: string): Map<string, string> {
  const k = `i:${key}`;
  const query = "SELECT id FROM rows_0 WHERE k = ? UNION ALL SELECT id FROM rows_1 WHERE k = ?";
  return new Map(
    sql
      .exec<{ id: string }>(query, k, k)
      .toArray()
      .map(({ id }) => [key, id]),
  );
}

/** The numbers that the messages of these keys have now. */
export function seqsOf(sql: SqlStorage, keys: readonly string[]): readonly number[] {
  const list = JSON.stringify(keys.map((key) => `i:${key}`));
  const query = `SELECT seq FROM ${BOTH} WHERE k IN (SELECT value FROM json_each(?))`;
  const rows = sql.exec<{ seq: number }>(query, list);
  return rows.toArray().map((row) => row.seq);
}

/** The newest stored item of an outbound id, done or not, where a table still holds it. */
export function findOutbox(sql: SqlStorage, id: string): OutboxItem | undefined {
  return bodies<OutboxItem>(sql, `WHERE ${OUTBOX} AND id = ? ORDER BY seq DESC`, id)[0];
}

/** True where at most one of the statements changes something. */
export function isOneRow(writes: readonly Write[]): boolean {
  const [only, ...others] = writes;
  return only !== undefined && others.length === 0 && !("rotate" in only);
}

/** Writes the rows of one decision. The caller wraps them in one transaction. */
export function applyWrites(sql: SqlStorage, writes: readonly Write[], table: 0 | 1): void {
  let current = table;
  for (const write of writes) {
    if ("rotate" in write) {
      current = write.rotate;
      rotate(sql, write);
    } else applyWrite(sql, write, current);
  }
}

function applyWrite(sql: SqlStorage, write: Exclude<Write, { rotate: 0 | 1 }>, table: 0 | 1): void {
  if ("drop" in write) {
    sql.exec("DELETE FROM state WHERE k = ?", DEAD_PREFIX + write.id);
    return;
  }
  switch (write.put) {
    case "inbox":
      putRow(sql, inboxRow(write.item), write.fresh, table);
      return;
    case "outbox":
      putRow(sql, outboxRow(write.item, write.persistedSeq, write.settledSeq), false, table);
      return;
    case "flow":
      putState(sql, "flow", write.flow);
      return;
    case "config":
      putState(sql, "config", write.config);
      return;
    case "dead":
      putState(sql, DEAD_PREFIX + write.item.id, write.item);
  }
}

type Row = readonly [
  k: string,
  seq: number,
  id: string,
  done: 0 | 1,
  persistedSeq: number,
  settledSeq: number,
  body: string,
];

function inboxRow(item: InboxItem): Row {
  return [`i:${item.message.eventKey}`, item.seq, item.id, 0, 0, 0, JSON.stringify(item)];
}

function outboxRow(item: OutboxItem, persistedSeq: number, settledSeq: number): Row {
  const done = item.state.is === "done" ? 1 : 0;
  return [`o:${item.seq}`, item.seq, item.id, done, persistedSeq, settledSeq, JSON.stringify(item)];
}

/** A row that may stand in the older table is brought up to date there; `fresh` ones stand in none. */
function putRow(sql: SqlStorage, row: Row, fresh: boolean, table: 0 | 1): void {
  if (!fresh && updateIn(sql, table === 0 ? 1 : 0, row)) return;
  sql.exec(
    `INSERT INTO rows_${table} (k, seq, id, done, persisted_seq, settled_seq, body) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (k) DO UPDATE SET seq = excluded.seq, id = excluded.id, done = excluded.done,
     persisted_seq = excluded.persisted_seq, settled_seq = excluded.settled_seq, body = excluded.body`,
    ...row,
  );
}

function updateIn(sql: SqlStorage, table: 0 | 1, [k, ...rest]: Row): boolean {
  const found = sql.exec(
    `UPDATE rows_${table} SET seq = ?, id = ?, done = ?, persisted_seq = ?, settled_seq = ?, body = ? WHERE k = ? RETURNING k`,
    ...rest,
    k,
  );
  return found.toArray().length > 0;
}

function putState(sql: SqlStorage, key: string, value: unknown): void {
  sql.exec(
    "INSERT INTO state (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v",
    key,
    JSON.stringify(value),
  );
}

/** The older table goes, with everything but what is still owed. */
function rotate(sql: SqlStorage, write: Extract<Write, { rotate: 0 | 1 }>): void {
  const older = new Set(
    sql
      .exec<{ k: string }>(`SELECT k FROM rows_${write.rotate}`)
      .toArray()
      .map((row) => row.k),
  );
  const owed = [
    ...write.inbox.map(inboxRow),
    ...write.outbox.map((item) => outboxRow(item, 0, 0)),
  ].filter(([k]) => older.has(k));
  sql.exec(`DROP TABLE rows_${write.rotate}`);
  createRows(sql, write.rotate);
  for (const row of owed) putRow(sql, row, true, write.rotate);
}

/** Newest last. */
function ownIds(sql: SqlStorage): readonly string[] {
  const recent = bodies<OutboxItem>(
    sql,
    `WHERE ${OUTBOX} AND done = 1 ORDER BY seq DESC LIMIT ${OWN_IDS_MAX}`,
  );
  return recent.reverse().flatMap((item) => {
    const { state, steps } = item;
    const sent = state.is === "done" && state.end.status === "sent" ? state.end : undefined;
    const ids = [...steps.map((step) => step.platformId), sent?.platformId];
    return ids.filter((id) => id !== undefined);
  });
}

function bodies<T>(sql: SqlStorage, where: string, ...bindings: (string | number)[]): T[] {
  return sql
    .exec<{ body: string }>(`SELECT body FROM ${BOTH} ${where}`, ...bindings)
    .toArray()
    .map((row) => JSON.parse(row.body) as T);
}

function parse<T>(text: string | undefined): T | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as T);
}
