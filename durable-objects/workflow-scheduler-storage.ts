/**
 * What a tenant's scheduler keeps: its schedules as it last read them with the state of each, slots that fire until
 * their runs have ended, and what became of slots until it stands in the tenant's history. A decision and everything
 * that follows from it is one transaction.
 */
import type { ScheduleState } from "../domain/workflows/schedule/firing.ts";
import type { SlotRecord } from "../platform/repositories/schedule-slots.ts";
import type { StoredSchedule } from "../platform/repositories/schedules.ts";

/** A schedule and how far it has come. */
export interface KnownSchedule {
  readonly stored: StoredSchedule;
  readonly state: ScheduleState;
  /** When to decide again, in ms; absent: never, as things stand. */
  readonly wakeMs?: number | undefined;
  /** Looks in a row that found a slot waiting for a run to end. */
  readonly polls: number;
}

/** A slot that fires. */
export interface Fire {
  readonly id: string;
  readonly schedule: string;
  readonly slotMs: number;
  /** Its run, once it has been started. */
  readonly run?: string;
  /** When to start it, or to try again, in ms. */
  readonly dueMs: number;
  readonly attempts: number;
  /** Another slot has taken its place: its run is to be cancelled. */
  readonly unwanted: boolean;
}

export interface Decided {
  readonly known: KnownSchedule;
  readonly fire: readonly Fire[];
  /** Ids of slots whose runs have ended. */
  readonly ended: readonly string[];
  /** Ids of slots whose runs are to be cancelled. */
  readonly cancel: readonly string[];
  readonly records: readonly SlotRecord[];
}

export interface SchedulerStorage {
  tenant(): string | undefined;
  keepTenant(tenant: string): void;
  known(id: string): KnownSchedule | undefined;
  all(): readonly KnownSchedule[];
  /** Ids of those that are to be decided by `nowMs`. */
  due(nowMs: number, limit: number): readonly string[];
  put(known: KnownSchedule): void;
  forget(id: string): void;
  commit(decided: Decided): void;
  fire(id: string): Fire | undefined;
  /** Slots to be started, or cancelled, by `nowMs`. */
  dueFires(nowMs: number, limit: number): readonly Fire[];
  /** Slots of a schedule whose runs go on. */
  running(schedule: string): readonly Fire[];
  putFire(fire: Fire): void;
  endFire(id: string): void;
  record(record: SlotRecord): void;
  records(limit: number): readonly { readonly n: number; readonly record: SlotRecord }[];
  forgetRecords(upTo: number): void;
  /** When something is due next, in ms. */
  nextMs(): number | undefined;
  /** The revision of a workflow's route that its triggers follow. */
  synced(): ReadonlyMap<string, number>;
  putSynced(workflow: string, revision: number | undefined): void;
}

interface ScheduleRow extends Record<string, SqlStorageValue> {
  readonly body: string;
  readonly wake: number | null;
}

interface FireRow extends Record<string, SqlStorageValue> {
  readonly id: string;
  readonly schedule: string;
  readonly slot: number;
  readonly run: string | null;
  readonly due: number;
  readonly attempts: number;
  readonly unwanted: number;
}

const TENANT = "tenant";
const TABLES = [
  "CREATE TABLE IF NOT EXISTS schedules (id TEXT PRIMARY KEY, body TEXT NOT NULL, wake INTEGER) WITHOUT ROWID",
  "CREATE INDEX IF NOT EXISTS schedules_wake ON schedules (wake)",
  `CREATE TABLE IF NOT EXISTS fires (id TEXT PRIMARY KEY, schedule TEXT NOT NULL, slot INTEGER NOT NULL,
   run TEXT, due INTEGER NOT NULL, attempts INTEGER NOT NULL, unwanted INTEGER NOT NULL) WITHOUT ROWID`,
  "CREATE TABLE IF NOT EXISTS records (n INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS synced (workflow TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID",
];
/** Started and wanted: nothing is to be done about it but to see whether its run goes on. */
const IDLE = "(run IS NOT NULL AND unwanted = 0)";

