/**
 * Planned failures of what this hub stands on, for tests: which call fails, before or after it was done,
 * how often and how. Decides; `platform/faults.ts` carries it out. Never active in production.
 */

/** What calls go to: a database, the store, the queues, the objects behind a namespace, or Workflows. */
export const FAULT_TARGETS = [
  "DB",
  "STORE",
  "INBOUND",
  "TURNS",
  "EVENTS",
  "CONVERSATION",
  "DOWNSTREAM",
  "IDEMPOTENCY",
  "EVENT_SHARD",
  "WORKFLOW_RUN",
  "WORKFLOW_SCHEDULER",
  "AUDIT",
  "RUN_WORKFLOW",
] as const;
export type FaultTarget = (typeof FAULT_TARGETS)[number];

/**
 * `p` of the calls to `target` (only `op`, only those whose names and arguments contain `match`) go wrong,
 * at most `times` in an isolate. `after`: the work is done, then the call fails. `error`: `throw`,
 * `overloaded`, `reset` (both as workerd throws them), or a message of its own; on queues also `duplicate`
 * (the token rings on every inbound queue) and `drop` (the send succeeds, the token is lost).
 */
export interface Fault {
  readonly target: FaultTarget;
  readonly op?: string;
  readonly match?: string;
  readonly when: "before" | "after";
  readonly p: number;
  readonly error: string;
  readonly times?: number;
}

export interface FaultPlan {
  readonly seed: number;
  readonly faults: readonly Fault[];
}

/** One call about to be made. `text` is what `match` is looked for in. */
export interface FaultSite {
  readonly target: FaultTarget;
  readonly op: string;
  readonly text: string;
}

/** Chooses faults for calls. Holds what is left of `times` and the random sequence. */
export interface FaultDealer {
  /** The fault of this call, if it has one. */
  deal(site: FaultSite): Fault | undefined;
}

/** Reads `{seed, faults}` or a list of faults. Throws, naming what is wrong. */
export function parseFaultPlan(text: string): FaultPlan {
  const value: unknown = JSON.parse(text);
  const plan = (Array.isArray(value) ? { faults: value } : value) as Partial<FaultPlan> | null;
  if (!Array.isArray(plan?.faults)) throw new Error("fault plan: expected a list of faults");
  return { seed: Number(plan.seed ?? 1), faults: plan.faults.map(readFault) };
}

export function createDealer(plan: FaultPlan): FaultDealer {
  const random = seededRandom(plan.seed);
  const left = plan.faults.map((fault) => fault.times ?? Number.POSITIVE_INFINITY);
  return {
    deal(site) {
      const index = plan.faults.findIndex(
        (fault, n) => (left[n] ?? 0) > 0 && fits(fault, site) && random() < fault.p,
      );
      if (index < 0) return undefined;
      left[index] = (left[index] ?? 0) - 1;
      return plan.faults[index];
    },
  };
}

/** Evenly in [0, 1), the same sequence for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function fits(fault: Fault, { target, op, text }: FaultSite): boolean {
  if (fault.target !== target || (fault.op !== undefined && fault.op !== op)) return false;
  return fault.match === undefined || text.includes(fault.match);
}

function readFault(value: Partial<Fault>): Fault {
  const { target, op, match, when = "before", p = 1, error = "throw", times } = value;
  if (!target || !FAULT_TARGETS.includes(target))
    throw new Error(`fault plan: unknown target ${String(target)}`);
  if (!(p >= 0 && p <= 1)) throw new Error("fault plan: p is a number from 0 to 1");
  return {
    target,
    when: when === "after" ? "after" : "before",
    p,
    error,
    ...(op === undefined ? {} : { op }),
    ...(match === undefined ? {} : { match }),
    ...(times === undefined ? {} : { times }),
  };
}
