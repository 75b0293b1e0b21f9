/**
 * What runs of workflows cost and how fast they go: what one step is billed, counted at the bindings of the real hub,
 * where each step calls a service on this machine; and steps per second of many runs at once, whose steps call nobody:
 * a service has its bucket of calls per second, and that is not what is measured.
 */
import { rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Hub, ROOT, startHub } from "../dev/runtime.ts";
import { temporaryState } from "../dev/state.ts";
import type { Tally } from "./tally.ts";

export interface WorkflowReport {
  /** Runs begun at once, and steps of each. */
  readonly runs: number;
  readonly steps: number;
  /** All of them completed, as the tables say. */
  readonly completed: number;
  readonly stepsPerSecond: number;
  /** From a run's start to its end, ms. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Counted, by step of a run: start, projection, events, archive and clean-up included. */
  readonly perStep: Tally;
}

export interface WorkflowOptions {
  readonly runs: number;
  readonly steps: number;
}

const TENANT = "bench-runs";
const WORKFLOW = "chain";
/** Runs whose bill is averaged. */
const COUNTED_RUNS = 4;
/** An ended run's instance is deleted 5 s after its end; its object's last alarm comes before this, ms. */
const SETTLED_AFTER_MS = 9000;
const ENDED_WITHIN_MS = 120_000;

/** Starts a hub twice: once to count, once to be fast. */
export async function measureWorkflows(options: WorkflowOptions): Promise<WorkflowReport> {
  const service = await startService();
  try {
    const { runs, steps } = options;
    const counted = { service: service.url, action: "bench.call", steps, isCounted: true };
    const perStep = await inHub(counted, costOf(steps));
    const fast = { service: service.url, action: "transform", steps, isCounted: false };
    const rates = await inHub(fast, (hub) => ratesOf(hub, options));
    return { runs, steps, ...rates, perStep };
  } finally {
    service.stop();
  }
}

interface Setting {
  readonly service: string;
  readonly action: string;
  readonly steps: number;
  readonly isCounted: boolean;
}

async function inHub<T>(setting: Setting, work: (hub: Hub) => Promise<T>): Promise<T> {
  const stateDir = temporaryState();
  const hub = await startHub({
    stateDir,
    entry: join(ROOT, "bench/workflows-hub.ts"),
    bindings: setting.isCounted ? { BENCH_COUNTED: "1" } : {},
  });
  try {
    const services = { "bench.call": { url: setting.service } };
    await ask(hub, "deploy", { tenant: TENANT, definition: chainOf(setting), services });
    return await work(hub);
  } finally {
    await hub.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** Each step is fed by the one before. */
function chainOf({ action, steps }: Setting): object {
  const list = Array.from({ length: steps }, (_, n) => ({
    ...{ id: `s${n}`, type: "action", action },
    with: { n: n === 0 ? 1 : `{{ steps.s${n - 1}.output.n }}`, name: { $ref: "input.name" } },
    ...(n + 1 < steps ? { next: `s${n + 1}` } : {}),
  }));
  return { id: WORKFLOW, name: "A chain of calls", version: "1.0.0", steps: list };
}

function costOf(steps: number): (hub: Hub) => Promise<Tally> {
  return async (hub) => {
    // The first run pays for what an isolate keeps.
    await completed(hub, await begin(hub, 1));
    await sleep(SETTLED_AFTER_MS);
    await fetch(`${hub.url}/_bench/tally`, { method: "DELETE" });
    // One after the other: nothing is shared between them.
    for (let n = 0; n < COUNTED_RUNS; n += 1) await completed(hub, await begin(hub, 1));
    await sleep(SETTLED_AFTER_MS);
    const counted = (await (await fetch(`${hub.url}/_bench/tally`)).json()) as Tally;
    const all = Object.entries(counted).map(([name, value]) => [
      name,
      value / COUNTED_RUNS / steps,
    ]);
    return Object.fromEntries(all) as unknown as Tally;
  };
}

async function ratesOf(hub: Hub, { runs, steps }: WorkflowOptions) {
  await completed(hub, await begin(hub, 5));
  const startMs = performance.now();
  const ended = await completed(hub, await begin(hub, runs));
  const seconds = (performance.now() - startMs) / 1000;
  const took = ended.map((row) => row.ended_at - row.started_at).toSorted((a, b) => a - b);
  const at = (part: number): number =>
    took[Math.min(took.length - 1, Math.floor(took.length * part))] ?? 0;
  return {
    completed: ended.filter(({ status }) => status === "completed").length,
    stepsPerSecond: (runs * steps) / seconds,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
  };
}

function begin(hub: Hub, runs: number): Promise<readonly string[]> {
  return ask(hub, "start", { tenant: TENANT, workflow: WORKFLOW, runs });
}

interface EndedRow {
  readonly status: string;
  readonly started_at: number;
  readonly ended_at: number;
}

/** Asks the tables, not the objects, so that asking costs the runs next to nothing. */
async function completed(hub: Hub, runs: readonly string[]): Promise<readonly EndedRow[]> {
  const db = await hub.mf.getD1Database("DB");
  const deadline = Date.now() + ENDED_WITHIN_MS;
  for (;;) {
    const { results } = await db
      .prepare(
        "SELECT status, started_at, ended_at FROM workflow_runs WHERE ended_at IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
      )
      .bind(JSON.stringify(runs))
      .all<EndedRow>();
    if (results.length === runs.length) return results;
    if (Date.now() > deadline) throw new Error(`${results.length} of ${runs.length} runs ended`);
    await sleep(50);
  }
}

async function ask<T>(hub: Hub, door: string, body: object): Promise<T> {
  const init = { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(`${hub.url}/_bench/${door}`, init);
  if (!response.ok) throw new Error(`${door}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Answers every call at once with a small JSON. */
async function startService(): Promise<{ readonly url: string; stop(): void }> {
  const server = createServer((request, response) => {
    request.resume();
    request.once("end", () => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end('{"n":1,"note":"done as asked"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
