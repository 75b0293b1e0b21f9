/** The ready sagas against simulated services: as they should go, and with a failure at every step in turn. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  keysOf,
  quickened,
  type SagaWorld,
  startSagaWorld,
  undosOf,
} from "../../support/workflows/saga-world.ts";
import { BOOKING, forward, ONBOARDING, SAGAS } from "../../unit/domain/workflows/ready/sagas.ts";

const WITHIN_MS = 180_000;
let world: SagaWorld;

beforeAll(async () => {
  world = await startSagaWorld();
}, 120_000);
afterAll(() => world?.stop());

const down = (run: string, action: string, next?: number) =>
  world.simulator.refuse({ action, code: "injected", run, ...(next && { next }) });

describe.each(SAGAS.map((saga) => [saga.name, saga] as const))("%s", (_, saga) => {
  const undos = saga.effects.map(([step]) => step).toReversed();
  const everything = saga.effects.length;

  test("goes through", { timeout: WITHIN_MS }, async () => {
    const { run, begin } = await world.planned(saga.definition.id, saga.input);
    await begin();
    const state = await world.ended(run, WITHIN_MS);
    expect(state.status).toBe("completed");
    expect(world.effectsOf(run).toSorted()).toEqual(saga.made.toSorted());
    expect(world.standingOf(run)).toHaveLength(everything);
  });

  test("a refusal at every step in turn, all at once", { timeout: WITHIN_MS }, async () => {
    const runs = await Promise.all(
      forward(saga).map(async (action) => {
        const planned = await world.planned(saga.definition.id, saga.input);
        down(planned.run, action, 1);
        return { action, ...planned };
      }),
    );
    await Promise.all(runs.map(({ begin }) => begin()));
    for (const { run, action } of runs) {
      const state = await world.ended(run, WITHIN_MS);
      const done = undosOf(state);
      expect([action, state.status]).toEqual([action, done.length > 0 ? "compensated" : "failed"]);
      expect(world.standingOf(run)).toEqual([]);
      expect(world.effectsOf(run).at(-1)).toBe(saga.sorry);
      if (action === "notifications.send") expect(done.toSorted()).toEqual(undos.toSorted());
      if (saga === BOOKING) expect(done).toEqual(undos.slice(everything - done.length));
      if (saga === ONBOARDING && done.length > 0) expect(done.at(-1)).toBe("create");
    }
  });

  test("an undo that is refused, each in turn", { timeout: WITHIN_MS }, async () => {
    const runs = await Promise.all(
      saga.effects.map(async ([step, , undo]) => {
        const planned = await world.planned(saga.definition.id, saga.input);
        down(planned.run, "notifications.send", 1);
        down(planned.run, undo, 1);
        return { step, ...planned };
      }),
    );
    await Promise.all(runs.map(({ begin }) => begin()));
    for (const { run, step } of runs) {
      const state = await world.ended(run, WITHIN_MS);
      expect([step, state.status]).toEqual([step, "compensation_failed"]);
      expect(undosOf(state).toSorted()).toEqual(undos.filter((id) => id !== step).toSorted());
      expect(world.standingOf(run)).toHaveLength(1);
      expect((await world.send(run, { is: "retry_compensation" })).ok).toBe(true);
      const after = await world.ended(run, WITHIN_MS);
      expect([step, after.status]).toEqual([step, "compensated"]);
      expect(world.standingOf(run)).toEqual([]);
    }
  });

  test("answers that never come", { timeout: WITHIN_MS }, async () => {
    const definition = quickened(saga.definition, "1500ms");
    await world.deploy(definition);
    const [step = "", action = "", undo = ""] = saga.effects[1] ?? [];
    const { run, begin } = await world.planned(definition.id, saga.input);
    for (const _attempt of [1, 2, 3])
      world.gate.at(
        (call) => call.run === run && call.action === action,
        "effect",
        async () => false,
      );
    await begin();
    const state = await world.ended(run, WITHIN_MS);
    expect(state.status).toBe("compensated");
    expect(state.undos.map(({ key, status, reason }) => [key, status, reason])).toEqual(
      expect.arrayContaining([
        [`${step}-in-doubt`, "succeeded", undefined],
        [step, "skipped", "outcome_unknown"],
      ]),
    );
    expect(world.standingOf(run)).toEqual([]);
    expect(world.gate.calls(run).filter((call) => call.action === action)).toHaveLength(3);
    expect(keysOf(world, run).filter((key) => key.startsWith(`${action} `))).toHaveLength(1);
    expect(keysOf(world, run).filter((key) => key.startsWith(`${undo} `))).toHaveLength(1);
  });
});
