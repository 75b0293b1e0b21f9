/** Prints what was measured of events as tables. */
import type { MessageCost } from "./cost.ts";
import { billPerMillion, total } from "./dollars.ts";
import type { EventReport } from "./events.ts";
import { RARE } from "./events-growth.ts";
import type { MatchingCost } from "./events-matching.ts";
import type { EventRate } from "./events-rates.ts";
import prices from "./prices.json" with { type: "json" };
import { table } from "./show.ts";

const COUNTS = ["rows written", "in objects", "in D1", "rows read", "Worker requests"];
const MORE_COUNTS = ["queue ops", "object calls", "D1 calls", "R2 puts", "R2 gets", "per million"];

/** The counts per event, and again with a hundred times more there. */
export function showEvents({ costs, reads, grown }: EventReport): void {
  const { by } = grown;
  console.log(`\nPer event (prices of ${prices.readOn}); metrics of the hub left out:\n`);
  table(["", ...COUNTS, ...MORE_COUNTS], costs.map(costRow));
  console.log(
    `\nThe same with ${by.log} events in the log, ${by.known} known to each shard, ${by.attempts} attempts of the webhook, ${by.tenants} more tenants with ${by.subscriptions} subscriptions:\n`,
  );
  table(["", ...COUNTS, ...MORE_COUNTS], grown.costs.map(costRow));
  console.log(
    `\nLooking at it, among few and among all of these (one event in ${RARE} is rare):\n`,
  );
  const before = new Map(reads.map((one) => [one.name, one]));
  table(
    ["", "rows read", "then", "D1 calls", "ms", "then"],
    grown.reads.map(({ name, rowsRead, d1Calls, ms }) => {
      const was = before.get(name);
      return [
        name,
        (was?.rowsRead ?? 0).toFixed(0),
        rowsRead.toFixed(0),
        d1Calls.toFixed(0),
        (was?.ms ?? 0).toFixed(1),
        ms.toFixed(1),
      ];
    }),
  );
}

function costRow({ name, counts }: MessageCost): string[] {
  return [
    name,
    (counts.durableObjectRowsWritten + counts.d1RowsWritten).toFixed(2),
    counts.durableObjectRowsWritten.toFixed(2),
    counts.d1RowsWritten.toFixed(2),
    (counts.durableObjectRowsRead + counts.d1RowsRead).toFixed(1),
    counts.workerRequests.toFixed(2),
    counts.queueOperations.toFixed(2),
    counts.durableObjectRequests.toFixed(2),
    counts.d1Calls.toFixed(2),
    counts.r2ClassA.toFixed(4),
    counts.r2ClassB.toFixed(4),
    `$${total(billPerMillion(counts, prices)).toFixed(2)}`,
  ];
}

interface EventRates {
  readonly matching: readonly MatchingCost[];
  readonly shard: readonly EventRate[];
}

/** Every rate beside that of calls which insert one row, made in the same rounds. */
export function showEventRates({ matching, shard }: EventRates): void {
  console.log("\nWhich bindings want an event; asking each of them in turn for comparison:\n");
  table(
    ["bindings", "places looked at", "matching", "events/s", "each in turn", "times as fast"],
    matching.map(({ bindings, looked, matched, perSecond, onePerSecond }) => [
      String(bindings),
      looked.toFixed(2),
      matched.toFixed(2),
      perSecond.toFixed(0),
      onePerSecond.toFixed(0),
      (perSecond / onePerSecond).toFixed(0),
    ]),
  );
  const insert = shard.find(({ name }) => name.includes("insert one row"))?.cpuMicros;
  console.log("\nOne shard, events or deliveries; the machine is shared: trust CPU and ratios:\n");
  table(
    ["", "per second", "CPU µs each", "of one insert"],
    shard.map(({ name, perSecond, cpuMicros }) => [
      name,
      perSecond.toFixed(0),
      cpuMicros?.toFixed(0) ?? "?",
      insert && cpuMicros !== undefined ? (cpuMicros / insert).toFixed(2) : "?",
    ]),
  );
}
