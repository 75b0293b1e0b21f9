/**
 * How long a delivery may live and how urgent it is, from what the publisher and the subscription say. Time
 * counts from acceptance; a retry changes nothing of it.
 */
import { PRIORITY_MAX } from "../../schema/event.ts";
import { fail, ok, type Result } from "../result.ts";

export interface UrgencyFailure {
  readonly reason: "negative";
}

/** The shorter of both, in ms; undefined where neither says anything; 0 is "now or never". */
export function effectiveTtlMs(
  subscriptionTtlMs: number | undefined,
  messageTtlMs: number | undefined,
): Result<number | undefined, UrgencyFailure> {
  if ((subscriptionTtlMs ?? 0) < 0 || (messageTtlMs ?? 0) < 0) return fail({ reason: "negative" });
  const ttlMs = Math.min(subscriptionTtlMs ?? Infinity, messageTtlMs ?? Infinity);
  return ok(ttlMs === Infinity ? undefined : ttlMs);
}

/** None is 0; above the highest level counts as the highest. */
export function effectivePriority(
  priority: number | undefined,
  max: number = PRIORITY_MAX,
): Result<number, UrgencyFailure> {
  if ((priority ?? 0) < 0) return fail({ reason: "negative" });
  return ok(Math.min(Math.floor(priority ?? 0), max));
}
