/**
 * The scheduler of one tenant: fires its schedules by alarm, keeps schedules and subscriptions of its workflows'
 * triggers in step with the versions in force, and knows which runs wait for which events. Times come from the caller;
 * only the alarm asks the clock.
 */
import { DurableObject } from "cloudflare:workers";
import { databaseFor } from "../platform/database.ts";
import { throughSeam } from "../platform/fault-seam.ts";
import { logLine } from "../platform/log.ts";
import { flushMetrics } from "../platform/metrics.ts";
import { routeRevisions } from "../platform/repositories/schedules.ts";
import { syncWorkflow } from "../platform/workflow-sync.ts";
import type {
  ArrivedEvent,
  AwaitedEvent,
  AwaitingRun,
  WorkflowSchedulerRpc,
} from "../platform/workflow-triggers.ts";
import { EventAwaits } from "./workflow-scheduler-awaits.ts";
import { writeHistory } from "./workflow-scheduler-history.ts";
import { ScheduledSlots, type SlotStart, type SlotStarted } from "./workflow-scheduler-slots.ts";
import { openSchedulerStorage, type SchedulerStorage } from "./workflow-scheduler-storage.ts";

/** Rounds of one alarm; what is left is done by the next, at once. */
const ROUNDS_MAX = 10;
/** What the database did not take is written again after this, in ms. */
const AGAIN_MS = 5000;
/** An alarm fires from here on if it was set for a moment that is over, in ms (the runtime may be late). */
const LATE_MS = 60_000;
/** Schedules read longer ago are read again before they are trusted, in ms. */
const FRESH_MS = 60_000;

/** How slots are started is the Worker's business: it gives the method. */
export abstract class SchedulerObject extends DurableObject<Env> implements WorkflowSchedulerRpc {
  readonly #storage: SchedulerStorage;
  readonly #awaits: EventAwaits;
  readonly #slots: ScheduledSlots;
  /** One thing at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #readAtMs = -Infinity;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#storage = openSchedulerStorage(ctx.storage);
    this.#awaits = new EventAwaits(ctx.storage);
    this.#slots = new ScheduledSlots(this.#storage, (bindings, slot) =>
      this.startSlot(bindings, slot),
    );
  }

  /** Starts the run of a slot; the same slot again is the same run. */
  protected abstract startSlot(env: Env, slot: SlotStart): Promise<SlotStarted>;

  async await(event: AwaitedEvent): Promise<void> {
    this.#keep(event.tenant);
    await this.#awaits.await(await throughSeam(this.env), event);
  }

  async ignore({ run, step }: Pick<AwaitedEvent, "tenant" | "run" | "step">): Promise<void> {
    this.#awaits.ignore(run, step);
  }

  async arrived(event: ArrivedEvent, nowMs: number): Promise<readonly AwaitingRun[]> {
    this.#keep(event.tenant);
    return this.#awaits.arrived(event, nowMs);
  }

  sync(tenant: string, workflow: string, nowMs: number): Promise<void> {
    return this.#alone(tenant, async (env) => {
      await this.#sync(env, tenant, workflow, nowMs);
      await this.#work(env, tenant, nowMs, true);
    });
  }

  refresh(tenant: string, nowMs: number): Promise<void> {
    return this.#alone(tenant, (env) => this.#work(env, tenant, nowMs, true));
  }

  tick(tenant: string, nowMs: number): Promise<void> {
    return this.#alone(tenant, (env) => this.#work(env, tenant, nowMs, false));
  }

  watch(tenant: string, nowMs: number): Promise<{ readonly late: boolean }> {
    return this.#alone(tenant, async (env) => {
      const alarmMs = await this.ctx.storage.getAlarm();
      const dueMs = this.#storage.nextMs() ?? Infinity;
      const late = dueMs < nowMs - LATE_MS || (dueMs < Infinity && (alarmMs ?? Infinity) > dueMs);
      await this.#syncAll(env, tenant, nowMs);
      await this.#work(env, tenant, nowMs, true);
      return { late };
    });
  }

  async destroy(): Promise<void> {
    await this.#last;
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.ctx.abort("its tenant is gone");
  }

  /** Answers that it lives; `/health` asks. */
  ping(): "ok" {
    return "ok";
  }

  /** Never throws: six failures in a row would end an alarm for good. */
  override async alarm(): Promise<void> {
    const tenant = this.#storage.tenant();
    if (tenant === undefined) return;
    await this.tick(tenant, Date.now()).catch(async (error: unknown) => {
      const code = error instanceof Error ? error.name : "unknown";
      logLine("scheduler.stalled", { tenant, code });
      await this.ctx.storage.setAlarm(Date.now() + AGAIN_MS);
    });
  }

  #keep(tenant: string): void {
    if (this.#storage.tenant() === undefined) this.#storage.keepTenant(tenant);
  }

  #alone<T>(tenant: string, work: (env: Env) => Promise<T>): Promise<T> {
    this.#keep(tenant);
    const done = this.#last.then(async () => work(await throughSeam(this.env)));
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** `anew`: the schedules have changed, or may have. */
  async #work(env: Env, tenant: string, nowMs: number, anew: boolean): Promise<void> {
    const read = await this.#reread(env, tenant, nowMs, anew);
    let more = true;
    for (let round = 0; more && round < ROUNDS_MAX; round += 1)
      more = await this.#slots.round(env, nowMs);
    const written = await writeHistory(env, tenant, this.#storage, nowMs);
    this.#awaits.prune(nowMs);
    await this.#arm(written ? Infinity : nowMs + AGAIN_MS);
    await flushMetrics(env, Date.now());
    if (anew && !read) throw new Error("the schedules could not be read");
  }

  /** What is known is fired even where the database is away. */
  async #reread(env: Env, tenant: string, nowMs: number, anew: boolean): Promise<boolean> {
    if (!anew && Math.abs(nowMs - this.#readAtMs) < FRESH_MS) return true;
    try {
      await this.#slots.reread(env, tenant, nowMs);
      this.#readAtMs = nowMs;
      return true;
    } catch {
      logLine("schedule.unread", { tenant });
      return false;
    }
  }

  async #arm(atMs: number): Promise<void> {
    const nextMs = Math.min(this.#storage.nextMs() ?? Infinity, atMs);
    if (nextMs === Infinity) return;
    const alarmMs = await this.ctx.storage.getAlarm();
    if (alarmMs === null || alarmMs > nextMs) await this.ctx.storage.setAlarm(nextMs);
  }

  async #sync(env: Env, tenant: string, workflow: string, nowMs: number): Promise<void> {
    const { revision, complete, awaitable } = await syncWorkflow(env, tenant, workflow, nowMs);
    this.#awaits.setAwaitable(workflow, awaitable);
    await this.#awaits.bind(env, tenant);
    // What had no room is tried again by every watch.
    if (complete) this.#storage.putSynced(workflow, revision);
  }

  /** Workflows whose routes have changed without anybody saying so. */
  async #syncAll(env: Env, tenant: string, nowMs: number): Promise<void> {
    const revisions = await routeRevisions(databaseFor(env, tenant), tenant);
    const synced = this.#storage.synced();
    for (const workflow of new Set([...revisions.keys(), ...synced.keys()])) {
      if (revisions.get(workflow) === synced.get(workflow)) continue;
      logLine("trigger.followed", { tenant, kind: workflow });
      await this.#sync(env, tenant, workflow, nowMs);
    }
  }
}
