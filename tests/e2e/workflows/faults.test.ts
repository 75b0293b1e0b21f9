/**
 * Calls that fail between any two steps of a run, before or after they were carried out: of the hub to the run's
 * object, of the object to Workflows, to the tables and to the archive. Every run completes, each step has one effect.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/runtime.ts";
import { type CrashWorld, startCrashWorld } from "../../support/workflows/crash.ts";

let world: CrashWorld;

const PLAN_KEY = "faults/plan.json";
/** The seam trusts a plan for 25 ms. */
const PLAN_SETTLE_MS = 80;
const ACTIONS = ["a", "b", "c"];

async function plan(faults: readonly object[]): Promise<void> {
  const store = await world.hub.mf.getR2Bucket("STORE");
  await store.put(PLAN_KEY, JSON.stringify({ seed: 1, faults, nonce: Math.random() }));
  await new Promise((resolve) => setTimeout(resolve, PLAN_SETTLE_MS));
}

beforeAll(async () => {
  world = await startCrashWorld({ bindings: { FAULT_PLAN: `store:${PLAN_KEY}` } });
  await world.services(ACTIONS);
  await world.deploy({
    ...{ id: "line", name: "A line", version: "1.0.0" },
    steps: [
      { id: "a", type: "action", action: "a", next: "nap" },
      { id: "nap", type: "wait", for: 100, next: "b" },
      { id: "b", type: "action", action: "b", next: "c" },
      { id: "c", type: "action", action: "c" },
    ],
  });
}, 120_000);

afterAll(() => world?.stop());

const OBJECT = ["start", "work", "take", "report"].map((op) => ({ target: "WORKFLOW_RUN", op }));
const WORKFLOWS = ["create", "get"].map((op) => ({ target: "RUN_WORKFLOW", op }));
const SITES = [
  ...OBJECT,
  ...WORKFLOWS,
  { target: "DB", op: "batch" },
  { target: "STORE", op: "put", match: "runs/" },
].flatMap((site) => [
  { ...site, when: "before" },
  { ...site, when: "after" },
]);

describe("a run comes to its end, each step with one effect, where the call fails once", () => {
  test.each(SITES)("$target $op $when", { timeout: 120_000 }, async (site) => {
    await plan([{ ...site, p: 1, error: "reset", times: 1 }]);
    const before = injected();
    const run = await begun();
    const state = await world.ended(run);
    expect(state.status).toBe("completed");
    expect(world.gate.effects(run).map(({ action }) => action)).toEqual(ACTIONS);
    for (const name of ACTIONS) {
      const keys = world.gate.calls(run).flatMap((one) => (one.action === name ? [one.key] : []));
      expect(new Set(keys).size, name).toBe(1);
    }
    await followed(run, state.seq);
    expect(injected()).toBeGreaterThan(before);
  });

  test("a third of all of them, again and again", { timeout: 180_000 }, async () => {
    await plan(
      [...OBJECT, ...WORKFLOWS].flatMap((site) => [
        { ...site, when: "before", p: 0.15, error: "reset" },
        { ...site, when: "after", p: 0.15, error: "reset" },
      ]),
    );
    const runs = await Promise.all(Array.from({ length: 8 }, () => begun()));
    for (const run of runs) {
      expect((await world.ended(run, 150_000)).status).toBe("completed");
      expect(world.gate.effects(run).map(({ action }) => action)).toEqual(ACTIONS);
    }
    await plan([]);
  });
});

function injected(): number {
  return world.logs.filter((line) => line.includes("fault.injected")).length;
}

/** A start that fails is made again under its key, as a caller does. */
async function begun(): Promise<string> {
  const key = crypto.randomUUID();
  return eventually("a start", () => world.start("line", {}, key).catch(() => undefined), 60_000);
}

/** Tables and archive have caught up. */
async function followed(run: string, seq: number): Promise<void> {
  await eventually(
    "the tables",
    async () => {
      const db = await world.hub.mf.getD1Database("DB");
      const row = await db.prepare("SELECT seq FROM workflow_runs WHERE id = ?").bind(run).first();
      return row?.seq === seq || undefined;
    },
    60_000,
  );
  await eventually(
    "the archive",
    async () => {
      const store = await world.hub.mf.getR2Bucket("STORE");
      return (await store.head(`runs/${world.tenant}/${run}.json`)) ?? undefined;
    },
    60_000,
  );
}
