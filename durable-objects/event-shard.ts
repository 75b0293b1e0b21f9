/**
 * One shard of the event bus. Loads, lets `domain/events/shard` decide, saves; rings the `events` queue for
 * subscriptions that have something to deliver, and by alarm whenever time alone changes something. Which
 * subscriptions there are it reads from the tenant's database and is told when they change.
 */
import { DurableObject } from "cloudflare:workers";
import { type AppendReply, append } from "../domain/events/shard/append.ts";
import {
  configure,
  forgetDeads,
  type Hastened,
  type HastenRequest,
  hasten,
  removeSubscription,
  setPaused,
  type UnblockRequest,
  unblock,
} from "../domain/events/shard/control.ts";
import { depthOf } from "../domain/events/shard/draft.ts";
import {
  alarmAtMs,
  type Gauges,
  gauges,
  ring,
  type Tokens,
  tokenArrived,
  tokensAtRest,
} from "../domain/events/shard/due.ts";
import { type LeaseReply, type LeaseRequest, lease } from "../domain/events/shard/lease.ts";
import type { DeadRow, ShardView, Step } from "../domain/events/shard/rows.ts";
import { type Settled, type Settlement, settle } from "../domain/events/shard/settle.ts";
import { tick } from "../domain/events/shard/tick.ts";
import { fail } from "../domain/result.ts";
import { type EventCatalogue, loadCatalogue } from "../platform/event-catalogue.ts";
import { createShardReport } from "../platform/event-metrics.ts";
import type { BlockedDelivery, ShardEvent, ShardName } from "../platform/event-shards.ts";
import { throughSeam } from "../platform/fault-seam.ts";
import { flushMetrics } from "../platform/metrics.ts";
import { ringEvents } from "../platform/queues.ts";
import { openShardRows } from "./event-shard-storage.ts";

/** Subscriptions are read again after this, in ms, in case a word of their change was lost. */
const CATALOGUE_TTL_MS = 60_000;
/** A failed alarm comes again after this, in ms. */
const ALARM_AGAIN_MS = 5000;
/** While something waits, the metrics hear of it this often, in ms: a queue nobody touches must not look fresh. */
const WATCH_MS = 60_000;
const NAME = "name";
const BEHIND = "behind";

