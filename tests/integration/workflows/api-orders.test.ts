/** Orders to runs over the API: pause, resume, cancel, retry, signal, and undos that failed. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { type ApiTenant, apiTenant, noting } from "./api-hub.ts";

/** How long a run may take on a busy machine, ms. */
const PATIENCE = { timeout: 20_000, interval: 25 };
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const LISTENING = {
  ...{ id: "listening", name: "Listening", version: "1.0.0" },
  steps: [
    { id: "hear", type: "event", signal: "word", next: "end" },
    { id: "end", type: "set", values: { done: true } },
  ],
};

/** Its second step fails while the key is not at revision 1. */
const FAILING = {
  ...{ id: "failing", name: "Failing", version: "1.0.0" },
  steps: [
    { id: "first", type: "set", values: { n: 1 }, next: "second" },
    {
      ...{ id: "second", type: "action", action: "data.put", next: "third" },
      with: { key: "{{ input.key }}", value: 2, revision: 1 },
    },
    { id: "third", type: "set", values: { n: 3 } },
  ],
};

/** It fails, and its undo fails while the key is not at revision 1. */
const STUCK = {
  ...{ id: "stuck", name: "Stuck", version: "1.0.0" },
  compensation: { book: "unbook" },
  steps: [
    { id: "book", type: "action", action: "transform", with: { booked: true }, next: "no" },
    { id: "no", type: "fail", code: "sold_out" },
    {
      ...{ id: "unbook", type: "action", action: "data.put" },
      with: { key: "{{ input.key }}", value: 2, revision: 1 },
    },
  ],
};

let hub: ApiTenant;
beforeAll(async () => {
  hub = await apiTenant();
  for (const definition of [noting("quick"), LISTENING, FAILING, STUCK])
    expect((await hub.ask("POST", "/workflows", definition)).status).toBe(201);
});

const order = (run: string, what: string, body?: unknown) =>
  hub.ask("POST", `/runs/${run}/${what}`, body);

async function started(workflow: string, input: object = {}): Promise<string> {
  const { body, status } = await hub.ask("POST", `/workflows/${workflow}/runs`, { input });
  expect(status).toBe(202);
  return body.run;
}

async function inStatus(run: string, status: string) {
  return vi.waitFor(async () => {
    const { body } = await hub.ask("GET", `/runs/${run}`);
    if (body.status !== status) throw new Error(`still ${body.status}`);
    return body;
  }, PATIENCE);
}

describe("a run under way", () => {
  test("rests and goes on; saying either again is harmless", async () => {
    const run = await started("listening");
    await inStatus(run, "waiting");
    for (let times = 0; times < 2; times++) {
      const paused = await order(run, "pause");
      expect([paused.status, paused.body]).toEqual([200, { run, status: "paused" }]);
    }
    await order(run, "signals", { name: "word" });
    expect((await hub.ask("GET", `/runs/${run}`)).body.status).toBe("paused");
    for (let times = 0; times < 2; times++) {
      if (times === 0) expect((await order(run, "resume")).status).toBe(200);
      await inStatus(run, "completed");
    }
  });

  test("takes one signal of one id once, and none that no step takes", async () => {
    const run = await started("listening");
    const odd = await order(run, "signals", { name: "noise" });
    expect([odd.status, odd.body.reason]).toEqual([422, "not_awaited"]);
    await order(run, "pause");
    const first = await order(run, "signals", { name: "word", id: "s-1", payload: [1] });
    const again = await order(run, "signals", { name: "word", id: "s-1", payload: [2] });
    expect([first.body.duplicate, again.body.duplicate]).toEqual([false, true]);
    expect([first.body.id, again.status]).toEqual(["s-1", 200]);
    const path = `/runs/${run}/signals`;
    const keyed = () => hub.ask("POST", path, { name: "word" }, { "idempotency-key": "k-1" });
    const [one, other] = [await keyed(), await keyed()];
    expect([one.body.id, one.body.duplicate, other.body.duplicate]).toEqual(["k-1", false, true]);
    const long = { "idempotency-key": "k".repeat(201) };
    expect((await hub.ask("POST", path, { name: "word" }, long)).status).toBe(400);
    await order(run, "resume");
    await inStatus(run, "completed");
    const { body } = await hub.ask("GET", `/runs/${run}/steps`);
    expect(body.items[0].output).toEqual([1]);
    for (const wrong of [{}, { name: "a b" }, { name: "word", id: "" }, { name: "word", more: 1 }])
      expect((await order(run, "signals", wrong)).status).toBe(400);
  });

  test("is cancelled", async () => {
    const run = await started("listening");
    await inStatus(run, "waiting");
    expect((await order(run, "cancel", { reason: "wrong_customer" })).status).toBe(200);
    expect((await inStatus(run, "cancelled")).error).toEqual({
      code: "cancelled",
      message: "wrong_customer",
    });
  });
});

