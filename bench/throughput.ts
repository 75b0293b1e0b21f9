/**
 * Accepted webhooks per second on this machine: the hub (verified, stored in its conversation, acknowledged),
 * whole and with everything after the acknowledgement left out, beside what stores nothing: a bare Hono Worker,
 * Chat SDK on the same runtime, Bolt on Node. Rounds take turns, so that whatever else the machine does falls
 * on all. Trust the ratios and the CPU time, not the absolute rates.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../dev/runtime.ts";
import { temporaryState } from "../dev/state.ts";
import { devTenant } from "../dev/tenants.ts";
import { type SignedWebhook, signedWebhook, type WebhookSource } from "../dev/webhooks.ts";
import { startWorld } from "../dev/world.ts";
import { TenantInput } from "../schema/tenant.ts";
import {
  cpuSeconds,
  installPeers,
  startBare,
  startBolt,
  startChatSdk,
  type Target,
} from "./contenders.ts";
import { type LoadResult, median, runLoad } from "./load.ts";

/** Who takes webhooks in. */
export const CONTENDERS = {
  bare: "bare Hono on workerd, nothing stored",
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

const CONVERSATIONS = 100;
/** Above what one machine can send, so that the tenant's own limit is no part of the measurement. */
const MESSAGES_PER_MINUTE = 1_000_000;
type SlackSource = WebhookSource & { channel: "slack" };

/** Starts all, runs the rounds in turn, stops all. A peer that cannot be installed or started is named. */
export async function measureThroughput(options: ThroughputOptions): Promise<ThroughputReport> {
  const { tenant, sources } = devTenant({
    id: "acme",
    key: "bench",
    routes: { slack: { kind: "silence" } },
  });
  const [source] = sources;
  if (source?.channel !== "slack") {
    throw new Error("no Slack source");
  }
  const config = { limits: { messagesPerMinute: MESSAGES_PER_MINUTE } };
  const input = TenantInput.parse({ ...tenant, config });
  const targets = new Map<Contender, Target>();
  try {
    targets.set("bare", await startBare(source.signingSecret));
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

async function startHubTarget(tenant: TenantInput, entry: string): Promise<Target> {
  const stateDir = temporaryState();
  const world = await startWorld({
    stateDir,
    entry,
    tenants: [tenant],
    bindings: { CONVERSATION_BACKLOG_MAX: "100000" },
    onLog: () => undefined,
    quietPlatforms: true,
  });
  return {
    url: world.hub.url,
    pid: () => world.hub.workerdPid(),
    stop: async () => {
      await world.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
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
  const after = before === undefined ? undefined : await settledCpu(target.pid());
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

const SETTLE_STEP_MS = 300;
const SETTLE_MAX_MS = 6000;
/** Busy for less than a twentieth of a step: what the round caused is over. */
const IDLE_SECONDS = (SETTLE_STEP_MS / 1000) * 0.05;

/** CPU time once the process has come to rest, so that one round's work is not the next contender's load. */
async function settledCpu(pid: number): Promise<number | undefined> {
  let last = cpuSeconds(pid);
  for (let waitedMs = 0; waitedMs < SETTLE_MAX_MS; waitedMs += SETTLE_STEP_MS) {
    await sleep(SETTLE_STEP_MS);
    const now = cpuSeconds(pid);
    if (now === undefined || last === undefined || now - last <= IDLE_SECONDS) {
      return now;
    }
    last = now;
  }
  return last;
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

/** New messages, round robin over the conversations. */
function webhooksOf(source: SlackSource): () => SignedWebhook {
  let sent = 0;
  return () => {
    sent += 1;
    return signedWebhook(source, {
      conversation: sent % CONVERSATIONS,
      number: sent,
      text: "A message of ordinary length, about as long as people write in a chat.",
      atMs: Date.now(),
    });
  };
}
