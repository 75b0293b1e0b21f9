/** The walk of a replay over merged sources: any pages, steps cut off anywhere, each event once and in order. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Found,
  nextSource,
  openWalk,
  type Page,
  readyBeforeMs,
  readyOf,
  replayKey,
  type SourceName,
  takePage,
  type Waiting,
  type Walk,
} from "../../../../domain/events/replay/walk.ts";
import type { EventEnvelope } from "../../../../schema/event.ts";

function anEvent(over: Partial<EventEnvelope> = {}): EventEnvelope {
  return {
    event_id: "evt_1",
    event_type: "order.created",
    event_version: "1.0",
    timestamp: "2026-11-21T00:00:00Z",
    source: "/shop",
    data: { n: 1 },
    metadata: {},
    ...over,
  };
}

interface Stored {
  readonly atMs: number;
  readonly place: string;
  readonly partition: string;
}

/** Two sources with rows in order of time, places that name them, and any page size. */
const stored = (prefix: string, partitions: readonly string[]) =>
  fc
    .array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.constantFrom(...partitions)), {
      maxLength: 40,
    })
    .map((rows) =>
      rows
        .sort(([a], [b]) => a - b)
        .map(([atMs, partition], n): Stored => ({ atMs, partition, place: `${prefix}${n}` })),
    );

const SPAN = { fromMs: 0, endMs: 31 };

function readPage(
  source: SourceName,
  rows: readonly Stored[],
  { sources }: Walk,
  limit: number,
): Page {
  const from = Number(sources[source]?.place ?? 0);
  const page = rows.slice(from, from + limit);
  const full = page.length === limit && from + limit < rows.length;
  const found = page.map(({ atMs, place, partition }): Found => {
    return { atMs, place, event: anEvent({ metadata: { partition_key: partition } }) };
  });
  const beforeMs = full ? (page.at(-1)?.atMs ?? 0) : SPAN.endMs;
  const next = { beforeMs, place: String(from + page.length), ended: !full };
  return { source, found, looked: page.length, next };
}

/** A replay's object without workerd: steps that may be cut off before or after they have handed over. */
function run(
  all: Readonly<Record<SourceName, readonly Stored[]>>,
  steps: readonly { readonly limit: number; readonly budget: number; readonly cut: string }[],
) {
  const shard = new Map<string, Waiting>();
  let kept: { walk: Walk; waiting: readonly Waiting[] } = {
    walk: openWalk(["log", "messages"], SPAN.fromMs),
    waiting: [],
  };
  const step = ({ limit, budget, cut }: (typeof steps)[number]) => {
    const source = nextSource(kept.walk);
    const page = source && readPage(source, all[source], kept.walk, limit);
    const taken = page ? takePage(kept.walk, page) : { walk: kept.walk, added: [] };
    const waiting = [...kept.waiting, ...taken.added];
    const ready = readyOf(waiting, readyBeforeMs(taken.walk), budget);
    const handed = cut === "during" ? ready.slice(0, Math.ceil(ready.length / 2)) : ready;
    if (cut === "before") return;
    for (const one of handed) {
      const key = replayKey("rpl_1", one);
      if (!shard.has(key)) shard.set(key, one);
    }
    if (cut !== "no") return;
    kept = { walk: taken.walk, waiting: waiting.filter((one) => !ready.includes(one)) };
  };
  for (const one of steps) step(one);
  let rounds = 0;
  while (nextSource(kept.walk) !== undefined || kept.waiting.length > 0) {
    step({ limit: 7, budget: 5, cut: "no" });
    rounds += 1;
    if (rounds > 1000) throw new Error("it does not end");
  }
  return [...shard.values()];
}

const anyStep = fc.record({
  limit: fc.integer({ min: 1, max: 9 }),
  budget: fc.integer({ min: 1, max: 9 }),
  cut: fc.constantFrom("no", "no", "no", "before", "during", "after"),
});

describe("the walk", () => {
  test("hands each event over once and in order per partition, whatever is cut off", () => {
    fc.assert(
      fc.property(
        stored("l", ["a", "b"]),
        stored("m", ["c", "a"]),
        fc.array(anyStep, { maxLength: 40 }),
        (log, messages, steps) => {
          const out = run({ log, messages }, steps);
          const places = out.map(({ place }) => place);
          expect(places.toSorted()).toEqual([...log, ...messages].map((r) => r.place).toSorted());
          for (const partition of ["a", "b", "c"]) {
            const times = out
              .filter(({ event }) => event.metadata.partition_key === partition)
              .map(({ atMs }) => atMs);
            expect(times).toEqual(times.toSorted((x, y) => x - y));
          }
          for (const prefix of ["l", "m"]) {
            const own = places.filter((place) => place.startsWith(prefix));
            const numbers = own.map((place) => Number(place.slice(1)));
            expect(numbers).toEqual(numbers.toSorted((x, y) => x - y));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test("reads the source that holds the others up, and none that has ended", () => {
    const open = openWalk(["log", "messages"], 10);
    expect(nextSource(open)).toBe("log");
    const page = { source: "log", found: [], looked: 5 } as const;
    const read = takePage(open, { ...page, next: { beforeMs: 50, ended: false } }).walk;
    expect([nextSource(read), readyBeforeMs(read)]).toEqual(["messages", 10]);
    const ended = takePage(read, {
      ...page,
      source: "messages",
      next: { beforeMs: 90, ended: true },
    }).walk;
    expect([nextSource(ended), readyBeforeMs(ended)]).toEqual(["log", 50]);
    const over = takePage(ended, { ...page, next: { beforeMs: 90, ended: true } }).walk;
    expect([nextSource(over), readyBeforeMs(over)]).toEqual([undefined, Infinity]);
  });

  test("two replays never share a key, nor do two sources", () => {
    const one = { source: "log", place: "1:1.0" } as Waiting;
    const keys = [
      replayKey("rpl_a", one),
      replayKey("rpl_b", one),
      replayKey("rpl_a", { ...one, source: "messages" }),
    ];
    expect(new Set(keys).size).toBe(3);
  });
});
