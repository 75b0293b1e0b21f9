/** A failure at every step of both sagas in turn, of every kind: how they end, what is undone in which order, what is left. */
import { describe, expect, test } from "vitest";
import { expectSound, FAULTS, type FaultKind, begin as played, type Saga } from "./saga.ts";
import { BOOKING, forward, ONBOARDING, SAGAS, type SagaCase } from "./sagas.ts";

/** Kinds that the saga gets over, where they hit each call once. */
const PASSING = [
  "busy",
  "reset",
  "reset-after",
  "timeout",
  "timeout-after",
  "crash",
  "crash-after",
];
/** Kinds after which nobody knows what was done. */
const DOUBTFUL = ["busy", "reset", "reset-after", "timeout", "timeout-after"];

const begin = ({ definition, input }: SagaCase): Saga => played(definition, input);

const grid = SAGAS.flatMap((saga) =>
  forward(saga).flatMap((action) => FAULTS.map((kind) => [saga.name, action, kind, saga] as const)),
);

describe("without a failure", () => {
  test.each(SAGAS.map((saga) => [saga.name, saga] as const))("%s", (_, saga) => {
    const run = begin(saga);
    run.play();
    expect(run.state()).toMatchObject({ status: "completed", undos: [] });
    expect(run.effects()).toEqual(saga.made);
    expect(run.standing()).toHaveLength(saga.effects.length);
    const { ending } = run.state();
    const ids = ending?.is === "completed" ? Object.values(ending.output ?? {}) : [];
    expect(ids).toEqual(Object.values(run.world.standing("t1", "run_1")));
    expectSound(saga.definition, run);
  });
});

describe("once, and it passes", () => {
  const passing = grid.filter(([, , kind]) => PASSING.includes(kind));
  test.each(passing)("%s, %s: %s", (_, action, kind, saga) => {
    const run = begin(saga);
    run.play([{ action, kind, next: 1 }]);
    expect(run.state().status).toBe("completed");
    expect(run.effects()).toEqual(expect.arrayContaining([...saga.made]));
    expect(run.effects()).toHaveLength(saga.made.length);
    expect(run.calls.filter((call) => call.action === action)).toHaveLength(2);
    expectSound(saga.definition, run);
  });
});

describe("for good", () => {
  const lasting = grid.filter(([, , kind]) => !kind.startsWith("crash"));
  test.each(lasting)("%s, %s: %s", (_, action, kind, saga) => {
    const run = begin(saga);
    const isNotice = action === "notifications.send";
    // The apology goes to the same service, and gets through.
    const attempts = DOUBTFUL.includes(kind) ? 3 : 1;
    run.play([{ action, kind, ...(isNotice ? { next: attempts } : {}) }]);
    expect(run.standing()).toEqual([]);
    expect(run.state().status).toBe(run.undone().length > 0 ? "compensated" : "failed");
    expect(run.undone()).toEqual(expectedUndos(saga, action, kind));
    expect(run.effects()).toContain(saga.sorry);
    const balance = (word: string) => run.effects().filter((one) => one.startsWith(word)).length;
    expect(balance("taken")).toBe(balance("made"));
    expectSound(saga.definition, run);
  });
});

/** Completed steps, the last first; before them the one that failed, where its effect may have been made. */
function expectedUndos(saga: SagaCase, action: string, kind: FaultKind): readonly string[] {
  const at = saga.effects.findIndex(([, one]) => one === action);
  if (saga.checks.includes(action)) return [];
  if (at < 0) return ids(saga).toReversed();
  const [step = ""] = saga.effects[at] ?? [];
  const isParallel = saga === ONBOARDING && at > 0;
  const others = isParallel ? ids(saga).filter((id) => id !== step) : ids(saga).slice(0, at);
  if (kind.startsWith("garbage")) return inOrder(others, step, isParallel);
  const doubt = DOUBTFUL.includes(kind) ? [`${step}-in-doubt`] : [];
  return [...doubt, ...others.toReversed()];
}

