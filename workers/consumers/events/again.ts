/** How deliveries inside the hub that did not go well are settled: like a webhook's, by the subscription's schedule. */
import { STANDARD_SCHEDULE, scheduledWaitMs, waitMs } from "../../../domain/events/delivery.ts";
import type { LeasedDelivery } from "../../../domain/events/shard/lease.ts";
import type { Settlement } from "../../../domain/events/shard/settle.ts";
import type { Subscription } from "../../../schema/subscription.ts";

/** Tried again by the schedule; the shard ends it after its last attempt. */
export function tryAgain(
  { retry = STANDARD_SCHEDULE }: Subscription,
  { seq, attempt }: LeasedDelivery,
  reason: string,
): Settlement {
  const scheduledMs = scheduledWaitMs(retry, attempt) ?? 0;
  const afterMs = waitMs({ scheduledMs, throttles: false }, Math.random);
  return { seq, is: "retry", afterMs, reason };
}

/** Its time to live ended in this lease: given back untried, it leaves by the clock. */
export function expiredInHand({ seq, expiresMs }: LeasedDelivery, nowMs: number) {
  if (expiresMs === undefined || expiresMs >= nowMs) return undefined;
  return { seq, is: "later", afterMs: 0 } as const satisfies Settlement;
}
