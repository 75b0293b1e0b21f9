/** What looking at events costs: the metrics, and the lists and searches of the API; rows that are read, and time. */
import { LOGGED, RARE_TYPE } from "./events-growth.ts";
import type { EventWorld } from "./events-world.ts";

/** One question, asked some times. */
export interface ReadCost {
  readonly name: string;
  /** Rows of the database and of the tenant's shard, per question. */
  readonly rowsRead: number;
  readonly d1Calls: number;
  /** Median. */
  readonly ms: number;
}

const HOUR_MS = 3_600_000;
/** Asked this often; the first answer fills caches and does not count. */
const TIMES = 5;

interface Question {
  readonly name: string;
  readonly tenant: string;
  readonly path: string;
}

/** Asks all of them, one after the other. */
export async function measureReads(world: EventWorld): Promise<readonly ReadCost[]> {
  const costs: ReadCost[] = [];
  for (const tenant of [LOGGED, "hooked"]) await world.rested(tenant);
  for (const one of questions()) costs.push(await measure(world, one));
  return costs;
}

/** The lower median of the rows: what a shard does by itself meanwhile is in the upper half. */
async function measure(world: EventWorld, { name, tenant, path }: Question): Promise<ReadCost> {
  await world.ask(tenant, "GET", path);
  const asked: Omit<ReadCost, "name">[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    await world.resetTally();
    const begunMs = performance.now();
    await world.ask(tenant, "GET", path);
    const ms = performance.now() - begunMs;
    const { d1RowsRead, durableObjectRowsRead, d1Calls } = await world.tally();
    asked.push({ rowsRead: d1RowsRead + durableObjectRowsRead, d1Calls, ms });
  }
  const middle = (what: "rowsRead" | "d1Calls" | "ms"): number =>
    asked.map((one) => one[what]).toSorted((a, b) => a - b)[(TIMES - 1) >> 1] ?? 0;
  return { name, rowsRead: middle("rowsRead"), d1Calls: middle("d1Calls"), ms: middle("ms") };
}

function questions(): readonly Question[] {
  const until = new Date(Date.now() - 2 * HOUR_MS).toISOString();
  const log = (name: string, path: string) => ({ name, tenant: LOGGED, path });
  return [
    log("GET /metrics", "/metrics"),
    log("a page of 50 of the log", "/events?limit=50"),
    log("the page before an instant", `/events?limit=50&until=${until}`),
    log("a search for a rare type, one page", `/events?limit=50&type=${RARE_TYPE}`),
    log("one event by its id", "/events/grown-500"),
    log("what happened to one event", "/events/grown-500/deliveries"),
    log("how far behind a subscription is", "/subscriptions/pull-0/stats"),
    log("the tenant's subscriptions", "/subscriptions?limit=50"),
    {
      name: "a page of 50 of a webhook's log",
      tenant: "hooked",
      path: "/subscriptions/hook/deliveries?limit=50",
    },
    log("dead letters of a subscription", "/dead-letters?subscription=pull-0&limit=50"),
  ];
}
