/**
 * How many shards a tenant has: `EVENT_SHARDS` as it was when its first event came, for good. Were it to follow the
 * variable, a changed number would send the events of a partition past those that wait in other objects, forget which
 * keys these know, and leave what they hold where nobody looks.
 */
import { type ShardName, shardsOf } from "./event-shards.ts";

interface Counting {
  readonly env: Pick<Env, "DB">;
  /** `EVENT_SHARDS`: for a tenant that has no number yet. */
  readonly shards: number;
}

/** Tenants whose number an isolate remembers; it never changes. */
const KNOWN_MAX = 10_000;
const known = new Map<string, number>();

/** For somebody who publishes: from here on the tenant has a number. Rejects as D1 does. */
export async function countShards(deps: Counting, tenant: string): Promise<number> {
  const found = await read(deps, tenant);
  if (found !== undefined) return found;
  const { DB } = deps.env;
  await DB.prepare("INSERT OR IGNORE INTO jobs (name, value, updated_at) VALUES (?, ?, ?)")
    .bind(nameOf(tenant), deps.shards, Date.now())
    .run();
  // Another isolate may have been first, with another number.
  return (await read(deps, tenant)) ?? deps.shards;
}

/** Every shard that may hold something of a tenant. Rejects as D1 does. */
export async function tenantShards(deps: Counting, tenant: string): Promise<readonly ShardName[]> {
  return shardsOf(tenant, (await read(deps, tenant)) ?? deps.shards);
}

/**
 * For erasing: shards of numbers that an operator took from the tenant when nothing waited in them (docs/design/events.md).
 * They hold no deliveries, but still a day of events. Rejects as D1 does.
 */
export async function formerShards(
  env: Pick<Env, "DB">,
  tenant: string,
): Promise<readonly ShardName[]> {
  const { results } = await env.DB.prepare("SELECT value FROM jobs WHERE name >= ?1 AND name < ?2")
    .bind(`event-shards-former:${tenant}:`, `event-shards-former:${tenant};`)
    .all<{ value: number }>();
  return results.flatMap(({ value }) => shardsOf(tenant, value));
}

async function read({ env }: Counting, tenant: string): Promise<number | undefined> {
  const remembered = known.get(tenant);
  if (remembered !== undefined) return remembered;
  const row = await env.DB.prepare("SELECT value FROM jobs WHERE name = ?")
    .bind(nameOf(tenant))
    .first<{ value: number }>();
  if (!row) return undefined;
  if (known.size >= KNOWN_MAX) known.delete(known.keys().next().value ?? "");
  known.set(tenant, row.value);
  return row.value;
}

function nameOf(tenant: string): string {
  return `event-shards:${tenant}`;
}
