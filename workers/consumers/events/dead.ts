/** Dead letters of a shard on their way to the tenant's table; the shard forgets them when they stand there. */
import { eventFingerprint, eventLetter } from "../../../domain/events/replay/letter.ts";
import type { DeadRow } from "../../../domain/events/shard/rows.ts";
import { insist } from "../../../platform/conversations.ts";
import { databaseFor } from "../../../platform/database.ts";
import { eventShard } from "../../../platform/event-shards.ts";
import { logLine } from "../../../platform/log.ts";
import { count } from "../../../platform/metrics.ts";
import { writeTelling } from "../../../platform/outbox.ts";
import type { EventToken } from "../../../platform/queue-tokens.ts";
import { tellEventLetters } from "../../../platform/repositories/dead-letter-events.ts";
import {
  type EventBurial,
  insertEventLetters,
} from "../../../platform/repositories/dead-letters.ts";

/** Letters written at once. */
const LETTERS_MAX = 100;
/** Rounds of one token; then the shard rings again and others have their turn. */
const ROUNDS_MAX = 20;

/** Never rejects: what could not be written stays in the shard, which rings again. */
export async function buryDeads(env: Env, token: EventToken): Promise<void> {
  const { tenant, subscription } = token;
  let letters = 0;
  try {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const deads = await eventShard(env, token).deads(LETTERS_MAX);
      if (deads.length === 0) break;
      await write(env, token, deads);
      letters += deads.length;
      await insist(() => eventShard(env, token).forgetDeads(deads.map(({ id }) => id)));
    }
  } catch (error) {
    const code = error instanceof Error ? error.name : "unknown";
    logLine("subscription.stalled", { tenant, subscription, code });
  }
  if (letters > 0) logLine("letters.written", { tenant, items: letters });
}

/** Written once however often it is said, and counted when it is new. */
async function write(env: Env, token: EventToken, deads: readonly DeadRow[]): Promise<void> {
  const { tenant } = token;
  const db = databaseFor(env, tenant);
  const burials = deads.map((dead) => burialOf(token, dead));
  const statements = [tellEventLetters(db, burials), ...insertEventLetters(db, burials)];
  const written = await writeTelling(db, tenant, statements);
  for (const { reason } of written.flatMap(({ results }) => results as { reason: string }[]))
    count("dead_letters_total", { tenant, stage: "event", reason });
}

function burialOf({ tenant, shard }: EventToken, dead: DeadRow): EventBurial {
  const { id, subscription, reason, atMs, notes, attempts } = dead;
  const first = attempts - notes.length + 1;
  return {
    tenant,
    id,
    subscription,
    reason,
    fingerprint: eventFingerprint(dead),
    letter: eventLetter(dead, shard),
    history: notes.map((note, at) => ({ ...note, attempt: first + at })),
    createdAtMs: atMs,
  };
}
