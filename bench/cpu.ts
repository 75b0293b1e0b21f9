/**
 * CPU time per message inside workerd, not throughput: a number of webhooks is sent to each Worker in turn, and what
 * its process burned meanwhile and afterwards, less what it burns when nothing comes in, is divided by that number.
 * The yardstick is a bare Hono Worker that verifies the same signature, with and without one row
 * in one object, the least that a durable receiver can do. Rounds are interleaved.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../dev/runtime.ts";
import type { SignedWebhook } from "../dev/webhooks.ts";
import { startBare, type Target } from "./contenders.ts";
import { silentTenant, startHubTarget, webhooksOf } from "./hub-target.ts";
import { median, runLoad } from "./load.ts";
import { cpuSeconds, settled } from "./process-cpu.ts";

export const WORKERS = {
  bare: "bare Hono: signature checked, nothing stored",
  durable: "bare Hono and one row in one object",
  accept: "the hub up to its answer: checked, stored",
  whole: "the hub, stored and processed",
} as const;
export type MeasuredWorker = keyof typeof WORKERS;

export interface CpuReport {
  readonly messages: number;
  readonly workers: Readonly<Record<MeasuredWorker, WorkerCpu>>;
}

interface WorkerCpu {
  /** Per message, µs: median, least and most over the rounds. */
  readonly medianMicros: number;
  readonly leastMicros: number;
  readonly mostMicros: number;
  /** Medians, over the bare Worker's. */
  readonly timesBare: number;
}

export interface CpuOptions {
  readonly rounds: number;
  /** Webhooks per round and Worker. */
  readonly messages: number;
}

const CONNECTIONS = 4;
const IDLE_MS = 1000;
const ROUND_MAX_MS = 60_000;

/** Throws where /proc does not tell CPU times. */
export async function measureCpu(options: CpuOptions): Promise<CpuReport> {
  const { input, source } = silentTenant();
  const targets = new Map<MeasuredWorker, Target>();
  try {
    targets.set("bare", await startBare(source.signingSecret));
    targets.set("durable", await startBare(source.signingSecret, true));
    targets.set("accept", await startHubTarget(input, join(ROOT, "bench/hub-accept.ts")));
    targets.set("whole", await startHubTarget(input, join(ROOT, "workers/hub.ts")));
    const next = webhooksOf(source);
    const micros = new Map<MeasuredWorker, number[]>();
    // The first round of each warms up and does not count.
    for (let round = 0; round <= options.rounds; round += 1) {
      for (const [name, target] of targets) {
        const one = await roundMicros(target, next, options.messages);
        micros.set(name, round === 0 ? [] : [...(micros.get(name) ?? []), one]);
      }
    }
    return { messages: options.messages, workers: workersOf(micros) };
  } finally {
    await Promise.all([...targets.values()].map((target) => target.stop()));
  }
}

async function roundMicros(
  target: Target,
  next: () => SignedWebhook,
  messages: number,
): Promise<number> {
  const read = (): number => {
    const now = cpuSeconds(target.pid());
    if (now === undefined) {
      throw new Error("this system does not tell CPU times (/proc)");
    }
    return now;
  };
  const idleFrom = read();
  await sleep(IDLE_MS);
  const idlePerMs = (read() - idleFrom) / IDLE_MS;
  const beganMs = performance.now();
  const before = read();
  const load = await runLoad({
    url: target.url,
    connections: CONNECTIONS,
    durationMs: ROUND_MAX_MS,
    webhooks: messages,
    next,
  });
  if (load.refused > 0) {
    throw new Error(`${load.refused} webhooks were refused`);
  }
  const after = (await settled(read)) ?? read();
  const idle = idlePerMs * (performance.now() - beganMs);
  return ((after - before - idle) * 1_000_000) / load.accepted;
}

function workersOf(
  micros: ReadonlyMap<MeasuredWorker, readonly number[]>,
): Record<MeasuredWorker, WorkerCpu> {
  const bare = median(micros.get("bare") ?? []);
  const entries = [...micros].map(([name, rounds]) => [
    name,
    {
      medianMicros: median(rounds),
      leastMicros: Math.min(...rounds),
      mostMicros: Math.max(...rounds),
      timesBare: median(rounds) / bare,
    } satisfies WorkerCpu,
  ]);
  return Object.fromEntries(entries) as Record<MeasuredWorker, WorkerCpu>;
}
