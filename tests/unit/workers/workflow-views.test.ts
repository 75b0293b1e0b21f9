/** How a run's state becomes a picture's states, and which step is gone on from where nobody names one. */
import { describe, expect, test } from "vitest";
import type { StepRecord, Undo } from "../../../domain/workflows/run/state.ts";
import { prefersSvg, statesOf } from "../../../workers/operations/workflow-graph.ts";
import { lastFailed } from "../../../workers/operations/workflow-run-orders.ts";

const record = (key: string, status: StepRecord["status"], more: Partial<StepRecord> = {}) => ({
  ...{ key, id: key.split(/[[#]/)[0] ?? "", type: "action", status, frame: "main", scope: "" },
  ...{ attempt: 1, attemptsBefore: 0, idempotencyKey: key, begun: 1, startedAtMs: 0 },
  ...more,
});
const undo = (key: string, by: string, status: Undo["status"]) => ({
  ...{ key, step: key, undo: by, status, attempt: 1, attemptsBefore: 0, idempotencyKey: key },
});
const stateOf = (records: readonly ReturnType<typeof record>[], undos: readonly Undo[] = []) => ({
  steps: Object.fromEntries(records.map((one) => [one.key, one as StepRecord])),
  undos,
});

describe("a picture's states", () => {
  test("of several executions of one step show the one that people must look at first", () => {
    const items = [
      record("a[0]", "succeeded"),
      record("a[1]", "failed"),
      record("a[2]", "running"),
    ];
    expect(statesOf(stateOf(items))).toEqual({ a: "failed" });
    expect(statesOf(stateOf(items.toReversed()))).toEqual({ a: "failed" });
    expect(statesOf(stateOf([record("b#2", "skipped"), record("b", "succeeded")]))).toEqual({
      b: "succeeded",
    });
  });

  test("tell what was undone, what could not be, and by which step", () => {
    const records = [record("a", "succeeded"), record("b", "succeeded"), record("c", "succeeded")];
    const undos = [
      undo("a", "undo-a", "succeeded"),
      undo("b", "undo-b", "failed"),
      undo("c", "undo-c", "pending"),
    ];
    expect(statesOf(stateOf(records, undos))).toEqual({
      ...{ a: "compensated", b: "compensation_failed", c: "succeeded" },
      ...{ "undo-a": "succeeded", "undo-b": "failed" },
    });
  });

  test("of a step called like a member of every object are its own", () => {
    const states = statesOf(stateOf([record("constructor", "failed")]));
    expect(Object.keys(states)).toEqual(["constructor"]);
  });
});

describe("the step to go on from", () => {
  test("is the last of the main branch that did not end well", () => {
    const records = [
      record("first", "failed", { ended: 3 }),
      record("group", "failed", { ended: 9 }),
      record("member", "failed", { ended: 12, frame: "group/0" }),
      record("fine", "succeeded", { ended: 20 }),
    ];
    expect(lastFailed(stateOf(records))).toBe("group");
    expect(lastFailed(stateOf([record("c", "cancelled", { ended: 1 })]))).toBe("c");
    expect(lastFailed(stateOf([record("fine", "succeeded", { ended: 1 })]))).toBeUndefined();
  });
});

test.each([
  [null, false],
  ["*/*", false],
  ["image/svg+xml", true],
  ["image/avif,image/webp,image/*,*/*;q=0.8", true],
  ["application/vnd.mermaid;q=0.9, image/svg+xml", false],
  ["IMAGE/SVG+XML; q=1", true],
])("Accept: %s prefers SVG: %s", (accept, svg) => {
  expect(prefersSvg(accept)).toBe(svg);
});
