/** Undos that fail: recorded, the older ones go on, listed for people, and run again by them. */
import { describe, expect, test } from "vitest";
import { begin, expectSound, FAULTS } from "./saga.ts";
import { BOOKING, ONBOARDING, SAGAS } from "./sagas.ts";

const grid = SAGAS.flatMap((saga) =>
  saga.effects.flatMap(([step, , undo]) =>
    FAULTS.map((kind) => [saga.name, undo, kind, saga, step] as const),
  ),
);
const last = { action: "notifications.send", kind: "refused", next: 1 } as const;

describe("once, and it passes", () => {
  const passing = grid.filter(([, , kind]) => kind !== "refused" && kind !== "garbage");
  test.each(passing)("%s, %s: %s", (_, action, kind, saga) => {
    const run = begin(saga.definition, saga.input);
    run.play([last, { action, kind, next: 1 }]);
    expect(run.state().status).toBe("compensated");
    expect(run.standing()).toEqual([]);
    expect(run.undone()).toEqual(saga.effects.map(([step]) => step).toReversed());
    expectSound(saga.definition, run);
  });
});

describe("for good, then mended", () => {
  const lasting = grid.filter(([, , kind]) => !/^garbage|^crash/.test(kind));
  test.each(lasting)("%s, %s: %s", (_, action, kind, saga, step) => {
    const run = begin(saga.definition, saga.input);
    run.play([last, { action, kind }]);
    expect(run.state().status).toBe("compensation_failed");
    const failed = run.state().undos.filter(({ status }) => status === "failed");
    expect(failed.map(({ key }) => key)).toEqual([step]);
    const others = saga.effects.map(([id]) => id).filter((id) => id !== step);
    expect(run.undone()).toEqual(others.toReversed());
    expect(run.standing()).toHaveLength(kind.endsWith("-after") ? 0 : 1);
    expect(run.effects()).toContain(saga.sorry);
    run.send({ is: "retry_compensation" });
    run.play();
    expect(run.state().status).toBe("compensated");
    expect(run.standing()).toEqual([]);
    expect(run.effects().filter((one) => one === saga.sorry)).toHaveLength(1);
    expectSound(saga.definition, run);
  });
});

test("the attempts at an undo, and that it failed, stand in the trail", () => {
  const run = begin(BOOKING.definition, BOOKING.input);
  run.play([last, { action: "reservations.release", kind: "busy" }]);
  const told = run.audit.filter(({ step }) => step === "reserve").map(({ what }) => what);
  expect(told.filter((what) => what === "compensation_started")).toHaveLength(6);
  expect(told.filter((what) => what === "compensation_retrying")).toHaveLength(5);
  expect(told.at(-1)).toBe("compensation_failed");
  expect(run.audit.at(-1)).toMatchObject({ what: "saga_failed", outcome: "compensation_failed" });
});

test("all undos fail: each is tried and listed", () => {
  const run = begin(ONBOARDING.definition, ONBOARDING.input);
  const down = ONBOARDING.effects.map(([, , action]) => ({ action, kind: "refused" }) as const);
  run.play([last, ...down]);
  expect(run.state().undos.map(({ key, status }) => [key, status])).toEqual(
    ["open-knowledge", "connect-channel", "issue-key", "create"].map((key) => [key, "failed"]),
  );
  run.send({ is: "retry_compensation" });
  run.play();
  expect(run.state().status).toBe("compensated");
  expect(run.standing()).toEqual([]);
});

test("an undo that answers garbage with 200 counts as done: 2xx is the service's word", () => {
  const run = begin(BOOKING.definition, BOOKING.input);
  run.play([last, { action: "billing.refund", kind: "garbage" }]);
  expect(run.state().status).toBe("compensated");
  expect(run.standing()).toEqual(["invoice"]);
});
