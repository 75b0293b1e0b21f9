/**
 * The Workflows instance that carries a run's commands out, as its object sees it: what it was offered and took, when
 * it has to be woken, and when another one takes its place. Instances are named by number; none is trusted to wake by
 * itself: the local runtime leaves them asleep after a restart until an event comes.
 */
import { instanceIdOf } from "../platform/workflow-ids.ts";
import type { HandsOf, HandTask, RunName } from "../platform/workflow-runs.ts";
import type { Progress, RunStorage } from "./workflow-run-storage.ts";

/** A command that was offered is taken within this, ms, or the hands are woken. */
const TAKEN_WITHIN_MS = 3000;
/** A command that was taken is reported within its own time and this, ms, or other hands come. */
const REPORTED_WITHIN_MS = 120_000;
/** Waits before the hands are woken again, ms. */
const WAKE_WAITS_MS = [1000, 2000, 5000, 15_000, 30_000] as const;
const WAKE_WAIT_CAP_MS = 60_000;
/** Wakes without an answer, after which the instance is looked at. */
const LOOK_AFTER_WAKES = 3;
/** Wakes of hands that only have to learn that the run is over. */
const FAREWELLS_MAX = 3;
const BEAT_MIN_MS = 5000;
const BEAT_MAX_MS = 60_000;
const RETENTION = { successRetention: "1 day", errorRetention: "3 days" } as const;
const DEAD: ReadonlySet<string> = new Set(["errored", "terminated", "complete"]);

interface Known {
  readonly atMs: number;
  readonly taken: boolean;
}

export class Hands {
  readonly #storage: RunStorage;
  /** Commands by key, as this incarnation of the object has seen them offered and taken. */
  #known = new Map<string, Known>();
  #wakes = 0;
  #nextWakeMs = 0;

  constructor(storage: RunStorage) {
    this.#storage = storage;
  }

  /** True for the instance at work; any other has to go. */
  isCurrent(generation: number): boolean {
    const progress = this.#storage.progress();
    return progress.generation === generation && !progress.ended;
  }

  /** The hands have called. */
  heard(): void {
    this.#wakes = 0;
    this.#nextWakeMs = 0;
  }

  offered(tasks: readonly HandTask[], nowMs: number): void {
    const before = this.#known;
    const offered = { atMs: nowMs, taken: false };
    this.#known = new Map(tasks.map(({ key }) => [key, before.get(key) ?? offered]));
  }

  taken(key: string, nowMs: number): void {
    this.#known.set(key, { atMs: nowMs, taken: true });
  }

  /** They let go: the next work is for others. */
  ended(): void {
    const progress = this.#storage.progress();
    if (!progress.ended) this.#storage.saveProgress({ ...progress, ended: true });
    this.#known.clear();
    this.heard();
  }

  /** When something has to be done about them, ms; undefined: not as things stand. */
  dueMs(tasks: readonly HandTask[], over: boolean, nowMs: number): number | undefined {
    const { created, ended } = this.#storage.progress();
    if (over)
      return created && !ended && this.#wakes < FAREWELLS_MAX ? this.#nextWakeMs : undefined;
    if (tasks.length === 0) return undefined;
    const dues = tasks.map(({ key, timeoutMs }) => {
      const known = this.#known.get(key);
      if (!known) return this.#nextWakeMs;
      if (!known.taken) return Math.max(known.atMs + TAKEN_WITHIN_MS, this.#nextWakeMs);
      const age = nowMs - known.atMs;
      const beat = Math.min(Math.max(age / 2, BEAT_MIN_MS), BEAT_MAX_MS);
      return Math.min(nowMs + beat, known.atMs + timeoutMs + REPORTED_WITHIN_MS);
    });
    return Math.min(...dues);
  }

  /** Wakes them where it is due, or sends for others. Rejects as the Workflows binding does. */
  async attend(env: Env, of: RunName, tasks: readonly HandTask[], over: boolean): Promise<void> {
    const nowMs = Date.now();
    if (!over && tasks.some(({ key, timeoutMs }) => this.#isLost(key, timeoutMs, nowMs)))
      this.ended();
    const waiting = over || tasks.some(({ key }) => !this.#known.get(key)?.taken);
    const dueMs = this.dueMs(tasks, over, nowMs);
    if (!waiting || dueMs === undefined || dueMs > nowMs) return;
    this.#wakes += 1;
    this.#nextWakeMs = nowMs + (WAKE_WAITS_MS[this.#wakes - 1] ?? WAKE_WAIT_CAP_MS);
    await this.#wake(env, of, over);
  }

  /** Deletes every instance there was. Rejects as the Workflows binding does. */
  async remove(env: Env, run: string): Promise<void> {
    const progress = this.#storage.progress();
    for (let n = progress.deleted + 1; n <= progress.generation; n++) {
      try {
        await (await env.RUN_WORKFLOW.get(instanceIdOf(run, n))).delete();
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
    this.#storage.saveProgress({
      ...this.#storage.progress(),
      ...{ deleted: progress.generation, ended: true },
    });
  }

  #isLost(key: string, timeoutMs: number, nowMs: number): boolean {
    const known = this.#known.get(key);
    return known?.taken === true && nowMs - known.atMs > timeoutMs + REPORTED_WITHIN_MS;
  }

  async #wake(env: Env, of: RunName, over: boolean): Promise<void> {
    const progress = this.#storage.progress();
    if (progress.generation === 0 || progress.ended) {
      if (over) return;
      return this.#create(env, of, this.#next(progress));
    }
    if (!progress.created) return this.#create(env, of, progress);
    const instance = await env.RUN_WORKFLOW.get(instanceIdOf(of.run, progress.generation));
    if (this.#wakes > LOOK_AFTER_WAKES && DEAD.has((await instance.status()).status))
      return over ? this.ended() : this.#create(env, of, this.#next(progress));
    await instance.sendEvent({ type: "wake", payload: {} });
  }

  #next(progress: Progress): Progress {
    const next = { ...progress, generation: progress.generation + 1, created: false, ended: false };
    this.#storage.saveProgress(next);
    this.#known.clear();
    return next;
  }

  async #create(env: Env, { tenant, run }: RunName, { generation }: Progress): Promise<void> {
    const id = instanceIdOf(run, generation);
    const params: HandsOf = { tenant, run, generation };
    try {
      await env.RUN_WORKFLOW.create({ id, params, retention: RETENTION });
    } catch (error) {
      if (!/already.exists/i.test(textOf(error))) throw error;
      // Created by a call whose answer was lost: it may sleep.
      await (await env.RUN_WORKFLOW.get(id)).sendEvent({ type: "wake", payload: {} });
    }
    this.#storage.saveProgress({ ...this.#storage.progress(), created: true });
  }
}

function isMissing(error: unknown): boolean {
  return /not.found/i.test(textOf(error));
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
