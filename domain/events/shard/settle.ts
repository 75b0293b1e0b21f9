/**
 * Takes back what a consumer says of its deliveries. Each is settled once: said again it changes nothing, and a
 * lease that has run out settles nothing any more, because somebody else may have the delivery by now.
 */

import type { Draft } from "./draft.ts";
import { deliveryIn, openDraft, writesOf } from "./draft.ts";
import { untilOf } from "./lease.ts";
import { acked, failed, postponed, rejected } from "./outcomes.ts";
import type { DeliveryRow, LeaseRow, ShardView, Step } from "./rows.ts";

export type Settlement =
  | { readonly seq: number; readonly is: "ack" }
  | {
      readonly seq: number;
      readonly is: "retry";
      readonly afterMs: number;
      readonly reason: string;
    }
  | { readonly seq: number; readonly is: "dead"; readonly reason: string }
  /**
   * It was not tried: no attempt counts and it keeps its place in its partition. `rests`: what holds it back holds
   * back all of its subscription, so that nobody is rung for it before (`due.ts`).
   */
  | {
      readonly seq: number;
      readonly is: "later";
      readonly afterMs: number;
      readonly rests?: true;
    };

export interface SettleRequest {
  readonly token: string;
  readonly results: readonly Settlement[];
  readonly nowMs: number;
}

/** `already`: settled before. `stale`: the lease has run out; the delivery goes to somebody else. */
export interface Settled {
  readonly seq: number;
  readonly is: "settled" | "already" | "stale";
}

/** Run `tick` first: it gives back leases that have run out. */
export function settle(
  view: ShardView,
  request: SettleRequest,
  random: () => number,
): Step<readonly Settled[]> {
  const lease = view.leases().find(({ token }) => token === request.token);
  if (!lease) return { writes: [], reply: withoutLease(request) };
  const draft = openDraft(view, request.nowMs, random);
  const settled = new Set<number>();
  const reply = request.results.map((result): Settled => {
    const row = settled.has(result.seq) ? undefined : heldRow(draft, lease, result.seq);
    if (!row) return { seq: result.seq, is: "already" };
    settled.add(result.seq);
    apply(draft, row, result);
    return { seq: result.seq, is: "settled" };
  });
  const open = lease.open.filter(({ seq }) => !settled.has(seq));
  if (settled.size > 0)
    draft.leases.set(lease.token, open.length > 0 ? { ...lease, open } : undefined);
  return { writes: writesOf(draft), reply };
}

/** A lease ends by being settled in full or by running out; its token tells which. */
function withoutLease({ token, results, nowMs }: SettleRequest): readonly Settled[] {
  const untilMs = untilOf(token);
  const is = untilMs !== undefined && untilMs > nowMs ? "already" : "stale";
  return results.map(({ seq }) => ({ seq, is }));
}

function heldRow(draft: Draft, lease: LeaseRow, seq: number): DeliveryRow | undefined {
  const held = lease.open.find((one) => one.seq === seq);
  return held && deliveryIn(draft, lease.subscription, held.group, seq);
}

function apply(draft: Draft, row: DeliveryRow, result: Settlement): void {
  switch (result.is) {
    case "ack":
      acked(draft, row);
      return;
    case "retry":
      failed(draft, row, result.afterMs, result.reason);
      return;
    case "dead":
      rejected(draft, row, result.reason);
      return;
    case "later":
      postponed(draft, row, result.afterMs);
  }
}
