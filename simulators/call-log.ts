/** What a simulator was asked, in order, bounded. Keeps facts only; decides nothing. */
import type { IncomingHttpHeaders } from "node:http";
import type { FaultKind } from "./fault-plan.ts";

/** Older calls leave when there are more than this. */
const CALLS_MAX = 100_000;

/** One API call. `n` counts from 1, `at` is in ms since the epoch, `tenant` null where unknown. */
export interface Call {
  readonly n: number;
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly tenant: string | null;
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
  /** Set when a planned fault hit this call. */
  readonly fault?: FaultKind;
}

/** The log of one simulator. `since` gives calls with a larger `n`; numbers never start again. */
export interface CallLog {
  add(call: Omit<Call, "n" | "at">): void;
  since(n: number): readonly Call[];
  last(): number;
  clear(): void;
}

/** An empty log. */
export function createCallLog(max = CALLS_MAX): CallLog {
  let calls: Call[] = [];
  let count = 0;
  return {
    add: (call) => {
      count += 1;
      calls.push({ n: count, at: Date.now(), ...call });
      if (calls.length >= max * 2) calls = calls.slice(-max);
    },
    since: (n) => {
      const kept = calls.slice(-max);
      const first = kept[0]?.n ?? 1;
      return kept.slice(Math.max(0, n - first + 1));
    },
    last: () => count,
    clear: () => {
      calls = [];
    },
  };
}
