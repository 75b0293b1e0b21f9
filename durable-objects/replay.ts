/**
 * One replay, of events or of dead letters: goes through them step by step by its own alarm, and keeps after each
 * step how far it is. A step that was cut off is made again from where the one before ended; the keys under which it
 * hands over make that harmless. Its row in the tenant's table follows, as soon as the database takes it.
 */
import { DurableObject } from "cloudflare:workers";
import {
  changed,
  type Job,
  type JobOrder,
  type JobState,
  ordered,
} from "../domain/events/replay/job.ts";
import { openProgress, restart } from "../domain/events/replay/pace.ts";
import { ok, type Result } from "../domain/result.ts";
import { databaseFor } from "../platform/database.ts";
import { throughSeam } from "../platform/fault-seam.ts";
import { logLine } from "../platform/log.ts";
import type { NewJob } from "../platform/replays.ts";
import { deleteReplay, saveReplay } from "../platform/repositories/replays.ts";
import { EventsRun } from "./replay-events.ts";
import { lettersStep } from "./replay-letters.ts";
import { openReplayStorage, type ReplayStorage, type StepDone } from "./replay-storage.ts";

/** While it runs, its row is brought up to date this often, in ms. */
const SAVE_EVERY_MS = 2000;
/** A step that failed is made again after this, doubled each time, in ms. */
const AGAIN_MS = 500;
const AGAIN_CAP_MS = 60_000;
/** An ended job can be asked for this long, in ms; then it is forgotten with its row. */
const KEPT_MS = 30 * 24 * 3_600_000;

export class Replay extends DurableObject<Env> {
  readonly #storage: ReplayStorage;
  #events: EventsRun | undefined;
  #failures = 0;
  #savedAtMs = 0;
  /** Rows are written one after the other: the newest last. */
  #saving: Promise<unknown> = Promise.resolve();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#storage = openReplayStorage(ctx.storage);
  }

  /** Begins a job, once. Durable when it answers. */
  async start({ tenant, id, spec, createdAtMs }: NewJob): Promise<Job> {
    const known = this.#storage.job();
    if (known) return known;
    const job: Job = {
      ...{ tenant, id, spec, createdAtMs, updatedAtMs: createdAtMs },
      ...{ state: "running", version: 0, progress: openProgress(Date.now()) },
    };
    this.#storage.commit(job);
    await this.ctx.storage.setAlarm(Date.now());
    await this.#save().catch(() => undefined);
    return job;
  }

  /** Pauses, resumes or cancels; takes effect before the next step. Undefined where there is no such job. */
  async order(
    order: JobOrder,
  ): Promise<Result<Job, { readonly reason: "ended"; readonly state: JobState }> | undefined> {
    const job = this.#storage.job();
    if (!job) return undefined;
    const after = ordered(job.state, order);
    if (!after.ok) return after;
    if (after.value === job.state) return ok(job);
    const nowMs = Date.now();
    const { reason: _, ...rest } = job;
    const members = { state: after.value, progress: restart(job.progress, nowMs) };
    this.#storage.commit(changed(rest, members, nowMs), { empty: after.value === "cancelled" });
    await this.ctx.storage.setAlarm(Date.now());
    await this.#save().catch(() => undefined);
    return ok(this.#storage.job() ?? job);
  }

  async status(): Promise<Job | undefined> {
    const job = this.#storage.job();
    // Alarms outlive crashes; this is for a job that has lost its own all the same.
    if (job?.state === "running" && (await this.ctx.storage.getAlarm()) === null)
      await this.ctx.storage.setAlarm(Date.now());
    return job;
  }

  /** One step. Never throws: six failures in a row would end an alarm for good. */
  override async alarm(): Promise<void> {
    let atMs: number | undefined;
    try {
      atMs = await this.#work();
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      atMs = Date.now() + Math.min(AGAIN_MS * 2 ** this.#failures, AGAIN_CAP_MS);
      const { tenant, id } = this.#storage.job() ?? { tenant: "", id: "" };
      const code = error instanceof Error ? error.name : "unknown";
      logLine("replay.stalled", { tenant, job: id, code, attempt: this.#failures });
    }
    if (atMs !== undefined) await this.ctx.storage.setAlarm(atMs);
  }

  /** Answers that it lives; `/health` asks. */
  ping(): "ok" {
    return "ok";
  }

  /** Answers when to wake again. */
  async #work(): Promise<number | undefined> {
    const job = this.#storage.job();
    if (!job) return undefined;
    if (job.state !== "running") return this.#rest(job);
    const { change, rows, nextMs } = await this.#step(job);
    const now = this.#storage.job() ?? job;
    const after = change(now);
    // Cancelled meanwhile: what the step has handed over is told, what it has read is not kept.
    const kept = now.state === "cancelled" ? { empty: true } : rows;
    if (after !== now) this.#storage.commit(after, kept);
    if (after.state === "running") {
      if (after.updatedAtMs - this.#savedAtMs >= SAVE_EVERY_MS) await this.#save();
      return nextMs;
    }
    logLine("replay.ended", { ...idsOf(after), outcome: after.state, reason: after.reason });
    return this.#rest(after);
  }

  async #step(job: Job): Promise<StepDone> {
    const env = await throughSeam(this.env);
    const { spec } = job;
    if (spec.kind === "dead_letters") return lettersStep(env, job, spec);
    this.#events ??= new EventsRun(env, spec, this.#storage);
    return this.#events.step(job, this.#failures);
  }

  /** Nothing to do but to be known. An ended job is forgotten some day. */
  async #rest(job: Job): Promise<number | undefined> {
    await this.#save();
    if (job.state === "paused") return undefined;
    this.#events = undefined;
    const endMs = job.updatedAtMs + KEPT_MS;
    if (Date.now() < endMs) return endMs;
    const env = await throughSeam(this.env);
    await deleteReplay(databaseFor(env, job.tenant), job.tenant, job.id).run();
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    return undefined;
  }

  /** Brings the row up to date. Rejects as D1 does. */
  #save(): Promise<void> {
    const saved = this.#saving.then(() => this.#saveNow());
    this.#saving = saved.catch(() => undefined);
    return saved;
  }

  async #saveNow(): Promise<void> {
    const job = this.#storage.job();
    if (!job || this.#storage.savedVersion() === job.version) return;
    const env = await throughSeam(this.env);
    await saveReplay(databaseFor(env, job.tenant), job);
    this.#savedAtMs = job.updatedAtMs;
    this.#storage.putSaved(job.version);
  }
}

function idsOf({ tenant, id, spec }: Job) {
  return { tenant, job: id, kind: spec.kind };
}
