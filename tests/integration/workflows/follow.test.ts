/** What follows a run in workerd: rows, trail, metrics, events, archive; and what is left of it in the end. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { METRICS_OBJECT } from "../../../platform/metrics.ts";
import { findRun } from "../../../platform/repositories/workflow-runs.ts";
import { readArchivedRun, readRunState } from "../../../platform/workflow-archive.ts";
import { instanceIdOf } from "../../../platform/workflow-ids.ts";
import { workflowRun } from "../../../platform/workflow-runs.ts";
import type { EventEnvelope } from "../../../schema/event.ts";
import { startRun } from "../../../workers/workflows/start.ts";
import { heard, listen } from "../events/telling.ts";
import { action, env, RUN_TEST_MS, type Running, running } from "./running.ts";

vi.setConfig({ testTimeout: RUN_TEST_MS });
afterEach(() => vi.restoreAllMocks());

const DAY_MS = 86_400_000;
const PATIENCE = { timeout: 30_000, interval: 50 };
const refused = { status: 422, body: { error: { code: "no_room" } } };

const saga = {
  id: "saga",
  steps: [action("a", { next: "b" }), action("b"), action("undo")],
  compensation: { a: "undo" },
};

async function rowsOf(hub: Running, sql: string): Promise<readonly Record<string, unknown>[]> {
  const { results } = await env.DB.prepare(sql).bind(hub.tenant).all<Record<string, unknown>>();
  return results;
}

/** Waits until the tables say what the object knows. */
async function projected(hub: Running, run: string): Promise<void> {
  await vi.waitFor(async () => {
    const row = await findRun(env.DB, hub.tenant, run);
    expect(row?.seq).toBe((await hub.state(run)).seq);
  }, PATIENCE);
}

test("the tables say how a run, its steps and its undos went, without a word of what was said", async () => {
  const hub = await running({ a: { body: { secret: "word" } }, b: refused, undo: {} });
  await hub.deploy(saga);
  const run = await hub.start("saga", { correlationId: "case-7", input: { name: "Ada" } });
  await hub.ended(run);
  await projected(hub, run);
  expect(await findRun(env.DB, hub.tenant, run)).toMatchObject({
    ...{ workflow_id: "saga", version: "1.0.0", status: "compensated", trigger: "api" },
    ...{ correlation_id: "case-7", reason: "no_room", undos_failed: 0 },
  });
  const steps = await rowsOf(
    hub,
    "SELECT * FROM workflow_steps WHERE tenant_id = ? ORDER BY started_at, key",
  );
  expect(steps.map(({ key, status, reason, attempts }) => [key, status, reason, attempts])).toEqual(
    [
      ["a", "succeeded", null, 1],
      ["b", "failed", "no_room", 1],
      ["undo:a", "succeeded", null, 1],
    ],
  );
  const trail = await rowsOf(
    hub,
    "SELECT * FROM workflow_audit WHERE tenant_id = ? ORDER BY seq, part",
  );
  expect(trail.map(({ what, step }) => [what, step])).toEqual([
    ["run_started", null],
    ["step_started", "a"],
    ["step_completed", "a"],
    ["step_started", "b"],
    ["step_failed", "b"],
    ["compensation_started", "a"],
    ["compensation_completed", "a"],
    ["saga_failed", null],
  ]);
  expect(JSON.stringify([steps, trail])).not.toMatch(/word|Ada/);
});

test("the bus is told of every turn, once and in order", async () => {
  const hub = await running({ a: {}, b: refused, undo: {} });
  await listen(hub.tenant);
  await hub.deploy(saga);
  const run = await hub.start("saga", { correlationId: "case-7" });
  await hub.ended(run);
  const events: EventEnvelope[] = [];
  await vi.waitFor(async () => {
    events.push(...(await heard(hub.tenant)));
    expect(events.at(-1)?.event_type).toBe("workflow.run.compensated");
  }, PATIENCE);
  expect(events.map(({ event_type: type }) => type)).toEqual([
    ...["workflow.run.started", "workflow.step.started", "workflow.step.completed"],
    ...["workflow.step.started", "workflow.step.failed"],
    ...["workflow.step.compensating", "workflow.step.compensated", "workflow.run.compensated"],
  ]);
  expect(new Set(events.map(({ event_id: id }) => id)).size).toBe(events.length);
  for (const { data, metadata } of events) {
    expect(data).toMatchObject({ run, workflow: "saga" });
    expect(metadata.correlation_id).toBe("case-7");
  }
});

test("the metrics count starts, ends, transitions and failures", async () => {
  const hub = await running({ a: {}, b: refused, undo: {} });
  await hub.deploy(saga);
  await hub.ended(await hub.start("saga"));
  const { tenant } = hub;
  await vi.waitFor(async () => {
    const { counters, histograms } = await env.METRICS.getByName(METRICS_OBJECT).snapshot();
    expect(counters).toMatchObject({
      [`workflow_starts_total|${tenant}|api|started`]: 1,
      [`workflow_runs_total|${tenant}|saga|compensated`]: 1,
      [`workflow_transitions_total|${tenant}|step_completed`]: 1,
      [`workflow_transitions_total|${tenant}|compensation_completed`]: 1,
      [`workflow_failures_total|${tenant}|step_failed|no_room`]: 1,
      [`workflow_actions_total|${tenant}|succeeded`]: 2,
      [`workflow_actions_total|${tenant}|failed`]: 1,
    });
    expect(Object.keys(histograms)).toContain(`workflow_run_seconds|${tenant}|compensated`);
  }, PATIENCE);
});

describe("a run that is over", () => {
  test("is archived whole, its instance deleted, and in the end its object forgotten", async () => {
    const hub = await running({ a: { body: { n: 1 } }, b: {} });
    await hub.deploy({ id: "line", steps: [action("a", { next: "b" }), action("b")] });
    const { tenant } = hub;
    const run = await hub.start("line", { key: "order-7" });
    const last = await hub.ended(run);
    const name = { tenant, run };
    await vi.waitFor(async () => {
      const archived = await readArchivedRun(env, name);
      expect(archived?.log).toHaveLength(last.seq);
    }, PATIENCE);
    await vi.waitFor(async () => {
      const found = await env.RUN_WORKFLOW.get(instanceIdOf(run, 1)).then(
        () => "there",
        (error: unknown) => String(error),
      );
      expect(found).toMatch(/not.found/);
    }, PATIENCE);
    await projected(hub, run);

    const realNow = Date.now;
    vi.spyOn(Date, "now").mockImplementation(() => realNow() + DAY_MS + 60_000);
    const stub = env.WORKFLOW_RUN.getByName(`${tenant}:${run}`);
    await vi.waitFor(async () => {
      await runDurableObjectAlarm(stub);
      expect(await workflowRun(env, name).state()).toBeUndefined();
    }, PATIENCE);
    vi.restoreAllMocks();

    expect((await findRun(env.DB, tenant, run))?.archived_at).not.toBeNull();
    expect(await readRunState(env, name)).toEqual(last);
    expect((await readRunState(env, name, 2))?.steps.a?.output).toEqual({ n: 1 });
    const again = await startRun(env, {
      ...{ tenant, workflow: "line", input: {}, key: "order-7", trigger: "api" },
      nowMs: Date.now(),
    });
    expect(again).toMatchObject({ ok: true, value: { run, duplicate: true } });
    expect(hub.called()).toEqual(["a", "b"]);
  });
});
