/** A hub with tenants whose subscriptions want every event of the benchmark, and a receiver that takes their webhooks. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Hub, ROOT, startHub } from "../dev/runtime.ts";
import { createTenants } from "../dev/seed.ts";
import { temporaryState } from "../dev/state.ts";
import { startReceiver } from "../simulators/receiver.ts";
import { EVENT_TYPE, eventBody } from "./events-body.ts";
import type { LoopOrder } from "./events-loop.ts";
import type { Tally } from "./tally.ts";

/** A tenant of the benchmark: which subscriptions it has. */
export interface BenchTenant {
  readonly id: string;
  readonly pulls: number;
  /** Further subscriptions of ten bindings each that want none of the events. */
  readonly strangers?: number;
  readonly webhook?: boolean;
}

export interface EventWorld {
  readonly hub: Hub;
  /** The REST API with the key of a tenant. Throws on an answer that is no success. */
  ask<T>(tenant: string, method: string, path: string, body?: unknown): Promise<T>;
  /** The side door at a tenant's shard. */
  loop(order: LoopOrder): Promise<number>;
  /** Publishes over the REST API: one event, or so many in one call. */
  publish(tenant: string, events: number): Promise<void>;
  tally(): Promise<Tally>;
  resetTally(): Promise<void>;
  /** Waits until everything that a tenant's events cause is over, its shard's alarm included. */
  settled(tenant: string): Promise<void>;
  /** Until nothing of a tenant is open; what is counted meanwhile is of no interest. */
  rested(tenant: string): Promise<void>;
  stop(): Promise<void>;
}

interface WorldOptions {
  readonly tenants: readonly BenchTenant[];
  readonly counted: boolean;
}

/** Nothing is counted for this long and nothing is open: it is over. */
const QUIET_MS = 300;
/** What follows an alarm, or is of no interest, is over sooner. */
const SOON_QUIET_MS = 100;
const SETTLED_MAX_MS = 60_000;
/** Above what one machine can ask for, so that a tenant's own limit is no part of the measurement. */
const REQUESTS_PER_MINUTE = 1_000_000;
/** An isolate's copies of tenants and event types outlast the benchmark. */
const CACHE_MS = 3_600_000;

/** Starts it. Nothing is left running when it throws. */
export async function startEventWorld({ tenants, counted }: WorldOptions): Promise<EventWorld> {
  const stateDir = temporaryState();
  const receiver = await startReceiver();
  const stops = [() => receiver.stop()];
  const stop = async (): Promise<void> => {
    await Promise.all(stops.map((end) => end()));
    rmSync(stateDir, { recursive: true, force: true });
  };
  try {
    const hub = await startHub({
      stateDir,
      entry: join(ROOT, "bench/events-hub.ts"),
      bindings: { TENANT_CACHE_MS: String(CACHE_MS), BENCH_COUNTED: counted ? "1" : "" },
      onLog: () => undefined,
    });
    stops.push(() => hub.stop());
    const world = worldOf(hub, stop);
    const limits = { requestsPerMinute: REQUESTS_PER_MINUTE };
    await createTenants(
      hub,
      tenants.map(({ id }) => ({ id, config: { limits }, apiKeys: [{ key: keyOf(id) }] })),
    );
    for (const tenant of tenants) await furnish(world, tenant, receiver.url);
    return world;
  } catch (error) {
    await stop();
    throw error;
  }
}

