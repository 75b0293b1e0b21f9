/**
 * How fast one shard is on this machine, in loops inside the Worker, beside calls of the same object that do nothing
 * and that store one row. Rounds take turns, so that whatever else the machine does falls on all: trust the ratios.
 */

import { drain, makePast, replay } from "./events-cost.ts";
import type { LoopOrder } from "./events-loop.ts";
import { ARCHIVED } from "./events-past.ts";
import { type EventWorld, startEventWorld } from "./events-world.ts";
import { median } from "./load.ts";
import { cpuSeconds } from "./process-cpu.ts";

/** Events, deliveries or calls; medians over the rounds. */
export interface EventRate extends Speed {
  readonly name: string;
}

interface Speed {
  readonly perSecond: number;
  /** CPU time of the runtime for each, µs; absent where the system does not tell. */
  readonly cpuMicros?: number;
}

export interface EventRateOptions {
  readonly rounds: number;
  /** Of one loop, ms. */
  readonly roundMs: number;
}

interface Lane {
  readonly name: string;
  readonly order: LoopOrder;
  /** Events there have to be before, published in hundreds. */
  readonly fill?: number;
}

const TENANTS = [
  { id: "fan-1", pulls: 1 },
  { id: "fan-5", pulls: 5 },
  { id: "fan-100", pulls: 100 },
  { id: "pulled", pulls: 1 },
  { id: "bound", pulls: 1, strangers: 1000 },
  { id: "logged", pulls: 0 },
  { id: "replayed", pulls: 1 },
];
const BATCH = 100;
const TOGETHER = 16;
const LOGGED_EVENTS = 2000;
const REPLAYS = 2;

export async function measureEventRates(options: EventRateOptions): Promise<readonly EventRate[]> {
  const world = await startEventWorld({ tenants: TENANTS, counted: false });
  try {
    const rates = await runLanes(world, lanes(options.roundMs), options.rounds);
    rates.push(await logRate(world), await replayRate(world));
    return rates;
  } finally {
    await world.stop();
  }
}

function lanes(forMs: number): readonly Lane[] {
  const calls = (act: "ping" | "insert"): LoopOrder => {
    return { tenant: "fan-1", act, forMs, together: TOGETHER };
  };
  const single = (tenant: string): LoopOrder => {
    return { tenant, act: "publish", forMs, together: TOGETHER };
  };
  const batch = (tenant: string, over: Partial<LoopOrder> = {}): LoopOrder => {
    return { tenant, act: "publish", forMs, together: 2, size: BATCH, ...over };
  };
  const consume = (size: number, times: number): Lane => ({
    name: `leased and settled, ${size} at once`,
    order: { tenant: "pulled", act: "consume", size, calls: times, together: 4 },
    fill: size * times,
  });
  return [
    { name: "empty calls of the object", order: calls("ping") },
    { name: "calls that insert one row", order: calls("insert") },
    { name: "published to 1, one by one", order: single("fan-1") },
    { name: "published to 5, one by one", order: single("fan-5") },
    { name: "published to 100, one by one", order: single("fan-100") },
    { name: "published to 1 among 10,000 bindings, one by one", order: single("bound") },
    { name: "published to 1, in hundreds", order: batch("fan-1") },
    { name: "published to 5, in hundreds", order: batch("fan-5") },
    { name: "published to 100, in hundreds", order: batch("fan-100") },
    {
      name: "published to 100, in hundreds of 50 partitions",
      order: batch("fan-100", { partitions: 50 }),
    },
    { name: "published to 1 among 10,000 bindings, in hundreds", order: batch("bound") },
    consume(1, 200),
    consume(10, 100),
    consume(100, 20),
  ];
}

/** The first round of each warms up and does not count. */
async function runLanes(
  world: EventWorld,
  all: readonly Lane[],
  rounds: number,
): Promise<EventRate[]> {
  const seen = new Map<string, Speed[]>();
  for (let round = 0; round <= rounds; round += 1)
    for (const { name, order, fill } of all) {
      if (fill) await world.loop({ ...order, act: "publish", size: BATCH, calls: fill / BATCH });
      const speed = await timed(world, () => world.loop(order));
      if (round > 0) seen.set(name, [...(seen.get(name) ?? []), speed]);
    }
  return [...seen].map(([name, speeds]) => ({ name, ...middle(speeds) }));
}

function middle(speeds: readonly Speed[]): Speed {
  const cpu = speeds.flatMap(({ cpuMicros }) => cpuMicros ?? []);
  return {
    perSecond: median(speeds.map(({ perSecond }) => perSecond)),
    ...(cpu.length > 0 && { cpuMicros: median(cpu) }),
  };
}

async function timed(world: EventWorld, work: () => Promise<number>): Promise<Speed> {
  const pid = world.hub.workerdPid();
  const cpuBefore = cpuSeconds(pid);
  const begunMs = performance.now();
  const moved = await work();
  const seconds = (performance.now() - begunMs) / 1000;
  const cpuAfter = cpuSeconds(pid);
  return {
    perSecond: moved / seconds,
    ...(cpuBefore !== undefined &&
      cpuAfter !== undefined && { cpuMicros: ((cpuAfter - cpuBefore) * 1_000_000) / moved }),
  };
}

/** From the first publish until the last one stands in the database. */
async function logRate(world: EventWorld): Promise<EventRate> {
  const tenant = "logged";
  const speed = await timed(world, async () => {
    const calls = LOGGED_EVENTS / BATCH;
    const order = { tenant, act: "publish", calls, size: BATCH, logged: true } as const;
    const moved = await world.loop(order);
    while ((await world.loop({ tenant, act: "open" })) > 0);
    return moved;
  });
  return { name: "published in hundreds and written to the log", ...speed };
}

/** At the highest rate that may be asked for. */
async function replayRate(world: EventWorld): Promise<EventRate> {
  const { archived } = await makePast(world);
  const speeds: Speed[] = [];
  for (let round = 0; round < REPLAYS; round += 1) {
    await drain(world);
    speeds.push(
      await timed(world, async () => {
        await replay(world, { ...archived, events: ARCHIVED });
        return ARCHIVED;
      }),
    );
  }
  return { name: "replayed from the archive", ...middle(speeds) };
}
