/**
 * What the answer to one webhook delivery means and what happens next: delivered, tried again after a wait, or
 * dead with a reason; and when an endpoint that only fails is switched off. Decides, never sends.
 * Rules: Standard Webhooks 1.0 ("Delivery"), CloudEvents HTTP webhooks (410, 415, 429).
 */
import type { RetrySchedule } from "../../schema/subscription.ts";
import { parseRetryAfter } from "../resilience/backoff.ts";

/** Eight attempts over 27 hours: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h between them. */
export const STANDARD_SCHEDULE: RetrySchedule = {
  kind: "listed",
  waits_s: [5, 300, 1800, 7200, 18_000, 36_000, 36_000],
};
/** Every wait is spread by this share, up and down. */
export const JITTER_SHARE = 0.2;
/** After a 429, 502, 504 or a timeout the next attempt is not sooner than this, in ms. */
export const THROTTLED_WAIT_MS_MIN = 60_000;
/** A receiver's `Retry-After` counts up to this many times the scheduled wait. */
export const RETRY_AFTER_FACTOR_MAX = 2;
/** An endpoint that has only failed for this long is switched off, in ms: five days. */
export const FAILING_MS_MAX = 5 * 24 * 3_600_000;
/** Failures in a row after which the endpoint counts as failing and its owner is told. */
export const FAILING_FROM = 4;
/** The header by which a receiver ends the delivery of one message, and its value. */
export const CONTROL_HEADER = "webhook-delivery";
export const CONTROL_ABORT = "abort-message";

/** A request that got no answer. */
export type TransportError = "timeout" | "connection_reset" | "dns_error" | "tls_error";

/** How one attempt ended. Headers as they came, null where absent. */
export type AttemptOutcome =
  | {
      readonly is: "answered";
      readonly status: number;
      readonly retryAfter: string | null;
      /** The `webhook-delivery` header. */
      readonly control: string | null;
    }
  | { readonly is: "unanswered"; readonly error: TransportError };

/** `throttles`: the endpoint is overloaded, go easy on all of its deliveries. */
export type Verdict =
  | { readonly outcome: "success" }
  | { readonly outcome: "gone" }
  | { readonly outcome: "aborted" }
  | { readonly outcome: "rejected" }
  | { readonly outcome: "failure"; readonly throttles: boolean };

export type DeliveryStep =
  | { readonly is: "delivered" }
  | { readonly is: "retry"; readonly afterMs: number; readonly throttles: boolean }
  | { readonly is: "dead"; readonly reason: "gone" | "aborted" | "rejected" | "exhausted" };

/** `attempt` counts from 1 and is the one that just ended. */
export interface AttemptFacts {
  readonly attempt: number;
  readonly outcome: AttemptOutcome;
  readonly schedule: RetrySchedule;
  readonly terminalStatuses?: readonly number[];
  readonly nowMs: number;
}

/** Decides what comes after one attempt. `random` yields numbers in [0, 1). */
export function afterAttempt(facts: AttemptFacts, random: () => number): DeliveryStep {
  const verdict = judge(facts.outcome, facts.terminalStatuses);
  switch (verdict.outcome) {
    case "success":
      return { is: "delivered" };
    case "gone":
    case "aborted":
    case "rejected":
      return { is: "dead", reason: verdict.outcome };
    case "failure": {
      const scheduledMs = scheduledWaitMs(facts.schedule, facts.attempt);
      if (scheduledMs === undefined) return { is: "dead", reason: "exhausted" };
      const askedMs = askedWaitMs(facts.outcome, facts.nowMs);
      const afterMs = waitMs({ scheduledMs, askedMs, throttles: verdict.throttles }, random);
      return { is: "retry", afterMs, throttles: verdict.throttles };
    }
  }
}

/** 2xx is success and nothing else is; a redirect is a failure and is not followed. */
export function judge(outcome: AttemptOutcome, terminalStatuses: readonly number[] = []): Verdict {
  if (outcome.is === "unanswered")
    return { outcome: "failure", throttles: outcome.error === "timeout" };
  const { status, control } = outcome;
  if (status >= 200 && status < 300) return { outcome: "success" };
  if (status === 410) return { outcome: "gone" };
  if (control?.trim().toLowerCase() === CONTROL_ABORT) return { outcome: "aborted" };
  if (terminalStatuses.includes(status)) return { outcome: "rejected" };
  return { outcome: "failure", throttles: status === 429 || status === 502 || status === 504 };
}

/** The wait after the given failed attempt (from 1), in ms and without jitter; undefined where it was the last. */
export function scheduledWaitMs(schedule: RetrySchedule, attempt: number): number | undefined {
  switch (schedule.kind) {
    case "listed": {
      const waitS = schedule.waits_s[attempt - 1];
      return waitS === undefined ? undefined : waitS * 1000;
    }
    case "exponential": {
      if (attempt > schedule.retries) return undefined;
      return Math.min(schedule.base_s * 2 ** (attempt - 1), schedule.cap_s) * 1000;
    }
  }
}

/** Attempts that a schedule allows, the first included. */
export function attemptsOf(schedule: RetrySchedule): number {
  return 1 + (schedule.kind === "listed" ? schedule.waits_s.length : schedule.retries);
}

/** Scheduled, then the receiver's wish within bounds, then jitter; never sooner than what was granted of the wish. */
export function waitMs(
  wait: {
    readonly scheduledMs: number;
    readonly askedMs?: number | undefined;
    readonly throttles: boolean;
  },
  random: () => number,
): number {
  const baseMs = wait.throttles
    ? Math.max(wait.scheduledMs, THROTTLED_WAIT_MS_MIN)
    : wait.scheduledMs;
  const grantedMs = Math.min(wait.askedMs ?? 0, baseMs * RETRY_AFTER_FACTOR_MAX);
  const chosenMs = Math.max(baseMs, grantedMs);
  const spread = 1 + JITTER_SHARE * (2 * random() - 1);
  return Math.round(Math.max(chosenMs * spread, grantedMs));
}

/** An endpoint's record: nothing at all while it works. */
export interface EndpointHealth {
  readonly failures: number;
  /** When the present row of failures began. */
  readonly failingSinceMs?: number;
}

export const HEALTHY: EndpointHealth = { failures: 0 };

/** `change` is what its owner is told, once per change. */
export interface HealthStep {
  readonly health: EndpointHealth;
  readonly change?: "failing" | "recovered" | "disabled";
}

/** Adds one verdict to an endpoint's record; `disabled` means: switch it off. One success clears everything. */
export function settleHealth(before: EndpointHealth, verdict: Verdict, nowMs: number): HealthStep {
  const failingSinceMs = before.failingSinceMs ?? nowMs;
  const failures = before.failures + 1;
  switch (verdict.outcome) {
    case "success":
    case "aborted":
      return before.failures >= FAILING_FROM
        ? { health: HEALTHY, change: "recovered" }
        : { health: HEALTHY };
    case "gone":
      return { health: { failures, failingSinceMs }, change: "disabled" };
    case "rejected":
    case "failure": {
      const health = { failures, failingSinceMs };
      if (nowMs - failingSinceMs >= FAILING_MS_MAX) return { health, change: "disabled" };
      return failures === FAILING_FROM ? { health, change: "failing" } : { health };
    }
  }
}

function askedWaitMs(outcome: AttemptOutcome, nowMs: number): number | undefined {
  return outcome.is === "answered"
    ? parseRetryAfter(outcome.retryAfter, nowMs, Infinity)
    : undefined;
}
