import { expect, test } from "vitest";
import { billPerMillion, total } from "../../../bench/dollars.ts";
import prices from "../../../bench/prices.json" with { type: "json" };

const NOTHING = {
  workerRequests: 0,
  queueOperations: 0,
  durableObjectRequests: 0,
  durableObjectRowsWritten: 0,
  durableObjectRowsRead: 0,
  d1RowsWritten: 0,
  d1RowsRead: 0,
  r2ClassA: 0,
  r2ClassB: 0,
  workflowSteps: 0,
};

test("a message that does nothing costs nothing", () => {
  expect(total(billPerMillion(NOTHING, prices))).toBe(0);
});

test("rows of both stores are billed alike, a queued message is three operations", () => {
  const counts = {
    ...NOTHING,
    durableObjectRowsWritten: 2,
    d1RowsWritten: 7.5,
    queueOperations: 3,
    r2ClassA: 0.01,
  };
  expect(billPerMillion(counts, prices)).toMatchObject({
    rowsWritten: 9.5,
    queueOperations: 3 * 0.4,
    r2ClassA: 0.045,
  });
  expect(total(billPerMillion(counts, prices))).toBeCloseTo(9.5 + 1.2 + 0.045, 6);
});

test("a Workflow step per message costs eight dollars", () => {
  expect(total(billPerMillion({ ...NOTHING, workflowSteps: 1 }, prices))).toBe(8);
});

test("an awake object is billed by the time it serves", () => {
  const bill = billPerMillion({ ...NOTHING, durableObjectRequests: 10 }, prices);
  const { awakeSecondsPerDurableObjectRequest } = prices.assumed;
  expect(bill.durableObjectGbSeconds).toBeCloseTo(
    10 * awakeSecondsPerDurableObjectRequest * 0.128 * 12.5,
    9,
  );
});
