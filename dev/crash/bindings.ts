/**
 * Failures of what the hub itself stands on, drawn from a seed: calls that fail before or after they were done,
 * tokens that are lost or ring twice, objects that reset. The hub reads the plan from its store, so that it can end
 * while the hub runs.
 */
import type { Fault } from "../../domain/faults/plan.ts";
import type { Hub } from "../runtime.ts";

/** Where the hub finds its plan, as `FAULT_PLAN` says it. */
export const PLAN_KEY = "faults/crash.json";
export const PLAN_BINDING = `store:${PLAN_KEY}`;

/** Share of the calls of each kind that go wrong: one in so many. */
const FAULTS: readonly Fault[] = [
  { target: "DB", when: "before", p: 0.01, error: "throw" },
  { target: "DB", when: "after", p: 0.01, error: "throw" },
  { target: "STORE", op: "put", when: "before", p: 0.02, error: "throw" },
  { target: "INBOUND", when: "before", p: 0.03, error: "drop" },
  { target: "INBOUND", when: "before", p: 0.05, error: "duplicate" },
  { target: "INBOUND", when: "before", p: 0.02, error: "throw" },
  { target: "TURNS", when: "before", p: 0.03, error: "drop" },
  { target: "TURNS", when: "before", p: 0.05, error: "duplicate" },
  { target: "EVENTS", when: "before", p: 0.03, error: "drop" },
  { target: "EVENTS", when: "before", p: 0.05, error: "duplicate" },
  { target: "CONVERSATION", when: "before", p: 0.01, error: "overloaded" },
  { target: "CONVERSATION", when: "after", p: 0.01, error: "reset" },
  { target: "DOWNSTREAM", when: "before", p: 0.01, error: "reset" },
  { target: "DOWNSTREAM", when: "after", p: 0.01, error: "throw" },
  { target: "EVENT_SHARD", when: "before", p: 0.01, error: "overloaded" },
  { target: "EVENT_SHARD", when: "after", p: 0.01, error: "reset" },
  { target: "AUDIT", when: "before", p: 0.05, error: "overloaded" },
  { target: "AUDIT", when: "after", p: 0.05, error: "reset" },
];

/** Begins to fail calls, a seeded choice of them. */
export function breakBindings(hub: Hub, seed: number): Promise<void> {
  return writePlan(hub, JSON.stringify({ seed, faults: FAULTS }));
}

/** Everything works again from now on. */
export function mendBindings(hub: Hub): Promise<void> {
  return writePlan(hub, "[]");
}

async function writePlan(hub: Hub, plan: string): Promise<void> {
  const store = await hub.mf.getR2Bucket("STORE");
  await store.put(PLAN_KEY, plan);
}
