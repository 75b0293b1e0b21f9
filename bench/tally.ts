/**
 * The counters behind the benchmark: one set per isolate, which the Worker and its Durable Objects share when
 * run locally. Keeps numbers; decides nothing.
 */

/** What was done since the last `reset`. Rows as the storage engines report them, `setAlarm` = one row. */
export interface Tally {
  workerRequests: number;
  queueOperations: number;
  durableObjectRequests: number;
  durableObjectRowsWritten: number;
  durableObjectRowsRead: number;
  d1RowsWritten: number;
  d1RowsRead: number;
  d1Calls: number;
  r2ClassA: number;
  r2ClassB: number;
  workflowSteps: number;
  alarmsSet: number;
  alarmRuns: number;
}

const EMPTY: Tally = {
  workerRequests: 0,
  queueOperations: 0,
  durableObjectRequests: 0,
  durableObjectRowsWritten: 0,
  durableObjectRowsRead: 0,
  d1RowsWritten: 0,
  d1RowsRead: 0,
  d1Calls: 0,
  r2ClassA: 0,
  r2ClassB: 0,
  workflowSteps: 0,
  alarmsSet: 0,
  alarmRuns: 0,
};

/** The counters of this isolate: the Worker and its Durable Objects share one when run locally. */
export const tally: Tally = { ...EMPTY };

/** Cursors count while they are read, so their rows are taken when somebody asks. */
const cursors = new Set<SqlStorageCursor<Record<string, SqlStorageValue>>>();

/** The counters so far, with the rows of statements still being read. */
export function readTally(): Tally {
  let [written, read] = [0, 0];
  for (const cursor of cursors) {
    written += cursor.rowsWritten;
    read += cursor.rowsRead;
  }
  return {
    ...tally,
    durableObjectRowsWritten: tally.durableObjectRowsWritten + written,
    durableObjectRowsRead: tally.durableObjectRowsRead + read,
  };
}

/** Starts again from nothing. */
export function resetTally(): void {
  Object.assign(tally, EMPTY);
  cursors.clear();
}

/** Counts a statement's rows from now on. */
export function followCursor(cursor: SqlStorageCursor<Record<string, SqlStorageValue>>): void {
  cursors.add(cursor);
}
