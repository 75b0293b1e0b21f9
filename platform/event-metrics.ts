/**
 * What a shard tells the metrics: gauges, only while something is behind, and once more when it no longer is. A
 * queue that keeps up costs nothing to watch.
 */
import type { Gauges } from "../domain/events/shard/due.ts";
import { PLACES } from "../domain/events/shard/rows.ts";
import type { ShardName } from "./event-shards.ts";
import { gauge } from "./metrics.ts";

/** Behind: something that could have gone out has waited this long, in ms. */
const BEHIND_MS = 2000;
/** A shard looks whether it is behind this often, in ms, and says so as often while it is. */
const REPORT_EVERY_MS = 10_000;

/** Remembers what it said last. One per shard object. */
export interface ShardReport {
  /** Whether the gauges should be read and told now. `empty`: nothing waits in the shard. */
  due(nowMs: number, empty: boolean): boolean;
  tell(of: ShardName, gauges: readonly Gauges[], nowMs: number): void;
}

export function createShardReport(): ShardReport {
  let toldAtMs = 0;
  let behind = new Set<string>();
  return {
    due: (nowMs, empty) => nowMs - toldAtMs >= REPORT_EVERY_MS || (empty && behind.size > 0),
    tell(of, gauges, nowMs) {
      const now = new Set(gauges.filter(isBehind).map(({ subscription }) => subscription));
      for (const one of gauges)
        if (now.has(one.subscription) || behind.has(one.subscription)) tellOne(of, one);
      toldAtMs = nowMs;
      behind = now;
    },
  };
}

function isBehind({ oldestReadyAgeMs, depth }: Gauges): boolean {
  const held = [...depth.delayed, ...depth.blocked, ...depth.waiting].some((n) => n > 0);
  return oldestReadyAgeMs >= BEHIND_MS || held;
}

function tellOne({ tenant, shard }: ShardName, one: Gauges): void {
  const labels = { tenant, shard, subscription: one.subscription };
  for (const place of PLACES) {
    const depth = one.depth[place].reduce((sum, n) => sum + n, 0);
    gauge("event_queue_depth", { ...labels, place }, depth);
  }
  for (const [priority, ready] of one.depth.ready.entries())
    gauge("event_queue_priority_depth", { ...labels, priority: String(priority) }, ready);
  gauge("event_queue_oldest_seconds", labels, one.oldestAgeMs / 1000);
  gauge("event_queue_due_seconds", labels, one.oldestReadyAgeMs / 1000);
  gauge("event_queue_blocked_groups", labels, one.blockedGroups);
  gauge("event_queue_consumers", labels, one.consumers);
}
