/** Services that say everything they know of a person, in answers and in refusals: none of it reaches the trail. */
import { describe, expect, test } from "vitest";
import type { Json } from "../../../../../domain/workflows/run/state.ts";
import { createServicesWorld } from "../../../../../simulators/services/world.ts";
import { MARKED, markersIn } from "../../../../support/workflows/person.ts";
import { begin, FAULTS } from "./saga.ts";
import { forward, SAGAS, type SagaCase } from "./sagas.ts";

function talkative(saga: SagaCase) {
  const world = createServicesWorld();
  world.know(MARKED);
  world.talk(true);
  const input = { ...(saga.input as Record<string, Json>), ...personOf(saga) };
  return begin(saga.definition, input, world);
}

const personOf = ({ definition }: SagaCase): Record<string, string> =>
  definition.id === "booking-billing" ? { person: MARKED.person } : { owner: MARKED.person };

describe.each(SAGAS.map((saga) => [saga.name, saga] as const))("%s", (_, saga) => {
  test("completed: no marker in the trail, in the steps, in the output", () => {
    const run = talkative(saga);
    run.play();
    const { status } = run.state();
    expect(status).toBe("completed");
    expect(markersIn(JSON.stringify(run.log))).not.toEqual([]);
    expect(markersIn(JSON.stringify(run.audit))).toEqual([]);
    expect(markersIn(JSON.stringify(run.state()))).toEqual([]);
    expect(markersIn(JSON.stringify(run.calls))).toEqual([]);
  });

  test.each(forward(saga).flatMap((action) => FAULTS.map((kind) => [action, kind] as const)))(
    "%s fails, %s",
    (action, kind) => {
      const run = talkative(saga);
      if (kind === "refused") run.world.refuse({ action, code: "not_possible" });
      const next = kind.startsWith("crash") ? { next: 1 } : {};
      run.play(kind === "refused" ? [] : [{ action, kind, ...next }]);
      expect(markersIn(JSON.stringify(run.audit))).toEqual([]);
      expect(markersIn(JSON.stringify(run.calls))).toEqual([]);
    },
  );
});
