/** Runs in a chain of events: each one deeper than the event before it, none at the end, and every child counts. */
import { expect, test, vi } from "vitest";
import type { RunState } from "../../../domain/workflows/run/state.ts";
import type { EventEnvelope } from "../../../schema/event.ts";
import { EVENT_DEPTH_MAX } from "../../../schema/event-depth.ts";
import { noting } from "./api-hub.ts";
import { anEvent, triggering } from "./triggering.ts";

vi.setConfig({ testTimeout: 60_000 });

const ended = [{ seq: 7, is: "dead", reason: "chain_too_long" }];
const subscription = {
  ...{ id: "sub", name: "sub", bindings: [{ kind: "topic", key: "order.*" }] },
  target: { kind: "workflow", workflow: "w" },
};

test("a run is one deeper than the event that started it; an event at the end starts none", async () => {
  const hub = await triggering();
  await hub.upload(noting("w", "1.0.0", { triggers: [{ type: "event", event: "bill.*" }] }));
  expect((await hub.ask("POST", "/subscriptions", subscription)).status).toBe(201);
  const depths = [undefined, 3, EVENT_DEPTH_MAX - 1];
  for (const [at, depth] of depths.entries()) {
    const metadata = depth === undefined ? {} : { depth };
    const [name, type] = at % 2 === 0 ? ["sub", "order.paid"] : ["$wf:w", "bill.sent"];
    const told = await hub.handed(name as string, anEvent(type as string, { metadata }));
    expect(told).toEqual([{ seq: 7, is: "ack" }]);
  }
  const metadata = { depth: EVENT_DEPTH_MAX };
  expect(await hub.handed("sub", anEvent("order.paid", { metadata }))).toEqual(ended);
  expect(await hub.handed("$wf:w", anEvent("bill.sent", { metadata }))).toEqual(ended);
  const runs = await hub.runs("w", depths.length);
  const states = await Promise.all(runs.map(({ id }) => hub.ended(id)));
  const found = states.map(({ depth = 0 }) => depth).toSorted((a, b) => a - b);
  expect(found).toEqual([1, 4, EVENT_DEPTH_MAX]);
});

test("an event that a trigger does not want is no dead letter, however deep it is", async () => {
  const hub = await triggering();
  const trigger = { type: "event", event: "order.*", condition: "event.data.number < 0" };
  await hub.upload(noting("w", "1.0.0", { triggers: [trigger] }));
  const metadata = { depth: EVENT_DEPTH_MAX };
  const told = await hub.handed("$wf:w", anEvent("order.paid", { metadata }));
  expect(told).toEqual([{ seq: 7, is: "ack" }]);
});

test("a workflow that is its own child comes to an end", async () => {
  const hub = await triggering();
  const steps = [{ id: "again", type: "workflow", workflow: "circle" }];
  await hub.upload({ id: "circle", name: "circle", version: "1.0.0", steps });
  const begun = await hub.ask("POST", "/workflows/circle/runs", { input: {} });
  expect(begun.status).toBe(202);
  const runs = await hub.runs("circle", EVENT_DEPTH_MAX + 1);
  const states = await Promise.all(runs.map(({ id }) => hub.ended(id)));
  const byDepth = states.toSorted((a, b) => (a.depth ?? 0) - (b.depth ?? 0));
  expect(byDepth.map(({ depth = 0 }) => depth)).toEqual(
    Array.from({ length: EVENT_DEPTH_MAX + 1 }, (_, at) => at),
  );
  expect(new Set(states.map(({ status }) => status))).toEqual(new Set(["failed"]));
  const error = { reason: "child_failed", message: "chain_too_long" };
  expect(byDepth.at(-1)?.ending).toMatchObject({ error });
  const later = (await hub.runs("circle", EVENT_DEPTH_MAX + 1)).length;
  expect(later).toBe(EVENT_DEPTH_MAX + 1);
}, 120_000);

type Leased = { readonly seq: number; readonly event: Pulled };
type Pulled = Pick<EventEnvelope, "event_type" | "metadata">;

test("what a run publishes is as deep as the run, whatever its definition says", async () => {
  const hub = await triggering();
  const type = { name: "stock.taken", description: "taken", compatibility: "none" };
  expect(
    (await hub.ask("POST", "/event-types", { ...type, version: "1.0", schema: true })).status,
  ).toBe(201);
  const tell = (id: string, metadata: Record<string, unknown>, next?: string) => ({
    ...{ id, type: "action", action: "event.publish", ...(next ? { next } : {}) },
    with: { event_type: "stock.taken", data: { id }, metadata },
  });
  const steps = [tell("plain", {}, "forged"), tell("forged", { depth: 0, causation_id: "none" })];
  await hub.upload({ id: "w", name: "w", version: "1.0.0", steps });
  const heard = { ...subscription, id: "heard", target: { kind: "pull" } };
  for (const one of [subscription, { ...heard, bindings: [{ kind: "fanout" }] }])
    expect((await hub.ask("POST", "/subscriptions", one)).status).toBe(201);
  const first = anEvent("order.paid", { metadata: { depth: 4 } });
  expect(await hub.handed("sub", first)).toEqual([{ seq: 7, is: "ack" }]);
  const [run] = await hub.runs("w", 1);
  const state: RunState = await hub.ended(run?.id ?? "");
  expect([state.status, state.depth]).toEqual(["completed", 5]);
  const pulled: Pulled[] = [];
  const told = await vi.waitFor(
    async () => {
      const { body } = await hub.ask("POST", "/subscriptions/heard/lease", { max: 100 });
      const deliveries: readonly Leased[] = body.deliveries;
      pulled.push(...deliveries.map(({ event }) => event));
      // What stands behind these in their order comes when they are settled.
      const results = deliveries.map(({ seq }) => ({ seq, is: "ack" }));
      if (body.token !== undefined)
        await hub.ask("POST", "/subscriptions/heard/settle", { token: body.token, results });
      const types = pulled.map(({ event_type }) => event_type);
      expect(types).toContain("workflow.run.completed");
      return pulled;
    },
    { timeout: 25_000, interval: 100 },
  );
  expect(told.filter(({ event_type }) => event_type === "stock.taken")).toHaveLength(2);
  const ofRuns = told.filter(({ event_type }) => /^(?:workflow|stock)\./.test(event_type));
  expect(new Set(ofRuns.map(({ metadata }) => metadata.depth))).toEqual(new Set([5]));
});
