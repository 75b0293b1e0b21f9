/**
 * The circuit breaker of one downstream. Closed: consecutive failures are counted. Open: nothing passes
 * until the recovery time is over. Half-open: exactly `probes` calls pass; it closes when all of them
 * have succeeded and opens again at the first failure.
 */

/** Requirement SVC-1: 5 failures, 60 s, 3 probes. */
export const THRESHOLD_DEFAULT = 5;
export const RECOVERY_MS_DEFAULT = 60_000;
export const PROBES_DEFAULT = 3;

export interface BreakerLimits {
  /** Consecutive failures that open it. */
  readonly threshold: number;
  readonly recoveryMs: number;
  /** Calls let through while half-open, and successes needed to close. */
  readonly probes: number;
}

export type Breaker =
  | { readonly is: "closed"; readonly failures: number }
  | { readonly is: "open"; readonly openedAtMs: number }
  | { readonly is: "half_open"; readonly sinceMs: number; readonly successes: number };

export const CLOSED: Breaker = { is: "closed", failures: 0 };

/** What a finished call says about the downstream's health; `neutral` says nothing (a 404, our own fault). */
export type Verdict = "success" | "failure" | "neutral";

/** The breaker at this moment: an open one whose recovery time is over becomes half-open. */
export function wake(breaker: Breaker, limits: BreakerLimits, nowMs: number): Breaker {
  if (breaker.is !== "open" || nowMs < breaker.openedAtMs + limits.recoveryMs) return breaker;
  return { is: "half_open", sinceMs: nowMs, successes: 0 };
}

/** How many calls it lets through now. `probing` is the number of probes still under way. */
export function allowance(breaker: Breaker, limits: BreakerLimits, probing: number): number {
  switch (breaker.is) {
    case "closed":
      return Number.POSITIVE_INFINITY;
    case "open":
      return 0;
    case "half_open":
      return Math.max(0, limits.probes - breaker.successes - probing);
  }
}

/** The breaker after one call has ended. Only probes count while half-open; nothing counts while open. */
export function settle(
  breaker: Breaker,
  call: { readonly verdict: Verdict; readonly probe: boolean },
  limits: BreakerLimits,
  nowMs: number,
): Breaker {
  if (call.verdict === "neutral") return breaker;
  switch (breaker.is) {
    case "closed":
      return settleClosed(breaker.failures, call.verdict, limits, nowMs);
    case "open":
      return breaker;
    case "half_open":
      return call.probe ? settleProbe(breaker, call.verdict, limits, nowMs) : breaker;
  }
}

function settleClosed(
  failures: number,
  verdict: "success" | "failure",
  limits: BreakerLimits,
  nowMs: number,
): Breaker {
  if (verdict === "success") return CLOSED;
  if (failures + 1 >= limits.threshold) return { is: "open", openedAtMs: nowMs };
  return { is: "closed", failures: failures + 1 };
}

function settleProbe(
  breaker: Extract<Breaker, { is: "half_open" }>,
  verdict: "success" | "failure",
  limits: BreakerLimits,
  nowMs: number,
): Breaker {
  if (verdict === "failure") return { is: "open", openedAtMs: nowMs };
  if (breaker.successes + 1 >= limits.probes) return CLOSED;
  return { ...breaker, successes: breaker.successes + 1 };
}
