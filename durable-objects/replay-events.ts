/**
 * The steps of a replay of events: reads a page of the source that holds the others up, and hands over what may go
 * out, as fast as is asked for and as its subscription has room.
 */
import { changed, type EventsSpec, type Job, waitingFor } from "../domain/events/replay/job.ts";
import {
  advance,
  headroomOf,
  nextStepMs,
  STEP_EVENTS_MAX,
  stepBudget,
} from "../domain/events/replay/pace.ts";
import { replayed, selectorOf, sourcesOf } from "../domain/events/replay/selection.ts";
import {
  nextSource,
  openWalk,
  readyBeforeMs,
  readyOf,
  replayKey,
  type SourceName,
  takePage,
  type Waiting,
  type Walk,
} from "../domain/events/replay/walk.ts";
import { DEPTH_DEFAULT } from "../domain/events/subscribing.ts";
import type { Result } from "../domain/result.ts";
import { databaseFor } from "../platform/database.ts";
import { count } from "../platform/metrics.ts";
import {
  type ArchiveCache,
  type PageRead,
  readLogPage,
  type SourceRange,
  type Standing,
  standingOf,
} from "../platform/replay-log.ts";
import { type MessagesFailure, readMessagePage } from "../platform/replay-messages.ts";
import { estimateRows, handOver, replayEvent } from "../platform/replays.ts";
import type { LoggedEvent } from "../platform/repositories/events.ts";
import type { StoredMessage } from "../platform/repositories/messages.ts";
import { findSubscription } from "../platform/repositories/subscriptions.ts";
import type { Subscription } from "../schema/subscription.ts";
import { parseVars } from "../schema/vars.ts";
import type { ReplayStorage, StepDone } from "./replay-storage.ts";

/** How long the subscriptions and what the shards say of them are believed, in ms. */
const LOOK_TTL_MS = 1000;
/** A subscription without room is looked at again after this, in ms. */
const ROOM_AGAIN_MS = 1000;
/** Rows read at once where only a few may be handed over. */
const PAGE_MIN = 50;
/** A shard that takes nothing now, and does not say when it will, is asked again after this, in seconds. */
const REFUSED_AGAIN_SECONDS = 1;

/** What was seen last of who chooses and who gets the events. */
interface Look {
  readonly atMs: number;
  readonly standing: Standing;
  readonly target: Subscription;
  readonly range: SourceRange;
  readonly sources: readonly SourceName[];
  headroom: number;
}

/** A page taken in: how the walk stands then, and what may go out. */
interface Taken {
  readonly walk: Walk;
  readonly added: readonly Waiting[];
  readonly looked: number;
  readonly waitMs?: number;
}

/** Lives as long as its object; everything in it may be forgotten at any time. */
export class EventsRun {
  readonly #env: Env;
  readonly #spec: EventsSpec;
  readonly #storage: ReplayStorage;
  readonly #logCache: ArchiveCache<LoggedEvent> = {};
  readonly #messageCache: ArchiveCache<StoredMessage> = {};
  #look: Look | undefined;

  constructor(env: Env, spec: EventsSpec, storage: ReplayStorage) {
    this.#env = env;
    this.#spec = spec;
    this.#storage = storage;
  }

