/** A replay as a job: what is asked of it, the states it goes through, and who may move it from one to another. */
import { fail, ok, type Result } from "../../result.ts";
import type { Progress } from "./pace.ts";
import type { Walk } from "./walk.ts";

/** `paused` may go on; the last three are ends. */
export type JobState = "running" | "paused" | "done" | "cancelled" | "failed";

/** Events between two instants, once more, for one subscription. */
export interface EventsSpec {
  readonly kind: "events";
  /** Accepted at or after this, ms. */
  readonly sinceMs: number;
  /** Accepted before this, ms. */
  readonly untilMs: number;
  /** Whose bindings and filter choose. */
  readonly subscription: string;
  /** Who gets them. */
  readonly target: string;
  /** Types or patterns (`order.*`, `order.#`); absent: all. */
  readonly types?: readonly string[];
  readonly partition?: string;
  readonly ratePerSecond: number;
}

/** Dead letters, by their ids or by a filter, each back to where it failed. */
export interface LettersSpec {
  readonly kind: "dead_letters";
  readonly ids?: readonly string[];
  readonly filter?: LettersFilter;
  /** Letters at most. */
  readonly limit: number;
  readonly ratePerSecond: number;
}

/** As `GET /dead-letters` reads it; only letters that died before the job began are its. */
export interface LettersFilter {
  readonly stage?: string | undefined;
  readonly reason?: string | undefined;
  readonly connection?: string | undefined;
  readonly conversation?: string | undefined;
  readonly subscription?: string | undefined;
  readonly type?: string | undefined;
  readonly fingerprint?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs: number;
}

/** What is kept of a job. */
export interface Job {
  readonly tenant: string;
  readonly id: string;
  readonly spec: EventsSpec | LettersSpec;
  readonly state: JobState;
  /** Why it failed, or what it waits for. */
  readonly reason?: string;
  readonly progress: Progress;
  /** Of a replay of events; absent before its first step. */
  readonly walk?: Walk;
  /** Of dead letters: the last one that was dealt with, or how many of `ids`. */
  readonly afterLetter?: string;
  readonly lettersDone?: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Changes with every row of the tenant's table that this should be. */
  readonly version: number;
}

export type JobOrder = "pause" | "resume" | "cancel";

const AFTER: Readonly<Record<JobOrder, JobState>> = {
  pause: "paused",
  resume: "running",
  cancel: "cancelled",
};

/** The state after an order. The same order again changes nothing; one that comes too late is refused. */
export function ordered(
  state: JobState,
  order: JobOrder,
): Result<JobState, { readonly reason: "ended"; readonly state: JobState }> {
  const after = AFTER[order];
  if (state === after) return ok(after);
  const open = state === "running" || state === "paused";
  return open ? ok(after) : fail({ reason: "ended", state });
}

/** The job with some members changed, as a new version. */
export function changed(job: Job, members: Partial<Job>, nowMs: number): Job {
  return { ...job, ...members, updatedAtMs: nowMs, version: job.version + 1 };
}

/** The job with what it waits for; the same job where it has been waiting for that. */
export function waitingFor(job: Job, reason: string | undefined, nowMs: number): Job {
  if (job.reason === reason) return job;
  const { reason: _, ...rest } = job;
  return changed(rest, reason === undefined ? {} : { reason }, nowMs);
}
