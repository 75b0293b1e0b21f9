/**
 * What the clock alone changes: leases that ran out count as a failed attempt and are given back, delayed deliveries
 * become due, and those whose time to live is over leave. Runs before every lease and settlement, and by alarm.
 */

import type { Draft } from "./draft.ts";
import { deliveryIn, openDraft, putDelivery, writesOf } from "./draft.ts";
import { TICK_ROWS_MAX } from "./limits.ts";
import { expire, failed } from "./outcomes.ts";
import type { LeaseRow, ShardView, Step } from "./rows.ts";

/** Reply: whether there was more than one tick may move; then run another. */
export function tick(view: ShardView, nowMs: number, random: () => number): Step<boolean> {
  const draft = openDraft(view, nowMs, random);
  for (const lease of view.leases().filter(({ untilMs }) => untilMs <= nowMs))
    giveBack(draft, lease);
  const late = view.expired(nowMs, TICK_ROWS_MAX);
  takeOut(
    draft,
    late.map(({ subscription, group, seq }) => [subscription, group, seq]),
  );
  const due = view.due(nowMs, TICK_ROWS_MAX);
  for (const { subscription, group, seq } of due) {
    const row = deliveryIn(draft, subscription, group, seq);
    if (row?.place === "delayed") putDelivery(draft, { ...row, place: "ready" }, row);
  }
  const more = late.length === TICK_ROWS_MAX || due.length === TICK_ROWS_MAX;
  return { writes: writesOf(draft), reply: more && draft.deliveries.size > 0 };
}

/** Nobody said what became of them: an attempt that may have succeeded, and is made again at once. */
function giveBack(draft: Draft, lease: LeaseRow): void {
  draft.leases.set(lease.token, undefined);
  for (const { group, seq } of lease.open) {
    const row = deliveryIn(draft, lease.subscription, group, seq);
    if (row) failed(draft, row, 0, "lease_expired");
  }
}

/** What is in somebody's hands is left there: they may be delivering it within its time. */
function takeOut(draft: Draft, late: readonly (readonly [string, string, number])[]): void {
  const running = draft.view.leases().filter(({ token }) => !draft.leases.has(token));
  const inHand = new Set(
    running.flatMap((lease) => lease.open.map(({ seq }) => `${lease.subscription} ${seq}`)),
  );
  for (const [subscription, group, seq] of late) {
    if (inHand.has(`${subscription} ${seq}`)) continue;
    const row = deliveryIn(draft, subscription, group, seq);
    if (row) expire(draft, row);
  }
}
