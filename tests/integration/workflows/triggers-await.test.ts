/** Runs that wait for published events: handed over once, also what came a little before the wait was known. */
import { describe, expect, test, vi } from "vitest";
import { findSubscription } from "../../../platform/repositories/subscriptions.ts";
import { workflowScheduler } from "../../../platform/workflow-triggers.ts";
import { noting } from "./api-hub.ts";
import { anEvent, env, type Triggering, triggering } from "./triggering.ts";

vi.setConfig({ testTimeout: 60_000 });

/** On a machine with other work. */
const PATIENCE_MS = 20_000;

/** Waits for `paid` of the run's own correlation id. */
const own = { id: "pay", type: "event", event: { type: "order.paid" }, timeout: "1h" };
/** Waits for a correlation that is computed, behind a gate that a signal opens. */
const computed = { ...own, event: { type: "order.paid", correlation: "input.order" } };
const gate = { id: "gate", type: "event", signal: "go", next: "pay" };

async function start({ ask }: Triggering, body: Record<string, unknown>): Promise<string> {
  const started = await ask("POST", "/workflows/w/runs", body);
  expect(started.status).toBe(202);
  return started.body.run as string;
}

const paid = (correlation: string | undefined, data: unknown = { amount: 5 }) =>
  anEvent("order.paid", {
    data,
    metadata: correlation === undefined ? {} : { correlation_id: correlation },
  });

/** The scheduler knows of the wait. */
async function awaited(world: Triggering, run: string): Promise<void> {
  await world.until(run, ({ steps }) => steps.pay?.status === "waiting");
  await vi.waitFor(async () => {
    const subscription = await findSubscription(env.DB, world.tenant, "$await");
    expect(subscription).toBeDefined();
  }, PATIENCE_MS);
}

describe("a run that waits", () => {
  test("gets the event with its correlation id, once; others do not", async () => {
    const world = await triggering();
    await world.upload(noting("w", "1.0.0", { steps: [own] }));
    const run = await start(world, { correlation_id: "o-1" });
    const other = await start(world, { correlation_id: "o-2" });
    await awaited(world, run);
    await world.publish(paid("o-9"));
    await world.publish(paid(undefined));
    await world.publish(paid("o-1"));
    await world.work("$await");
    const ended = await world.ended(run);
    expect(ended.status).toBe("completed");
    expect(JSON.stringify(ended.steps.pay)).toContain('"amount":5');
    expect((await world.until(other, () => true)).phase).toBe("main");
  });

  test("gets what came before the step began, by a correlation that nobody knew yet", async () => {
    const world = await triggering();
    await world.upload(noting("w", "1.0.0", { steps: [gate, computed] }));
    const run = await start(world, { input: { order: "o-1" } });
    await world.until(run, ({ steps }) => steps.gate?.status === "waiting");
    // The type is bound since the upload; the wait is known only behind the gate.
    await world.publish(paid("o-1"));
    await world.work("$await");
    await world.ask("POST", `/runs/${run}/signals`, { name: "go" });
    expect((await world.ended(run)).status).toBe("completed");
  });

  test("gets nothing from before it began", async () => {
    const world = await triggering();
    await world.upload(noting("w", "1.0.0", { steps: [own] }));
    await world.publish(paid("o-1"));
    await world.work("$await");
    await new Promise((resolve) => setTimeout(resolve, 5));
    const run = await start(world, { correlation_id: "o-1" });
    await awaited(world, run);
    expect((await world.until(run, () => true)).phase).toBe("main");
    await world.publish(paid("o-1"));
    await world.work("$await");
    expect((await world.ended(run)).status).toBe("completed");
  });

  test("is not ended by the event that has started it", async () => {
    const world = await triggering();
    const triggers = [{ type: "event", event: "order.paid" }];
    await world.upload(noting("w", "1.0.0", { steps: [own], triggers }));
    const event = paid("o-1");
    await world.publish(event);
    await world.work("$wf:w");
    const [{ id: run } = { id: "" }] = await world.runs("w", 1);
    await awaited(world, run);
    await world.work("$await");
    expect(await world.handed("$await", event)).toEqual([{ seq: 7, is: "ack" }]);
    expect((await world.until(run, () => true)).phase).toBe("main");
    await world.publish(paid("o-1"));
    await world.work("$await");
    expect((await world.ended(run)).status).toBe("completed");
  });

  test("an event that cannot be handed over now is, later", async () => {
    const world = await triggering();
    await world.upload(noting("w", "1.0.0", { steps: [own] }));
    const run = await start(world, { correlation_id: "o-1" });
    await awaited(world, run);
    const event = paid("o-1");
    const away = vi.spyOn(env.WORKFLOW_SCHEDULER, "getByName").mockImplementation(() => {
      throw new Error("away");
    });
    expect(await world.handed("$await", event)).toMatchObject([{ is: "retry" }]);
    away.mockRestore();
    expect(await world.handed("$await", event)).toEqual([{ seq: 7, is: "ack" }]);
    expect((await world.ended(run)).status).toBe("completed");
    // A repetition finds the run over.
    expect(await world.handed("$await", event)).toEqual([{ seq: 7, is: "ack" }]);
  });
});

test("events that nobody comes to wait for are forgotten after ten minutes", async () => {
  const { tenant } = await triggering();
  const scheduler = workflowScheduler(env, tenant);
  const nowMs = Date.now();
  const event = { tenant, key: "k", type: "order.paid", correlationId: "o-1", data: "{}" };
  await scheduler.arrived(event, nowMs - 600_001);
  await scheduler.tick(tenant, nowMs);
  const wait = { tenant, run: "run_x", step: "pay", type: "order.paid", workflow: "w" };
  // Where it was kept, handing it to a run that is none would be refused, which is no error: what counts is what is left.
  await scheduler.await({ ...wait, correlationId: "o-1", sinceMs: 0 });
  await scheduler.ignore(wait);
  expect(await scheduler.arrived({ ...event, key: "k2" }, nowMs)).toEqual([]);
});

test("the subscription of waits is bound to what definitions and runs wait for, and to no more", async () => {
  const world = await triggering();
  const keys = async () =>
    (await findSubscription(env.DB, world.tenant, "$await"))?.subscription.bindings.map((one) =>
      one.kind === "fanout" ? "#" : one.key,
    );
  await world.upload(noting("w", "1.0.0", { steps: [own] }));
  expect(await keys()).toEqual(["order.paid"]);
  await world.upload(noting("v", "1.0.0", { steps: [{ ...own, event: { type: "order.#" } }] }));
  expect(await keys()).toEqual(["order.#", "order.paid"]);
  await world.ask("DELETE", "/workflows/w");
  expect(await keys()).toEqual(["order.#"]);
  await world.ask("DELETE", "/workflows/v");
  expect(await keys()).toBeUndefined();
});
