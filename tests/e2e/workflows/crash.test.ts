/** The runtime is killed in the middle of runs: each step has one effect, under one key, and nothing stays where it was. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/runtime.ts";
import { type CrashWorld, startCrashWorld } from "../../support/workflows/crash.ts";
import type { Moment } from "../../support/workflows/gate.ts";

let world: CrashWorld;

const action = (id: string, next?: string) => ({
  ...{ id, type: "action", action: id, retry: { attempts: 3, backoff: 50, jitter: "none" } },
  ...(next === undefined ? {} : { next }),
});

beforeAll(async () => {
  world = await startCrashWorld();
  await world.services(["a", "b", "c"]);
  await world.deploy({
    ...{ id: "line", name: "A line", version: "1.0.0" },
    steps: [action("a", "b"), action("b", "c"), action("c")],
  });
}, 120_000);

afterAll(() => world?.stop());

/** A run that stood still goes on within this of the restart, ms: seconds, on a machine with other work. */
const WOKEN_WITHIN_MS = 15_000;

const moments: readonly Moment[] = ["received", "effect", "answered"];
const points = ["a", "b", "c"].flatMap((step) => moments.map((when) => ({ step, when })));

describe("killed in step", () => {
  test.each(points)(
    "$step when its call was $when",
    { timeout: 120_000 },
    async ({ step, when }) => {
      const killed = world.killAt({ step, when });
      const run = await world.start("line");
      await killed;
      const upAtMs = Date.now();
      // Nobody asks the hub for anything: its own alarms have to wake the run.
      await eventually(
        "effects",
        async () => world.gate.effects(run).length === 3 || undefined,
        60_000,
      );
      const state = await world.ended(run);
      expect(state.status).toBe("completed");
      expect(world.gate.effects(run).map(({ action: name }) => name)).toEqual(["a", "b", "c"]);
      for (const name of ["a", "b", "c"]) {
        const keys = world.gate.calls(run).filter((call) => call.action === name);
        expect(new Set(keys.map(({ key }) => key))).toEqual(new Set([`${run}/${name}/0`]));
      }
      expect((state.endedAtMs ?? Infinity) - upAtMs).toBeLessThan(WOKEN_WITHIN_MS);
    },
  );
});
