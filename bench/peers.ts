/**
 * `--peers`: the hub beside two usual stacks doing the same work for every message: verify Slack's signature, store
 * it durably before the answer, queue it, reply through the platform's API and store the reply. All get the same
 * webhooks at the same pace; what counts is the CPU time of everything that belongs to a stack (its databases too)
 * and how long a message takes to its row. Order, one effect per message and honest sends are the hub's alone.
 */
import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type SignedWebhook, signedWebhook } from "../dev/webhooks.ts";
import type { Simulator } from "../simulators/simulator.ts";
import { installPeers } from "./contenders.ts";
import { installDatabases } from "./databases.ts";
import { median, quantileOf } from "./load.ts";
import { settled, treeCpuSeconds } from "./process-cpu.ts";
import {
  APPS,
  STACKS,
  type Stack,
  type StackName,
  startHubStack,
  startPeerStack,
} from "./stacks.ts";

export interface PeersReport {
  readonly messages: number;
  readonly perSecond: number;
  readonly stacks: Partial<Record<StackName, StackReport>>;
  /** Stacks that did not take part, and why. */
  readonly absent: readonly string[];
}

interface StackReport {
  /** Of all processes of the stack, per message, µs; median over the rounds. */
  readonly cpuMicros: number;
  /** From sending the webhook to its answer 200, its row, and its reply at the platform, ms. */
  readonly ackMs: Latency;
  readonly rowMs: Latency;
  readonly replyMs: Latency;
  /** Of all messages sent, those that were answered by exactly one reply. */
  readonly repliedPart: number;
}

interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export interface PeersOptions {
  readonly rounds: number;
  /** Messages per round and stack. */
  readonly messages: number;
  readonly perSecond: number;
  /** Messages sent one at a time, for the latencies. */
  readonly alone: number;
}

const REPLIES_WAIT_MS = 60_000;
const POLL_MS = 2;
const ROW_WAIT_MS = 10_000;
/** Starts one stack after the other, measures, and stops everything, also on failure. */
export async function measurePeers(options: PeersOptions): Promise<PeersReport> {
  const stacks: Partial<Record<StackName, StackReport>> = {};
  const absent: string[] = [];
  const refused = (await installPeers()) ?? (await installDatabases());
  const starts: Readonly<Record<StackName, () => Promise<Stack>>> = {
    hub: startHubStack,
    express: () => startPeerStack("express-bullmq.mjs"),
    bolt: () => startPeerStack("bolt-bullmq.mjs"),
  };
  const running = new Map<StackName, Stack>();
  try {
    for (const name of Object.keys(starts) as StackName[]) {
      if (refused !== undefined && name !== "hub") {
        absent.push(`${STACKS[name]}: ${refused}`);
        continue;
      }
      running.set(name, await starts[name]());
    }
    const cpu = await cpuRounds(running, options);
    for (const [name, stack] of running) {
      stacks[name] = { ...(await latencies(stack, options.alone)), ...cpuOf(cpu.get(name) ?? []) };
    }
  } finally {
    await Promise.all([...running.values()].map((stack) => stack.stop()));
  }
  return { messages: options.messages, perSecond: options.perSecond, stacks, absent };
}

interface CpuRound {
  readonly micros: number;
  readonly replied: number;
}

/** Rounds take turns, so that whatever else the machine does falls on all. The first warms up. */
async function cpuRounds(
  running: ReadonlyMap<StackName, Stack>,
  options: PeersOptions,
): Promise<ReadonlyMap<StackName, readonly CpuRound[]>> {
  const rounds = new Map<StackName, CpuRound[]>();
  for (let index = 0; index <= options.rounds; index += 1) {
    for (const [name, stack] of running) {
      const round = await cpuRound(stack, options);
      rounds.set(name, index === 0 ? [] : [...(rounds.get(name) ?? []), round]);
    }
  }
  return rounds;
}

