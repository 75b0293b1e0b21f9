/** What one attempt at a webhook means: for its delivery, for the log, for the endpoint's breaker and its record. */
import {
  afterAttempt,
  judge,
  THROTTLED_WAIT_MS_MIN,
  type Verdict,
} from "../../../domain/events/delivery.ts";
import type { Settlement } from "../../../domain/events/shard/settle.ts";
import { parseRetryAfter, RETRY_AFTER_MS_MAX } from "../../../domain/resilience/backoff.ts";
import type { Verdict as BreakerVerdict } from "../../../domain/resilience/circuit-breaker.ts";
import type { AttemptResult } from "../../../platform/repositories/delivery-attempts.ts";
import type { DeliveryAnswer } from "../../../platform/webhook-delivery.ts";
import type { RetrySchedule } from "../../../schema/subscription.ts";

/** The shard rings for it again after this, in ms. */
const CROWDED_WAIT_MS = 1000;
/** What has expired is taken out by its shard before this is over, in ms. */
const EXPIRY_WAIT_MS = 1000;
/** Our own resolver is down: nobody is called meanwhile, in ms. */
const LOOKUP_WAIT_MS = 30_000;

export interface JudgedDelivery {
  readonly seq: number;
  /** From 1: the one that just ended. */
  readonly attempt: number;
  readonly expiresMs?: number;
  readonly schedule: RetrySchedule;
  readonly terminalStatuses?: readonly number[];
  readonly nowMs: number;
}

export interface Judgement {
  readonly settlement: Settlement;
  readonly breaker: BreakerVerdict;
  /** The endpoint asks to be left alone for so long. */
  readonly pauseMs?: number;
  /** What the endpoint's record is to know. */
  readonly verdict?: Verdict;
  /** For the log; absent where nothing was tried. */
  readonly ended?: {
    readonly outcome: AttemptResult;
    readonly reason: string | null;
    readonly status: number | null;
    readonly nextAtMs: number | null;
  };
}

/** `random` yields numbers in [0, 1). */
export function judgeDelivery(
  answer: DeliveryAnswer,
  delivery: JudgedDelivery,
  random: () => number,
): Judgement {
  switch (answer.is) {
    case "unknown":
      return postponed(delivery.seq, LOOKUP_WAIT_MS);
    case "refused":
      return refused(delivery.seq, `refused_${answer.reason}`);
    case "answered":
    case "unanswered":
      return tried(answer, delivery, random);
  }
}

/** Nothing was tried, because of the endpoint and not of the delivery. */
export function postponed(seq: number, afterMs: number): Judgement {
  return { settlement: { seq, is: "later", afterMs, rests: true }, breaker: "neutral" };
}

/** Other endpoints hold all connections of this invocation: another invocation takes it. */
export function crowdedOut(seq: number): Judgement {
  return { settlement: { seq, is: "later", afterMs: CROWDED_WAIT_MS }, breaker: "neutral" };
}

/** Its time was over before it could go out; the shard lets it expire. */
export function tooLate(seq: number): Judgement {
  return {
    settlement: { seq, is: "later", afterMs: EXPIRY_WAIT_MS },
    breaker: "neutral",
    ended: { outcome: "skipped", reason: "expired", status: null, nextAtMs: null },
  };
}

function refused(seq: number, reason: string): Judgement {
  return {
    settlement: { seq, is: "dead", reason },
    breaker: "neutral",
    verdict: { outcome: "rejected" },
    ended: { outcome: "rejected", reason, status: null, nextAtMs: null },
  };
}

type Tried = Extract<DeliveryAnswer, { is: "answered" | "unanswered" }>;

function tried(answer: Tried, delivery: JudgedDelivery, random: () => number): Judgement {
  const { schedule, attempt, nowMs, terminalStatuses } = delivery;
  const verdict = judge(answer, terminalStatuses);
  const status = answer.is === "answered" ? answer.status : null;
  const reason = verdict.outcome === "success" ? null : reasonOf(answer);
  const facts = {
    attempt,
    outcome: answer,
    schedule,
    nowMs,
    ...(terminalStatuses ? { terminalStatuses } : {}),
  };
  const step = afterAttempt(facts, random);
  const next = settlementOf(step, delivery.seq, reason ?? "");
  const nextAtMs = next.is === "retry" && step.is === "retry" ? nowMs + step.afterMs : null;
  const tooLateThen = nextAtMs !== null && nextAtMs > (delivery.expiresMs ?? Infinity);
  const pauseMs = pauseOf(answer, nowMs);
  return {
    settlement: next,
    breaker: breakerOf(answer, verdict),
    ...(pauseMs === undefined ? {} : { pauseMs }),
    verdict,
    ended: {
      outcome: verdict.outcome,
      reason,
      status,
      nextAtMs: tooLateThen ? null : nextAtMs,
    },
  };
}

function settlementOf(
  step: ReturnType<typeof afterAttempt>,
  seq: number,
  reason: string,
): Settlement {
  switch (step.is) {
    case "delivered":
      return { seq, is: "ack" };
    case "retry":
      return { seq, is: "retry", afterMs: step.afterMs, reason };
    case "dead":
      // The shard counts attempts too, and says `delivery_limit` of the last one.
      if (step.reason === "exhausted")
        return { seq, is: "retry", afterMs: THROTTLED_WAIT_MS_MIN, reason };
      return { seq, is: "dead", reason: step.reason };
  }
}

/** `http_503`, `timeout`, `unresolvable` …: codes, never text of the receiver. */
function reasonOf(answer: Tried): string {
  return answer.is === "answered" ? `http_${answer.status}` : answer.reason;
}

function breakerOf(answer: Tried, verdict: Verdict): BreakerVerdict {
  if (verdict.outcome === "success") return "success";
  if (answer.is === "unanswered") return "failure";
  return answer.status >= 500 || answer.status === 408 ? "failure" : "neutral";
}

/** 429: the endpoint has too much to do, which holds for all of its deliveries. */
function pauseOf(answer: Tried, nowMs: number): number | undefined {
  if (answer.is !== "answered" || answer.status !== 429) return undefined;
  return parseRetryAfter(answer.retryAfter, nowMs, RETRY_AFTER_MS_MAX) ?? THROTTLED_WAIT_MS_MIN;
}
