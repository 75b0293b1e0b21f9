/**
 * The Workflows instance that carries a run's commands out, as its object sees it: what it was offered and has
 * accepted, when it has to be woken or looked at, and when another one takes its place. Instances are named by number;
 * none is trusted to wake by itself: the local runtime leaves them asleep after a restart until an event comes.
 */
import { count } from "../platform/metrics.ts";
import { instanceIdOf } from "../platform/workflow-ids.ts";
import type { HandsOf, HandTask, RunName } from "../platform/workflow-runs.ts";
import type { Progress, RunStorage } from "./workflow-run-storage.ts";

/** A command that was offered is accepted within this, ms, or the hands are woken. */
const ACCEPTED_WITHIN_MS = 3000;
/** A command that was taken is reported within its own time and this, ms, or other hands come. */
const REPORTED_WITHIN_MS = 120_000;
/** Waits before the hands are woken again, ms. */
const WAKE_WAITS_MS = [1000, 2000, 5000, 15_000, 30_000] as const;
const WAKE_WAIT_CAP_MS = 60_000;
/** Waits after Workflows could not be reached, ms: it is asked again sooner than hands that do not answer. */
const UNREACHED_WAITS_MS = [500, 1000, 2000] as const;
const UNREACHED_WAIT_CAP_MS = 5000;
/** Wakes of hands that only have to learn that the run is over. */
const FAREWELLS_MAX = 3;
/** Hands at work are looked at after this, ms, and twice as late each time. */
const LOOK_MIN_MS = 5000;
const LOOK_MAX_MS = 60_000;
const RETENTION = { successRetention: "1 day", errorRetention: "3 days" } as const;
const DEAD: ReadonlySet<string> = new Set(["errored", "terminated", "complete"]);

/** `accepted`: the hands have it in line. `taken`: they carry it out since `atMs`. */
interface Known {
  readonly atMs: number;
  readonly is: "offered" | "accepted" | "taken";
}

export class Hands {
  readonly #storage: RunStorage;
  /** Commands by key, as this incarnation of the object has seen them. */
  #known = new Map<string, Known>();
  #wakes = 0;
  #unreached = 0;
  #nextWakeMs = 0;
  #lookWaitMs = LOOK_MIN_MS;
  #nextLookMs = 0;

  constructor(storage: RunStorage) {
    this.#storage = storage;
  }

  /** True for the instance at work; any other has to go. */
  isCurrent(generation: number): boolean {
    const progress = this.#storage.progress();
    return progress.generation === generation && !progress.ended;
  }

  /** The hands have called. */
  heard(nowMs: number): void {
    this.#wakes = 0;
    this.#unreached = 0;
    this.#nextWakeMs = 0;
    this.#lookWaitMs = LOOK_MIN_MS;
    this.#nextLookMs = nowMs + LOOK_MIN_MS;
  }

