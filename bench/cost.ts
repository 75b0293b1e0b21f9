/**
 * What one message costs: a message in, its reply out, two delivery statuses back, counted at the bindings of
 * the real hub. Everything it causes is waited for, its conversation's alarm included.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../dev/runtime.ts";
import { temporaryState } from "../dev/state.ts";
import { devTenant, ECHO_ROUTE } from "../dev/tenants.ts";
import {
  evolutionStatus,
  type SignedWebhook,
  signedWebhook,
  type WebhookSource,
} from "../dev/webhooks.ts";
import { startWorld, type World } from "../dev/world.ts";
import { TenantInput } from "../schema/tenant.ts";
import { type Growth, growDatabase } from "./growth.ts";
import type { Tally } from "./tally.ts";

/** The counts of one case, per message. */
export interface MessageCost {
  readonly name: string;
  readonly messages: number;
  /** Per message. */
  readonly counts: Tally;
}

interface AckTrips {
  /** Sequential storage calls before the answer: isolate warm, isolate just started, signature wrong. */
  readonly warm: number;
  readonly cold: number;
  readonly badSignature: number;
}

export interface CostReport {
  readonly costs: readonly MessageCost[];
  /** The warm cases again, with a hundred times more of everything there. */
  readonly grown: { readonly by: Growth; readonly costs: readonly MessageCost[] };
  readonly ackTrips: AckTrips;
}

export interface CostOptions {
  /** Rounds per case; the counts are averaged over them. */
  readonly rounds: number;
}

/** Messages sent at the same moment, each in a conversation of its own, over this many connections. */
interface Case {
  readonly name: string;
  readonly together: number;
  readonly connections: number;
}

const FIRST: Case = { name: "first of a conversation", together: 10, connections: 10 };
const WARM: readonly Case[] = [
  { name: "warm, one alone", together: 1, connections: 1 },
  { name: "warm, 10 together", together: 10, connections: 10 },
  { name: "warm, 10 together, one paced number", together: 10, connections: 1 },
];
const CONNECTIONS = 10;

/** The alarm of a conversation comes this long after its message; short, so that the count can wait for it. */
const RING_AFTER_MS = 700;
/** Nothing counted for this long: what the message causes is over. */
const QUIET_MS = RING_AFTER_MS + 500;
const REPLY_WAIT_MAX_MS = 10_000;

const WARM_TRIES = 3;

type EvolutionSource = WebhookSource & { channel: "whatsapp" };

interface Bench {
  readonly world: World;
  readonly sources: readonly EvolutionSource[];
  readonly apiKey: string;
  /** Rises with every message, so that none is a duplicate. */
  number: number;
}

