/**
 * Rows of an event log and of its surroundings, made by SQL in the database and in the shards: first some, then a
 * hundred times as many, so that what an event costs and what a question reads can be counted again among them.
 */
import { firstIdAt, SLOT_MS, slotOf } from "../domain/messaging/message-id.ts";
import { EVENT_TYPE, eventBody } from "./events-body.ts";
import { COST_TENANTS } from "./events-cost.ts";
import type { EventWorld } from "./events-world.ts";

/** How much there is besides what is measured. */
export interface EventGrowth {
  /** Half of them belong to the tenant that is asked. */
  readonly log: number;
  /** Of the one webhook subscription. */
  readonly attempts: number;
  /** In each shard: what a day of publishing leaves for deduplication. */
  readonly known: number;
  readonly tenants: number;
  /** Of the further tenants. */
  readonly subscriptions: number;
}

export const SMALL: EventGrowth = {
  ...{ log: 10_000, attempts: 1000, known: 1000 },
  ...{ tenants: 1, subscriptions: 10 },
};
export const GROWN: EventGrowth = {
  ...{ log: 1_000_000, attempts: 100_000, known: 100_000 },
  ...{ tenants: 100, subscriptions: 1000 },
};
const NOTHING: EventGrowth = { log: 0, attempts: 0, known: 0, tenants: 0, subscriptions: 0 };
/** Tenant whose log is asked for. */
export const LOGGED = "fan-1";
/** One event in so many has another type, and is searched for. */
export const RARE = 1000;
export const RARE_TYPE = "bench.rare";
/** Rows of one statement: within seconds. */
const STATEMENT_ROWS = 100_000;
/** The newest row: two hours ago when the benchmark began, so that rows that are added later go on behind it. */
const NEWEST_MS = Date.now() - 7_200_000;

/** Adds what is missing from `from` (default: nothing there) to `to`. */
export async function growEvents(
  world: EventWorld,
  to: EventGrowth,
  from: EventGrowth = NOTHING,
): Promise<void> {
  const db = await world.hub.mf.getD1Database("DB");
  const insert = async (name: keyof EventGrowth, sql: string, ...values: unknown[]) => {
    for (let at = from[name]; at < to[name]; at += STATEMENT_ROWS) {
      const last = Math.min(at + STATEMENT_ROWS, to[name]);
      const [into, select] = sql.split(" SELECT ");
      await db
        .prepare(`${into} ${NUMBERS} SELECT ${select}`)
        .bind(at, last, ...values)
        .run();
    }
  };
  const slot = slotOf(NEWEST_MS);
  // One event a ms; where the slot is younger than that, another shard begins.
  const spanMs = NEWEST_MS % SLOT_MS;
  await insert("tenants", TENANTS);
  await insert("subscriptions", SUBSCRIPTIONS);
  const body = JSON.stringify(eventBody("grown"));
  await insert("log", logInto(slot), body, NEWEST_MS, spanMs);
  await insert("attempts", attemptsInto(slot), NEWEST_MS, firstIdAt(NEWEST_MS, "att"));
  for (const { id } of COST_TENANTS)
    await world.loop({ tenant: id, act: "grow", from: from.known, size: to.known });
}

/** Numbers are bound as reals. `numbers(n)` above ?1, up to ?2. */
const NUMBERS =
  "WITH RECURSIVE numbers(n) AS (SELECT CAST(?1 AS INTEGER) + 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?2)";
const TENANTS =
  "INSERT INTO tenants (id, name, config, created_at, updated_at, active) SELECT 'grown-' || n, t.name, t.config, t.created_at, t.updated_at, 1 FROM numbers, (SELECT * FROM tenants LIMIT 1) t";
const SUBSCRIPTIONS = `INSERT INTO subscriptions (tenant_id, id, config, version, state, created_at, updated_at) SELECT 'grown-' || (1 + n % 100), 'grown-' || n, s.config, 1, 'active', 0, 0 FROM numbers, (SELECT * FROM subscriptions WHERE tenant_id = '${LOGGED}' LIMIT 1) s`;
const logInto = (slot: number): string =>
  `INSERT INTO events_${slot} (tenant_id, seq, shard, id, type, body) SELECT CASE n % 2 WHEN 0 THEN '${LOGGED}' ELSE 'grown-' || (n % 100) END, CAST(?4 AS INTEGER) - (n % ?5), '1.' || (n / CAST(?5 AS INTEGER)), 'grown-' || n, CASE n % ${RARE} WHEN 0 THEN '${RARE_TYPE}' ELSE '${EVENT_TYPE}' END, ?3 FROM numbers`;
const attemptsInto = (slot: number): string =>
  `INSERT INTO delivery_attempts_${slot} (tenant_id, subscription_id, id, event_id, event_type, shard, seq, attempt, cause, outcome, status, duration_ms, request_headers, created_at) SELECT 'hooked', 'hook', ?4 || printf('%012d', n), 'grown-' || n, '${EVENT_TYPE}', '1.0', n, 1, 'schedule', 'success', 200, 5, '{}', ?3 - n FROM numbers`;