function worldOf(hub: Hub, stop: () => Promise<void>): EventWorld {
  const door = async <T>(path: string, method: string, body?: unknown): Promise<T> => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${hub.url}/_bench/${path}`, { method, ...sent });
    if (!response.ok) throw new Error(`${path} ${JSON.stringify(body)}: ${await response.text()}`);
    return (await response.json()) as T;
  };
  const world: EventWorld = {
    hub,
    stop,
    ask: (tenant, method, path, body) => ask(hub, tenant, { method, path, body }),
    loop: (order) => door("loop", "POST", order),
    publish: async (tenant, count) => {
      const events = Array.from({ length: count }, () => eventBody(crypto.randomUUID()));
      await world.ask(tenant, "POST", "/events", count === 1 ? events[0] : { events });
    },
    tally: () => door("tally", "GET"),
    resetTally: async () => {
      await door("tally", "DELETE");
    },
    settled: async (tenant) => {
      await quiet(world, tenant, QUIET_MS);
      await world.loop({ tenant, act: "alarm" });
      await quiet(world, tenant, SOON_QUIET_MS);
    },
    rested: async (tenant) => {
      await quiet(world, tenant, SOON_QUIET_MS);
      await world.loop({ tenant, act: "alarm" });
      await quiet(world, tenant, SOON_QUIET_MS);
    },
  };
  return world;
}

/** The type is declared with a schema, as a careful publisher does. */
async function furnish(world: EventWorld, tenant: BenchTenant, receiver: string): Promise<void> {
  const { id, pulls, strangers = 0, webhook = false } = tenant;
  const schema = { type: "object", required: ["order"], properties: { total: { type: "number" } } };
  const type = { name: EVENT_TYPE, version: "1.0", schema, compatibility: "none" };
  await world.ask(id, "POST", "/event-types", type);
  await addPulls(world, id, { prefix: "pull", count: pulls, bindings: () => [BENCH_TYPES] });
  // The strangers come to a thousand with the one that wants the events.
  const few = Math.max(0, strangers - pulls);
  await addPulls(world, id, { prefix: "stranger", count: few, bindings: strangeBindings });
  if (webhook)
    await world.ask(id, "POST", "/subscriptions", {
      ...{ id: "hook", name: "hook", bindings: [BENCH_TYPES] },
      target: { kind: "webhook", url: `${receiver}/${id}` },
    });
  await world.loop({ tenant: id, act: "refresh" });
  await world.rested(id);
}

const BENCH_TYPES = { kind: "topic", key: "bench.*" };

function strangeBindings(n: number): readonly unknown[] {
  return Array.from({ length: 10 }, (_, at) => {
    const word = `${n}-${at}`;
    const key = at < 8 ? `shop.${word}.made` : `shop.*.${word}.#`;
    return { kind: "topic", key };
  });
}

interface Pulls {
  readonly prefix: string;
  readonly count: number;
  readonly bindings: (n: number) => readonly unknown[];
}

/** Straight into the table, which is what the API would write; a hundred calls would take longer than the rest. */
async function addPulls(world: EventWorld, tenant: string, some: Pulls): Promise<void> {
  const { prefix, count, bindings } = some;
  if (count === 0) return;
  const db = await world.hub.mf.getD1Database("DB");
  const rows = Array.from({ length: count }, (_, n) => ({
    ...{ id: `${prefix}-${n}`, name: "bench", bindings: bindings(n) },
    ...{ target: { kind: "pull" }, prefetch: 1000, in_flight_max: 1000, depth_max: 400_000 },
  }));
  await db
    .prepare(
      "INSERT INTO subscriptions (tenant_id, id, config, version, state, created_at, updated_at) SELECT ?, j.value ->> 'id', j.value, 1, 'active', 0, 0 FROM json_each(?) AS j",
    )
    .bind(tenant, JSON.stringify(rows))
    .run();
}

async function quiet(world: EventWorld, tenant: string, forMs: number): Promise<void> {
  const untilMs = Date.now() + SETTLED_MAX_MS;
  let last = "";
  let sinceMs = Date.now();
  while (Date.now() < untilMs) {
    const open = await world.loop({ tenant, act: "open" });
    const text = `${open} ${JSON.stringify(await world.tally())}`;
    if (open > 0 || text !== last) {
      last = text;
      sinceMs = Date.now();
    } else if (Date.now() - sinceMs >= forMs) return;
    await sleep(20);
  }
  throw new Error(`${tenant} did not come to rest`);
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

async function ask<T>(hub: Hub, tenant: string, { method, path, body }: Question): Promise<T> {
  const response = await fetch(`${hub.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${keyOf(tenant)}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text.startsWith("{") ? JSON.parse(text) : text) as T;
}

function keyOf(tenant: string): string {
  return `bench-key-of-${tenant}`;
}
