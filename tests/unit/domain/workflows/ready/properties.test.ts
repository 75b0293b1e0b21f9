/** Any failures at any calls, in any order of parallel ones: a saga ends, does nothing twice, and leaves all or nothing. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { begin, expectSound, FAULTS, type Fault } from "./saga.ts";
import { forward, SAGAS, type SagaCase } from "./sagas.ts";

const RUNS = 150;

const faultsOf = (saga: SagaCase) => {
  const actions = [...forward(saga), ...saga.effects.map(([, , undo]) => undo)];
  return fc.array(
    fc.record({
      action: fc.constantFrom(...actions),
      kind: fc.constantFrom(...FAULTS),
      next: fc.integer({ min: 1, max: 8 }),
    }),
    { maxLength: 6 },
  );
};

test.each(SAGAS.map((saga) => [saga.name, saga] as const))(
  "%s",
  (_, saga) => {
    fc.assert(
      fc.property(faultsOf(saga), fc.infiniteStream(fc.nat()), (faults, picks) => {
        const run = begin(saga.definition, saga.input);
        run.play(faults, (count) => picks.next().value % Math.max(count, 1));
        const { status } = run.state();
        const standing = run.standing();
        if (status === "completed") expect(standing).toHaveLength(saga.effects.length);
        else if (status !== "compensation_failed" && !isBelieved(faults))
          expect(standing).toEqual([]);
        expect(run.state().phase).toBe("over");
        expectSound(saga.definition, run);
        if (status !== "compensation_failed") return;
        run.send({ is: "retry_compensation" });
        run.play();
        expect(run.state().status).toBe("compensated");
        if (!isBelieved(faults)) expect(run.standing()).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  },
  60_000,
);

/** An undo was answered with 200 and garbage, and not done: the hub takes the service at its word. */
function isBelieved(faults: readonly Fault[]): boolean {
  const undos = SAGAS.flatMap(({ effects }) => effects.map(([, , undo]) => undo));
  return faults.some(({ action, kind }) => kind === "garbage" && undos.includes(action));
}
