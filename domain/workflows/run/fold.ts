/** A run's state out of its log: after every entry, or after the first so many of them. */
import { fail, ok, type Result } from "../../result.ts";
import { decide, type LogEntry } from "./decide.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Refusal } from "./events.ts";
import type { Plan } from "./plan.ts";
import type { RunState } from "./state.ts";

/** Where a log does not belong to the definition, or has a gap. */
export interface BrokenLog {
  readonly reason: "broken_log";
  readonly seq: number;
  readonly refusal?: Refusal;
}

/** The state after the last entry that is given; a prefix of a log gives the snapshot at its end. */
export function foldLog(
  plan: Plan,
  log: readonly LogEntry[],
  evaluator: Evaluator,
): Result<RunState | undefined, BrokenLog> {
  let state: RunState | undefined;
  for (const [at, { seq, atMs, roll, event }] of log.entries()) {
    if (seq !== at + 1) return fail({ reason: "broken_log", seq: at + 1 });
    const decided = decide(plan, state, event, { nowMs: atMs, random: () => roll, evaluator });
    if (!decided.ok) return fail({ reason: "broken_log", seq, refusal: decided.failure });
    state = decided.value.state;
  }
  return ok(state);
}