/** A step whose answer could not be read ended where it would have completed. */
function inOrder(others: readonly string[], step: string, isParallel: boolean): readonly string[] {
  if (!isParallel) return [step, ...others.toReversed()];
  return ids(ONBOARDING)
    .filter((id) => id === step || others.includes(id))
    .toReversed();
}

function ids({ effects }: SagaCase): readonly string[] {
  return effects.map(([step]) => step);
}

describe("what it looks like", () => {
  test("the bill is refused: the slot is released, then the authorization withdrawn, then the person told", () => {
    const run = begin(BOOKING);
    run.play([{ action: "billing.charge", kind: "refused" }]);
    expect(run.calls.map(({ action }) => action)).toEqual([
      ...["coverage.verify", "reservations.reserve", "billing.charge"],
      ...["reservations.release", "coverage.withdraw", "notifications.send"],
    ]);
    expect(run.state()).toMatchObject({
      status: "compensated",
      ending: { error: { reason: "refused.injected" } },
    });
  });

  test("nobody could be told: refund, release, withdraw", () => {
    const run = begin(BOOKING);
    run.play([{ action: "notifications.send", kind: "refused", next: 1 }]);
    expect(run.effects()).toEqual([
      ...["made authorization", "made reservation", "made invoice"],
      ...["taken invoice", "taken reservation", "taken authorization", "sent booking.failed"],
    ]);
  });

  test("no answer to the bill: whatever became of it is refunded, and people see that it was in doubt", () => {
    const run = begin(BOOKING);
    run.play([{ action: "billing.charge", kind: "timeout-after" }]);
    expect(run.state().undos.map(({ key, status, reason }) => [key, status, reason])).toEqual([
      ["bill-in-doubt", "succeeded", undefined],
      ["bill", "skipped", "outcome_unknown"],
      ["reserve", "succeeded", undefined],
      ["verify", "succeeded", undefined],
    ]);
    expect(run.effects()).toContain("taken invoice");
  });

  test("a charge that comes after its refund is refused by the service", () => {
    const run = begin(BOOKING);
    run.play([{ action: "billing.charge", kind: "timeout" }]);
    const { key = "", input } = run.calls.find(({ action }) => action === "billing.charge") ?? {};
    const late = { tenant: "t1", action: "billing.charge", key, input: input as object as never };
    expect(run.world.answer(late)).toMatchObject({ status: 409 });
    expect(run.standing()).toEqual([]);
  });

  test("one of three fails: the other two settle first, then all goes, the last first", () => {
    const run = begin(ONBOARDING);
    run.play([{ action: "keys.issue", kind: "refused" }]);
    expect(run.calls.map(({ action }) => action)).toEqual([
      ...["agents.validate", "agents.create", "keys.issue", "channels.connect", "knowledge.open"],
      ...["knowledge.close", "channels.disconnect", "agents.remove", "notifications.send"],
    ]);
  });

  test("nothing was done yet: failed, not compensated", () => {
    for (const [saga, action] of [
      [BOOKING, "coverage.verify"],
      [ONBOARDING, "agents.validate"],
      [ONBOARDING, "agents.create"],
    ] as const) {
      const run = begin(saga);
      run.play([{ action, kind: "refused" }]);
      expect(run.state()).toMatchObject({ status: "failed", undos: [] });
    }
  });

  test("the cover was refused by mistake: people let the run go on from there", () => {
    const run = begin(BOOKING);
    run.play([{ action: "coverage.verify", kind: "refused" }]);
    expect(run.state().status).toBe("failed");
    run.send({ is: "retry_from", step: "verify" });
    run.play();
    expect(run.state().status).toBe("completed");
    expect(run.effects()).toEqual([BOOKING.sorry, ...BOOKING.made]);
    expectSound(BOOKING.definition, run);
  });
});
