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
  await world.services(["a", "b", "c", "d", "undo-a", "undo-b", "undo-c"]);
  world.gate.answer("d", { status: 422, body: { error: { code: "no_room" } } });
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

describe("killed in an undo", () => {
  const undos = ["undo-c", "undo-b", "undo-a"];
  const undo = (id: string) => ({ ...action(id), with: { of: { $ref: "undo.step" } } });

  beforeAll(() =>
    world.deploy({
      ...{ id: "saga", name: "A saga", version: "1.0.0" },
      steps: [
        ...[action("a", "b"), action("b", "c"), action("c", "d"), action("d")],
        ...undos.map(undo),
      ],
      compensation: { a: "undo-a", b: "undo-b", c: "undo-c" },
    }),
  );

  const places = undos.flatMap((name) => moments.map((when) => ({ name, when })));
  test.each(places)(
    "$name when its call was $when",
    { timeout: 120_000 },
    async ({ name, when }) => {
      const killed = world.killAt({ action: name, when });
      const run = await world.start("saga");
      await killed;
      const state = await world.ended(run);
      expect(state.status).toBe("compensated");
      const effects = world.gate.effects(run).map((one) => one.action);
      expect(effects).toEqual(["a", "b", "c", ...undos]);
      for (const one of undos) {
        const keys = world.gate
          .calls(run)
          .flatMap((call) => (call.action === one ? [call.key] : []));
        expect(new Set(keys).size, one).toBe(1);
      }
    },
  );
});

describe("killed while nothing goes on", () => {
  beforeAll(() =>
    world.deploy({
      ...{ id: "quiet", name: "A quiet one", version: "1.0.0" },
      steps: [
        action("a", "nap"),
        { id: "nap", type: "wait", for: 1500, next: "ask" },
        { id: "ask", type: "approval", title: "Go on?", next: "b" },
        action("b"),
      ],
    }),
  );

  test("a wait ends by itself, an answer reaches its task", { timeout: 120_000 }, async () => {
    const run = await world.start("quiet");
    await world.until(run, ({ steps }) => steps.nap?.status === "waiting");
    await world.kill();
    await world.until(run, ({ steps }) => steps.ask?.status === "waiting");
    await world.kill();
    const answer = { is: "task_answered", task: "ask@1", choice: "approve" } as const;
    expect((await world.send(run, answer)).ok).toBe(true);
    expect((await world.ended(run)).status).toBe("completed");
    expect(world.gate.calls(run).map((call) => call.action)).toEqual(["a", "b"]);
  });
});

test("many runs, killed again and again, all come to their end", { timeout: 240_000 }, async () => {
  const runs = await Promise.all(Array.from({ length: 20 }, () => world.start("line")));
  for (let kills = 0; kills < 4; kills++) {
    await new Promise((resolve) => setTimeout(resolve, 150 + kills * 200));
    await world.kill();
  }
  for (const run of runs) {
    expect((await world.ended(run, 120_000)).status).toBe("completed");
    expect(world.gate.effects(run).map((one) => one.action)).toEqual(["a", "b", "c"]);
  }
});