describe("a run that has ended", () => {
  test.each([
    ["pause", undefined],
    ["resume", undefined],
    ["cancel", {}],
    ["retry", {}],
    ["retry", { step: "note" }],
    ["retry-compensation", undefined],
    ["signals", { name: "word" }],
  ])("refuses %s with %j: 409", async (what, body) => {
    const run = await started("quick");
    await inStatus(run, "completed");
    const answer = await order(run, what, body);
    expect([answer.status, answer.body.code]).toEqual([409, "conflict"]);
  });

  test("and that never was: 404", async () => {
    const run = `run_${"0".repeat(26)}`;
    for (const [what, body] of [["pause"], ["signals", { name: "x" }], ["retry", {}]] as const)
      expect((await order(run, what, body)).status).toBe(404);
    expect((await order("run_x", "pause")).status).toBe(404);
  });
});

describe("a run that failed", () => {
  test("goes on from the step that failed once its cause is gone, under the version it had", async () => {
    const run = await started("failing", { key: "k1" });
    const failed = await inStatus(run, "failed");
    expect(failed.reason).toBe("revision_conflict");
    expect((await order(run, "retry", { step: "nobody" })).status).toBe(422);
    await hub.ask("PUT", "/data/k1", { value: 1 });
    expect((await order(run, "retry", {})).status).toBe(200);
    expect((await inStatus(run, "completed")).steps.map((one: { key: string }) => one.key)).toEqual(
      ["first", "second", "third"],
    );
  });

  test("goes on behind a step that people did by hand", async () => {
    const run = await started("failing", { key: "k2" });
    await inStatus(run, "failed");
    const done = await order(run, "retry", { step: "second", output: { revision: 7 } });
    expect(done.status).toBe(200);
    await inStatus(run, "completed");
    const { body } = await hub.ask("GET", `/runs/${run}/steps`);
    expect(body.items[1]).toMatchObject({ key: "second", output: { revision: 7 } });
  });
});

describe("an undo that failed", () => {
  test("is listed for people until it succeeds", async () => {
    const run = await started("stuck", { key: "k3" });
    const ended = await inStatus(run, "compensation_failed");
    expect(ended.compensations).toMatchObject([
      { key: "book", undo: "unbook", status: "failed", error: { code: "revision_conflict" } },
    ]);
    const list = () => hub.ask("GET", "/runs/failed-compensations?workflow=stuck");
    const found = await vi.waitFor(async () => {
      const { body } = await list();
      expect(body.items).toHaveLength(1);
      return body.items[0];
    }, PATIENCE);
    expect(found).toMatchObject({
      ...{ run, status: "compensation_failed", failed_compensations: 1 },
      failed: [{ key: "book", undo: "unbook", attempts: 1, reason: "revision_conflict" }],
    });
    expect((await hub.ask("GET", "/runs/failed-compensations?workflow=quick")).body.items).toEqual(
      [],
    );
    await hub.ask("PUT", "/data/k3", { value: 1 });
    expect((await order(run, "retry-compensation")).status).toBe(200);
    await inStatus(run, "compensated");
    await vi.waitFor(async () => expect((await list()).body.items).toEqual([]), PATIENCE);
    const graph = (await hub.ask("GET", `/runs/${run}/graph?format=mermaid`)).text;
    expect(graph).toContain("compensated");
  });
});
