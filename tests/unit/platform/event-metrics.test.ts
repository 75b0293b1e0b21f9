/** What a shard tells of its backlogs: nothing while it keeps up, the backlog while there is one, and its end. */
import { afterEach, describe, expect, test } from "vitest";
import type { Gauges } from "../../../domain/events/shard/due.ts";
import { createShardReport } from "../../../platform/event-metrics.ts";
import { takeDelta } from "../../../platform/metrics.ts";

const OF = { tenant: "acme", shard: "1.0" };
const NONE = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

afterEach(() => void takeDelta());

function gaugesOf(subscription: string, waiting: number, readyAgeMs = 0): Gauges {
  return {
    subscription,
    paused: false,
    depth: { ready: [waiting, ...NONE.slice(1)], delayed: NONE, waiting: NONE, blocked: NONE },
    inFlight: 0,
    consumers: 0,
    blockedGroups: 0,
    oldestAgeMs: readyAgeMs,
    oldestReadyAgeMs: readyAgeMs,
    totals: { published: 0, acked: 0, retried: 0, dead: 0, expired: 0, skipped: 0 },
  };
}

/** What was told of one gauge since the last look, by subscription. */
function told(name: string): Readonly<Record<string, number>> {
  const own = Object.entries(takeDelta()?.gauges ?? {}).filter(([key]) => key.startsWith(name));
  return Object.fromEntries(own.map(([key, value]) => [key.split("|")[2] ?? "", value]));
}

describe("a shard's report", () => {
  test("says nothing of a queue that keeps up", () => {
    const report = createShardReport();
    expect(report.tell(OF, [gaugesOf("one", 5, 100)], 1000)).toBe(false);
    expect(told("event_queue_due_seconds")).toEqual({});
  });

  test("tells a backlog, its growth, and that it is over", () => {
    const report = createShardReport();
    expect(report.tell(OF, [gaugesOf("one", 5, 3000)], 1000)).toBe(true);
    expect(told("event_queue_due_seconds")).toEqual({ one: 3 });
    expect(report.tell(OF, [gaugesOf("one", 5, 63_000)], 61_000)).toBe(false);
    expect(told("event_queue_due_seconds")).toEqual({ one: 63 });
    expect(report.tell(OF, [gaugesOf("one", 0)], 71_000)).toBe(true);
    expect(told("event_queue_due_seconds")).toEqual({ one: 0 });
  });

  test("tells the end of a backlog that an object before it has told", () => {
    const report = createShardReport(["one"]);
    expect(report.due(1000, true)).toBe(true);
    expect(report.tell(OF, [gaugesOf("one", 0), gaugesOf("two", 0)], 1000)).toBe(true);
    expect(told("event_queue_due_seconds")).toEqual({ one: 0 });
    expect(report.behind()).toEqual([]);
  });

  test("a subscription deleted with its backlog shows none", () => {
    const report = createShardReport();
    report.tell(OF, [gaugesOf("one", 5, 3000), gaugesOf("two", 5, 3000)], 1000);
    told("event_queue_due_seconds");
    report.tell(OF, [gaugesOf("two", 5, 13_000)], 11_000);
    expect(told("event_queue_due_seconds")).toEqual({ one: 0, two: 13 });
    expect(report.behind()).toEqual(["two"]);
  });

  test.each([
    ["too soon after the last", 5000, false, false],
    ["every ten seconds", 11_000, false, true],
    ["at once where nothing waits any more", 1500, true, true],
  ])("is due: %s", (_, nowMs, empty, due) => {
    const report = createShardReport();
    report.tell(OF, [gaugesOf("one", 5, 3000)], 1000);
    expect(report.due(nowMs, empty)).toBe(due);
  });
});
