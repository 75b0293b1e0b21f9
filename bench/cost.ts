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
import type { Tally } from "./tally.ts";

export interface MessageCost {
  readonly name: string;
  /** Messages that were in flight together. */
  readonly together: number;
  readonly messages: number;
  /** Per message. */
  readonly counts: Tally;
}

export interface AckTrips {
  /** Sequential storage calls before the answer: isolate warm, isolate just started, signature wrong. */
  readonly warm: number;
  readonly cold: number;
  readonly badSignature: number;
}

export interface CostReport {
  readonly costs: readonly MessageCost[];
  readonly ackTrips: AckTrips;
}

export interface CostOptions {
  /** Rounds per batch size; the counts are averaged over them. */
  readonly rounds: number;
  readonly together: readonly number[];
}

/** The alarm of a conversation comes this long after its message; short, so that the count can wait for it. */
const RING_AFTER_MS = 700;
/** Nothing counted for this long: what the message causes is over. */
const QUIET_MS = RING_AFTER_MS + 500;
const REPLY_WAIT_MAX_MS = 10_000;

type EvolutionSource = WebhookSource & { channel: "whatsapp" };

interface Bench {
  readonly world: World;
  readonly source: EvolutionSource;
  readonly apiKey: string;
  /** Rises with every message, so that none is a duplicate. */
  number: number;
}

/** Starts a counted hub with one WhatsApp connection and measures. */
export async function measureCosts(options: CostOptions): Promise<CostReport> {
  const stateDir = temporaryState();
  const { tenant, sources } = devTenant({
    id: "acme",
    key: "bench",
    routes: { whatsapp: ECHO_ROUTE },
  });
  const world = await startWorld({
    stateDir,
    tenants: [TenantInput.parse(tenant)],
    entry: join(ROOT, "bench/hub-counted.ts"),
    bindings: { RING_AFTER_MS: String(RING_AFTER_MS) },
    quietPlatforms: true,
  });
  try {
    const [source] = sources;
    const [connection] = tenant.connections;
    if (source?.channel !== "whatsapp" || connection?.channel !== "whatsapp") {
      throw new Error("no WhatsApp connection");
    }
    const { apiKey } = connection.credentials;
    return await measure({ world, source, apiKey, number: 0 }, options);
  } finally {
    await world.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function measure(bench: Bench, options: CostOptions): Promise<CostReport> {
  const most = Math.max(...options.together);
  await quiet(bench);
  const first = await round(bench, most);
  const costs: MessageCost[] = [
    { name: "first of a conversation", together: most, messages: most, counts: first },
  ];
  for (const together of options.together) {
    const counts: Tally[] = [];
    for (let done = 0; done < options.rounds; done += 1) {
      counts.push(await round(bench, together));
    }
    costs.push({
      name: `warm, ${together} at a time`,
      together,
      messages: together * options.rounds,
      counts: average(counts),
    });
  }
  return { costs, ackTrips: await ackTrips(bench) };
}

/** One message in each of `together` conversations, to its very end; the counts per message. */
async function round(bench: Bench, together: number): Promise<Tally> {
  const { hub } = bench.world;
  await fetch(`${hub.url}/_bench/tally`, { method: "DELETE" });
  const conversations = Array.from({ length: together }, (_, index) => index);
  bench.number += 1;
  const { number } = bench;
  await Promise.all(conversations.map((index) => post(bench, textOf(bench, index, number))));
  const ids = await Promise.all(conversations.map((index) => replyId(bench, index, number)));
  for (const status of ["DELIVERY_ACK", "READ"] as const) {
    await Promise.all(
      ids.map((id, index) => post(bench, evolutionStatus(bench.source, index, id, status))),
    );
  }
  const counts = await quiet(bench);
  return average([counts], together);
}

function textOf(bench: Bench, conversation: number, number: number): SignedWebhook {
  return signedWebhook(bench.source, {
    conversation,
    number,
    text: `${mark(conversation, number)} how are you today?`,
    atMs: Date.now(),
  });
}

function mark(conversation: number, number: number): string {
  return `[[acme/bench-${conversation}:${number}]]`;
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
async function replyId(bench: Bench, conversation: number, number: number): Promise<string> {
  const { origins } = bench.world.simulators;
  const wanted = mark(conversation, number);
  const deadline = Date.now() + REPLY_WAIT_MAX_MS;
  while (Date.now() < deadline) {
    const response = await fetch(
      `${origins.evolution}/chat/findMessages/${bench.source.instance}`,
      {
        method: "POST",
        headers: { "content-type": "application/json", apikey: bench.apiKey },
        body: JSON.stringify({ where: { key: { fromMe: true } } }),
      },
    );
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
  bench.number += 1;
  const warm = await tripsOf(textOf(bench, 0, bench.number));
  const forged = textOf(bench, 0, bench.number);
  const badSignature = await tripsOf({
    ...forged,
    headers: { ...forged.headers, "x-webhook-secret": "wrong" },
  });
  await bench.world.hub.restart();
  bench.number += 1;
  return { warm, badSignature, cold: await tripsOf(textOf(bench, 0, bench.number)) };
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
