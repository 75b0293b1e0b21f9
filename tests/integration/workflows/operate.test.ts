/** Runs in workerd that people and other runs steer: started once, held, called off, tried again, undone, nested. */
import { describe, expect, test, vi } from "vitest";
import { workflowRun } from "../../../platform/workflow-runs.ts";
import { startRun } from "../../../workers/workflows/start.ts";
import { action, env, RUN_TEST_MS, type Running, running, stepsOf } from "./running.ts";

vi.setConfig({ testTimeout: RUN_TEST_MS });

const refused = { status: 422, body: { error: { code: "no_room" } } };

describe("a start", () => {
  test("under one key is one run, however often and at once", async () => {
    const hub = await running({ a: {} });
    await hub.deploy({ id: "once", steps: [action("a")] });
    const start = {
      ...{ tenant: hub.tenant, workflow: "once", input: {}, key: "order-7" },
      ...{ trigger: "api", nowMs: Date.now() },
    };
    const started = await Promise.all(Array.from({ length: 12 }, () => startRun(env, start)));
    const runs = started.map((one) => (one.ok ? one.value.run : "refused"));
    expect(new Set(runs).size).toBe(1);
    expect(started.filter((one) => one.ok && !one.value.duplicate)).toHaveLength(1);
    const state = await hub.ended(runs[0] ?? "");
    expect(state.status).toBe("completed");
    const later = await startRun(env, { ...start, input: { other: true } });
    expect(later).toMatchObject({ ok: true, value: { run: runs[0], duplicate: true } });
    expect(hub.called()).toEqual(["a"]);
  });

  test("again, by another version, is the run that there is", async () => {
    const hub = await running({ a: {} });
    await hub.deploy({ id: "once", steps: [action("a")] });
    const key = "order-8";
    const run = await hub.start("once", { key });
    const first = await workflowRun(env, { tenant: hub.tenant, run }).definition();
    const again = await workflowRun(env, { tenant: hub.tenant, run }).start({
      ...{ tenant: hub.tenant, run },
      definition: { ...first, version: "2.0.0" } as never,
      event: { is: "started", run, tenant: hub.tenant, input: {} },
    });
    expect(again).toEqual({ ok: true, value: { duplicate: true, version: "1.0.0" } });
    expect((await hub.ended(run)).version).toBe("1.0.0");
  });

  test.each([
    [{ workflow: "nobody" }, { reason: "unknown_workflow" }],
    [{ version: "9.9.9" }, { reason: "unknown_version" }],
    [{ input: { n: "seven" } }, { reason: "invalid_input" }],
    [{ input: { n: 1, text: "x".repeat(600_000) } }, { reason: "too_large" }],
  ])("of %o is refused", async (more, failure) => {
    const hub = await running({ a: {} });
    const input = { type: "object", required: ["n"], properties: { n: { type: "integer" } } };
    await hub.deploy({ id: "picky", input, steps: [action("a")] });
    const start = {
      ...{ tenant: hub.tenant, workflow: "picky", input: { n: 1 }, key: "k" },
      ...{ trigger: "api", nowMs: Date.now(), ...more },
    };
    expect(await startRun(env, start)).toMatchObject({ ok: false, failure });
  });
});

