/** A Durable Object's `SqlStorage` over node's own SQLite, so that the rows of an object can be tested in plain node. */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

export interface FakeStorage {
  readonly sql: SqlStorage;
  transactionSync<T>(work: () => T): T;
}

export function fakeStorage(): FakeStorage {
  const db = new DatabaseSync(":memory:");
  const exec = (query: string, ...bindings: SQLInputValue[]) => {
    const rows = db.prepare(query).all(...bindings);
    return {
      toArray: () => rows,
      one: () => {
        if (rows.length !== 1) throw new Error(`expected one row, got ${rows.length}`);
        return rows[0];
      },
    };
  };
  return {
    sql: { exec } as unknown as SqlStorage,
    transactionSync(work) {
      db.exec("BEGIN");
      try {
        const result = work();
        db.exec("COMMIT");
        return result;
      } catch (error) {
        db.exec("ROLLBACK");
        throw error;
      }
    },
  };
}
