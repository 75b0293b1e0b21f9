/**
 * Accepted webhooks per second on this machine: the hub (verified, stored in its conversation, acknowledged),
 * whole and with everything after the acknowledgement left out, beside what stores nothing: a bare Hono Worker,
 * Chat SDK on the same runtime, Bolt on Node. Rounds take turns, so that whatever else the machine does falls
 * on all. Trust the ratios and the CPU time, not the absolute rates.
 */
import { join } from "node:path";
import { ROOT } from "../dev/runtime.ts";
import type { SignedWebhook } from "../dev/webhooks.ts";
import { installPeers, startBare, startBolt, startChatSdk, type Target } from "./contenders.ts";
import { type SlackSource, silentTenant, startHubTarget, webhooksOf } from "./hub-target.ts";
import { type LoadResult, median, runLoad } from "./load.ts";
import { cpuSeconds, settled } from "./process-cpu.ts";

/** Who takes webhooks in. */
export const CONTENDERS = {
  bare: "bare Hono on workerd, nothing stored",
  durable: "bare Hono and one row in one object",
  accept: "the hub, stored, consumers idle",
  whole: "the hub, stored and processed",
  chatSdk: "Chat SDK on workerd, nothing stored",
  bolt: "Bolt on Node, nothing stored",
} as const;

export type Contender = keyof typeof CONTENDERS;

export interface ThroughputReport {
  readonly sides: Partial<Record<Contender, Side>>;
  /** Peers that did not take part, and why. */
  readonly absent: readonly string[];
}

export interface Side {
  /** Medians over the rounds. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the runtime per accepted webhook, µs; absent where the system does not tell. */
  readonly cpuMicros?: number;
  readonly refused: number;
  /** Messages its handler saw over webhooks answered 2xx, where it counts them. 1 is all. */
  readonly handledPart?: number;
}

export interface ThroughputOptions {
  readonly rounds: number;
  readonly roundMs: number;
  readonly connections: number;
}

interface Round extends LoadResult {
  readonly cpuMicros?: number;
  readonly handled?: number;
}

/** Starts all, runs the rounds in turn, stops all. A peer that cannot be installed or started is named. */
export async function measureThroughput(options: ThroughputOptions): Promise<ThroughputReport> {
  const { input, source } = silentTenant();
  const targets = new Map<Contender, Target>();
  try {
    targets.set("bare", await startBare(source.signingSecret));
    targets.set("durable", await startBare(source.signingSecret, true));
    targets.set("accept", await startHubTarget(input, join(ROOT, "bench/hub-accept.ts")));
    targets.set("whole", await startHubTarget(input, join(ROOT, "workers/hub.ts")));
    const absent = await addPeers(targets, source);
    return { sides: await compare(targets, webhooksOf(source), options), absent };
  } finally {
    await Promise.all([...targets.values()].map((target) => target.stop()));
  }
}

async function addPeers(
  targets: Map<Contender, Target>,
  source: SlackSource,
): Promise<readonly string[]> {
  const refused = await installPeers();
  if (refused !== undefined) {
    return [`the peers could not be installed: ${refused}`];
  }
  const absent: string[] = [];
  const path = `/webhooks/slack/${source.connection}`;
  const add = async (name: Contender, start: () => Promise<Target>): Promise<void> => {
    try {
      targets.set(name, await start());
    } catch (error) {
      absent.push(`${CONTENDERS[name]}: ${error instanceof Error ? error.message : error}`);
    }
  };
  await add("chatSdk", () => startChatSdk(source.signingSecret));
  await add("bolt", () => startBolt(source.signingSecret, path));
  return absent;
}

async function compare(
  targets: ReadonlyMap<Contender, Target>,
  next: () => SignedWebhook,
  options: ThroughputOptions,
): Promise<Partial<Record<Contender, Side>>> {
  const rounds = new Map<Contender, Round[]>();
  // The first round of each warms up and does not count.
  for (let index = 0; index <= options.rounds; index += 1) {
    for (const [name, target] of targets) {
      const round = await runRound(target, next, options);
      if (index > 0) {
        rounds.set(name, [...(rounds.get(name) ?? []), round]);
      }
    }
  }
  return Object.fromEntries([...rounds].map(([name, list]) => [name, sideOf(list)]));
}

/** A round's CPU time includes what it causes after its last answer, up to a limit. */
async function runRound(
  target: Target,
  next: () => SignedWebhook,
  options: ThroughputOptions,
): Promise<Round> {
  const handledBefore = await target.handled?.();
  const before = cpuSeconds(target.pid());
  const load = await runLoad({
    url: target.url,
    connections: options.connections,
    durationMs: options.roundMs,
    next,
  });
  const after = before === undefined ? undefined : await settled(() => cpuSeconds(target.pid()));
  const handledAfter = await target.handled?.();
  return {
    ...load,
    ...(before !== undefined &&
      after !== undefined && {
        cpuMicros: ((after - before) * 1_000_000) / Math.max(1, load.accepted),
      }),
    ...(handledBefore !== undefined &&
      handledAfter !== undefined && { handled: handledAfter - handledBefore }),
  };
}

function sideOf(rounds: readonly Round[]): Side {
  const of = (pick: (round: Round) => number): number => median(rounds.map(pick));
  const cpu = rounds.flatMap((round) => round.cpuMicros ?? []);
  const handled = rounds.flatMap((round) =>
    round.handled === undefined ? [] : round.handled / Math.max(1, round.accepted),
  );
  return {
    perSecond: of((round) => round.perSecond),
    p50Ms: of((round) => round.p50Ms),
    p99Ms: of((round) => round.p99Ms),
    ...(cpu.length > 0 && { cpuMicros: median(cpu) }),
    refused: rounds.reduce((sum, round) => sum + round.refused, 0),
    ...(handled.length > 0 && { handledPart: median(handled) }),
  };
}
