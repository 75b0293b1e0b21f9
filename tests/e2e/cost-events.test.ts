/**
 * What an event costs, counted over the running hub: operations per event, alone and in hundreds, and that they stay
 * what they are when there is a hundred times more of everything.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { billPerMillion, total } from "../../bench/dollars.ts";
import { type EventReport, measureEvents, readGrowths } from "../../bench/events.ts";
import { growths } from "../../bench/figures.ts";
import prices from "../../bench/prices.json" with { type: "json" };

const CASES = [
  "published to 1, one alone",
  "published to 5, in hundreds",
  "published and delivered to a webhook, one alone",
  "published and delivered to a webhook, in hundreds",
  "leased and settled, in hundreds",
  "replayed from the log, 100 in one",
];
let report: EventReport;

beforeAll(async () => {
  report = await measureEvents({
    ...{ rounds: 2, only: CASES },
    grown: { log: 100_000, attempts: 10_000, known: 10_000, tenants: 100, subscriptions: 1000 },
  });
}, 300_000);

/** At most, per event. Rows: of objects and of the database, indexes and alarms included. */
interface Most {
  readonly rows: number;
  readonly queue: number;
  readonly objects: number;
  readonly d1: number;
  readonly dollars: number;
}

/** What was counted, in hundreds a little more: consumers may share the work differently. */
const MOST: Readonly<Record<string, Most>> = {
  // Nobody pulls, so that it waits: its shard wakes once a minute to say so to the metrics, one row for the alarm.
  "published to 1, one alone": { rows: 15, queue: 3, objects: 4, d1: 1, dollars: 18 },
  "published to 5, in hundreds": { rows: 16.2, queue: 0.1, objects: 0.1, d1: 0.05, dollars: 16.5 },
  "published and delivered to a webhook, one alone": {
    ...{ rows: 20, queue: 6, objects: 7, d1: 3, dollars: 25 },
  },
  "published and delivered to a webhook, in hundreds": {
    ...{ rows: 12, queue: 0.7, objects: 1, d1: 0.3, dollars: 13 },
  },
  "leased and settled, in hundreds": { rows: 1.1, queue: 0, objects: 0.05, d1: 0.05, dollars: 1.2 },
  "replayed from the log, 100 in one": {
    ...{ rows: 3.5, queue: 0.1, objects: 0.2, d1: 0.3, dollars: 3.7 },
  },
};

describe.each(Object.entries(MOST))("%s", (name, most) => {
  const counts = () => {
    const found = report.costs.find((cost) => cost.name === name);
    if (!found) throw new Error(`not counted: ${name}`);
    return found.counts;
  };

  test("writes no more rows, and rings and calls no more often", () => {
    const { durableObjectRowsWritten, d1RowsWritten, ...rest } = counts();
    expect(durableObjectRowsWritten).toBeGreaterThan(0);
    expect(durableObjectRowsWritten + d1RowsWritten).toBeLessThanOrEqual(most.rows);
    expect(rest.queueOperations).toBeLessThanOrEqual(most.queue);
    expect(rest.durableObjectRequests).toBeLessThanOrEqual(most.objects);
    expect(rest.d1Calls).toBeLessThanOrEqual(most.d1);
    expect([rest.r2ClassA, rest.r2ClassB, rest.workflowSteps]).toEqual([0, 0, 0]);
  });

  test("costs no more", () => {
    expect(total(billPerMillion(counts(), prices))).toBeLessThanOrEqual(most.dollars);
  });
});

test("what is published is counted once in the log: its row and the index of its id", () => {
  const published = report.costs.filter(({ name }) => name.startsWith("published to"));
  expect(published.map(({ counts }) => counts.d1RowsWritten)).toEqual([2, 2]);
});

test("with more events, attempts, tenants and subscriptions nothing is written or read more often", () => {
  expect(report.grown.costs.length).toBeGreaterThanOrEqual(5);
  expect(growths(report)).toEqual([]);
});

describe("looking at a large log", () => {
  const rowsRead = (name: string) => {
    const found = report.grown.reads.find((one) => one.name === name);
    if (!found) throw new Error(`not asked: ${name}`);
    return found.rowsRead;
  };

  test("the metrics read no row of it", () => {
    expect(rowsRead("GET /metrics")).toBe(0);
  });

  test("one event by its id is one row", () => {
    expect(rowsRead("one event by its id")).toBeLessThanOrEqual(1);
  });

  test("a page or a search looks at no more than it says it does", () => {
    for (const name of ["a page of 50 of the log", "a search for a rare type, one page"])
      expect(rowsRead(name)).toBeLessThanOrEqual(1200);
  });

  test("no question reads more than among few", () => {
    expect(report.grown.reads).toHaveLength(10);
    expect(readGrowths(report)).toEqual([]);
  });
});