/** Starts a counted hub with one tenant of several WhatsApp numbers and measures. */
export async function measureCosts(options: CostOptions): Promise<CostReport> {
  const stateDir = temporaryState();
  const kits = Array.from({ length: CONNECTIONS }, (_, index) =>
    devTenant({
      id: "acme",
      key: "bench",
      suffix: `-${index}`,
      routes: { whatsapp: ECHO_ROUTE },
    }),
  );
  const connections = kits.flatMap((kit) => kit.tenant.connections);
  const world = await startWorld({
    stateDir,
    tenants: [TenantInput.parse({ id: "acme", connections })],
    entry: join(ROOT, "bench/hub-counted.ts"),
    bindings: { RING_AFTER_MS: String(RING_AFTER_MS) },
    quietPlatforms: true,
  });
  try {
    const sources = kits.flatMap((kit) => kit.sources).filter((one) => one.channel === "whatsapp");
    const [connection] = connections;
    const apiKey = connection?.channel === "whatsapp" ? connection.credentials.apiKey : "";
    return await measure({ world, sources, apiKey, number: 0 }, options);
  } finally {
    await world.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function measure(bench: Bench, options: CostOptions): Promise<CostReport> {
  await quiet(bench);
  const first = await round(bench, FIRST);
  const costs: MessageCost[] = [{ name: FIRST.name, messages: FIRST.together, counts: first }];
  costs.push(...(await warmCosts(bench, options)));
  const by = await growDatabase(await bench.world.hub.mf.getD1Database("DB"));
  await lengthen(bench, by.messagesInConversation);
  const grown = { by, costs: await warmCosts(bench, options) };
  return { costs, grown, ackTrips: await ackTrips(bench) };
}

async function warmCosts(bench: Bench, options: CostOptions): Promise<MessageCost[]> {
  const costs: MessageCost[] = [];
  for (const one of WARM) {
    // Conversations that this case is the first to use are warmed up before anything counts.
    await round(bench, one);
    const counts: Tally[] = [];
    for (let done = 0; done < options.rounds; done += 1) {
      counts.push(await round(bench, one));
    }
    const messages = one.together * options.rounds;
    costs.push({ name: one.name, messages, counts: average(counts) });
  }
  return costs;
}

/** More history for the conversation that the first warm case uses, and no reply of it still on its way. */
async function lengthen(bench: Bench, messages: number): Promise<void> {
  const lane = { source: sourceAt(bench, 0), conversation: 0 };
  for (let sent = 0; sent < messages; sent += 1) {
    bench.number += 1;
    await post(bench, textOf(lane, bench.number));
  }
  await quiet(bench);
}

/** One message in each conversation of a case, to its very end; the counts per message. */
async function round(bench: Bench, { together, connections }: Case): Promise<Tally> {
  const { hub } = bench.world;
  await fetch(`${hub.url}/_bench/tally`, { method: "DELETE" });
  const lanes = Array.from({ length: together }, (_, index) => ({
    source: sourceAt(bench, index % connections),
    conversation: index,
  }));
  bench.number += 1;
  const { number } = bench;
  await Promise.all(lanes.map((lane) => post(bench, textOf(lane, number))));
  const ids = await Promise.all(lanes.map((lane) => replyId(bench, lane, number)));
  for (const status of ["DELIVERY_ACK", "READ"] as const) {
    await Promise.all(
      lanes.map((lane, index) =>
        post(bench, evolutionStatus(lane.source, lane.conversation, ids[index] ?? "", status)),
      ),
    );
  }
  const counts = await quiet(bench);
  return average([counts], together);
}

interface Lane {
  readonly source: EvolutionSource;
  readonly conversation: number;
}

function sourceAt(bench: Bench, index: number): EvolutionSource {
  const source = bench.sources[index];
  if (!source) {
    throw new Error(`no connection ${index}`);
  }
  return source;
}

function textOf(lane: Lane, number: number): SignedWebhook {
  return signedWebhook(lane.source, {
    conversation: lane.conversation,
    number,
    text: `${mark(lane, number)} how are you today?`,
    atMs: Date.now(),
  });
}

function mark(lane: Lane, number: number): string {
  return `[[acme/bench-${lane.conversation}:${number}]]`;
}

async function post(bench: Bench, webhook: SignedWebhook): Promise<Response> {
  const response = await fetch(bench.world.hub.url + webhook.path, {
    method: "POST",
    headers: { ...webhook.headers },
    body: webhook.body,
  });
  await response.arrayBuffer();
  return response;
}

interface FoundMessages {
  readonly messages: {
    readonly records: readonly {
      readonly key: { readonly id: string };
      readonly message: { readonly conversation?: string };
    }[];
  };
}

/** The platform's id of the reply, asked from the platform itself. */
async function replyId(bench: Bench, lane: Lane, number: number): Promise<string> {
  const { origins } = bench.world.simulators;
  const wanted = mark(lane, number);
  const deadline = Date.now() + REPLY_WAIT_MAX_MS;
  while (Date.now() < deadline) {
    const response = await fetch(`${origins.evolution}/chat/findMessages/${lane.source.instance}`, {
      method: "POST",
      headers: { "content-type": "application/json", apikey: bench.apiKey },
      body: JSON.stringify({ where: { key: { fromMe: true } } }),
    });
    const { messages } = (await response.json()) as FoundMessages;
    const found = messages.records.find((one) => one.message.conversation?.includes(wanted));
    if (found) {
      return found.key.id;
    }
    await sleep(10);
  }
  throw new Error(`no reply to ${wanted}`);
}

/** Waits until nothing more is counted. */
async function quiet(bench: Bench): Promise<Tally> {
  let last = "";
  let sinceMs = Date.now();
  for (;;) {
    const text = await (await fetch(`${bench.world.hub.url}/_bench/tally`)).text();
    if (text !== last) {
      last = text;
      sinceMs = Date.now();
    } else if (Date.now() - sinceMs >= QUIET_MS) {
      return JSON.parse(text) as Tally;
    }
    await sleep(50);
  }
}

async function ackTrips(bench: Bench): Promise<AckTrips> {
  const tripsOf = async (webhook: SignedWebhook): Promise<number> =>
    Number((await post(bench, webhook)).headers.get("x-bench-round-trips"));
  const lane = { source: sourceAt(bench, 0), conversation: 0 };
  // What an isolate keeps of a tenant may have aged meanwhile: this one makes it warm again.
  bench.number += 1;
  await post(bench, textOf(lane, bench.number));
  await quiet(bench);
  const tries: number[] = [];
  // On a busy machine coming to rest may take longer than the isolate keeps what it knows: one after the other.
  for (let sent = 0; sent < WARM_TRIES; sent += 1) {
    bench.number += 1;
    tries.push(await tripsOf(textOf(lane, bench.number)));
  }
  const warm = Math.min(...tries);
  const forged = textOf(lane, bench.number);
  const badSignature = await tripsOf({
    ...forged,
    headers: { ...forged.headers, "x-webhook-secret": "wrong" },
  });
  await bench.world.hub.restart();
  bench.number += 1;
  return { warm, badSignature, cold: await tripsOf(textOf(lane, bench.number)) };
}

/** The mean of tallies, each divided by `parts` first. */
function average(tallies: readonly Tally[], parts = 1): Tally {
  const [first] = tallies;
  if (!first) {
    throw new Error("nothing counted");
  }
  const names = Object.keys(first) as (keyof Tally)[];
  const mean = (name: keyof Tally): number =>
    tallies.reduce((sum, tally) => sum + tally[name], 0) / tallies.length / parts;
  return Object.fromEntries(names.map((name) => [name, mean(name)])) as unknown as Tally;
}