  /** They are told of these; `accepted`: what they say they have, where they say so. */
  offered(tasks: readonly HandTask[], nowMs: number, accepted?: readonly string[]): void {
    const before = this.#known;
    const has = accepted && new Set(accepted);
    this.#known = new Map(
      tasks.map(({ key }) => {
        const known = before.get(key);
        if (!has) return [key, known ?? { atMs: nowMs, is: "offered" }];
        if (!has.has(key)) return [key, { atMs: nowMs, is: "offered" }];
        return [key, known?.is === "taken" ? known : { atMs: nowMs, is: "accepted" }];
      }),
    );
  }

  taken(key: string, nowMs: number): void {
    this.#known.set(key, { atMs: nowMs, is: "taken" });
  }

  /** They let go: the next work is for others. */
  ended(): void {
    const progress = this.#storage.progress();
    if (!progress.ended) this.#storage.saveProgress({ ...progress, ended: true });
    this.#known.clear();
    this.heard(0);
  }

  /** When something has to be done about them, ms; undefined: not as things stand. */
  dueMs(tasks: readonly HandTask[], over: boolean): number | undefined {
    if (over) {
      const { created, ended } = this.#storage.progress();
      const tries = this.#wakes + this.#unreached;
      return created && !ended && tries < FAREWELLS_MAX ? this.#nextWakeMs : undefined;
    }
    if (tasks.length === 0) return undefined;
    return Math.min(...tasks.map((task) => this.#dueOf(task)));
  }

  #dueOf({ key, timeoutMs }: HandTask): number {
    const known = this.#known.get(key);
    if (!known) return this.#nextWakeMs;
    if (known.is === "offered") return Math.max(known.atMs + ACCEPTED_WITHIN_MS, this.#nextWakeMs);
    if (known.is === "accepted") return this.#nextLookMs;
    return Math.min(this.#nextLookMs, known.atMs + timeoutMs + REPORTED_WITHIN_MS);
  }

  /** Wakes them where it is due, looks after them, or sends for others. Rejects as the Workflows binding does. */
  async attend(env: Env, of: RunName, tasks: readonly HandTask[], over: boolean): Promise<void> {
    const nowMs = Date.now();
    if (!over && tasks.some((task) => this.#isLost(task, nowMs))) this.ended();
    const dueMs = this.dueMs(tasks, over);
    if (dueMs === undefined || dueMs > nowMs) return;
    const known = tasks.map(({ key }) => this.#known.get(key)?.is ?? "offered");
    if (!over && !known.includes("offered")) return this.#look(env, of, nowMs);
    await this.#wakeOnce(env, of, over);
  }

  async #wakeOnce(env: Env, of: RunName, over: boolean): Promise<void> {
    this.#wakes += 1;
    this.#nextWakeMs = Date.now() + (WAKE_WAITS_MS[this.#wakes - 1] ?? WAKE_WAIT_CAP_MS);
    try {
      await this.#wake(env, of, over);
      this.#unreached = 0;
    } catch (error) {
      const waitMs = UNREACHED_WAITS_MS[this.#unreached] ?? UNREACHED_WAIT_CAP_MS;
      this.#unreached += 1;
      this.#wakes = Math.max(this.#wakes - 1, 0);
      this.#nextWakeMs = Date.now() + waitMs;
      throw error;
    }
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

  #isLost({ key, timeoutMs }: HandTask, nowMs: number): boolean {
    const known = this.#known.get(key);
    return known?.is === "taken" && nowMs - known.atMs > timeoutMs + REPORTED_WITHIN_MS;
  }

  /** Hands that are at work may have been ended by somebody. */
  async #look(env: Env, of: RunName, nowMs: number): Promise<void> {
    this.#lookWaitMs = Math.min(this.#lookWaitMs * 2, LOOK_MAX_MS);
    this.#nextLookMs = nowMs + this.#lookWaitMs;
    if (await this.#isDead(env, of)) await this.#replace(env, of);
  }

  async #wake(env: Env, of: RunName, over: boolean): Promise<void> {
    const { generation, ended, created } = this.#storage.progress();
    if (generation === 0 || ended) return over ? undefined : this.#replace(env, of);
    if (!created) return this.#create(env, of, generation);
    try {
      const instance = await env.RUN_WORKFLOW.get(instanceIdOf(of.run, generation));
      // The local runtime takes events for instances that have ended, so a wake says nothing; a look does.
      if (this.#wakes > 1 && DEAD.has((await instance.status()).status))
        return over ? this.ended() : this.#replace(env, of);
      await instance.sendEvent({ type: "wake", payload: {} });
    } catch (error) {
      if (!isMissing(error)) throw error;
      return over ? this.ended() : this.#replace(env, of);
    }
    count("workflow_wakes_total", { outcome: "woken" });
  }

  async #isDead(env: Env, { run }: RunName): Promise<boolean> {
    try {
      const instance = await env.RUN_WORKFLOW.get(
        instanceIdOf(run, this.#storage.progress().generation),
      );
      return DEAD.has((await instance.status()).status);
    } catch (error) {
      if (isMissing(error)) return true;
      throw error;
    }
  }

  /** The next instance in place of the one there was. */
  async #replace(env: Env, of: RunName): Promise<void> {
    const progress = this.#storage.progress();
    const generation = progress.generation + 1;
    const next: Progress = { ...progress, generation, created: false, ended: false };
    this.#storage.saveProgress(next);
    this.#known.clear();
    if (generation > 1) count("workflow_wakes_total", { outcome: "replaced" });
    await this.#create(env, of, generation);
  }

  async #create(env: Env, { tenant, run }: RunName, generation: number): Promise<void> {
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
