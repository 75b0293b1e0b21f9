/** A place at a downstream before an action calls it, and what is said of the call afterwards. */
import { DOWNSTREAM_LIMITS_DEFAULT } from "../../../domain/resilience/admission.ts";
import type { ReportedError } from "../../../domain/workflows/run/events.ts";
import {
  type Admission,
  admitCall,
  flushOutcomes,
  noteOutcome,
} from "../../../platform/admission.ts";
import { untilAborted } from "../../../platform/http-deadline.ts";

/** A place in the host's bucket is waited for this long, ms; then the attempt fails. */
const ADMISSION_WAIT_MS = 60_000;
const ASK_AGAIN_MIN_MS = 10;
const LIMITS = DOWNSTREAM_LIMITS_DEFAULT;

export type Verdict = "success" | "failure" | "neutral";

/** Waits for its turn; an open breaker is not waited for. Rejects when the attempt's time is over. */
export async function admitted(env: Env, name: string, signal: AbortSignal): Promise<Admission> {
  const untilMs = Date.now() + ADMISSION_WAIT_MS;
  for (;;) {
    const admission = await admitCall(env, name, LIMITS);
    if (admission.ok || admission.reason === "breaker_open") return admission;
    if (Date.now() + admission.retryAfterMs > untilMs) return admission;
    const waitMs = Math.max(admission.retryAfterMs, ASK_AGAIN_MIN_MS);
    await untilAborted(new Promise((resolve) => setTimeout(resolve, waitMs)), signal);
  }
}

const WORDS = {
  breaker_open: "not called: the other side failed several times in a row",
  rate_limited: "not called: too many calls of it at once",
  busy: "not called: too many calls of it at once",
  paused: "not called: the other side asked for a pause",
} as const satisfies Readonly<Record<Extract<Admission, { ok: false }>["reason"], string>>;

export function refusedBy({
  reason,
  retryAfterMs,
}: Extract<Admission, { ok: false }>): ReportedError {
  const message = `${WORDS[reason]}; a call is let through in ${Math.ceil(retryAfterMs / 1000)} s`;
  return { reason, retryable: true, retryAfterMs, message };
}

/** The place is given back. `pauseMs`: the other side's wish. */
export async function concluded(
  env: Env,
  {
    name,
    slotId,
    verdict,
    pauseMs,
  }: {
    readonly name: string;
    readonly slotId: string;
    readonly verdict: Verdict;
    readonly pauseMs: number | undefined;
  },
): Promise<void> {
  noteOutcome(name, LIMITS, { slotId, verdict, ...(pauseMs ? { pauseMs } : {}) });
  await flushOutcomes(env);
}
