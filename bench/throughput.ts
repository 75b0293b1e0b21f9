/**
 * Accepted webhooks per second on this machine: the hub (verified, stored in its conversation, acknowledged)
 * beside a bare Hono Worker that checks the same signature and stores nothing. Rounds take turns, so that
 * whatever else the machine does falls on both. Trust the ratio and the CPU time, not the absolute rate.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { convertV4MiniflareOptions } from "miniflare";
import { bundleWorker } from "../dev/bundle.ts";
import { freePort } from "../dev/ports.ts";
import { end, launch, ROOT } from "../dev/runtime.ts";
import { temporaryState } from "../dev/state.ts";
import { devTenant } from "../dev/tenants.ts";
import { type SignedWebhook, signedWebhook, type WebhookSource } from "../dev/webhooks.ts";
import { startWorld } from "../dev/world.ts";
import { TenantInput } from "../schema/tenant.ts";
import { type LoadResult, median, runLoad } from "./load.ts";

export interface ThroughputReport {
  readonly bare: Side;
  readonly hub: Side;
  /** Accepted per second, hub over bare. */
  readonly ratio: number;
}

export interface Side {
  /** Medians over the rounds. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the runtime per accepted webhook, µs; absent where the system does not tell. */
  readonly cpuMicros?: number;
  readonly refused: number;
}

export interface ThroughputOptions {
  readonly rounds: number;
  readonly roundMs: number;
  readonly connections: number;
}

interface Target {
  readonly url: string;
  readonly pid: () => number;
}

interface Round extends LoadResult {
  readonly cpuMicros?: number;
}

const CONVERSATIONS = 100;
/** Above what one machine can send, so that the tenant's own limit is no part of the measurement. */
const MESSAGES_PER_MINUTE = 1_000_000;
type SlackSource = WebhookSource & { channel: "slack" };

/** Starts both, runs the rounds in turn, stops both. */
export async function measureThroughput(options: ThroughputOptions): Promise<ThroughputReport> {
  const stateDir = temporaryState();
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
  const world = await startWorld({
    stateDir,
    tenants: [TenantInput.parse({ ...tenant, config })],
    onLog: () => undefined,
    quietPlatforms: true,
  });
  const bare = await startBare(source.signingSecret);
  try {
    const hub = { url: world.hub.url, pid: () => world.hub.workerdPid() };
    return await compare(bare, hub, webhooksOf(source), options);
  } finally {
    await Promise.all([bare.stop(), world.stop()]);
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function startBare(secret: string): Promise<Target & { stop(): Promise<void> }> {
  const port = await freePort();
  const { code } = await bundleWorker(join(ROOT, "bench/bare-hono.ts"));
  const running = await launch(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      logRequests: false,
      telemetry: { enabled: false },
      workers: [
        {
          name: "bare",
          compatibilityDate: "2026-08-01",
          modules: [{ type: "ESModule", path: "bare.mjs", contents: code }],
          bindings: { SIGNING_SECRET: secret },
          unsafeDirectSockets: [{ host: "127.0.0.1", port }],
        },
      ],
    }),
  );
  return {
    url: `http://127.0.0.1:${port}`,
    pid: () => running.processes.at(-1)?.pid ?? 0,
    stop: () => end(running, "SIGKILL"),
  };
}

async function compare(
  bare: Target,
  hub: Target,
  next: () => SignedWebhook,
  options: ThroughputOptions,
): Promise<ThroughputReport> {
  const rounds: { readonly bare: Round[]; readonly hub: Round[] } = { bare: [], hub: [] };
  // The first round of each warms up and does not count.
  for (let index = 0; index <= options.rounds; index += 1) {
    const one = await runRound(bare, next, options);
    const other = await runRound(hub, next, options);
    if (index > 0) {
      rounds.bare.push(one);
      rounds.hub.push(other);
    }
  }
  const sides = { bare: sideOf(rounds.bare), hub: sideOf(rounds.hub) };
  return { ...sides, ratio: sides.hub.perSecond / sides.bare.perSecond };
}

async function runRound(
  target: Target,
  next: () => SignedWebhook,
  options: ThroughputOptions,
): Promise<Round> {
  const before = cpuSeconds(target.pid());
  const load = await runLoad({
    url: target.url,
    connections: options.connections,
    durationMs: options.roundMs,
    next,
  });
  const after = cpuSeconds(target.pid());
  return before === undefined || after === undefined
    ? load
    : { ...load, cpuMicros: ((after - before) * 1_000_000) / Math.max(1, load.accepted) };
}

function sideOf(rounds: readonly Round[]): Side {
  const of = (pick: (round: Round) => number): number => median(rounds.map(pick));
  const cpu = rounds.flatMap((round) => round.cpuMicros ?? []);
  return {
    perSecond: of((round) => round.perSecond),
    p50Ms: of((round) => round.p50Ms),
    p99Ms: of((round) => round.p99Ms),
    ...(cpu.length > 0 && { cpuMicros: median(cpu) }),
    refused: rounds.reduce((sum, round) => sum + round.refused, 0),
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

const CLOCK_TICKS_PER_SECOND = 100;

/** User and system time of a process so far (fields 14 and 15 of its stat), where /proc has it. */
function cpuSeconds(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}
