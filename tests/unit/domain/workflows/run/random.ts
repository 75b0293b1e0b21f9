/** Random definitions for properties: regions of random steps, each id once, undos for some of them. */
import fc from "fast-check";
import type { WorkflowDefinition } from "../../../../../schema/workflow.ts";
import { defined } from "./play.ts";

type Step = Record<string, unknown>;

const KINDS = [
  "action",
  "action",
  "action",
  "decision",
  "parallel",
  "map",
  "loop",
  "wait",
  "set",
  "event",
  "approval",
  "workflow",
  "rescued",
] as const;

/** Numbers in [0, 1), the same for the same seed (mulberry32): evenly spread, unlike a property's own doubles. */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const seeds: fc.Arbitrary<number> = fc.noBias(fc.integer());

interface Shop {
  readonly roll: () => number;
  readonly steps: Step[];
  readonly compensation: Record<string, string>;
  next: number;
}

export function randomDefinition(roll: () => number): WorkflowDefinition {
  const shop: Shop = { roll, steps: [], compensation: {}, next: 0 };
  region(shop, 0);
  const more = { compensation: shop.compensation, ...(roll() < 0.2 ? { timeout: "2h" } : {}) };
  return defined(shop.steps, more);
}

/** A chain of one to three steps; the id of its first. */
function region(shop: Shop, depth: number): string {
  const length = 1 + Math.floor(shop.roll() * 3);
  const ids = Array.from({ length }, () => `s${shop.next++}`);
  for (const [at, id] of ids.entries()) add(shop, id, ids[at + 1], depth);
  return ids[0] ?? "";
}

function add(shop: Shop, id: string, next: string | undefined, depth: number): void {
  const kind = KINDS[Math.floor(shop.roll() * KINDS.length)] ?? "action";
  const place = shop.steps.push({}) - 1;
  const step =
    depth >= 2 && (kind === "parallel" || kind === "map" || kind === "loop")
      ? action(shop, id)
      : made(shop, id, kind, next, depth);
  const goesOn = next === undefined || step.type === "decision" ? {} : forward(step, next);
  shop.steps[place] = { ...step, ...goesOn };
  if (shop.roll() < 0.4) compensate(shop, id);
}

function forward(step: Step, next: string): Step {
  return step.type === "parallel" ? { join: next } : { next };
}

function compensate(shop: Shop, id: string): void {
  const undo = `undo-${id}`;
  const retry = shop.roll() < 0.3 ? { retry: { attempts: 2, backoff: 10 } } : {};
  shop.steps.push({ id: undo, type: "action", action: `do.${undo}`, ...retry });
  shop.compensation[id] = undo;
}

function action(shop: Shop, id: string): Step {
  const retry =
    shop.roll() < 0.4 ? { retry: { attempts: 1 + Math.floor(shop.roll() * 3), backoff: 10 } } : {};
  const mapped = shop.roll() < 0.3 ? { with: { n: "{{ input.n }}" } } : {};
  return { id, type: "action", action: `do.${id}`, ...retry, ...mapped };
}

function made(
  shop: Shop,
  id: string,
  kind: (typeof KINDS)[number],
  next: string | undefined,
  depth: number,
): Step {
  const { roll } = shop;
  switch (kind) {
    case "action":
      return action(shop, id);
    case "decision":
      return {
        id,
        type: "decision",
        condition: roll() < 0.5 ? "true" : "false",
        next: next ? [next] : [region(shop, 3)],
      };
    case "parallel": {
      const heads = [region(shop, depth + 1), region(shop, depth + 1)];
      const any = roll() < 0.3 ? { require: "any" } : {};
      return {
        id,
        type: "parallel",
        next: heads,
        ...any,
        ...(roll() < 0.2 ? { timeout: "1m" } : {}),
      };
    }
    case "map": {
      const collect = roll() < 0.4 ? { itemError: "collect" } : {};
      return {
        id,
        type: "map",
        each: "[1, 2, 3]",
        do: region(shop, depth + 1),
        maxConcurrency: 2,
        ...collect,
      };
    }
    case "loop":
      return {
        id,
        type: "loop",
        times: 2,
        do: region(shop, depth + 1),
        ...(roll() < 0.5 ? { every: "5s" } : {}),
      };
    case "wait":
      return { id, type: "wait", for: "10s" };
    case "set":
      return { id, type: "set", values: { n: "{{ run.id }}" } };
    case "event":
      return { id, type: "event", signal: "go", ...(roll() < 0.5 ? { timeout: "1h" } : {}) };
    case "approval":
      return {
        id,
        type: "approval",
        title: "?",
        ...(roll() < 0.5 ? { timeout: "1h", reminders: ["10m"] } : {}),
      };
    case "workflow":
      return { id, type: "workflow", workflow: "other", detached: roll() < 0.3 };
    case "rescued":
      return { ...action(shop, id), onError: region(shop, 3) };
  }
}
