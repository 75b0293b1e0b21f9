/**
 * Slots of a tenant's schedules: decided when their time has come, then started, then written into the history. What
 * was decided is durable before anything is started, and a start under one slot's id is one run, so that whatever is
 * cut off is done again without being done twice.
 */
import { isOver } from "../domain/workflows/run/state.ts";
import type { Slots } from "../domain/workflows/schedule/cron.ts";
import { due, ended, freshState } from "../domain/workflows/schedule/due.ts";
import type { Skipped } from "../domain/workflows/schedule/skipped.ts";
import { slotsOf } from "../domain/workflows/schedule/slots.ts";
import { databaseFor } from "../platform/database.ts";
import { logLine } from "../platform/log.ts";
import { count } from "../platform/metrics.ts";
import type { SlotRecord } from "../platform/repositories/schedule-slots.ts";
import { readSchedules, type StoredSchedule } from "../platform/repositories/schedules.ts";
import { workflowRun } from "../platform/workflow-runs.ts";
import type { Fire, KnownSchedule, SchedulerStorage } from "./workflow-scheduler-storage.ts";

/** A slot that is to be started. */
export interface SlotStart {
  readonly stored: StoredSchedule;
  readonly fire: string;
  readonly slotMs: number;
  readonly nowMs: number;
}

export type SlotStarted =
  | { readonly is: "started"; readonly run: string }
  /** The same start would be refused again. */
  | { readonly is: "refused"; readonly reason: string }
  | { readonly is: "unavailable" };

export type StartSlot = (env: Env, slot: SlotStart) => Promise<SlotStarted>;

/** Schedules decided, and slots started, before others have their turn. */
const SCHEDULES_PER_ROUND = 50;
const STARTS_PER_ROUND = 50;
const STARTS_AT_ONCE = 6;
/** One start, or one look at a run, may take this long, in ms. */
const CALL_MS_MAX = 20_000;
/** A start that found nobody is tried again after this, doubled each time, in ms. */
const AGAIN_MS = 1000;
const AGAIN_CAP_MS = 60_000;
/** Starts of one slot that find nobody, in a row: some hours. Then it is given up. */
const STARTS_MAX = 200;
/** One that could not be decided is looked at again after this, in ms. */
const BROKEN_WAIT_MS = 60_000;
/** Between two looks at a run that a slot waits for, in ms, doubled each time. */
const POLL_MS = 2000;
const POLL_CAP_MS = 60_000;

export class ScheduledSlots {
  readonly #storage: SchedulerStorage;
  readonly #startSlot: StartSlot;
  readonly #compiled = new Map<string, { readonly of: number; readonly slots?: Slots }>();

  constructor(storage: SchedulerStorage, startSlot: StartSlot) {
    this.#storage = storage;
    this.#startSlot = startSlot;
  }

