/**
 * What a shard tells the metrics: gauges, only while something is behind, and once more when it no longer is. A
 * queue that keeps up costs nothing to watch.
 */
import type { Gauges } from "../domain/events/shard/due.ts";
import { PLACES } from "../domain/events/shard/rows.ts";
import { PRIORITY_MAX } from "../schema/event.ts";
import type { ShardName } from "./event-shards.ts";
import { gauge } from "./metrics.ts";

/** Behind: something that could have gone out has waited this long, in ms. */
const BEHIND_MS = 2000;
/** A shard looks whether it is behind this often, in ms, and says so as often while it is. */
const REPORT_EVERY_MS = 10_000;

/** Remembers what it said last. One per shard object; `known` is what an earlier one called behind. */
export interface ShardReport {
  /** Subscriptions whose gauges show something: to be kept, so that a restart does not leave them as they are. */
  behind(): readonly string[];
  /** Whether the gauges should be read and told now. `empty`: nothing waits in the shard. */
  due(nowMs: number, empty: boolean): boolean;
  /** Whether `behind` is another one than before. */
  tell(of: ShardName, gauges: readonly Gauges[], nowMs: number): boolean;
}

export function createShardReport(known: readonly string[] = []): ShardReport {
  let toldAtMs = 0;
  let behind: ReadonlySet<string> = new Set(known);
  return {
    behind: () => [...behind],
    due: (nowMs, empty) => nowMs - toldAtMs >= REPORT_EVERY_MS || (empty && behind.size > 0),
    tell(of, gauges, nowMs) {
      const now = new Set(gauges.filter(isBehind).map(({ subscription }) => subscription));
      const before = behind;
      for (const one of gauges)
        if (now.has(one.subscription) || before.has(one.subscription)) tellOne(of, one);
      const here = new Set(gauges.map(({ subscription }) => subscription));
      for (const gone of before) if (!here.has(gone)) tellOne(of, nothingLeft(gone));
      toldAtMs = nowMs;
      behind = now;
      return now.size !== before.size || [...now].some((id) => !before.has(id));
    },
  };
}

/** The gauges of a subscription that was deleted: its series would show its last backlog for ever. */
function nothingLeft(subscription: string): Told {
  const none = new Array<number>(PRIORITY_MAX + 1).fill(0);
  return {
    subscription,
    depth: { ready: none, delayed: none, waiting: none, blocked: none },
    oldestAgeMs: 0,
    oldestReadyAgeMs: 0,
    blockedGroups: 0,
    consumers: 0,
  };
}

type Told = Pick<
  Gauges,
  "subscription" | "depth" | "oldestAgeMs" | "oldestReadyAgeMs" | "blockedGroups" | "consumers"
>;

function isBehind({ oldestReadyAgeMs, depth }: Gauges): boolean {
  const held = [...depth.delayed, ...depth.blocked, ...depth.waiting].some((n) => n > 0);
  return oldestReadyAgeMs >= BEHIND_MS || held;
}

function tellOne({ tenant, shard }: ShardName, one: Told): void {
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