describe("a run", () => {
  const long = {
    id: "long",
    steps: [
      action("a", { next: "gate" }),
      { id: "gate", type: "event", signal: "go", next: "b" },
      action("b"),
    ],
  };

  const atGate = async (hub: Running): Promise<string> => {
    await hub.deploy(long);
    const run = await hub.start("long");
    await hub.until(run, ({ steps }) => steps.gate?.status === "waiting");
    return run;
  };

  test("that is paused begins nothing until it is resumed", async () => {
    const hub = await running({ a: {}, b: {} });
    const run = await atGate(hub);
    expect(await hub.send(run, { is: "pause" })).toMatchObject({
      ok: true,
      value: { status: "paused" },
    });
    expect(await hub.send(run, { is: "pause" })).toMatchObject({
      failure: { reason: "already_paused" },
    });
    await hub.send(run, { is: "signal", id: "1", name: "go", payload: null });
    expect(stepsOf(await hub.state(run))).toEqual({ a: "succeeded", gate: "succeeded" });
    await hub.send(run, { is: "resume" });
    expect((await hub.ended(run)).status).toBe("completed");
    expect(hub.called()).toEqual(["a", "b"]);
  });

  test("that is cancelled undoes what was done", async () => {
    const hub = await running({ a: {}, b: {}, undo: {} });
    await hub.deploy({
      ...long,
      steps: [...long.steps, action("undo")],
      compensation: { a: "undo" },
    });
    const run = await hub.start("long");
    await hub.until(run, ({ steps }) => steps.gate?.status === "waiting");
    await hub.send(run, { is: "cancel", reason: "not_wanted" });
    const state = await hub.ended(run);
    expect(state.status).toBe("cancelled");
    expect(hub.called()).toEqual(["a", "undo"]);
    expect(await hub.send(run, { is: "cancel" })).toMatchObject({
      failure: { reason: "run_finished" },
    });
  });

  test("that is cancelled in the middle of an action ends when it has settled", async () => {
    const hub = await running({ a: { waitMs: 700 }, b: {} });
    await hub.deploy({ id: "mid", steps: [action("a", { next: "b" }), action("b")] });
    const run = await hub.start("mid");
    await vi.waitFor(() => expect(hub.called()).toEqual(["a"]), { timeout: 20_000 });
    await hub.send(run, { is: "cancel" });
    expect((await hub.ended(run)).status).toBe("cancelled");
    expect(hub.called()).toEqual(["a"]);
  });

  test("that has failed goes on from the step, or behind it with an output of a person's", async () => {
    const hub = await running({ a: {}, b: [refused, {}], c: [refused] });
    await hub.deploy({
      id: "mend",
      steps: [action("a", { next: "b" }), action("b", { next: "c" }), action("c")],
    });
    const run = await hub.start("mend");
    expect((await hub.ended(run)).status).toBe("failed");
    expect(await hub.send(run, { is: "retry_from", step: "b" })).toMatchObject({ ok: true });
    await hub.until(run, ({ status, steps }) => status === "failed" && steps.c !== undefined);
    const output = { by: "hand" };
    expect(await hub.send(run, { is: "retry_from", step: "c", output })).toMatchObject({
      ok: true,
    });
    const state = await hub.ended(run);
    expect(state.ending).toEqual({ is: "completed", output });
    expect(hub.called()).toEqual(["a", "b", "b", "c"]);
    expect(new Set(hub.calls.filter((one) => one.action === "b").map(({ key }) => key)).size).toBe(
      1,
    );
  });

  test("shows its state after each step", async () => {
    const hub = await running({ a: { body: { n: 1 } }, b: { body: { n: 2 } } });
    await hub.deploy({ id: "film", steps: [action("a", { next: "b" }), action("b")] });
    const run = await hub.start("film");
    const last = await hub.ended(run);
    const object = workflowRun(env, { tenant: hub.tenant, run });
    const states = await Promise.all(
      Array.from({ length: last.seq }, (_, at) => object.state(at + 1)),
    );
    expect(states.map((one) => one && stepsOf(one))).toEqual([
      { a: "running" },
      { a: "succeeded", b: "running" },
      { a: "succeeded", b: "succeeded" },
    ]);
    expect(states.at(-1)).toEqual(last);
  });
});

