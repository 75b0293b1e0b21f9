/**
 * The runtime is killed in the middle of every step of both sagas, forwards and while they are undone: after the restart
 * each goes on where it was, with one effect for each step, and what has to be undone is undone.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Moment } from "../../support/workflows/gate.ts";
import {
  type Hold,
  keysOf,
  type PlannedRun,
  type SagaWorld,
  startSagaWorld,
} from "../../support/workflows/saga-world.ts";
import { forward, SAGAS, type SagaCase } from "../../unit/domain/workflows/ready/sagas.ts";

const WITHIN_MS = 300_000;
const NOTICE = "notifications.send";
/** Fewer than calls of one host that are let through at once: the others would wait for those that are held. */
const HELD_MAX = 6;
let world: SagaWorld;

beforeAll(async () => {
  world = await startSagaWorld();
}, 120_000);
afterAll(() => world?.stop());

interface Killed extends PlannedRun {
  readonly hold: Hold;
  /** The person cannot be told: everything is undone. */
  readonly fails: boolean;
}

const moments: readonly Moment[] = ["received", "effect"];
const cases = SAGAS.flatMap((saga) => moments.map((when) => [saga.name, when, saga] as const));

describe("killed at every step", () => {
  test.each(cases)("%s, calls %s", { timeout: WITHIN_MS }, async (_, when, saga) => {
    for (const some of inPieces(points(saga), HELD_MAX)) {
      const runs = await Promise.all(some.map((point) => planned(saga, when, point)));
      const begin = async () => void (await Promise.all(runs.map((run) => run.begin())));
      const holds = runs.map(({ hold }) => hold);
      await world.killAtAll(holds, begin);
      for (const run of runs) await expectEnded(saga, run);
    }
  });
});

describe("one run, killed at each of its steps", () => {
  test.each(SAGAS.map((saga) => [saga.name, saga] as const))(
    "%s",
    { timeout: WITHIN_MS },
    async (_, saga) => {
      const run = await planned(saga, "answered", { action: NOTICE, fails: true });
      const killed = killEachStepOnce(run.run);
      await run.begin();
      await expectEnded(saga, run);
      expect(killed.size).toBe(points(saga).length);
      await settled;
    },
  );
});

let settled: Promise<void> = Promise.resolve();

/** One death after the other; the moments take turns. Gives the steps that were hit, filled as it goes. */
function killEachStepOnce(run: string): ReadonlySet<string> {
  const killed = new Set<string>();
  const turns: readonly Moment[] = ["answered", "effect", "received"];
  const arm = (turn: number): void => {
    let hit = "";
    const fits = (call: {
      readonly run: string;
      readonly action: string;
      readonly key: string;
    }) => {
      hit = `${call.action} ${call.key}`;
      return call.run === run && !killed.has(hit);
    };
    world.gate.at(fits, turns[turn % turns.length] ?? "received", async () => {
      killed.add(hit);
      arm(turn + 1);
      settled = settled.then(() => world.kill());
      await settled;
      return false;
    });
  };
  arm(0);
  return killed;
}

interface Point {
  readonly action: string;
  readonly fails: boolean;
  readonly nth?: number;
}

/** Every step that goes forward, every undo, and what is said at last. */
function points(saga: SagaCase): readonly Point[] {
  const undos = saga.effects.map(([, , undo]) => undo).toReversed();
  return [
    ...forward(saga).map((action) => ({ action, fails: false })),
    ...undos.map((action) => ({ action, fails: true })),
    { action: NOTICE, fails: true, nth: 2 },
  ];
}

function inPieces<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  const count = Math.ceil(all.length / size);
  return Array.from({ length: count }, (_, at) => all.slice(at * size, (at + 1) * size));
}

async function planned(saga: SagaCase, when: Moment, point: Point): Promise<Killed> {
  const one = await world.planned(saga.definition.id, saga.input);
  const { fails, ...at } = point;
  const { run } = one;
  if (fails) world.simulator.refuse({ action: NOTICE, code: "injected", run, step: "notify" });
  return { ...one, fails, hold: { run, when, ...at } };
}

async function expectEnded(saga: SagaCase, { run, fails, hold }: Killed): Promise<void> {
  const { status } = await world.ended(run, WITHIN_MS);
  const at = `${hold.action} ${hold.when}`;
  expect([at, status]).toEqual([at, fails ? "compensated" : "completed"]);
  const made = saga.made.filter((one) => one.startsWith("made"));
  const taken = made.map((one) => one.replace("made", "taken"));
  const expected = fails ? [...made, ...taken, saga.sorry] : saga.made;
  expect([at, ...world.effectsOf(run).toSorted()]).toEqual([at, ...expected.toSorted()]);
  expect(world.standingOf(run)).toHaveLength(fails ? 0 : saga.effects.length);
  // Every call of a step went under one key, in every attempt and after every death.
  const steps = keysOf(world, run).map((key) => key.split(" ").slice(0, 2).join(" "));
  expect(new Set(steps).size).toBe(steps.length);
}
