import { describe, expect, test } from "vitest";
import baseline from "../../../bench/baseline.json" with { type: "json" };
import { type Baseline, growths, regressions, unreasoned } from "../../../bench/figures.ts";
import type { Tally } from "../../../bench/tally.ts";

const BASELINE: Baseline = {
  "cost: warm, rows written": { value: 10, because: "counted" },
  "cost: trips, bad signature": { value: 0, because: "counted" },
  "size: start": { value: 1000, because: "counted" },
};
const SAME = {
  "cost: warm, rows written": 10,
  "cost: trips, bad signature": 0,
  "size: start": 1000,
};

describe("a figure beside its baseline", () => {
  test.each([10.2, 9, 0])("%d for 10 is no regression", (rows) => {
    const now = { ...SAME, "cost: warm, rows written": rows };
    expect(regressions(BASELINE, now, ["cost", "size"])).toEqual([]);
  });

  test("more than 2 % worse is one, and says from what to what", () => {
    const now = { ...SAME, "cost: warm, rows written": 10.3 };
    expect(regressions(BASELINE, now, ["cost", "size"])).toEqual([
      { figure: "cost: warm, rows written", baseline: 10, now: 10.3 },
    ]);
  });

  test("anything above none is one", () => {
    const now = { ...SAME, "cost: trips, bad signature": 1 };
    expect(regressions(BASELINE, now, ["cost"])).toHaveLength(1);
  });

  test("one that is gone is one, unless its part was not measured", () => {
    const now = { "size: start": 1000 };
    expect(regressions(BASELINE, now, ["size"])).toEqual([]);
    expect(regressions(BASELINE, now, ["cost"])).toEqual([
      { figure: "cost: warm, rows written", baseline: 10 },
      { figure: "cost: trips, bad signature", baseline: 0 },
    ]);
  });
});

test("a baseline without a reason is named", () => {
  const bare = { ...BASELINE, "size: start": { value: 1, because: " " } };
  expect(unreasoned(bare)).toEqual(["size: start"]);
});

describe("a count with a hundred times more there", () => {
  const TALLY: Tally = {
    workerRequests: 3,
    queueOperations: 3,
    durableObjectRequests: 6,
    durableObjectRowsWritten: 4,
    durableObjectRowsRead: 6,
    d1RowsWritten: 7,
    d1RowsRead: 59,
    d1Calls: 4,
    r2ClassA: 0,
    r2ClassB: 0,
    workflowSteps: 0,
    alarmsSet: 1,
    alarmRuns: 1,
  };
  const report = (after: Partial<Tally>) => ({
    costs: [{ name: "warm", messages: 1, counts: TALLY }],
    grown: {
      by: { tenants: 100, conversations: 100, messages: 100, messagesInConversation: 100 },
      costs: [{ name: "warm", messages: 1, counts: { ...TALLY, ...after } }],
    },
  });

  test("that stays is no growth, nor is one that falls", () => {
    expect(growths(report({ d1RowsRead: 40 }))).toEqual([]);
  });

  test("that rises with the history is named", () => {
    expect(growths(report({ d1RowsRead: 20_967 }))).toEqual([
      { figure: "warm, d1RowsRead", before: 59, after: 20_967 },
    ]);
  });
});

test("every committed figure is a number with its reason beside it", () => {
  const { figures } = baseline as { readonly figures: Baseline };
  expect(Object.keys(figures).length).toBeGreaterThan(20);
  expect(unreasoned(figures)).toEqual([]);
  for (const { value } of Object.values(figures)) expect(value).toBeGreaterThanOrEqual(0);
});
