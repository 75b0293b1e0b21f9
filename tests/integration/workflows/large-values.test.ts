/** Outputs that are too large for a run: kept apart in R2, shown as references, put back where an action is given one. */
import { describe, expect, test, vi } from "vitest";
import { LARGE_VALUE_CHARS_MAX, largeOf } from "../../../domain/workflows/expression/large.ts";
import { STEP_OUTPUT_CHARS_MAX } from "../../../domain/workflows/run/limits.ts";
import type { Json, RunState } from "../../../domain/workflows/run/state.ts";
import { throughSeam } from "../../../platform/fault-seam.ts";
import { readArchivedRun } from "../../../platform/workflow-archive.ts";
import { workflowRun } from "../../../platform/workflow-runs.ts";
import { putRunValue, readRunValue } from "../../../platform/workflow-values.ts";
import { kept, loaded } from "../../../workers/workflows/large-values.ts";
import { apiTenant, asking } from "./api-hub.ts";
import { action, env, RUN_TEST_MS, type Running, running } from "./running.ts";

vi.setConfig({ testTimeout: RUN_TEST_MS });

const filled = (chars: number) => ({ items: ["first", "second"], text: "x".repeat(chars) });
const objectsOf = async (tenant: string) => {
  const { objects } = await env.STORE.list({ prefix: `runs/${tenant}/` });
  return objects.map(({ key }) => key.split("/").slice(2)).filter(({ length }) => length === 2);
};
const outputOf = (state: RunState, step: string) => state.steps[step]?.output;
const reasonOf = (state: RunState, step: string) => state.steps[step]?.error?.reason;

async function ran(hub: Running, steps: readonly object[], more: object = {}): Promise<RunState> {
  const id = `large-${crypto.randomUUID().slice(0, 8)}`;
  await hub.deploy({ id, steps, ...more });
  return hub.ended(await hub.start(id));
}

describe("an output", () => {
  test("above the run's own bound is kept apart, and comes back where it is given on", async () => {
    const big = filled(600_000);
    const hub = await running({ "big.get": { body: big }, "big.use": {}, "big.undo": {} });
    const state = await ran(
      hub,
      [
        action("big.get", { id: "get", next: "use" }),
        action("big.use", { id: "use", with: { all: { $ref: "steps.get.output" } }, next: "look" }),
        {
          ...{ id: "look", type: "action", action: "value.read", next: "end" },
          with: { value: { $ref: "steps.get.output" }, expression: "output.items.size()" },
        },
        { id: "end", type: "fail", code: "over" },
        action("big.undo", { id: "undo", with: { made: { $ref: "undo.output" } } }),
      ],
      { compensation: { get: "undo" } },
    );
    const large = largeOf(outputOf(state, "get"));
    expect(large).toMatchObject({ run: state.run, chars: JSON.stringify(big).length });
    expect(outputOf(state, "look")).toBe(2);
    expect(state.status).toBe("compensated");
    expect(hub.calls.map(({ action: name, input }) => [name, input])).toEqual([
      ["big.get", {}],
      ["big.use", { all: big }],
      ["big.undo", { made: big }],
    ]);
    expect(state.chars).toBeLessThan(5000);
    expect(await objectsOf(hub.tenant)).toEqual([[state.run, `${large?.sha256}.json`]]);
  });

  test("at the bound stays in the run, one above the largest fails its step", async () => {
    const of = (chars: number) => "x".repeat(chars - 2);
    const name = await (async () => {
      const hub = await running({ at: { body: of(STEP_OUTPUT_CHARS_MAX) } });
      const state = await ran(hub, [action("at")]);
      expect(outputOf(state, "at")).toBe(of(STEP_OUTPUT_CHARS_MAX));
      expect(await objectsOf(hub.tenant)).toEqual([]);
      return { tenant: hub.tenant, run: state.run };
    })();
    const above = await kept(env, name, of(STEP_OUTPUT_CHARS_MAX + 1));
    expect(above).toMatchObject({ value: { $large: { chars: STEP_OUTPUT_CHARS_MAX + 1 } } });
    expect((await kept(env, name, of(LARGE_VALUE_CHARS_MAX))).ok).toBe(true);
    expect(await kept(env, name, of(LARGE_VALUE_CHARS_MAX + 1))).toMatchObject({
      failure: { reason: "output_too_large" },
    });
  });

  test("of which its step takes a part is looked into, and the rest is nowhere", async () => {
    const output = { ids: "{{ output.items }}", size: "{{ size(output.text) }}" };
    const small = { ...filled(10), name: "Ana Example" };
    const hub = await running({ big: { body: filled(900_000) }, talks: { body: small } });
    const state = await ran(hub, [
      action("big", { output, next: "talks" }),
      action("talks", { output }),
    ]);
    expect(outputOf(state, "big")).toEqual({ ids: ["first", "second"], size: 900_000 });
    expect(outputOf(state, "talks")).toEqual({ ids: ["first", "second"], size: 10 });
    expect(await objectsOf(hub.tenant)).toEqual([]);
    const name = { tenant: hub.tenant, run: state.run };
    const live = await workflowRun(env, name).log();
    const log = live.length > 0 ? live : (await readArchivedRun(env, name))?.log;
    expect(JSON.stringify(log)).toContain("second");
    expect(JSON.stringify(log)).not.toContain("Ana Example");
  });

  test("that an expression looks into fails its step clearly, and can be handled", async () => {
    const hub = await running({ get: { body: filled(300_000) } });
    const state = await ran(hub, [
      action("get", { next: "look" }),
      { id: "look", type: "set", values: { n: "{{ steps.get.output.items }}" }, onError: "note" },
      { id: "note", type: "set", values: { why: "{{ error.message }}" }, next: "end" },
      { id: "end", type: "set", values: { over: true } },
    ]);
    expect(reasonOf(state, "look")).toBe("expression");
    expect(state.vars.why).toContain("value.read");
  });

  test("of a child is its parent's to give on", async () => {
    const hub = await running({ get: { body: filled(300_000) }, use: {} });
    await hub.deploy({ id: "child", steps: [action("get")] });
    const state = await ran(hub, [
      { id: "child", type: "workflow", workflow: "child", next: "use" },
      action("use", { with: { all: { $ref: "steps.child.output" } } }),
    ]);
    expect(largeOf(outputOf(state, "child"))?.run).not.toBe(state.run);
    expect(hub.calls.at(-1)?.input).toEqual({ all: filled(300_000) });
  });
});

