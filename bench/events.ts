/**
 * What events cost, counted: each case, then again with a hundred times more of everything there, and what looking at
 * a log of that size reads. As flat figures for the baseline; rates are in `events-rates.ts`.
 */
import type { MessageCost } from "./cost.ts";
import { billPerMillion, type Prices, total } from "./dollars.ts";
import { COST_TENANTS, countEvents, type EventCostOptions, makePast } from "./events-cost.ts";
import { type EventGrowth, GROWN, growEvents, SMALL } from "./events-growth.ts";
import { measureReads, type ReadCost } from "./events-reads.ts";
import { startEventWorld } from "./events-world.ts";
import type { Figures, Grown } from "./figures.ts";

export interface EventReport {
  readonly costs: readonly MessageCost[];
  readonly reads: readonly ReadCost[];
  /** Some of the cases and all questions again, with more there. */
  readonly grown: {
    readonly by: EventGrowth;
    readonly costs: readonly MessageCost[];
    readonly reads: readonly ReadCost[];
  };
}

export interface EventOptions extends EventCostOptions {
  /** Default: a million rows of log. */
  readonly grown?: EventGrowth;
}

/** Cases that are counted again among more. */
const AGAIN = [
  "published to 1, one alone",
  "published to 100, in hundreds",
  "published and delivered to a webhook, one alone",
  "published and delivered to a webhook, in hundreds",
  "leased and settled, in hundreds",
  "replayed from the log, 100 in one",
];

/** Starts a counted hub and measures. */
export async function measureEvents(options: EventOptions): Promise<EventReport> {
  const { rounds, only, grown: by = GROWN } = options;
  const world = await startEventWorld({ tenants: COST_TENANTS, counted: true });
  try {
    const past = await makePast(world);
    await growEvents(world, SMALL);
    const costs = await countEvents(world, past, options);
    const reads = await measureReads(world);
    await growEvents(world, by, SMALL);
    const again = AGAIN.filter((name) => only?.includes(name) ?? true);
    return {
      costs,
      reads,
      grown: {
        by,
        costs: await countEvents(world, past, { rounds, only: again }),
        reads: await measureReads(world),
      },
    };
  } finally {
    await world.stop();
  }
}

/** Per case what is billed, per question the rows it reads in the large log. Lower is better. */
export function eventFigures({ costs, grown }: EventReport, prices: Prices): Figures {
  const figures: Record<string, number> = {};
  for (const { name, counts } of costs) {
    const put = (what: string, value: number): void => {
      figures[`events: ${name}, ${what}`] = rounded(value);
    };
    put("rows written", counts.durableObjectRowsWritten + counts.d1RowsWritten);
    put("rows read", counts.durableObjectRowsRead + counts.d1RowsRead);
    put("Worker requests", counts.workerRequests);
    put("queue operations", counts.queueOperations);
    put("object requests", counts.durableObjectRequests);
    put("D1 calls", counts.d1Calls);
    put("R2 puts", counts.r2ClassA);
    put("R2 gets", counts.r2ClassB);
    put("$ per million", total(billPerMillion(counts, prices)));
  }
  for (const { name, rowsRead } of grown.reads)
    figures[`events: ${name}, rows read`] = rounded(rowsRead);
  return figures;
}

/** What a question may read more by chance: what its shard does meanwhile. */
const READ_TOLERANCE = 10;

/** Questions that read more in a larger log. */
export function readGrowths({ reads, grown }: EventReport): Grown[] {
  return grown.reads.flatMap(({ name, rowsRead }) => {
    const before = reads.find((one) => one.name === name)?.rowsRead ?? 0;
    const grew = rowsRead > before * 1.1 + READ_TOLERANCE;
    return grew ? [{ figure: `${name}, rows read`, before, after: rowsRead }] : [];
  });
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
