/** Prints what was measured as tables. Rounds for reading; the exact numbers are in `bench/results.json`. */
import type { ColdReport } from "./cold.ts";
import type { CostReport, MessageCost } from "./cost.ts";
import { billPerMillion, total } from "./dollars.ts";
import type { Grown, Regression } from "./figures.ts";
import prices from "./prices.json" with { type: "json" };
import { ACK_GOAL_GZIPPED_BYTES, type WorkerSize } from "./size.ts";
import { CONTENDERS, type Contender, type ThroughputReport } from "./throughput.ts";

const LARGEST_SHOWN = 12;
/** What `docs/design` wants: accepted webhooks per second, our durable write included. */
const CHAT_SDK_GOAL = 3;
const SHARED_MACHINE =
  "This machine is shared: trust the ratios and the CPU time, not the absolute rates.";

/** The counts per message, and again with a hundred times more there. */
export function showCost({ costs, grown, ackTrips }: CostReport): void {
  console.log(`\nA message in, its reply out, two statuses back (prices of ${prices.readOn}):\n`);
  const head = ["", "rows written", "in objects", "in D1", "D1 rows read"];
  const more = ["D1 calls", "queue ops", "object calls", "R2 puts", "per million"];
  table([...head, ...more], costs.map(costRow));
  const { by } = grown;
  console.log(
    `\nThe same among ${by.tenants} more tenants, ${by.conversations} conversations and ${by.messages} messages, ${by.messagesInConversation} of them in the conversation of the first line:\n`,
  );
  table([...head, ...more], grown.costs.map(costRow));
  const { warm, cold, badSignature } = ackTrips;
  console.log(
    `\nstorage round trips before the acknowledgement: ${warm} warm, ${cold} in a fresh isolate, ${badSignature} for a bad signature`,
  );
}

function costRow({ name, counts }: MessageCost): string[] {
  return [
    name,
    (counts.durableObjectRowsWritten + counts.d1RowsWritten).toFixed(1),
    counts.durableObjectRowsWritten.toFixed(1),
    counts.d1RowsWritten.toFixed(1),
    counts.d1RowsRead.toFixed(0),
    counts.d1Calls.toFixed(1),
    counts.queueOperations.toFixed(1),
    counts.durableObjectRequests.toFixed(1),
    counts.r2ClassA.toFixed(2),
    `$${total(billPerMillion(counts, prices)).toFixed(2)}`,
  ];
}

/** Size of the whole and of what starts, beside the goal. */
export function showSize(report: WorkerSize): void {
  const goal = kilobytes(ACK_GOAL_GZIPPED_BYTES);
  console.log(`\nThe Worker, minified (goal of the acknowledgement path: ${goal} kB gzipped):\n`);
  table(
    ["", "kB", "gzipped kB"],
    [
      [
        "what every isolate starts with",
        kilobytes(report.start.minified),
        kilobytes(report.start.gzipped),
      ],
      ...Object.entries(report.ackByChannel).map(([channel, { minified, gzipped }]) => [
        `… and what ${channel} loads: its acknowledgement path`,
        kilobytes(minified),
        kilobytes(gzipped),
      ]),
      ["all of it", kilobytes(report.minified), kilobytes(report.gzipped)],
    ],
  );
  console.log(
    `\nlargest of the ${report.ack.sources.length} sources of the largest acknowledgement path:\n`,
  );
  table(
    ["", "kB"],
    report.ack.sources.slice(0, LARGEST_SHOWN).map(({ path, bytes }) => [path, kilobytes(bytes)]),
  );
}

/** All contenders, and the hub's ratio to each. */
export function showThroughput({ sides, absent }: ThroughputReport): void {
  const { accept, whole } = sides;
  console.log(`\nSigned Slack webhooks answered 200, 16 connections. ${SHARED_MACHINE}\n`);
  const rows = (Object.keys(CONTENDERS) as Contender[]).flatMap((name) => {
    const side = sides[name];
    if (!side) {
      return [];
    }
    return [
      [
        CONTENDERS[name],
        side.perSecond.toFixed(0),
        side.p50Ms.toFixed(1),
        side.p99Ms.toFixed(1),
        side.cpuMicros?.toFixed(0) ?? "?",
        String(side.refused),
        ratio(accept?.perSecond, side.perSecond),
        ratio(whole?.perSecond, side.perSecond),
      ],
    ];
  });
  table(
    [
      "",
      "per second",
      "p50 ms",
      "p99 ms",
      "CPU µs each",
      "refused",
      "hub accepts ×",
      "whole hub ×",
    ],
    rows,
  );
  const { chatSdk } = sides;
  if (chatSdk) {
    console.log(
      `\nagainst Chat SDK: ${ratio(accept?.perSecond, chatSdk.perSecond)} times its accepted webhooks per second (goal: ${CHAT_SDK_GOAL}); its handler saw ${((chatSdk.handledPart ?? 0) * 100).toFixed(0)} % of them, and none is stored`,
    );
  }
  for (const reason of absent) {
    console.log(`\nabsent: ${reason}`);
  }
}

function ratio(ours: number | undefined, theirs: number): string {
  return ours === undefined ? "?" : (ours / theirs).toFixed(2);
}

/** Time to the first answer of a fresh isolate. */
export function showCold(report: ColdReport): void {
  console.log("\nFirst answer of a fresh isolate, median ms:\n");
  table(
    ["", "ms", "over an empty Worker"],
    report.map(({ name, medianMs, overEmptyMs }) => [
      name,
      medianMs.toFixed(1),
      overEmptyMs.toFixed(1),
    ]),
  );
}

/** One line per figure that is worse than the baseline, grows, or has no reason beside it. */
export function showRegressions(
  worse: readonly Regression[],
  unreasoned: readonly string[],
  grew: readonly Grown[],
): void {
  for (const { figure, baseline, now } of worse) {
    console.error(
      now === undefined
        ? `WORSE  ${figure}: was ${baseline}, is no longer measured`
        : `WORSE  ${figure}: ${baseline} -> ${now} (+${((now / baseline - 1) * 100).toFixed(1)} %)`,
    );
  }
  for (const { figure, before, after } of grew) {
    console.error(`GROWS  ${figure}: ${before} -> ${after} with a hundred times more there`);
  }
  for (const figure of unreasoned) {
    console.error(`NO REASON  ${figure}: a baseline says why it is what it is`);
  }
  if (worse.length + grew.length + unreasoned.length === 0) {
    console.log("\nno counted figure is worse than bench/baseline.json, none grows");
  }
}

/** First column to the left, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
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