describe("compensation", () => {
  const saga = (retry?: object) => ({
    id: "saga",
    steps: [
      action("a", { next: "b" }),
      action("b", { next: "c" }),
      action("c", { next: "d" }),
      action("d"),
      action("undo-a", { with: { of: "{{ undo.output.id }}", why: "{{ undo.error.code }}" } }),
      action("undo-b", retry ? { retry } : {}),
      action("undo-c"),
    ],
    compensation: { a: "undo-a", b: "undo-b", c: "undo-c" },
  });
  const services = {
    a: { body: { id: "A" } },
    b: {},
    c: {},
    d: refused,
    "undo-a": {},
    "undo-c": {},
  };

  test("undoes the last first, and goes on where one undo fails; that one is listed, and tried again by people", async () => {
    const hub = await running({ ...services, "undo-b": [refused, {}] });
    await hub.deploy(saga());
    const run = await hub.start("saga");
    const failed = await hub.ended(run);
    expect(failed.status).toBe("compensation_failed");
    expect(hub.called()).toEqual(["a", "b", "c", "d", "undo-c", "undo-b", "undo-a"]);
    expect(hub.calls.at(-1)?.input).toEqual({ of: "A", why: "no_room" });
    expect(failed.undos.map(({ key, status, error }) => [key, status, error?.reason])).toEqual([
      ["c", "succeeded", undefined],
      ["b", "failed", "no_room"],
      ["a", "succeeded", undefined],
    ]);
    await hub.send(run, { is: "retry_compensation" });
    const mended = await hub.ended(run);
    expect(mended.status).toBe("compensated");
    expect(hub.called().slice(-1)).toEqual(["undo-b"]);
    expect(hub.called()).toHaveLength(8);
  });

  test("tries an undo again as its rule says, under one key", async () => {
    const hub = await running({ ...services, "undo-b": [{ status: 503 }, { status: 503 }, {}] });
    await hub.deploy(saga({ attempts: 3, backoff: 20, jitter: "none" }));
    const state = await hub.ended(await hub.start("saga"));
    expect(state.status).toBe("compensated");
    const undos = hub.calls.filter((one) => one.action === "undo-b");
    expect(undos).toHaveLength(3);
    expect(new Set(undos.map(({ key }) => key)).size).toBe(1);
  });
});

describe("a run within a run", () => {
  const child = (steps: readonly object[]) => ({ id: "child", steps });
  const parent = (more: object = {}) => ({
    id: "parent",
    steps: [
      { id: "sub", type: "workflow", workflow: "child", with: { n: 7 }, next: "after", ...more },
      action("after", { with: { $ref: "steps.sub.output" } }),
    ],
  });

  test("gives its output to the one that started it", async () => {
    const hub = await running({ one: { body: { got: 1 } }, after: {} });
    await hub.deploy(child([action("one")]));
    await hub.deploy(parent());
    const state = await hub.ended(await hub.start("parent"));
    expect(state.status).toBe("completed");
    expect(hub.calls.map(({ action: name, input }) => [name, input])).toEqual([
      ["one", { n: 7 }],
      ["after", { got: 1 }],
    ]);
  });

  test("that fails, fails its step", async () => {
    const hub = await running({ one: refused, after: {} });
    await hub.deploy(child([action("one")]));
    await hub.deploy(parent());
    const state = await hub.ended(await hub.start("parent"));
    expect(state).toMatchObject({
      status: "failed",
      ending: { error: { reason: "child_failed" } },
    });
    expect(hub.called()).toEqual(["one"]);
  });

  test("that cannot be started, fails its step", async () => {
    const hub = await running({ after: {} });
    await hub.deploy(parent());
    const state = await hub.ended(await hub.start("parent"));
    expect(state).toMatchObject({
      status: "failed",
      ending: { error: { reason: "child_failed" } },
    });
  });

  test("is cancelled with it", async () => {
    const hub = await running({ one: {}, undo: {}, after: {} });
    await hub.deploy({
      ...child([
        action("one", { next: "nap" }),
        { id: "nap", type: "wait", for: "1h" },
        action("undo"),
      ]),
      compensation: { one: "undo" },
    });
    await hub.deploy(parent());
    const run = await hub.start("parent");
    await vi.waitFor(() => expect(hub.called()).toEqual(["one"]), { timeout: 20_000 });
    await hub.send(run, { is: "cancel" });
    expect((await hub.ended(run)).status).toBe("cancelled");
    expect(hub.called()).toEqual(["one", "undo"]);
  });

  test("that is detached goes on by itself", async () => {
    const hub = await running({ one: { waitMs: 300 }, after: {} });
    await hub.deploy(child([action("one")]));
    await hub.deploy(parent({ detached: true }));
    const state = await hub.ended(await hub.start("parent"));
    const { run: own } = (state.steps.sub?.output ?? {}) as { run: string };
    expect((await hub.ended(own)).status).toBe("completed");
    expect(hub.called().toSorted()).toEqual(["after", "one"]);
  });
});