export function openSchedulerStorage(storage: DurableObjectStorage): SchedulerStorage {
  const { sql, kv } = storage;
  for (const table of TABLES) sql.exec(table);
  const schedules = scheduleTable(sql);
  const fires = fireTable(sql);
  const history = recordTable(sql);
  return {
    tenant: () => kv.get<string>(TENANT),
    keepTenant: (tenant) => kv.put(TENANT, tenant),
    ...schedules,
    ...fires,
    ...history,
    ...syncedTable(sql),
    forget: (id) => {
      sql.exec("DELETE FROM schedules WHERE id = ?", id);
      sql.exec("DELETE FROM fires WHERE schedule = ? AND unwanted = 0", id);
    },
    commit: ({ known, fire, ended, cancel, records }) =>
      storage.transactionSync(() => {
        schedules.put(known);
        for (const id of ended) fires.endFire(id);
        for (const one of fire) fires.putFire(one);
        for (const id of cancel)
          sql.exec("UPDATE fires SET unwanted = 1, due = 0, attempts = 0 WHERE id = ?", id);
        for (const one of records) history.record(one);
      }),
    nextMs: () =>
      sql
        .exec<{ at: number | null }>(
          `SELECT min(at) AS at FROM (SELECT min(wake) AS at FROM schedules
           UNION ALL SELECT min(due) FROM fires WHERE NOT ${IDLE})`,
        )
        .one().at ?? undefined,
  };
}

function scheduleTable(sql: SqlStorage): Pick<SchedulerStorage, "known" | "all" | "due" | "put"> {
  const read = (where: string, ...values: SqlStorageValue[]) =>
    sql.exec<ScheduleRow>(`SELECT body, wake FROM schedules ${where}`, ...values).toArray();
  return {
    known: (id) => read("WHERE id = ?", id).map(knownOf)[0],
    all: () => read("ORDER BY id").map(knownOf),
    due: (nowMs, limit) =>
      sql
        .exec<{ id: string }>(
          "SELECT id FROM schedules WHERE wake <= ? ORDER BY wake LIMIT ?",
          ...[nowMs, limit],
        )
        .toArray()
        .map(({ id }) => id),
    put: (known) => {
      const { wakeMs, ...body } = known;
      sql.exec(
        "INSERT OR REPLACE INTO schedules (id, body, wake) VALUES (?, ?, ?)",
        ...[known.stored.schedule.id, JSON.stringify(body), wakeMs ?? null],
      );
    },
  };
}

function fireTable(
  sql: SqlStorage,
): Pick<SchedulerStorage, "fire" | "dueFires" | "running" | "putFire" | "endFire"> {
  const read = (where: string, ...values: SqlStorageValue[]) =>
    sql
      .exec<FireRow>(`SELECT * FROM fires ${where}`, ...values)
      .toArray()
      .map(fireOf);
  return {
    fire: (id) => read("WHERE id = ?", id)[0],
    dueFires: (nowMs, limit) =>
      read(`WHERE NOT ${IDLE} AND due <= ? ORDER BY due, slot LIMIT ?`, nowMs, limit),
    running: (schedule) => read(`WHERE schedule = ? AND ${IDLE}`, schedule),
    putFire: ({ id, schedule, slotMs, run, dueMs, attempts, unwanted }) => {
      sql.exec(
        `INSERT OR REPLACE INTO fires (id, schedule, slot, run, due, attempts, unwanted)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        ...[id, schedule, slotMs, run ?? null, dueMs, attempts, unwanted ? 1 : 0],
      );
    },
    endFire: (id) => void sql.exec("DELETE FROM fires WHERE id = ?", id),
  };
}

function recordTable(
  sql: SqlStorage,
): Pick<SchedulerStorage, "record" | "records" | "forgetRecords"> {
  return {
    record: (one) => void sql.exec("INSERT INTO records (body) VALUES (?)", JSON.stringify(one)),
    records: (limit) =>
      sql
        .exec<{ n: number; body: string }>("SELECT n, body FROM records ORDER BY n LIMIT ?", limit)
        .toArray()
        .map(({ n, body }) => ({ n, record: JSON.parse(body) as SlotRecord })),
    forgetRecords: (upTo) => void sql.exec("DELETE FROM records WHERE n <= ?", upTo),
  };
}

function syncedTable(sql: SqlStorage): Pick<SchedulerStorage, "synced" | "putSynced"> {
  return {
    synced: () =>
      new Map(
        sql
          .exec<{ workflow: string; revision: number }>("SELECT workflow, revision FROM synced")
          .toArray()
          .map(({ workflow, revision }) => [workflow, revision]),
      ),
    putSynced: (workflow, revision) => {
      if (revision === undefined) sql.exec("DELETE FROM synced WHERE workflow = ?", workflow);
      else
        sql.exec(
          "INSERT OR REPLACE INTO synced (workflow, revision) VALUES (?, ?)",
          ...[workflow, revision],
        );
    },
  };
}

function knownOf({ body, wake }: ScheduleRow): KnownSchedule {
  const known = JSON.parse(body) as Omit<KnownSchedule, "wakeMs">;
  return wake === null ? known : { ...known, wakeMs: wake };
}

function fireOf({ id, schedule, slot, run, due, attempts, unwanted }: FireRow): Fire {
  return {
    ...{ id, schedule, slotMs: slot, dueMs: due, attempts, unwanted: unwanted === 1 },
    ...(run === null ? {} : { run }),
  };
}
