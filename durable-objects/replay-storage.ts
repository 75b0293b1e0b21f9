/** What a replay keeps: its job, and the events that were read and may not go out yet. */
import type { Job } from "../domain/events/replay/job.ts";
import type { SourceName, Waiting } from "../domain/events/replay/walk.ts";
import type { EventEnvelope } from "../schema/event.ts";

const JOB = "job";
/** The version of the job that stands in the tenant's table. */
const SAVED = "saved";

interface Row extends Record<string, SqlStorageValue> {
  readonly at_ms: number;
  readonly ordinal: number;
  readonly source: string;
  readonly place: string;
  readonly body: string;
}

export interface ReplayStorage {
  job(): Job | undefined;
  savedVersion(): number;
  putSaved(version: number): void;
  /** Waiting events before an instant, in order. */
  waiting(beforeMs: number, limit: number): readonly Waiting[];
  /** Writes a job and what has changed beside it, in one transaction. */
  commit(job: Job, rows?: RowsChanged): void;
}

export interface RowsChanged {
  readonly added?: readonly Waiting[];
  readonly gone?: readonly Waiting[];
  /** Nothing waits any more. */
  readonly empty?: boolean;
}

/** What one step comes to. */
export interface StepDone {
  /** Its effect on the job as it is by then: an order may have come meanwhile. */
  readonly change: (job: Job) => Job;
  readonly rows?: RowsChanged;
  /** When the next may begin, ms. */
  readonly nextMs: number;
}

export function openReplayStorage(storage: DurableObjectStorage): ReplayStorage {
  const { sql, kv } = storage;
  const createTable = () =>
    sql.exec(
      "CREATE TABLE IF NOT EXISTS waiting (at_ms INTEGER NOT NULL, ordinal INTEGER NOT NULL, source TEXT NOT NULL, place TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (at_ms, ordinal)) WITHOUT ROWID",
    );
  return {
    job: () => kv.get<Job>(JOB),
    savedVersion: () => kv.get<number>(SAVED) ?? -1,
    putSaved: (version) => kv.put(SAVED, version),
    waiting: (beforeMs, limit) =>
      sql
        .exec<Row>(
          "SELECT * FROM waiting WHERE at_ms < ? ORDER BY at_ms, ordinal LIMIT ?",
          Math.min(beforeMs, Number.MAX_SAFE_INTEGER),
          limit,
        )
        .toArray()
        .map(waitingOf),
    commit: (job, { added = [], gone = [], empty = false } = {}) =>
      storage.transactionSync(() => {
        createTable();
        if (empty) sql.exec("DELETE FROM waiting");
        for (const one of gone)
          sql.exec("DELETE FROM waiting WHERE at_ms = ? AND ordinal = ?", one.atMs, one.ordinal);
        for (const { atMs, ordinal, source, place, event } of added)
          sql.exec(
            "INSERT INTO waiting (at_ms, ordinal, source, place, body) VALUES (?, ?, ?, ?, ?)",
            ...[atMs, ordinal, source, place, JSON.stringify(event)],
          );
        kv.put(JOB, job);
      }),
  };
}

function waitingOf({ at_ms, ordinal, source, place, body }: Row): Waiting {
  return {
    ...{ atMs: at_ms, ordinal, place, source: source as SourceName },
    event: JSON.parse(body) as EventEnvelope,
  };
}
