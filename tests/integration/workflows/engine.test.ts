/** Runs in workerd, from their start to their end, with their Workflows instances: every kind of step. */
import { describe, expect, test, vi } from "vitest";
import { action, RUN_TEST_MS, running, stepsOf } from "./running.ts";

vi.setConfig({ testTimeout: RUN_TEST_MS });

describe("a run", () => {
  test("goes through its steps in order, each fed by those before", async () => {
    const hub = await running({ a: { body: { n: 2 } }, b: { body: { n: 3 } }, c: {} });
    await hub.deploy({
      id: "line",
      output: { sum: "{{ steps.a.output.n + steps.b.output.n }}" },
      steps: [
        action("a", { with: { of: { $ref: "input.name" } }, next: "b" }),
        action("b", { with: { n: { $ref: "steps.a.output.n" } }, next: "c" }),
        action("c"),
      ],
    });
    const state = await hub.ended(await hub.start("line", { input: { name: "x" } }));
    expect(state.ending).toEqual({ is: "completed", output: { sum: 5 } });
    expect(hub.calls.map(({ action: name, input }) => [name, input])).toEqual([
      ["a", { of: "x" }],
      ["b", { n: 2 }],
      ["c", { name: "x" }],
    ]);
    expect(stepsOf(state)).toEqual({ a: "succeeded", b: "succeeded", c: "succeeded" });
  });

  test.each([
    [150, ["dear"]],
    [50, ["cheap"]],
  ])("decides at %i where to go on", async (amount, called) => {
    const hub = await running({ dear: {}, cheap: {} });
    await hub.deploy({
      id: "fork",
      steps: [
        {
          id: "which",
          type: "decision",
          condition: "input.amount > 100",
          next: ["dear", "cheap"],
        },
        action("dear"),
        action("cheap"),
      ],
    });
    const state = await hub.ended(await hub.start("fork", { input: { amount } }));
    expect(state.status).toBe("completed");
    expect(hub.called()).toEqual(called);
  });

  test("runs branches at once and joins when all have settled", async () => {
    let open = 0;
    let most = 0;
    const branch = () => {
      open += 1;
      most = Math.max(most, open);
      return { waitMs: 150, done: () => (open -= 1) };
    };
    const hub = await running({ a: branch, b: branch, c: branch, after: {} });
    await hub.deploy({
      id: "wide",
      steps: [
        { id: "all", type: "parallel", next: ["a", "b", "c"], join: "after" },
        ...["a", "b", "c"].map((id) => action(id)),
        action("after", { with: { $ref: "steps.all.output" } }),
      ],
    });
    const state = await hub.ended(await hub.start("wide"));
    expect(state.status).toBe("completed");
    expect(most).toBe(3);
    expect(hub.called().slice(0, 3).toSorted()).toEqual(["a", "b", "c"]);
    expect(hub.calls.at(-1)).toMatchObject({
      action: "after",
      input: { a: { done: "a" }, b: { done: "b" }, c: { done: "c" } },
    });
  });

  test("works on the items of a list, so many at once, and keeps their order", async () => {
    let open = 0;
    let most = 0;
    const hub = await running({
      one: ({ input }) => {
        open += 1;
        most = Math.max(most, open);
        return {
          waitMs: 40,
          body: { twice: Number((input as { n: number }).n) * 2 },
          done: () => (open -= 1),
        };
      },
    });
    await hub.deploy({
      id: "each",
      output: "{{ steps.all.output.map(one, one.twice) }}",
      steps: [
        { id: "all", type: "map", each: "input.list", do: "one", maxConcurrency: 3 },
        action("one", { with: { n: "{{ item }}" } }),
      ],
    });
    const list = [5, 4, 3, 2, 1, 0, 9];
    const state = await hub.ended(await hub.start("each", { input: { list } }));
    expect(state.ending).toMatchObject({ output: list.map((n) => n * 2) });
    expect(most).toBeLessThanOrEqual(3);
    expect(new Set(hub.calls.map(({ key }) => key)).size).toBe(list.length);
  });

  test("repeats a body while its condition holds", async () => {
    const hub = await running({ ask: ({ step }) => ({ body: { ready: step === "ask[2]" } }) });
    await hub.deploy({
      id: "loop",
      vars: { ready: false },
      steps: [
        { id: "again", type: "loop", while: "!vars.ready", times: 10, do: "ask" },
        action("ask", { next: "keep" }),
        { id: "keep", type: "set", values: { ready: { $ref: "steps.ask.output.ready" } } },
      ],
    });
    const state = await hub.ended(await hub.start("loop"));
    expect(state.status).toBe("completed");
    expect(hub.called()).toHaveLength(3);
  });

  test("waits, and goes on by its own timer", async () => {
    const hub = await running({ a: {} });
    await hub.deploy({
      id: "later",
      steps: [{ id: "nap", type: "wait", for: 300, next: "a" }, action("a")],
    });
    const state = await hub.ended(await hub.start("later"));
    expect(state.status).toBe("completed");
    const { nap } = state.steps;
    expect((nap?.endedAtMs ?? 0) - (nap?.startedAtMs ?? 0)).toBeGreaterThanOrEqual(300);
  });

  test("takes a signal it waits for, and one that came before", async () => {
    const hub = await running({ a: {} });
    await hub.deploy({
      id: "signals",
      steps: [
        { id: "first", type: "event", signal: "go", next: "a" },
        action("a", { next: "second" }),
        { id: "second", type: "event", signal: "early" },
      ],
    });
    const run = await hub.start("signals");
    await hub.until(run, ({ steps }) => steps.first?.status === "waiting");
    const early = await hub.send(run, { is: "signal", id: "1", name: "early", payload: { n: 1 } });
    expect(early).toMatchObject({ ok: true });
    await hub.send(run, { is: "signal", id: "2", name: "go", payload: { n: 2 } });
    const state = await hub.ended(run);
    expect(state.steps.first?.output).toEqual({ n: 2 });
    expect(state.steps.second?.output).toEqual({ n: 1 });
    expect(await hub.send(run, { is: "signal", id: "3", name: "go", payload: null })).toEqual({
      ok: false,
      failure: { reason: "run_finished", status: "completed" },
    });
  });

  test("hears nothing in time and goes on where it should", async () => {
    const hub = await running({ a: {} });
    await hub.deploy({
      id: "deaf",
      steps: [
        { id: "hear", type: "event", signal: "go", timeout: 100, onTimeout: "a" },
        action("a"),
      ],
    });
    const state = await hub.ended(await hub.start("deaf"));
    expect(state.status).toBe("completed");
    expect(hub.called()).toEqual(["a"]);
  });
});

