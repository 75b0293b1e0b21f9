/**
 * The steps of a replay of dead letters: a few ids at a time, each tried by the hub itself, which alone knows how a
 * letter of each stage goes back. A letter that somebody else has in hand is waited for.
 */
import { changed, type Job, type LettersSpec, waitingFor } from "../domain/events/replay/job.ts";
import { advance, nextStepMs } from "../domain/events/replay/pace.ts";
import { databaseFor } from "../platform/database.ts";
import { countDeadLetters, deadLetterIds } from "../platform/repositories/dead-letter-queries.ts";
import type { StepDone } from "./replay-storage.ts";

/** Letters of one step: a step is one call to the hub, and ends within seconds. */
const STEP_LETTERS_MAX = 20;
/** A letter in somebody else's hands is looked at again after this, in ms. */
const BUSY_AGAIN_MS = 5000;

/**
 * The hub's own entry for this (`workers/gateway-intake.ts`). Tries the letters in order and stops before one that is
 * in somebody else's hands or that nobody can say of whether it went back: `tried` of them are settled.
 */
interface LetterHub {
  replayLetters(
    tenant: string,
    ids: readonly string[],
  ): Promise<{ readonly tried: number; readonly replayed: number }>;
}

/** Rejects as D1 and the hub do. */
export async function lettersStep(env: Env, job: Job, spec: LettersSpec): Promise<StepDone> {
  const startedMs = Date.now();
  const done = job.lettersDone ?? 0;
  const max = Math.min(STEP_LETTERS_MAX, Math.max(1, spec.ratePerSecond), spec.limit - done);
  const total = job.progress.total ?? (await totalOf(env, job, spec));
  const ids = max > 0 ? await nextIds(env, job, spec, Math.floor(max)) : [];
  if (ids.length === 0) return ended(total);
  const hub = (env as unknown as { readonly SELF: LetterHub }).SELF;
  const { tried, replayed } = await hub.replayLetters(job.tenant, ids);
  const afterLetter = tried > 0 ? ids[tried - 1] : job.afterLetter;
  const paidMs = nextStepMs(startedMs, tried, spec.ratePerSecond);
  return {
    nextMs: tried > 0 ? paidMs : Date.now() + BUSY_AGAIN_MS,
    change: (now) => {
      const nowMs = Date.now();
      const open = waitingFor(now, tried > 0 ? undefined : "busy", nowMs);
      if (tried === 0) return open;
      const progress = advance(
        { ...now.progress, total },
        { looked: tried, sent: replayed },
        Math.max(nowMs, paidMs),
      );
      const members = { progress, lettersDone: done + tried };
      return changed(open, afterLetter ? { ...members, afterLetter } : members, nowMs);
    },
  };
}

function ended(total: number): StepDone {
  const nowMs = Date.now();
  return {
    nextMs: nowMs,
    change: (job) =>
      job.state === "cancelled"
        ? job
        : changed(job, { state: "done", progress: { ...job.progress, total } }, nowMs),
  };
}

async function nextIds(
  env: Env,
  { tenant, afterLetter, lettersDone }: Job,
  { ids, filter }: LettersSpec,
  limit: number,
): Promise<readonly string[]> {
  if (ids) return ids.slice(lettersDone ?? 0, (lettersDone ?? 0) + limit);
  const query = { ...filter, tenant, open: true as const, afterId: afterLetter ?? "", limit };
  return deadLetterIds(databaseFor(env, tenant), query);
}

async function totalOf(
  env: Env,
  { tenant }: Job,
  { ids, filter, limit }: LettersSpec,
): Promise<number> {
  if (ids) return Math.min(ids.length, limit);
  return countDeadLetters(databaseFor(env, tenant), {
    ...filter,
    tenant,
    open: true as const,
    limit,
  });
}
