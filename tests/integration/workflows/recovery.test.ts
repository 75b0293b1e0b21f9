/** Runs in workerd whose object or instance is lost on the way: they go on, and nothing is done under two keys. */
import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { instanceIdOf } from "../../../platform/workflow-ids.ts";
import { workflowRun } from "../../../platform/workflow-runs.ts";
import { action, env, RUN_TEST_MS, type Running, running } from "./running.ts";

vi.setConfig({ testTimeout: RUN_TEST_MS });

const PATIENCE = { timeout: 30_000, interval: 20 };

const gated = {
  id: "gated",
  steps: [
    action("a", { next: "gate" }),
    { id: "gate", type: "event", signal: "go", next: "b" },
    action("b", { next: "nap" }),
    { id: "nap", type: "wait", for: 300, next: "c" },
    action("c"),
  ],
};

async function atGate(hub: Running): Promise<string> {
  await hub.deploy(gated);
  const run = await hub.start("gated");
  await hub.until(run, ({ steps }) => steps.gate?.status === "waiting");
  return run;
}

const go = { is: "signal", id: "1", name: "go", payload: null } as const;

function instance(run: string, generation = 1): Promise<WorkflowInstance> {
  return env.RUN_WORKFLOW.get(instanceIdOf(run, generation));
}

/** Each action was called under one key, however often. */
function oneKeyEach(hub: Running): void {
  const keys = new Map<string, Set<string>>();
  for (const { step, key } of hub.calls) keys.set(step, (keys.get(step) ?? new Set()).add(key));
  for (const [step, own] of keys) expect([step, own.size]).toEqual([step, 1]);
}

describe("the object", () => {
  test("that is evicted while it waits remembers everything", async () => {
    const hub = await running({ a: {}, b: {}, c: {} });
    const run = await atGate(hub);
    await evictDurableObject(env.WORKFLOW_RUN.getByName(`${hub.tenant}:${run}`));
    await hub.send(run, go);
    expect((await hub.ended(run)).status).toBe("completed");
    expect(hub.called()).toEqual(["a", "b", "c"]);
  });

  test("whose state is too large to be kept goes on from its log", async () => {
    const hub = await running({ a: {}, b: {}, c: {} });
    await hub.deploy(gated);
    const run = await hub.start("gated");
    const stub = env.WORKFLOW_RUN.getByName(`${hub.tenant}:${run}`);
    await runInDurableObject(stub, (_, { storage: { kv } }) => {
      const put = kv.put.bind(kv);
      Object.defineProperty(kv, "put", {
        value: (key: string, value: unknown) => {
          if (key === "state") throw new Error("string or blob too big: SQLITE_TOOBIG");
          put(key, value);
        },
      });
    });
    const before = await hub.until(run, ({ steps }) => steps.gate?.status === "waiting");
    await evictDurableObject(stub);
    expect(await hub.state(run)).toEqual(before);
    await hub.send(run, go);
    expect((await hub.ended(run)).status).toBe("completed");
    expect(hub.called()).toEqual(["a", "b", "c"]);
  });

  test.each(["a", "b", "c"])(
    "that is lost with everything else while %s is at work goes on by itself",
    async (step) => {
      let lost = false;
      const hub = await running(
        Object.fromEntries(
          ["a", "b", "c"].map((name) => [
            name,
            () => (name === step && !lost ? { waitMs: 300 } : {}),
          ]),
        ),
      );
      await hub.deploy({
        ...gated,
        steps: gated.steps.map((one) =>
          one.id === "gate" ? { id: "gate", type: "set", values: {}, next: "b" } : one,
        ),
      });
      const run = await hub.start("gated");
      await vi.waitFor(() => expect(hub.called()).toContain(step), PATIENCE);
      lost = true;
      await abortAllDurableObjects();
      expect((await hub.ended(run)).status).toBe("completed");
      expect(
        hub
          .called()
          .toSorted()
          .filter((one, at, all) => one !== all[at - 1]),
      ).toEqual(["a", "b", "c"]);
      oneKeyEach(hub);
    },
  );
});

describe("the instance", () => {
  test("that was ended by somebody while the run waits is replaced when there is work", async () => {
    const hub = await running({ a: {}, b: {}, c: {} });
    const run = await atGate(hub);
    await (await instance(run)).terminate();
    await hub.send(run, go);
    expect((await hub.ended(run)).status).toBe("completed");
    expect(hub.called()).toEqual(["a", "b", "c"]);
    oneKeyEach(hub);
  });

  test("that is gone altogether is replaced when there is work", async () => {
    const hub = await running({ a: {}, b: {}, c: {} });
    const run = await atGate(hub);
    await (await instance(run)).delete();
    await hub.send(run, go);
    expect((await hub.ended(run)).status).toBe("completed");
    expect(hub.called()).toEqual(["a", "b", "c"]);
  });

  test("that is ended in the middle of an action is looked after, and the action made again under its key", async () => {
    let first = true;
    const hub = await running({
      a: () => {
        const waitMs = first ? 20_000 : 0;
        first = false;
        return { waitMs, body: { n: 1 } };
      },
    });
    await hub.deploy({ id: "one", steps: [action("a")] });
    const run = await hub.start("one");
    await vi.waitFor(() => expect(hub.called()).toEqual(["a"]), PATIENCE);
    await (await instance(run)).terminate();
    expect((await hub.ended(run)).status).toBe("completed");
    expect(hub.called()).toEqual(["a", "a"]);
    oneKeyEach(hub);
  });

  test("of an older generation is told to go, and its reports count once", async () => {
    const hub = await running({ a: {}, b: {}, c: {} });
    const run = await atGate(hub);
    const object = workflowRun(env, { tenant: hub.tenant, run });
    expect(await object.work(7, [])).toEqual({ tasks: [], over: true });
    expect(await object.take(7, "action a 1")).toBeUndefined();
    const late = { is: "step_succeeded", step: "a", attempt: 1, output: { other: true } } as const;
    expect(await object.report(7, "action a 1", late)).toEqual({ tasks: [], over: true });
    expect((await hub.state(run)).steps.a?.output).toEqual({ done: "a" });
    await hub.send(run, go);
    expect((await hub.ended(run)).status).toBe("completed");
  });
});

test("more commands than one instance may carry are carried on by the next", async () => {
  const hub = await running({});
  await hub.deploy({
    id: "many",
    steps: [
      { id: "all", type: "map", each: "input.list", do: "one", maxConcurrency: 50 },
      { id: "one", type: "action", action: "transform", with: "{{ item }}" },
    ],
  });
  const list = Array.from({ length: 450 }, (_, n) => n);
  const run = await hub.start("many", { input: { list } });
  const state = await vi.waitFor(
    async () => {
      const now = await hub.state(run);
      expect(now.phase).toBe("over");
      return now;
    },
    { timeout: 110_000, interval: 200 },
  );
  expect(state.ending).toEqual({ is: "completed", output: list });
  await expect(instance(run, 2).then(({ id }) => id)).resolves.toBe(instanceIdOf(run, 2));
}, 120_000);
