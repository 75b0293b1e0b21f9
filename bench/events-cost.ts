/**
 * What an event costs, counted at the bindings of the real hub: published and routed, delivered to a webhook, pulled
 * and settled, replayed; alone and in hundreds. Everything it causes is waited for, the log and the alarm included.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { MessageCost } from "./cost.ts";
import { ARCHIVED, archivedSpan, HOT, hotEvents, type Span } from "./events-past.ts";
import type { BenchTenant, EventWorld } from "./events-world.ts";
import type { Tally } from "./tally.ts";

/** Subscriptions that get every event. */
const FAN_OUTS = [0, 1, 5, 100] as const;
const BATCH = 100;
const REPLAY_MAX_MS = 60_000;

/** Each kind of case has a tenant, and so a shard, of its own. */
export const COST_TENANTS: readonly BenchTenant[] = [
  ...FAN_OUTS.map((pulls) => ({ id: `fan-${pulls}`, pulls })),
  { id: "hooked", pulls: 0, webhook: true },
  { id: "pulled", pulls: 1 },
  { id: "replayed", pulls: 1 },
];

/** What is counted in one round. */
interface Case {
  readonly name: string;
  readonly tenant: string;
  readonly events: number;
  /** Not counted. */
  before?(world: EventWorld): Promise<void>;
  run(world: EventWorld): Promise<void>;
}

export interface EventCostOptions {
  /** Rounds per case; each count is the median of them. */
  readonly rounds: number;
  /** Names of the cases to count; default: all. */
  readonly only?: readonly string[];
}

/** What the replays go through. */
export interface Past {
  readonly hot: Span;
  readonly archived: Span;
}

/** Makes it. Call once per world. */
export async function makePast(world: EventWorld): Promise<Past> {
  const archived = archivedSpan(Date.now());
  await world.loop({ tenant: "replayed", act: "archive", sinceMs: archived.sinceMs });
  return { archived, hot: await hotEvents(world.hub, "replayed") };
}

/** Counts per event, case by case. The first round of each warms up and does not count. */
export async function countEvents(
  world: EventWorld,
  past: Past,
  { rounds, only }: EventCostOptions,
): Promise<readonly MessageCost[]> {
  const costs: MessageCost[] = [];
  for (const one of casesOf(past)) {
    if (only && !only.includes(one.name)) continue;
    const tallies: Tally[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const tally = await countRound(world, one);
      if (round > 0) tallies.push(tally);
    }
    costs.push({ name: one.name, messages: one.events, counts: medians(tallies, one.events) });
  }
  return costs;
}

async function countRound(world: EventWorld, one: Case): Promise<Tally> {
  const { tenant } = one;
  await one.before?.(world);
  // What isolate and shard keep for a while is made young again, so that it does not run out in between.
  await world.ask(tenant, "GET", "/event-types?limit=1");
  await world.loop({ tenant, act: "refresh" });
  await world.rested(tenant);
  await world.resetTally();
  await one.run(world);
  await world.settled(tenant);
  return world.tally();
}

function casesOf({ hot, archived }: Past): readonly Case[] {
  return [
    ...FAN_OUTS.flatMap((fan) => [published(fan, 1), published(fan, BATCH)]),
    delivered(1),
    delivered(BATCH),
    pulled(1),
    pulled(BATCH),
    replayed(`replayed from the log, ${HOT} in one`, HOT, hot),
    {
      ...{
        name: "a shard's look at 100 subscriptions, once a minute",
        tenant: "fan-100",
        events: 1,
      },
      run: async (world) => {
        await world.loop({ tenant: "fan-100", act: "refresh" });
      },
    },
    replayed(`replayed from the archive, ${ARCHIVED} in one`, ARCHIVED, archived),
  ];
}

function published(fan: number, events: number): Case {
  const tenant = `fan-${fan}`;
  return {
    name: `published to ${fan}, ${howMany(events)}`,
    tenant,
    events,
    run: (world) => world.publish(tenant, events),
  };
}

function delivered(events: number): Case {
  const tenant = "hooked";
  return {
    name: `published and delivered to a webhook, ${howMany(events)}`,
    tenant,
    events,
    run: (world) => world.publish(tenant, events),
  };
}

function pulled(events: number): Case {
  const tenant = "pulled";
  return {
    name: `leased and settled, ${howMany(events)}`,
    tenant,
    events,
    before: (world) => world.publish(tenant, events),
    run: async (world) => {
      const { deliveries, token } = await world.ask<{
        readonly deliveries: readonly { readonly seq: number }[];
        readonly token: string;
      }>(tenant, "POST", "/subscriptions/pull-0/lease", { max: events });
      if (deliveries.length !== events) throw new Error(`leased ${deliveries.length}`);
      const results = deliveries.map(({ seq }) => ({ seq, is: "ack" }));
      await world.ask(tenant, "POST", "/subscriptions/pull-0/settle", { token, results });
    },
  };
}

function replayed(name: string, events: number, { sinceMs, untilMs }: Span): Case {
  return {
    ...{ name, tenant: "replayed", events },
    // A replay waits while its subscription has much to deliver: what the last one handed over is taken.
    before: (world) => drain(world),
    run: async (world) => {
      await replay(world, { sinceMs, untilMs, events });
    },
  };
}

export async function drain(world: EventWorld): Promise<void> {
  const order = { tenant: "replayed", act: "consume", size: 1000 } as const;
  while ((await world.loop(order)) > 0);
}

interface ReplayOrder extends Span {
  readonly events: number;
}

/** Replays into the pull subscription and waits for the end in the table, which nothing counts. */
export async function replay(
  world: EventWorld,
  { sinceMs, untilMs, events }: ReplayOrder,
): Promise<void> {
  const startedMs = performance.now();
  const { id } = await world.ask<{ readonly id: string }>("replayed", "POST", "/replays", {
    since: new Date(sinceMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    subscription: "pull-0",
    rate: 5000,
  });
  const db = await world.hub.mf.getD1Database("DB");
  while (performance.now() - startedMs < REPLAY_MAX_MS) {
    const row = await db
      .prepare("SELECT state, done FROM replays WHERE tenant_id = 'replayed' AND id = ?")
      .bind(id)
      .first<{ state: string; done: number }>();
    if (row?.state === "done") {
      if (row.done !== events) throw new Error(`${row.done} replayed, not ${events}`);
      return;
    }
    if (row && row.state !== "running") throw new Error(`the replay is ${row.state}`);
    await sleep(10);
  }
  throw new Error(`no end of a replay within ${REPLAY_MAX_MS} ms`);
}

function howMany(events: number): string {
  return events === 1 ? "one alone" : "in hundreds";
}

/** The lower median of each count, per event: what a clock adds now and then is in the upper half. */
function medians(tallies: readonly Tally[], events: number): Tally {
  const [first] = tallies;
  if (!first) throw new Error("nothing counted");
  const names = Object.keys(first) as (keyof Tally)[];
  const middle = (name: keyof Tally): number => {
    const sorted = tallies.map((tally) => tally[name]).toSorted((a, b) => a - b);
    return (sorted[(sorted.length - 1) >> 1] ?? 0) / events;
  };
  return Object.fromEntries(names.map((name) => [name, middle(name)])) as unknown as Tally;
}
