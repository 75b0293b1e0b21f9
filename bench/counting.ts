/**
 * Counts what Cloudflare would bill, at the bindings: wraps a Worker's environment and a Durable Object's
 * storage, changes nothing they do. Runs inside workerd, in tests and benchmarks only.
 */

import { type Binding, type Method, member } from "./members.ts";
import { tally } from "./tally.ts";

/** Longest chain of calls of one invocation, each begun after the one before it had ended. */
export interface RoundTrips {
  depth: number;
}

const R2_CLASS_A = new Set(["put", "list", "createMultipartUpload"]);
const R2_CLASS_B = new Set(["get", "head"]);

/** The environment with every binding counted; `trips` follows the calls of one invocation. */
export function countedEnv<E extends object>(env: E, trips: RoundTrips): E {
  return new Proxy(env, {
    get: (target, name, receiver) => countedBinding(Reflect.get(target, name, receiver), trips),
  });
}

function countedBinding(value: unknown, trips: RoundTrips): unknown {
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const binding = value as Binding;
  if (typeof binding.getByName === "function" || typeof binding.idFromName === "function") {
    return countedNamespace(binding, trips);
  }
  if (typeof binding.prepare === "function") {
    return countedD1(value as D1Database, trips);
  }
  if (typeof binding.sendBatch === "function") {
    return countedQueue(binding, trips);
  }
  if (typeof binding.createMultipartUpload === "function") {
    return countedR2(binding, trips);
  }
  return value;
}

function countedNamespace(namespace: Binding, trips: RoundTrips): unknown {
  return new Proxy(namespace, {
    get: (target, name) => {
      const call = member(target, name);
      return name === "get" || name === "getByName"
        ? (...values: unknown[]) => countedStub((call as Method)(...values) as Binding, trips)
        : call;
    },
  });
}

function countedStub(stub: Binding, trips: RoundTrips): unknown {
  return new Proxy(stub, {
    get: (target, name) => {
      if (name === "id" || name === "name" || typeof name === "symbol") {
        return Reflect.get(target, name);
      }
      // A stub answers every name with a method, and that method every name with another (`apply` too):
      // it can only be called as a member of the stub.
      return (...values: unknown[]) => {
        tally.durableObjectRequests += 1;
        return followed(trips, (target as Record<string, Method>)[name]?.(...values));
      };
    },
  });
}

function countedQueue(queue: Binding, trips: RoundTrips): unknown {
  return new Proxy(queue, {
    get: (target, name) => {
      const call = member(target, name);
      if (name !== "send" && name !== "sendBatch") {
        return call;
      }
      return (...values: unknown[]) => {
        tally.queueOperations += name === "send" ? 1 : [...(values[0] as Iterable<unknown>)].length;
        return followed(trips, (call as Method)(...values));
      };
    },
  });
}

function countedR2(bucket: Binding, trips: RoundTrips): unknown {
  return new Proxy(bucket, {
    get: (target, name) => {
      const call = member(target, name);
      if (typeof call !== "function" || typeof name === "symbol") {
        return call;
      }
      return (...values: unknown[]) => {
        tally.r2ClassA += R2_CLASS_A.has(name) ? 1 : 0;
        tally.r2ClassB += R2_CLASS_B.has(name) ? 1 : 0;
        return followed(trips, (call as Method)(...values));
      };
    },
  });
}

const statements = new WeakMap<object, D1PreparedStatement>();

function countedD1(db: D1Database, trips: RoundTrips): unknown {
  return new Proxy(db, {
    get: (target, name) => {
      switch (name) {
        case "prepare":
          return (sql: string) => countedStatement(target.prepare(sql), trips);
        case "batch":
          return async (list: D1PreparedStatement[]) => {
            const results = await followed(
              trips,
              target.batch(list.map((statement) => statements.get(statement) ?? statement)),
            );
            tally.d1Calls += 1;
            results.forEach(noteMeta);
            return results;
          };
        case "withSession":
          return (mark?: string) =>
            countedD1(target.withSession(mark) as unknown as D1Database, trips);
        default:
          return member(target as unknown as Binding, name);
      }
    },
  });
}

function countedStatement(statement: D1PreparedStatement, trips: RoundTrips): D1PreparedStatement {
  const all = async () => {
    const result = await followed(trips, statement.all());
    tally.d1Calls += 1;
    noteMeta(result);
    return result;
  };
  const counted = new Proxy(statement, {
    get: (target, name) => {
      switch (name) {
        case "bind":
          return (...values: unknown[]) => countedStatement(target.bind(...values), trips);
        case "all":
        case "run":
          return all;
        case "first":
          return async (column?: string) => {
            const row = (await all()).results[0] as Binding | undefined;
            return (column === undefined ? row : row?.[column]) ?? null;
          };
        case "raw":
          return async () => (await all()).results.map((row) => Object.values(row as Binding));
        default:
          return member(target as unknown as Binding, name);
      }
    },
  });
  statements.set(counted, statement);
  return counted;
}

function noteMeta(result: D1Result): void {
  tally.d1RowsWritten += result.meta.rows_written;
  tally.d1RowsRead += result.meta.rows_read;
}

/** A call's place in the chain is one more than the deepest that had ended when it began. */
async function followed<T>(trips: RoundTrips, begun: T | Promise<T>): Promise<T> {
  const place = trips.depth + 1;
  try {
    return await begun;
  } finally {
    trips.depth = Math.max(trips.depth, place);
  }
}