describe("a value that is kept apart", () => {
  const name = async () => {
    const hub = await running({ a: {} });
    const { run } = await ran(hub, [action("a")]);
    return { tenant: hub.tenant, run };
  };

  test("is written once, and the same attempt again makes no second object", async () => {
    const of = await name();
    const json = JSON.stringify(filled(300_000));
    const first = await putRunValue(env, of, json);
    const key = (await objectsOf(of.tenant))[0]?.join("/") ?? "";
    const before = await env.STORE.head(`runs/${of.tenant}/${key}`);
    expect(await putRunValue(env, of, json)).toEqual(first);
    const after = await env.STORE.head(`runs/${of.tenant}/${key}`);
    expect(after?.uploaded).toEqual(before?.uploaded);
    expect(await objectsOf(of.tenant)).toHaveLength(1);
  });

  test("is durable before the run hears of it: a store that fails leaves the command to be repeated", async () => {
    const of = await name();
    const STORE = new Proxy(env.STORE, {
      get: (target, member) =>
        member === "put" ? () => Promise.reject(new Error("no")) : Reflect.get(target, member),
    });
    const broken = { ...(await throughSeam(env)), STORE, WORKFLOW_RUN: env.WORKFLOW_RUN } as Env;
    await expect(kept(broken, of, filled(300_000) as Json)).rejects.toThrow("no");
  });

  test("of a run that is gone is not left behind", async () => {
    const gone = { tenant: (await name()).tenant, run: `run_${"z".repeat(26)}` };
    await putRunValue(env, gone, JSON.stringify(filled(300_000)));
    expect(await objectsOf(gone.tenant)).toEqual([]);
  });

  test("is loaded within one tenant, whole, and to a bound", async () => {
    const of = await name();
    const { $large } = await putRunValue(env, of, JSON.stringify(filled(1_200_000)));
    const one = { $large: { ...$large } };
    expect(await loaded(env, of.tenant, { one })).toEqual({
      ok: true,
      value: { one: filled(1_200_000) },
    });
    expect(await loaded(env, "somebody-else", { one })).toMatchObject({
      failure: { reason: "value_missing", retryable: false },
    });
    expect(await loaded(env, of.tenant, [one, one])).toMatchObject({
      failure: { reason: "input_too_large" },
    });
    const small = { $large: { ...$large, chars: 5 } };
    expect(await loaded(env, of.tenant, [small, small])).toMatchObject({
      failure: { reason: "value_missing" },
    });
    await env.STORE.put(`runs/${of.tenant}/${of.run}/${$large.sha256}.json`, "[]");
    expect(await readRunValue(env, of.tenant, $large)).toBeUndefined();
  });
});

describe("over the API", () => {
  test("a run shows the reference, and its route gives the value to its own tenant alone", async () => {
    const [mine, other] = [await apiTenant(), await apiTenant()];
    await mine.ask("PUT", "/data/big", { value: "y".repeat(262_142) });
    await mine.ask("POST", "/workflows", {
      ...{ id: "reads", name: "Reads", version: "1.0.0" },
      steps: [{ id: "get", type: "action", action: "data.get", with: { key: "big" } }],
    });
    const { body } = await mine.ask("POST", "/workflows/reads/runs", { input: {} });
    const path = `/runs/${body.run}`;
    const output = await vi.waitFor(
      async () => {
        const now = await mine.ask("GET", path);
        expect(now.body.status).toBe("completed");
        return now.body.output;
      },
      { timeout: 25_000, interval: 50 },
    );
    const large = largeOf(output);
    expect(large?.run).toBe(body.run);
    for (const view of ["steps", "state"])
      expect((await mine.ask("GET", `${path}/${view}`)).text.length).toBeLessThan(5000);
    const value = `${path}/values/${large?.sha256}`;
    const read = await mine.ask("GET", value);
    expect([read.status, read.headers.get("etag")]).toEqual([200, `"${large?.sha256}"`]);
    expect(read.body).toEqual({ value: "y".repeat(262_142), revision: 1 });
    expect((await other.ask("GET", value)).status).toBe(404);
    expect((await asking(undefined)("GET", value)).status).toBe(401);
    expect((await mine.ask("GET", `${path}/values/${"0".repeat(64)}`)).status).toBe(404);
    expect((await mine.ask("GET", `${path}/values/..`)).status).toBe(404);
  });
});