describe("a task", () => {
  const asking = {
    id: "ask",
    steps: [
      { id: "may", type: "approval", title: "May it go on?", assignees: ["ada"], next: "a" },
      action("a"),
    ],
  };

  test("is opened for people and answered once", async () => {
    const hub = await running({ a: {} });
    await hub.deploy(asking);
    const run = await hub.start("ask");
    const open = await hub.until(run, ({ steps }) => steps.may?.task !== undefined);
    expect(open.steps.may?.task).toMatchObject({ id: "may@1", assignees: ["ada"] });
    const answer = { is: "task_answered", task: "may@1", choice: "approve", by: "ada" } as const;
    expect(await hub.send(run, answer)).toMatchObject({ ok: true });
    const again = await hub.send(run, { ...answer, choice: "reject" });
    expect(again.ok).toBe(false);
    const state = await hub.ended(run);
    expect(state.steps.may?.output).toMatchObject({ choice: "approve", by: "ada" });
    expect(hub.called()).toEqual(["a"]);
  });

  test("that is refused fails the run", async () => {
    const hub = await running({ a: {} });
    await hub.deploy(asking);
    const run = await hub.start("ask");
    await hub.until(run, ({ steps }) => steps.may?.task !== undefined);
    await hub.send(run, { is: "task_answered", task: "may@1", choice: "reject" });
    const state = await hub.ended(run);
    expect(state).toMatchObject({ status: "failed", ending: { error: { reason: "rejected" } } });
    expect(hub.called()).toEqual([]);
  });
});
