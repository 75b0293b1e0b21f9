/**
 * `npm run bench`: what a message and an event cost, how large the Worker is, how many webhooks it takes in beside
 * others. Prints tables, writes `bench/results.json`, and fails when a counted figure is worse than
 * `bench/baseline.json`. `-- cost`, `events`, `size`, `cpu`, `throughput`, `event-rates`, `workflows` or `cold` alone
 * measures only that; `-- --check` only what is counted; `-- --peers` adds the whole stacks of others (PostgreSQL and
 * Redis of the Debian packages).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../dev/runtime.ts";
import { measureColdStarts } from "./cold.ts";
import { measureCosts } from "./cost.ts";
import { measureCpu } from "./cpu.ts";
import { eventFigures, measureEvents, readGrowths } from "./events.ts";
import { measureMatching } from "./events-matching.ts";
import { measureEventRates } from "./events-rates.ts";
import { showEventRates, showEvents } from "./events-show.ts";
import { type Baseline, figuresOf, growths, regressions, unreasoned } from "./figures.ts";
import { measurePeers } from "./peers.ts";
import prices from "./prices.json" with { type: "json" };
import { showCold, showCost, showRegressions, showSize, showThroughput } from "./show.ts";
import { showCpu, showPeers } from "./show-cpu.ts";
import { measureSize } from "./size.ts";
import { measureThroughput } from "./throughput.ts";
import { measureWorkflows } from "./workflows.ts";
import { showWorkflows } from "./workflows-show.ts";

const PARTS = [
  "cost",
  "events",
  "size",
  "cpu",
  "throughput",
  "event-rates",
  "workflows",
  "cold",
] as const;
const COUNTED: readonly string[] = ["cost", "events", "size"];
const CHECK = "--check";
const PEERS = "--peers";
const RESULTS = join(ROOT, "bench/results.json");
const BASELINE = join(ROOT, "bench/baseline.json");

const given = process.argv.slice(2);
const FLAGS = [CHECK, PEERS];
const named = given.filter((part) => !FLAGS.includes(part));
const unknown = named.find((part) => !PARTS.some((known) => known === part));
if (unknown !== undefined) {
  console.error(`unknown part "${unknown}", expected ${[...PARTS, ...FLAGS].join(", ")}`);
  process.exit(1);
}
const standard = given.includes(CHECK) ? COUNTED : PARTS;
// `--peers` alone measures nothing else.
const onlyPeers = given.length === 1 && given[0] === PEERS;
const wanted: readonly string[] = named.length > 0 || onlyPeers ? named : standard;
const measures = (part: (typeof PARTS)[number]): boolean => wanted.includes(part);
const HUB = join(ROOT, "workers/hub.ts");

const cost = measures("cost") ? await measureCosts({ rounds: 5 }) : undefined;
if (cost) {
  showCost(cost);
}
const events = measures("events") ? await measureEvents({ rounds: 2 }) : undefined;
if (events) {
  showEvents(events);
}
const size = measures("size") ? await measureSize(HUB) : undefined;
if (size) {
  showSize(size);
}
const cpu = measures("cpu") ? await measureCpu({ rounds: 4, messages: 800 }) : undefined;
if (cpu) {
  showCpu(cpu);
}
const throughput = measures("throughput")
  ? await measureThroughput({ rounds: 5, roundMs: 1500, connections: 16 })
  : undefined;
if (throughput) {
  showThroughput(throughput);
}
const eventRates = measures("event-rates")
  ? { matching: measureMatching(), shard: await measureEventRates({ rounds: 3, roundMs: 400 }) }
  : undefined;
if (eventRates) {
  showEventRates(eventRates);
}
const workflows = measures("workflows")
  ? await measureWorkflows({ runs: 200, steps: 5 })
  : undefined;
if (workflows) {
  showWorkflows(workflows);
}
const cold = measures("cold") ? await measureColdStarts(HUB, { rounds: 15 }) : undefined;
if (cold) {
  showCold(cold);
}
const peers = given.includes(PEERS)
  ? await measurePeers({ rounds: 3, messages: 300, perSecond: 30, alone: 50 })
  : undefined;
if (peers) {
  showPeers(peers);
}
const figures = {
  ...figuresOf(cost, size, prices),
  ...(events && eventFigures(events, prices)),
};
if (PARTS.every(measures)) {
  const at = new Date().toISOString();
  const machine = "shared: other work ran on it meanwhile";
  const results = {
    ...{ at, machine, pricesReadOn: prices.readOn, figures },
    ...{
      cost,
      events,
      size,
      cpu,
      throughput,
      eventRates,
      workflows,
      cold,
      peers: peersNow() ?? lastPeers(),
    },
  };
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  console.log("\nwritten to bench/results.json");
}
if (onlyPeers) {
  const last = JSON.parse(readFileSync(RESULTS, "utf8")) as object;
  writeFileSync(RESULTS, `${JSON.stringify({ ...last, peers: peersNow() }, null, 2)}\n`);
}
judge();

/** With their own time: they are measured less often than the rest. */
function peersNow(): object | undefined {
  return peers && { at: new Date().toISOString(), ...peers };
}

function lastPeers(): unknown {
  return (JSON.parse(readFileSync(RESULTS, "utf8")) as { readonly peers?: unknown }).peers;
}

function judge(): void {
  const parts = wanted.filter((part) => COUNTED.includes(part));
  if (parts.length === 0) {
    return;
  }
  const { figures: baseline } = JSON.parse(readFileSync(BASELINE, "utf8")) as {
    readonly figures: Baseline;
  };
  const worse = regressions(baseline, figures, parts);
  const grew = [
    ...(cost ? growths(cost) : []),
    ...(events ? [...growths(events), ...readGrowths(events)] : []),
  ];
  showRegressions(worse, unreasoned(baseline), grew);
  if (worse.length > 0 || grew.length > 0 || unreasoned(baseline).length > 0) {
    process.exitCode = 1;
  }
}