  /** Reads the tenant's schedules anew. Those that have changed are decided first as they were. Rejects as D1 does. */
  async reread(env: Env, tenant: string, nowMs: number): Promise<void> {
    const rows = await readSchedules(databaseFor(env, tenant), tenant);
    const ids = new Set(rows.map(({ schedule }) => schedule.id));
    for (const { stored } of this.#storage.all())
      if (!ids.has(stored.schedule.id)) this.#storage.forget(stored.schedule.id);
    for (const stored of rows) await this.#adopt(env, stored, nowMs);
  }

  /** Decides and starts what is due. True where there is more than one call does. */
  async round(env: Env, nowMs: number): Promise<boolean> {
    const ids = this.#storage.due(nowMs, SCHEDULES_PER_ROUND);
    for (const id of ids) await this.#decide(env, id, nowMs);
    const fires = this.#storage.dueFires(nowMs, STARTS_PER_ROUND);
    for (let at = 0; at < fires.length; at += STARTS_AT_ONCE) {
      const some = fires.slice(at, at + STARTS_AT_ONCE);
      await Promise.all(some.map((fire) => this.#carryOut(env, fire, nowMs)));
    }
    return ids.length > 0 || fires.length > 0;
  }

  async #adopt(env: Env, stored: StoredSchedule, nowMs: number): Promise<void> {
    const { id } = stored.schedule;
    const before = this.#storage.known(id);
    if (before?.stored.createdAtMs !== stored.createdAtMs) {
      if (before) this.#storage.forget(id);
      const state = freshState(stored.createdAtMs);
      return this.#storage.put({ stored, state, wakeMs: stored.createdAtMs, polls: 0 });
    }
    if (before.stored.revision >= stored.revision) return;
    const changedMs = Math.min(stored.updatedAtMs, nowMs);
    await this.#decide(env, id, changedMs);
    const now = this.#storage.known(id) ?? before;
    const decidedMs = isRetimed(before.stored, stored)
      ? Math.max(now.state.decidedMs, changedMs)
      : now.state.decidedMs;
    const state = { ...now.state, decidedMs };
    this.#storage.put({ ...now, stored, state, wakeMs: changedMs });
  }

  /** One that cannot be decided holds up no other. */
  async #decide(env: Env, id: string, nowMs: number): Promise<void> {
    const over = await this.#overOf(env, id);
    // Read anew: the state may be another one since the question was asked.
    const known = this.#storage.known(id);
    if (!known) return;
    try {
      this.#decideWith(known, over, nowMs);
    } catch (error) {
      const tenant = this.#storage.tenant() ?? "";
      const code = error instanceof Error ? error.name : "unknown";
      count("schedules_broken_total", { tenant });
      logLine("schedule.broken", { tenant, key: id, code });
      this.#storage.put({ ...known, wakeMs: nowMs + BROKEN_WAIT_MS });
    }
  }

  #decideWith(known: KnownSchedule, over: readonly string[], nowMs: number): void {
    const { stored, polls } = known;
    const { schedule } = stored;
    const slots = this.#slotsOf(stored);
    if (!slots) {
      this.#storage.put({ ...known, wakeMs: undefined });
      return;
    }
    // What has no place among the fires any more has been given up.
    const lost = known.state.open.filter((fire) => !this.#storage.fire(fire));
    const decision = due(schedule, slots, [...over, ...lost].reduce(ended, known.state), nowMs);
    const { state } = decision;
    const waits = state.waiting.length > 0 && state.open.length > 0;
    const pollMs = waits
      ? nowMs + Math.min(POLL_MS * 2 ** Math.min(polls, 10), POLL_CAP_MS)
      : Infinity;
    const wakeMs = Math.min(decision.wakeAtMs ?? Infinity, pollMs);
    this.#storage.commit({
      known: {
        ...{ stored, state, polls: waits ? polls + 1 : 0 },
        ...(wakeMs === Infinity ? {} : { wakeMs }),
      },
      ended: over,
      fire: decision.fire.map(({ id: fire, slotMs }) => {
        return {
          id: fire,
          schedule: schedule.id,
          slotMs,
          dueMs: nowMs,
          attempts: 0,
          unwanted: false,
        };
      }),
      cancel: decision.cancel,
      records: decision.skipped.map((one) => skippedRecord(stored, one, nowMs)),
    });
  }

  /** Ids of the open slots of a schedule whose runs have ended. A run that cannot be asked goes on. */
  async #overOf(env: Env, id: string): Promise<readonly string[]> {
    const tenant = this.#storage.tenant() ?? "";
    const answers = await Promise.all(
      this.#storage.running(id).map(async ({ id: fire, run = "" }) => {
        const state = workflowRun(env, { tenant, run }).state();
        const known = await inTime(state).catch(() => "unknown" as const);
        return known !== "unknown" && (known === undefined || isOver(known)) ? [fire] : [];
      }),
    );
    return answers.flat();
  }

  #slotsOf({ schedule, updatedAtMs }: StoredSchedule): Slots | undefined {
    const compiled = this.#compiled.get(schedule.id);
    if (compiled?.of === updatedAtMs) return compiled.slots;
    const slots = slotsOf(schedule);
    this.#compiled.set(schedule.id, {
      of: updatedAtMs,
      ...(slots.ok ? { slots: slots.value } : {}),
    });
    return slots.ok ? slots.value : undefined;
  }

  async #carryOut(env: Env, fire: Fire, nowMs: number): Promise<void> {
    if (fire.unwanted) return this.#cancel(env, fire, nowMs);
    const known = this.#storage.known(fire.schedule);
    if (!known) return this.#storage.endFire(fire.id);
    const { stored } = known;
    const start = { stored, fire: fire.id, slotMs: fire.slotMs, nowMs };
    const work = this.#startSlot(env, start);
    const started = await inTime(work).catch(() => ({ is: "unavailable" }) as const);
    // Another slot may have taken its place meanwhile.
    const now = this.#storage.fire(fire.id);
    if (!now) return;
    if (started.is === "started") return this.#started(stored, now, started.run, nowMs);
    const lost = started.is === "unavailable" && now.attempts + 1 < STARTS_MAX;
    if (lost) return this.#tryAgain(now, nowMs);
    this.#refused(stored, now, started.is === "refused" ? started.reason : "unavailable", nowMs);
  }

  #started(stored: StoredSchedule, fire: Fire, run: string, nowMs: number): void {
    const { schedule, slotMs } = fire;
    const { workflow, overlap } = stored.schedule;
    this.#storage.record({
      ...{ schedule, workflow, slotMs, outcome: "fired", slots: 1, run, atMs: nowMs },
    });
    // Where runs may overlap nobody asks whether one has ended.
    if (overlap === "allow") this.#end(fire);
    else this.#storage.putFire({ ...fire, run });
  }

  #refused(stored: StoredSchedule, fire: Fire, reason: string, nowMs: number): void {
    const { schedule, slotMs } = fire;
    const { workflow } = stored.schedule;
    const outcome = reason === "condition" ? "skipped" : "refused";
    this.#storage.record({ schedule, workflow, slotMs, outcome, reason, slots: 1, atMs: nowMs });
    const known = this.#end(fire);
    if (known && known.state.waiting.length > 0) this.#storage.put({ ...known, wakeMs: nowMs });
  }

  #end(fire: Fire): KnownSchedule | undefined {
    const known = this.#storage.known(fire.schedule);
    const next = known && { ...known, state: ended(known.state, fire.id) };
    if (next) this.#storage.put(next);
    this.#storage.endFire(fire.id);
    return next;
  }

  #tryAgain(fire: Fire, nowMs: number): void {
    const attempts = fire.attempts + 1;
    const waitMs = Math.min(AGAIN_MS * 2 ** Math.min(attempts - 1, 10), AGAIN_CAP_MS);
    this.#storage.putFire({ ...fire, attempts, dueMs: nowMs + waitMs });
    const tenant = this.#storage.tenant() ?? "";
    count("schedule_starts_lost_total", { tenant });
    logLine("slot.unstarted", { tenant, key: fire.id, attempt: attempts });
  }

  /** A run that was never started, or has ended, refuses; that is what is wanted. */
  async #cancel(env: Env, fire: Fire, nowMs: number): Promise<void> {
    const tenant = this.#storage.tenant() ?? "";
    const { run, schedule, slotMs } = fire;
    if (run === undefined) {
      const workflow = this.#storage.known(schedule)?.stored.schedule.workflow ?? "";
      const reason = "superseded";
      this.#storage.record({
        ...{ schedule, workflow, slotMs, outcome: "skipped", reason, slots: 1, atMs: nowMs },
      });
      return this.#storage.endFire(fire.id);
    }
    const cancelled = workflowRun(env, { tenant, run }).send({
      is: "cancel",
      reason: "superseded",
    });
    try {
      await inTime(cancelled);
      this.#storage.endFire(fire.id);
    } catch {
      this.#tryAgain(fire, nowMs);
    }
  }
}

/** Other slots than before: those up to now are not asked about. */
function isRetimed(before: StoredSchedule, after: StoredSchedule): boolean {
  const timesOf = ({ schedule: { timing, starts_at, ends_at } }: StoredSchedule) =>
    JSON.stringify([timing, starts_at, ends_at]);
  return timesOf(before) !== timesOf(after);
}

function skippedRecord(
  { schedule: { id: schedule, workflow } }: StoredSchedule,
  { reason, untilMs, slots }: Skipped,
  atMs: number,
): SlotRecord {
  return { schedule, workflow, slotMs: untilMs, outcome: "skipped", reason, slots, atMs };
}

/** Rejects where it takes longer than a call may. The timer goes with it: it would keep the object awake. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("late")), CALL_MS_MAX);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
