/** The way that a run took, as far as its records tell: which step came after which, and where a thread came to its end. */
import type { RunState, StepRecord } from "../run/state.ts";

/** Whether the run went from a step to another one (to none: its thread ended there), by their ids. */
export type RunWay = (from: string, to?: string) => boolean;

/** A thread goes from step to step, so of one frame's records each was reached from the one before it. */
export function wayOf({ steps }: Pick<RunState, "steps">): RunWay {
  const threads = new Map<string, StepRecord[]>();
  for (const record of Object.values(steps)) {
    const thread = threads.get(record.frame);
    if (thread) thread.push(record);
    else threads.set(record.frame, [record]);
  }
  const taken = new Map<string, Set<string | undefined>>();
  for (const thread of threads.values()) {
    thread.sort((one, other) => one.begun - other.begun);
    for (const [at, { id }] of thread.entries())
      taken.set(id, (taken.get(id) ?? new Set()).add(thread[at + 1]?.id));
  }
  return (from, to) => taken.get(from)?.has(to) ?? false;
}