export class EventShard extends DurableObject<Env> {
  readonly #rows: ReturnType<typeof openShardRows>;
  #tokens: Tokens = new Map();
  #name: ShardName | undefined;
  #catalogue: EventCatalogue | undefined;
  /** Readings of the catalogue begun, and which of them is in use. */
  #readings = 0;
  #adopted = 0;
  #alarmAtMs: number | undefined;
  readonly #report: ReturnType<typeof createShardReport>;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#rows = openShardRows(ctx.storage.sql);
    this.#name = ctx.storage.kv.get<ShardName>(NAME);
    this.#report = createShardReport(ctx.storage.kv.get<readonly string[]>(BEHIND));
    ctx.blockConcurrencyWhile(async () => {
      this.#alarmAtMs = (await ctx.storage.getAlarm()) ?? undefined;
    });
  }

  /** Stores events, each key once within 24 h. Durable when it answers. */
  async publish(of: ShardName, events: readonly ShardEvent[]): Promise<AppendReply> {
    this.#keepName(of);
    const catalogue = await this.#knowing(of, events);
    const unknown = catalogue.unknownIn(events);
    if (unknown !== undefined) return fail({ reason: "unknown_subscription", id: unknown });
    const nowMs = Date.now();
    const routed = events.map((event) => ({ ...event, targets: catalogue.targetsOf(event) }));
    const subscriptions = catalogue.configsOf(new Set(routed.flatMap(({ targets }) => targets)));
    const reply = this.#run((view) =>
      append(view, { events: routed, subscriptions, nowMs }, Math.random),
    );
    this.#holdPaused(catalogue);
    this.#wake(nowMs);
    return reply;
  }

  lease(request: Omit<LeaseRequest, "secret" | "nowMs">): LeaseReply {
    const nowMs = this.#hear();
    this.#tokens = tokenArrived(this.#tokens, request.subscription);
    const secret = crypto.randomUUID();
    const reply = this.#run((view) => lease(view, { ...request, secret, nowMs }));
    this.#wake(nowMs);
    return reply;
  }

  settle(token: string, results: readonly Settlement[]): readonly Settled[] {
    const nowMs = this.#hear();
    const request = { token, results, nowMs };
    this.#tokens = tokensAtRest(this.#rows.view, this.#tokens, request);
    const reply = this.#run((view) => settle(view, request, Math.random));
    this.#wake(nowMs);
    return reply;
  }

  /** The tenant's subscriptions have changed. */
  async refresh(of: ShardName): Promise<void> {
    this.#keepName(of);
    await this.#read(of);
    this.#wake(this.#hear());
  }

  unblock(request: Omit<UnblockRequest, "nowMs">): boolean {
    const nowMs = this.#hear();
    const done = this.#run((view) => unblock(view, { ...request, nowMs }, Math.random));
    this.#wake(nowMs);
    return done;
  }

  hasten(request: Omit<HastenRequest, "nowMs">): Hastened {
    const nowMs = this.#hear();
    const reply = this.#run((view) => hasten(view, { ...request, nowMs }, Math.random));
    this.#wake(nowMs);
    return reply;
  }

  blocked(subscription: string, limit: number): readonly BlockedDelivery[] {
    const rows = this.#rows.view.blocked(subscription, limit);
    const events = this.#rows.view.events(rows.map(({ key }) => key));
    return rows.map(({ group, seq, attempts, notes, atMs, key }) => {
      return { group, seq, attempts, notes, atMs, eventId: events.get(key)?.event.event_id ?? "" };
    });
  }

  deads(limit: number): readonly DeadRow[] {
    this.#tokens = tokenArrived(this.#tokens, "$dead");
    return this.#rows.view.deads(limit);
  }

  forgetDeads(ids: readonly string[]): void {
    this.#run(() => forgetDeads(ids));
    this.#wake(Date.now());
  }

  gauges(): readonly Gauges[] {
    return gauges(this.#rows.view, this.#hear());
  }

  async destroy(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.ctx.abort("its tenant is gone");
  }

  /** What time alone changes. Never throws: six failures in a row would end an alarm for good. */
  override async alarm(): Promise<void> {
    this.#alarmAtMs = undefined;
    try {
      // A subscription that was resumed or deleted while nobody could tell this object would wait for ever.
      if (this.#name) await this.#current(this.#name).catch(() => undefined);
      this.#wake(this.#hear());
    } catch {
      this.#alarmAtMs = Date.now() + ALARM_AGAIN_MS;
      await this.ctx.storage.setAlarm(this.#alarmAtMs);
    }
  }

  /** Answers that it lives; `/health` asks. */
  ping(): "ok" {
    return "ok";
  }

  /** Lets the clock have its say first; answers the time. */
  #hear(): number {
    const nowMs = Date.now();
    while (this.#run((view) => tick(view, nowMs, Math.random)));
    return nowMs;
  }

  #run<R>(decide: (view: ShardView) => Step<R>): R {
    const step = decide(this.#rows.view);
    if (step.writes.length === 0) return step.reply;
    try {
      this.ctx.storage.transactionSync(() => this.#rows.apply(step.writes));
    } catch (error) {
      this.#rows.reload();
      throw error;
    }
    return step.reply;
  }

  /** Rings for what can be delivered and sets the alarm for what can't yet. */
  #wake(nowMs: number): void {
    const name = this.#name;
    if (name) {
      const rung = ring(this.#rows.view, this.#tokens, nowMs);
      this.#tokens = rung.tokens;
      if (rung.subscriptions.length > 0) this.ctx.waitUntil(this.#ring(name, rung.subscriptions));
      this.#tell(name, nowMs);
    }
    const atMs = Math.min(
      alarmAtMs(this.#rows.view, this.#tokens, nowMs) ?? Infinity,
      this.#holds() ? nowMs + WATCH_MS : Infinity,
    );
    if (atMs === Infinity || (this.#alarmAtMs !== undefined && this.#alarmAtMs <= atMs)) return;
    this.#alarmAtMs = atMs;
    void this.ctx.storage.setAlarm(atMs);
  }

  /** How far behind its subscriptions are, to the metrics. */
  #tell(name: ShardName, nowMs: number): void {
    const { view } = this.#rows;
    const empty = view.subscriptions().every((row) => depthOf(row) === 0);
    if (!this.#report.due(nowMs, empty)) return;
    if (this.#report.tell(name, gauges(view, nowMs), nowMs))
      this.ctx.storage.kv.put(BEHIND, this.#report.behind());
    // At once: an object that falls asleep now would keep its last word to itself.
    this.ctx.waitUntil(flushMetrics(this.env, nowMs, 0));
  }

  /**
   * Whether something waits here, or is shown to wait: its age grows, and a subscription that was held may have
   * been released already.
   */
  #holds(): boolean {
    const rows = this.#rows.view.subscriptions();
    return rows.some((row) => depthOf(row) > 0) || this.#report.behind().length > 0;
  }

  /** A token that can't be sent is one that was lost: the alarm sends the next. */
  async #ring(name: ShardName, subscriptions: readonly string[]): Promise<void> {
    try {
      await ringEvents(await throughSeam(this.env), name, subscriptions);
    } catch {
      // The alarm set with it is the next try.
    }
  }

  #keepName(of: ShardName): void {
    if (this.#name) return;
    this.#name = of;
    this.ctx.storage.kv.put(NAME, of);
  }

  /** The catalogue, read anew where an event names a subscription that may be younger than it. */
  async #knowing(of: ShardName, events: readonly ShardEvent[]): Promise<EventCatalogue> {
    const catalogue = await this.#current(of);
    if (catalogue.unknownIn(events) === undefined) return catalogue;
    return this.#read(of);
  }

  async #current(of: ShardName): Promise<EventCatalogue> {
    const known = this.#catalogue;
    if (known && Date.now() - known.readAtMs < CATALOGUE_TTL_MS) return known;
    try {
      return await this.#read(of);
    } catch (error) {
      if (known) return known;
      throw error;
    }
  }

  /** Of two readings that overlap, the one that began last counts: it cannot know less. */
  async #read(of: ShardName): Promise<EventCatalogue> {
    this.#readings += 1;
    const reading = this.#readings;
    const catalogue = await loadCatalogue(await throughSeam(this.env), of.tenant, Date.now());
    if (this.#catalogue && this.#adopted > reading) return this.#catalogue;
    this.#adopted = reading;
    return this.#adopt(catalogue);
  }

  /** What has changed for subscriptions that have rows here; the others come with their first event. */
  #adopt(catalogue: EventCatalogue): EventCatalogue {
    this.#catalogue = catalogue;
    for (const { config } of this.#rows.view.subscriptions()) {
      const now = catalogue.configsOf(new Set([config.id]))[0];
      this.#run((view) => (now ? configure(view, now) : removeSubscription(view, config.id)));
    }
    this.#holdPaused(catalogue);
    return catalogue;
  }

  #holdPaused(catalogue: EventCatalogue): void {
    for (const { config } of this.#rows.view.subscriptions()) {
      this.#run((view) => setPaused(view, config.id, catalogue.isHeld(config.id)));
    }
  }
}
