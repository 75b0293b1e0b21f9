/** What tests of a shard do again and again; anything unexpected throws. */
import type { AppendEvent } from "../../domain/events/shard/append.ts";
import type { eventShard } from "./event-shard.ts";

export type Shard = ReturnType<typeof eventShard>;

/** Appends, and expects to be let in. */
export function accepted(shard: Shard, ...events: readonly AppendEvent[]) {
  const reply = shard.append(...events);
  if (!reply.ok) throw new Error(reply.failure.reason);
  return reply.value;
}

/** Leases, and expects to get something. */
export function leased(shard: Shard, over: Parameters<Shard["lease"]>[0] = {}) {
  const reply = shard.lease(over);
  if (reply.is === "idle") throw new Error(reply.why);
  return reply;
}

/** The keys of what was leased, in order. */
export function keys(reply: ReturnType<typeof leased>): readonly unknown[] {
  return reply.deliveries.map(({ event }) => (event.data as { readonly key: string }).key);
}

/** Leases once and takes everything. */
export function keysOf(shard: Shard, over: Parameters<Shard["lease"]>[0] = {}): readonly unknown[] {
  const reply = shard.lease(over);
  if (reply.is === "idle") return [];
  shard.settle(reply.token, ...reply.deliveries.map(({ seq }) => ({ seq, is: "ack" }) as const));
  return keys(reply);
}

/** Takes everything until nothing is ready. */
export function drain(shard: Shard): readonly unknown[] {
  const all: unknown[] = [];
  for (let some = keysOf(shard); some.length > 0; some = keysOf(shard)) all.push(...some);
  return all;
}

/** Leases one and has it fail; with a wait of zero it is due again at once. */
export function failOnce(shard: Shard, afterMs = 0): void {
  const { token, deliveries } = leased(shard, { max: 1 });
  const seq = deliveries[0]?.seq ?? 0;
  shard.settle(token, { seq, is: "retry", afterMs, reason: "status_503" });
}