/** Less what the stack burns when nothing comes in. */
async function cpuRound(stack: Stack, { messages, perSecond }: PeersOptions): Promise<CpuRound> {
  const read = (): number => stack.pids().reduce((sum, pid) => sum + (treeCpuSeconds(pid) ?? 0), 0);
  const idleFrom = read();
  await sleep(1000);
  const idlePerSecond = read() - idleFrom;
  const [beganMs, before] = [performance.now(), read()];
  const texts = new Set<string>();
  const sends: Promise<number>[] = [];
  for (let sent = 0; sent < messages; sent += 1) {
    const { webhook, text } = nextMessage(stack, sent);
    texts.add(`echo: ${text}`);
    sends.push(post(stack, webhook));
    await sleep(1000 / perSecond);
  }
  const statuses = await Promise.all(sends);
  const bad = statuses.find((status) => status !== 200);
  if (bad !== undefined) {
    throw new Error(`${stack.url} answered ${bad}`);
  }
  const replied = await repliesTo(stack, texts);
  const after = (await settled(read)) ?? read();
  const idle = (idlePerSecond * (performance.now() - beganMs)) / 1000;
  return { micros: ((after - before - idle) * 1_000_000) / messages, replied: replied / messages };
}

function cpuOf(rounds: readonly CpuRound[]): Pick<StackReport, "cpuMicros" | "repliedPart"> {
  return {
    cpuMicros: median(rounds.map(({ micros }) => micros)),
    repliedPart: median(rounds.map(({ replied }) => replied)),
  };
}

/** One message at a time: how long to its answer, its row, its reply. */
async function latencies(
  stack: Stack,
  count: number,
): Promise<Pick<StackReport, "ackMs" | "rowMs" | "replyMs">> {
  const took = { ack: [] as number[], row: [] as number[], reply: [] as number[] };
  for (let sent = 0; sent < count; sent += 1) {
    const { webhook, text } = nextMessage(stack, sent);
    const seen = stack.platform.calls().length;
    const beganMs = performance.now();
    await post(stack, webhook);
    took.ack.push(performance.now() - beganMs);
    await poll(() => stack.hasRow(text));
    took.row.push(performance.now() - beganMs);
    await poll(async () =>
      stack.platform
        .calls()
        .slice(seen)
        .some(isReply(`echo: ${text}`)),
    );
    took.reply.push(performance.now() - beganMs);
  }
  const of = (list: readonly number[]): Latency => ({
    p50: quantileOf(list, 0.5),
    p99: quantileOf(list, 0.99),
  });
  return { ackMs: of(took.ack), rowMs: of(took.row), replyMs: of(took.reply) };
}

let number = randomInt(1_000_000);

function nextMessage(
  stack: Stack,
  sent: number,
): { readonly webhook: SignedWebhook; readonly text: string } {
  number += 1;
  const source = stack.sources[sent % stack.sources.length];
  if (!source) {
    throw new Error("no source");
  }
  const text = `Message ${number} of ordinary length, about as long as people write in a chat.`;
  const message = { conversation: sent % (APPS * 4), number, text, atMs: Date.now() };
  return { webhook: signedWebhook(source, message), text };
}

async function post(stack: Stack, { path, headers, body }: SignedWebhook): Promise<number> {
  const answer = await fetch(stack.url + path, { method: "POST", headers: { ...headers }, body });
  await answer.arrayBuffer();
  return answer.status;
}

type PlatformCall = ReturnType<Simulator["calls"]>[number];

function isReply(text: string): (call: PlatformCall) => boolean {
  return ({ body }) => JSON.stringify(body).includes(JSON.stringify(text).slice(1, -1));
}

/** How many of these texts the platform was told exactly once, when all were told or nothing more comes. */
async function repliesTo(stack: Stack, texts: ReadonlySet<string>): Promise<number> {
  const told = (): ReadonlyMap<string, number> => {
    const times = new Map<string, number>();
    for (const { body } of stack.platform.calls()) {
      const text = TEXT.exec(JSON.stringify(body))?.[0];
      if (text !== undefined && texts.has(text)) {
        times.set(text, (times.get(text) ?? 0) + 1);
      }
    }
    return times;
  };
  const untilMs = performance.now() + REPLIES_WAIT_MS;
  while (told().size < texts.size && performance.now() < untilMs) {
    await sleep(200);
  }
  return [...told().values()].filter((times) => times === 1).length;
}

const TEXT = /echo: Message \d+ of ordinary length, about as long as people write in a chat\./;

async function poll(what: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + ROW_WAIT_MS;
  while (!(await what())) {
    if (performance.now() > untilMs) {
      throw new Error("nothing came of a message");
    }
    await sleep(POLL_MS);
  }
}
