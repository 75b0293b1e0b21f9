/**
 * A crash run: senders that behave like platforms, simulators that answer like them (badly at times), and a
 * hub whose runtime is killed again and again. Ends when the hub is quiet, and says what both sides saw.
 */
import type { WebhookSource } from "../webhooks.ts";
import type { World } from "../world.ts";
import { breakBindings, mendBindings } from "./bindings.ts";
import { effectsOf } from "./effects.ts";
import { type Effect, judge, type SentMessage, type Verdict } from "./judge.ts";
import { killRepeatedly, recoveries } from "./killer.ts";
import { listedBy, reconciledBy, stories } from "./listed.ts";
import { type Random, seededRandom } from "./random.ts";
import { type SenderAnswer, sendConversation } from "./sender.ts";
import type { EventVerdict, Subscribers } from "./subscribers.ts";

export interface CrashOptions {
  readonly seed: number;
  /** The time in which messages are sent and the hub is killed. */
  readonly seconds: number;
  readonly messages: number;
  readonly kills: number;
  /** Planned failures of the platforms. */
  readonly faults: number;
  /** Whether the hub's own database, store, queues and objects fail too. */
  readonly bindings: boolean;
  /** Customers' webhooks, where there are some. */
  readonly subscribers?: Subscribers;
}

export interface CrashReport extends Verdict {
  /** What reached the subscriptions; absent without subscribers. */
  readonly events?: EventVerdict;
  /** Uncertain sends settled by asking the platform; at least, since a kill loses counters. */
  readonly reconciled: number;
  /** Messages still worked on when the run gave up waiting. */
  readonly stuck: number;
  readonly kills: number;
  readonly faults: number;
  /** From each kill to the next accepted webhook: the longest, ms. */
  readonly recoveryMs: number;
  readonly seed: number;
}

/** One channel of one tenant. */
export interface Lane {
  readonly tenant: string;
  readonly source: WebhookSource;
}

const CONVERSATIONS_PER_LANE = 4;
const DUPLICATE_CHANCE = 0.2;
/** Senders have at least this long after the last kill: a busy machine sends no fewer messages, only later. */
const SENDING_REST_MIN_MS = 60_000;
/** Quiet: as long as this nothing new has arrived at any platform, and everything acknowledged is answered or listed. */
const QUIET_MS = 1500;
const QUIET_WAIT_MAX_MS = 90_000;
/** Lost messages whose timeline is shown. */
const STORIES_MAX = 3;
const FAULT_KINDS = ["status", "reset", "reset-after", "timeout-after", "garbage"] as const;
const FAULT_STATUSES = [429, 500, 502, 503] as const;

/** Runs it all. `say` gets a line of progress now and then. */
export async function runCrash(
  world: World,
  lanes: readonly Lane[],
  options: CrashOptions,
  say: (line: string) => void,
): Promise<CrashReport> {
  const random = seededRandom(options.seed);
  const answers: SenderAnswer[] = [];
  const stopSending = new AbortController();
  const spreadMs = options.seconds * 1000;
  const senders = startSenders(world, lanes, options, random, stopSending.signal, answers);
  const faulting = planFaults(world, options, spreadMs, random);
  if (options.bindings) await breakBindings(world.hub, options.seed);
  const kills = await killRepeatedly({
    hub: world.hub,
    kills: options.kills,
    withinMs: spreadMs,
    random,
    onKill: (kill, done) =>
      say(
        `kill ${done} of ${options.kills}, up again after ${kill.upAtMs - kill.killedAtMs} ms, ${count(answers)} acknowledged`,
      ),
  });
  await faulting;
  options.subscribers?.receiver.script([]);
  for (const simulator of [...world.simulators.platforms, world.simulators.hive]) {
    simulator.clearFaults();
  }
  const restMs = Math.max(spreadMs, SENDING_REST_MIN_MS);
  const sent = await withDeadline(senders, restMs, () => stopSending.abort());
  if (options.bindings) await mendBindings(world.hub);
  say(
    `${sent.length} sent, ${sent.filter((message) => message.acked).length} acknowledged; waiting for quiet`,
  );
  const { verdict, stuck } = await settled(world, sent, say);
  const events = await eventsSettled(options.subscribers, sent, say);
  const accepted = answers.filter(isAccepted).map((answer) => answer.atMs);
  return {
    ...verdict,
    ...(events && { events }),
    reconciled: await reconciledBy(world.hub),
    stuck,
    kills: kills.length,
    faults: options.faults,
    recoveryMs: Math.max(0, ...recoveries(kills, accepted)),
    seed: options.seed,
  };
}

