/** Which D1 database a tenant's messages live in: the bindings DB, DB_1, DB_2 … in order, chosen by hash. One by default. */
import { hash32 } from "./queues.ts";

/** Every query of messages, statuses, dead letters and conversations goes to this one; no query crosses tenants. */
export function databaseFor(env: { readonly DB: D1Database }, tenant: string): D1Database {
  const shards = allDatabases(env);
  return shards[hash32(tenant) % shards.length] ?? env.DB;
}

/** Every shard, for scheduled jobs. Adding one to a filled hub needs its tenants moved first (docs/storage.md). */
export function allDatabases(env: { readonly DB: D1Database }): readonly D1Database[] {
  const bindings = env as unknown as Record<string, D1Database | undefined>;
  const shards = [env.DB];
  for (let n = 1; bindings[`DB_${n}`]; n++) shards.push(bindings[`DB_${n}`] as D1Database);
  return shards;
}
