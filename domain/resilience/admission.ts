/**
 * Whether calls to one downstream may start now: its breaker, its token bucket, its bulkhead and the
 * pause the downstream itself asked for, in one decision. Outcomes of earlier calls come along with the
 * request for new ones, so that one round trip does both.
 */

import { RETRY_AFTER_MS_MAX } from "./backoff.ts";
import {
  type Bulkhead,
  CONCURRENCY_DEFAULT,
  freeSlots,
  release,
  SLOT_LEASE_MS,
  type Slot,
  unexpired,
} from "./bulkhead.ts";
import {
  allowance,
  type Breaker,
  type BreakerLimits,
  CLOSED,
  PROBES_DEFAULT,
  RECOVERY_MS_DEFAULT,
  settle,
  THRESHOLD_DEFAULT,
  type Verdict,
  wake,
} from "./circuit-breaker.ts";
import { type BucketLimits, fullBucket, type TokenBucket, take } from "./token-bucket.ts";

/** Wait advised where all slots or probes are lent: they come back with outcomes, usually soon. */
const BUSY_RETRY_MS = 500;

export interface DownstreamLimits extends BreakerLimits, BucketLimits {
  /** Calls in flight at once. */
  readonly concurrency: number;
}

export const DOWNSTREAM_LIMITS_DEFAULT: DownstreamLimits = {
  ratePerSecond: 20,
  burst: 20,
  concurrency: CONCURRENCY_DEFAULT,
  threshold: THRESHOLD_DEFAULT,
  recoveryMs: RECOVERY_MS_DEFAULT,
  probes: PROBES_DEFAULT,
};

/** How a call that held a slot ended. `pauseMs`: the downstream's own Retry-After. */
export interface Outcome {
  readonly slotId: string;
  readonly verdict: Verdict;
  readonly pauseMs?: number;
}

export interface AdmitRequest {
  readonly v: 1;
  /** Default: the object's own clock. */
  readonly nowMs?: number;
  /** Calls the caller would start; 0 only reports outcomes. */
  readonly wants: number;
  readonly outcomes: readonly Outcome[];
  readonly limits: DownstreamLimits;
}

export interface AdmitReply {
  readonly granted: readonly { readonly slotId: string; readonly leaseUntilMs: number }[];
  /** Present where fewer were granted than wanted. */
  readonly retryAfterMs?: number;
  readonly state: Breaker["is"];
  /** Why fewer were granted; the narrowest of them. */
  readonly refused?: "breaker_open" | "paused" | "busy" | "rate_limited";
}

export interface Downstream {
  readonly breaker: Breaker;
  readonly bulkhead: Bulkhead;
  readonly bucket?: TokenBucket;
  readonly pausedUntilMs: number;
}

export const IDLE_DOWNSTREAM: Downstream = { breaker: CLOSED, bulkhead: [], pausedUntilMs: 0 };

/** Ids of probe slots begin with this, so that their outcomes are known even after a restart. */
const PROBE_PREFIX = "p.";

/** `mintId` gives ids that are never repeated, also not after a restart. */
export function admit(
  downstream: Downstream,
  request: Omit<AdmitRequest, "nowMs" | "v">,
  nowMs: number,
  mintId: () => string,
): { readonly downstream: Downstream; readonly reply: AdmitReply } {
  const settled = request.outcomes.reduce(
    (state, outcome) => settleOne(state, outcome, request.limits, nowMs),
    downstream,
  );
  const bulkhead = unexpired(settled.bulkhead, nowMs);
  const breaker = wake(settled.breaker, request.limits, nowMs);
  return grant({ ...settled, breaker, bulkhead }, request.wants, request.limits, nowMs, mintId);
}

function settleOne(
  state: Downstream,
  outcome: Outcome,
  limits: DownstreamLimits,
  nowMs: number,
): Downstream {
  const { bulkhead, slot } = release(state.bulkhead, outcome.slotId);
  const probe = slot?.probe ?? outcome.slotId.startsWith(PROBE_PREFIX);
  const breaker = settle(state.breaker, { verdict: outcome.verdict, probe }, limits, nowMs);
  const pauseMs = Math.min(Math.max(outcome.pauseMs ?? 0, 0), RETRY_AFTER_MS_MAX) || 0;
  const pausedUntilMs = pauseMs > 0 ? nowMs + pauseMs : 0;
  return {
    ...state,
    bulkhead,
    breaker,
    pausedUntilMs: Math.max(state.pausedUntilMs, pausedUntilMs),
  };
}

function grant(
  state: Downstream,
  wants: number,
  limits: DownstreamLimits,
  nowMs: number,
  mintId: () => string,
): { readonly downstream: Downstream; readonly reply: AdmitReply } {
  const gate = narrowest(state, limits, nowMs);
  const possible = Math.max(0, Math.min(Math.floor(wants), gate.places));
  const bucket = state.bucket ?? fullBucket(limits, nowMs);
  const drawn = take(bucket, possible, limits, nowMs);
  const slots = lend(drawn.taken, state.breaker.is === "half_open", nowMs, mintId);
  const granted = slots.map((slot) => ({ slotId: slot.id, leaseUntilMs: slot.untilMs }));
  const downstream = {
    ...state,
    bucket: drawn.bucket,
    bulkhead: [...state.bulkhead, ...slots],
  };
  const base = { granted, state: state.breaker.is };
  if (granted.length >= wants) return { downstream, reply: base };
  const why =
    drawn.retryAfterMs === undefined
      ? { refused: gate.refused, retryAfterMs: gate.retryAfterMs }
      : { refused: "rate_limited" as const, retryAfterMs: drawn.retryAfterMs };
  return { downstream, reply: { ...base, ...why } };
}

interface Gate {
  readonly places: number;
  readonly refused: NonNullable<AdmitReply["refused"]>;
  readonly retryAfterMs: number;
}

function narrowest(state: Downstream, limits: DownstreamLimits, nowMs: number): Gate {
  if (state.breaker.is === "open") {
    const retryAfterMs = Math.max(1, state.breaker.openedAtMs + limits.recoveryMs - nowMs);
    return { places: 0, refused: "breaker_open", retryAfterMs };
  }
  if (state.pausedUntilMs > nowMs) {
    return { places: 0, refused: "paused", retryAfterMs: state.pausedUntilMs - nowMs };
  }
  const probing = state.bulkhead.filter((slot) => slot.probe).length;
  const allowed = allowance(state.breaker, limits, probing);
  const free = freeSlots(state.bulkhead, limits.concurrency);
  const refused = allowed < free ? "breaker_open" : "busy";
  return { places: Math.min(allowed, free), refused, retryAfterMs: BUSY_RETRY_MS };
}

function lend(count: number, probe: boolean, nowMs: number, mintId: () => string): Slot[] {
  const untilMs = nowMs + SLOT_LEASE_MS;
  return Array.from({ length: count }, () => {
    const id = probe ? `${PROBE_PREFIX}${mintId()}` : mintId();
    return { id, untilMs, probe };
  });
}