async function startSenders(
  world: World,
  lanes: readonly Lane[],
  options: CrashOptions,
  random: Random,
  signal: AbortSignal,
  answers: SenderAnswer[],
): Promise<SentMessage[]> {
  const conversations = lanes.length * CONVERSATIONS_PER_LANE;
  const sent = await Promise.all(
    lanes.flatMap(({ tenant, source }) =>
      Array.from({ length: CONVERSATIONS_PER_LANE }, (_, index) =>
        sendConversation({
          url: world.hub.url,
          tenant,
          source,
          index,
          messages: Math.ceil(options.messages / conversations),
          spreadMs: options.seconds * 1000,
          duplicateChance: DUPLICATE_CHANCE,
          random: seededRandom(random.int(0, 2 ** 31)),
          signal,
          onAnswer: (answer) => answers.push(answer),
        }),
      ),
    ),
  );
  return sent.flat();
}

async function planFaults(
  world: World,
  { faults, subscribers }: CrashOptions,
  withinMs: number,
  random: Random,
): Promise<void> {
  for (let planned = 0; planned < faults; planned += 1) {
    const status = random.pick(FAULT_STATUSES);
    random.pick([...world.simulators.platforms, world.simulators.hive]).fault({
      next: 1,
      kind: random.pick(FAULT_KINDS),
      status,
      ...(status === 429 && { retryAfter: 1 }),
    });
    subscribers?.fail(random);
    await new Promise((resolve) => setTimeout(resolve, withinMs / faults));
  }
}

async function withDeadline<T>(work: Promise<T>, ms: number, late: () => void): Promise<T> {
  const timer = setTimeout(late, ms);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until nothing moves and nothing is missing, or until it is clear that something will not come. */
async function settled(
  world: World,
  sent: readonly SentMessage[],
  say: (line: string) => void,
): Promise<{ readonly verdict: Verdict; readonly stuck: number }> {
  const startMs = Date.now();
  let effects: Effect[] = [];
  let changedAtMs = startMs;
  for (;;) {
    const now = world.simulators.platforms.flatMap((simulator) => effectsOf(simulator.calls()));
    if (now.length !== effects.length) {
      effects = now;
      changedAtMs = Date.now();
    }
    const waitedMs = Date.now() - startMs;
    if (Date.now() - changedAtMs >= QUIET_MS) {
      const listed = await listedBy(world.hub, [...new Set(sent.map((message) => message.tenant))]);
      const verdict = judge(sent, effects, listed);
      if (listed.working === 0 || waitedMs >= QUIET_WAIT_MAX_MS) {
        say(`${listed.working} still worked on; quiet after ${Math.round(waitedMs / 1000)} s`);
        for (const story of await stories(world.hub, verdict.lostMarks.slice(0, STORIES_MAX))) {
          say(story);
        }
        return { verdict, stuck: listed.working };
      }
      changedAtMs = Date.now();
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Waits until every event that is owed has come, or until it is clear that one will not. */
async function eventsSettled(
  subscribers: Subscribers | undefined,
  sent: readonly SentMessage[],
  say: (line: string) => void,
): Promise<EventVerdict | undefined> {
  if (!subscribers) return undefined;
  const startMs = Date.now();
  for (;;) {
    const verdict = subscribers.verdict(sent);
    const waitedMs = Date.now() - startMs;
    if (verdict.missing === 0 || waitedMs >= QUIET_WAIT_MAX_MS) {
      say(`${verdict.received} of ${verdict.owed} events after ${Math.round(waitedMs / 1000)} s`);
      return verdict;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function isAccepted(answer: SenderAnswer): boolean {
  return answer.status !== undefined && answer.status >= 200 && answer.status < 300;
}

function count(answers: readonly SenderAnswer[]): number {
  return answers.filter(isAccepted).length;
}