  /** `failures`: steps in a row that have rejected; the more, the smaller the page. Rejects as D1, R2 and shards do. */
  async step(job: Job, failures: number): Promise<StepDone> {
    const startedMs = Date.now();
    const look = await this.#lookAgain(job.tenant, startedMs);
    if (!look) return failedStep("subscription_gone");
    const begun = await this.#begun(job, look);
    const budget = stepBudget(this.#spec.ratePerSecond, look.headroom);
    if (budget === 0) return waitStep("backlog", startedMs + ROOM_AGAIN_MS);
    const taken = await this.#take(begun.walk, look, { budget, failures });
    if (!taken.ok) return failedStep(taken.failure.reason);
    const beforeMs = readyBeforeMs(taken.value.walk);
    const stored = this.#storage.waiting(beforeMs, budget);
    const ready = readyOf([...stored, ...taken.value.added], beforeMs, budget);
    const over = await this.#send(job, ready);
    if (over) return over;
    look.headroom -= ready.length;
    return this.#done(begun, taken.value, ready, startedMs);
  }

  /** The job with its first cursor and its estimate. */
  async #begun(job: Job, { sources, range }: Look): Promise<Job & { readonly walk: Walk }> {
    const { walk } = job;
    if (walk) return { ...job, walk };
    const kinds = sources.map((name) => (name === "log" ? "events" : "messages"));
    const rows = await Promise.all(kinds.map((kind) => estimateRows(range, kind)));
    const progress = { ...job.progress, total: rows.reduce((sum, n) => sum + n, 0) };
    return { ...job, progress, walk: openWalk(sources, this.#spec.sinceMs) };
  }

  async #lookAgain(tenant: string, nowMs: number): Promise<Look | undefined> {
    const known = this.#look;
    if (known && nowMs - known.atMs < LOOK_TTL_MS) return known;
    const { subscription, target, sinceMs, untilMs } = this.#spec;
    const env = this.#env;
    const db = databaseFor(env, tenant);
    const [chooser, getter] = await Promise.all([
      findSubscription(db, tenant, subscription),
      findSubscription(db, tenant, target),
    ]);
    if (!chooser || !getter) return undefined;
    const shards = parseVars(env).EVENT_SHARDS;
    const standing = await standingOf({ env, tenant, shards }, target, nowMs);
    const wanted = selectorOf(this.#spec, chooser.subscription);
    this.#look = {
      ...{ atMs: nowMs, standing, target: getter.subscription },
      range: { env, tenant, shards, sinceMs, untilMs, wanted },
      sources: sourcesOf(this.#spec, chooser.subscription),
      headroom: headroomOf(getter.subscription.depth_max ?? DEPTH_DEFAULT, standing.depth),
    };
    return this.#look;
  }

  /** Reads a page, unless enough waits already. */
  async #take(
    walk: Walk,
    look: Look,
    { budget, failures }: { readonly budget: number; readonly failures: number },
  ): Promise<Result<Taken, MessagesFailure>> {
    const waiting = this.#storage.waiting(readyBeforeMs(walk), budget);
    const source = waiting.length < budget ? nextSource(walk) : undefined;
    if (!source) return { ok: true, value: { walk, added: [], looked: 0 } };
    const rows = Math.min(Math.max(budget, PAGE_MIN), STEP_EVENTS_MAX);
    const page = await this.#readPage(source, walk, look, Math.max(1, rows >> failures));
    if (!page.ok) return page;
    const { looked, waitMs } = page.value;
    const taken = { ...takePage(walk, page.value), looked };
    return { ok: true, value: waitMs === undefined ? taken : { ...taken, waitMs } };
  }

  #readPage(
    source: SourceName,
    { sources }: Walk,
    { range, standing }: Look,
    limit: number,
  ): Promise<Result<PageRead, MessagesFailure>> {
    const at = sources[source] ?? { beforeMs: range.sinceMs, ended: false };
    const asked = { limit, nowMs: Date.now(), loggedMs: standing.loggedMs };
    return source === "log"
      ? readLogPage(range, at, this.#logCache, asked)
      : readMessagePage(range, at, this.#messageCache, asked);
  }

  /** Undefined where all of them were taken. */
  async #send(job: Job, ready: readonly Waiting[]): Promise<StepDone | undefined> {
    if (ready.length === 0) return undefined;
    const shards = parseVars(this.#env).EVENT_SHARDS;
    const events = ready.map((one) =>
      replayEvent(replayKey(job.id, one), replayed(one.event, job.id), this.#spec.target),
    );
    const over = await handOver({ env: this.#env, shards }, job.tenant, events);
    if (over.is === "done") return undefined;
    if (over.is === "unavailable") throw new Error("a shard could not be reached");
    if (over.reason === "unknown_subscription") return failedStep("subscription_gone");
    const seconds = over.retryAfterSeconds ?? REFUSED_AGAIN_SECONDS;
    return waitStep(over.reason, Date.now() + seconds * 1000);
  }

  #done(
    begun: Job & { readonly walk: Walk },
    { walk, added, looked, waitMs }: Taken,
    ready: readonly Waiting[],
    startedMs: number,
  ): StepDone {
    const isNew = ({ ordinal }: Waiting) => ordinal >= begun.walk.ordinal;
    const out = new Set(ready);
    const rows = {
      added: added.filter((one) => !out.has(one)),
      gone: ready.filter((one) => !isNew(one)),
    };
    const rest = this.#storage.waiting(Infinity, rows.gone.length + 1).length - rows.gone.length;
    const ended = nextSource(walk) === undefined && rest + rows.added.length === 0;
    const sent = ready.length;
    const idle = waitMs !== undefined && sent === 0;
    const paidMs = nextStepMs(startedMs, sent, this.#spec.ratePerSecond);
    count("replayed_events_total", { tenant: begun.tenant }, sent);
    return {
      rows,
      nextMs: idle ? Date.now() + waitMs : paidMs,
      change: (job) => {
        const nowMs = Date.now();
        const open = waitingFor(job, idle ? "tail" : undefined, nowMs);
        if (idle && open === job && job.walk) return job;
        const { total } = begun.progress;
        const told = { ...job.progress, ...(total === undefined ? {} : { total }) };
        const progress = advance(told, { looked, sent }, Math.max(nowMs, paidMs));
        const state = ended && job.state !== "cancelled" ? "done" : job.state;
        return changed(open, { walk, progress, state }, nowMs);
      },
    };
  }
}

function failedStep(reason: string): StepDone {
  const nowMs = Date.now();
  return {
    nextMs: nowMs,
    rows: { empty: true },
    change: (job) =>
      job.state === "cancelled" ? job : changed(job, { state: "failed", reason }, nowMs),
  };
}

function waitStep(reason: string, nextMs: number): StepDone {
  return { nextMs, change: (job) => waitingFor(job, reason, Date.now()) };
}
