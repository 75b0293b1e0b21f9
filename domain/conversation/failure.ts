/**
 * The one place that decides what becomes of something that failed: try again (and when) or dead letter.
 * Queue tokens are always acknowledged: what they pointed at stays in its conversation's object.
 */
import {
  ATTEMPTS_MAX,
  BACKOFF_BASE_MS,
  BACKOFF_CAP_MS,
  RETRY_AFTER_MS_MAX,
  SEND_TTL_MS,
} from "./limits.ts";

export interface FailureFacts {
  readonly stage: "turn" | "send";
  /** Attempts made so far, this one included. */
  readonly attempt: number;
  readonly retryable: boolean;
  /** The downstream's own wish, in ms. */
  readonly afterMs?: number;
  /** False for refusals that say nothing about the item (breaker open, rate limited): they use up no attempt. */
  readonly counts: boolean;
  readonly ageMs: number;
  readonly attemptsMax?: number | undefined;
}

export type Verdict =
  | { readonly is: "retry"; readonly afterMs: number }
  | { readonly is: "dead"; readonly because: "permanent" | "exhausted" | "expired" };

/** `random` yields numbers in [0, 1). */
export function judgeFailure(facts: FailureFacts, random: () => number): Verdict {
  if (!facts.retryable) return { is: "dead", because: "permanent" };
  if (facts.ageMs > SEND_TTL_MS) return { is: "dead", because: "expired" };
  const attemptsMax = facts.attemptsMax ?? ATTEMPTS_MAX;
  if (facts.counts && facts.attempt >= attemptsMax) return { is: "dead", because: "exhausted" };
  return { is: "retry", afterMs: waitMs(facts, random) };
}

function waitMs(facts: FailureFacts, random: () => number): number {
  const step = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.max(0, facts.attempt - 1));
  const jittered = Math.round(step / 2 + (step / 2) * random());
  if (facts.afterMs === undefined || !Number.isFinite(facts.afterMs)) return jittered;
  const asked = Math.min(Math.max(facts.afterMs, 0), RETRY_AFTER_MS_MAX);
  return facts.counts ? Math.max(asked, jittered) : Math.max(asked, 50);
}
