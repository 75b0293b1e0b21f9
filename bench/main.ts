/**
 * `npm run bench`: what a message costs, how large the Worker is, how many webhooks it takes in. Prints
 * tables and writes `bench/results.json`. `-- cost`, `size` or `throughput` alone measures only that.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../dev/runtime.ts";
import { type CostReport, measureCosts } from "./cost.ts";
import { billPerMillion, total } from "./dollars.ts";
import prices from "./prices.json" with { type: "json" };
import { measureSize, type WorkerSize } from "./size.ts";
import { measureThroughput, type Side, type ThroughputReport } from "./throughput.ts";

const PARTS = ["cost", "size", "throughput"] as const;
const RESULTS = join(ROOT, "bench/results.json");
const LARGEST_SHOWN = 12;

const wanted = process.argv.slice(2);
const unknown = wanted.find((part) => !PARTS.some((known) => known === part));
if (unknown !== undefined) {
  console.error(`unknown part "${unknown}", expected ${PARTS.join(", ")}`);
  process.exit(1);
}
const measures = (part: (typeof PARTS)[number]): boolean =>
  wanted.length === 0 || wanted.includes(part);

const cost = measures("cost") ? await measureCosts({ rounds: 5 }) : undefined;
if (cost) {
  showCost(cost);
}
const size = measures("size") ? await measureSize(join(ROOT, "workers/hub.ts")) : undefined;
if (size) {
  showSize(size);
}
const throughput = measures("throughput")
  ? await measureThroughput({ rounds: 5, roundMs: 2000, connections: 16 })
  : undefined;
if (throughput) {
  showThroughput(throughput);
}
if (wanted.length === 0) {
  const results = {
    at: new Date().toISOString(),
    pricesReadOn: prices.readOn,
    cost,
    size,
    throughput,
  };
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  console.log("\nwritten to bench/results.json");
}

function showCost(report: CostReport): void {
  console.log(`\nA message in, its reply out, two statuses back (prices of ${prices.readOn}):\n`);
  const rows = report.costs.map(({ name, counts }) => {
    const bill = billPerMillion(counts, prices);
    return [
      name,
      (counts.durableObjectRowsWritten + counts.d1RowsWritten).toFixed(1),
      counts.durableObjectRowsWritten.toFixed(1),
      counts.d1RowsWritten.toFixed(1),
      counts.queueOperations.toFixed(1),
      counts.durableObjectRequests.toFixed(1),
      counts.r2ClassA.toFixed(2),
      counts.workflowSteps.toFixed(0),
      `$${total(bill).toFixed(2)}`,
    ];
  });
  table(
    [
      "",
      "rows written",
      "in objects",
      "in D1",
      "queue ops",
      "object calls",
      "R2 puts",
      "steps",
      "per million",
    ],
    rows,
  );
  const { warm, cold, badSignature } = report.ackTrips;
  console.log(
    `\nstorage round trips before the acknowledgement: ${warm} warm, ${cold} in a fresh isolate, ${badSignature} for a bad signature`,
  );
}

function showSize(report: WorkerSize): void {
  console.log("\nThe Worker, minified:\n");
  table(
    ["", "kB", "gzipped kB"],
    [
      ["all of it", kilobytes(report.minified), kilobytes(report.gzipped)],
      [
        "evaluated before the first acknowledgement",
        kilobytes(report.startMinified),
        kilobytes(report.startGzipped),
      ],
    ],
  );
  console.log(`\nlargest of the ${report.startModules.length} modules evaluated at start:\n`);
  table(
    ["", "kB"],
    report.startModules.slice(0, LARGEST_SHOWN).map(({ path, bytes }) => [path, kilobytes(bytes)]),
  );
}

function showThroughput(report: ThroughputReport): void {
  const row = (name: string, side: Side): string[] => [
    name,
    side.perSecond.toFixed(0),
    side.p50Ms.toFixed(1),
    side.p99Ms.toFixed(1),
    side.cpuMicros?.toFixed(0) ?? "?",
    String(side.refused),
  ];
  console.log("\nSigned webhooks accepted on this machine, 16 connections:\n");
  table(
    ["", "per second", "p50 ms", "p99 ms", "CPU µs each", "refused"],
    [row("bare Hono, nothing stored", report.bare), row("the hub, stored", report.hub)],
  );
  console.log(
    `\nthe hub accepts ${(report.ratio * 100).toFixed(0)} % of what the bare one answers`,
  );
}

/** First column to the left, numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    console.log(`  ${cells.join("  ")}`);
  }
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(1);
}
