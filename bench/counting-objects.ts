/**
 * Counts what a Durable Object and a queue consumer do: rows, alarms, deliveries. Changes nothing they do.
 */
import { type Binding, type Method, member } from "./members.ts";
import { followCursor, tally } from "./tally.ts";

/** Makes a Durable Object's storage count its rows and alarms. Call before the class's own constructor. */
export function countStorage(ctx: DurableObjectState): void {
  const { storage } = ctx;
  const { sql } = storage;
  const exec = sql.exec.bind(sql);
  shadow(sql, "exec", (query: string, ...bindings: unknown[]) => {
    const cursor = exec(query, ...bindings);
    followCursor(cursor);
    return cursor;
  });
  countCalls(storage, ["setAlarm", "deleteAlarm"], () => {
    tally.alarmsSet += 1;
    tally.durableObjectRowsWritten += 1;
  });
  const countRow = (keys: unknown): void => {
    tally.durableObjectRowsWritten +=
      typeof keys === "string" ? 1 : Object.keys(Object(keys)).length;
  };
  countCalls(storage, ["put", "delete"], countRow);
  countCalls(storage.kv, ["put", "delete"], countRow);
}

/** Counts one run of an alarm, which is billed as a request. */
export function countAlarm(): void {
  tally.alarmRuns += 1;
  tally.durableObjectRequests += 1;
}

/** Counts the reads and deletes of a delivered batch. Call `settle` when the handler is done. */
export function countBatch<B>(batch: MessageBatch<B>): {
  readonly batch: MessageBatch<B>;
  settle(): void;
} {
  tally.workerRequests += 1;
  tally.queueOperations += batch.messages.length;
  const retried = new Set<string>();
  const messages = batch.messages.map((message) =>
    intercept(message, "retry", () => retried.add(message.id)),
  );
  const counted = intercept(batch, "retryAll", () => {
    for (const message of batch.messages) {
      retried.add(message.id);
    }
  });
  return {
    batch: new Proxy(counted, {
      get: (target, name) =>
        name === "messages" ? messages : member(target as unknown as Binding, name),
    }),
    settle: () => {
      tally.queueOperations += batch.messages.length - retried.size;
    },
  };
}

function intercept<T extends object>(target: T, method: keyof T, note: () => void): T {
  return new Proxy(target, {
    get: (inner, name) => {
      const value = member(inner as unknown as Binding, name);
      if (name !== method) {
        return value;
      }
      return (...values: unknown[]) => {
        note();
        return (value as Method)(...values);
      };
    },
  });
}

function countCalls<T extends object>(
  target: T,
  names: readonly (keyof T & string)[],
  note: (first: unknown) => void,
): void {
  for (const name of names) {
    const call = member(target as unknown as Binding, name) as Method;
    shadow(target, name, (...values: unknown[]) => {
      note(values[0]);
      return call(...values);
    });
  }
}

function shadow(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
}
