/** Some of a job's dead letters, in order, each back to where it failed. */
import { databaseFor } from "../../platform/database.ts";
import { findDeadLetter } from "../../platform/repositories/dead-letters.ts";
import { isInHand, type ReplayDeps, replayDeadLetter } from "./replay.ts";

/** `tried` letters are settled, `replayed` of them went back; the rest has to be asked for again. Rejects as D1 does. */
export interface LettersReplayed {
  readonly tried: number;
  readonly replayed: number;
}

/** Stops before a letter somebody else has in hand, and where nobody can say whether one went back. */
export async function replayLetters(
  deps: ReplayDeps,
  tenant: string,
  ids: readonly string[],
): Promise<LettersReplayed> {
  let replayed = 0;
  for (const [tried, id] of ids.entries()) {
    const nowMs = Date.now();
    const row = await findDeadLetter(databaseFor(deps.env, tenant), tenant, id);
    if (!row) continue;
    if (isInHand(row, nowMs)) return { tried, replayed };
    const done = await replayDeadLetter(deps, row, nowMs);
    const { reason } = done.ok ? { reason: undefined } : done.failure;
    if (reason === "storage_unavailable" || reason === "backlog_full") return { tried, replayed };
    if (done.ok) replayed += 1;
  }
  return { tried: ids.length, replayed };
}
