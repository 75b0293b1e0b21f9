/**
 * State that is made of events: changes of one aggregate are appended at consecutive versions, and replaying them,
 * from the beginning or from a snapshot, gives the state again. A change is never altered; a writer that has not
 * seen the latest one is refused.
 */
import type { EventEnvelope } from "../../schema/event.ts";
import { fail, ok, type Result } from "../result.ts";

/** One change; versions of an aggregate start at 1 and have no gaps. */
export interface Change {
  readonly aggregate: string;
  readonly version: number;
  readonly event: EventEnvelope;
}

/** Pure: the same events give the same state. An event it does not know leaves the state as it is. */
export interface Reducer<S> {
  readonly initial: S;
  readonly apply: (state: S, event: EventEnvelope) => S;
}

/** A state and the version of the last change in it; 0 before the first. */
export interface Snapshot<S> {
  readonly state: S;
  readonly version: number;
}

export interface ConflictFailure {
  readonly reason: "conflict";
  /** Where the aggregate is. */
  readonly version: number;
}

export interface ReplayFailure {
  readonly reason: "gap" | "foreign";
  /** The version that was expected, and the one that came. */
  readonly expected: number;
  readonly found: number;
}

/** The changes to store, if the writer knew the latest version. */
export function appendChanges(
  aggregate: string,
  latest: number,
  expected: number,
  events: readonly EventEnvelope[],
): Result<readonly Change[], ConflictFailure> {
  if (latest !== expected) return fail({ reason: "conflict", version: latest });
  return ok(events.map((event, at) => ({ aggregate, version: latest + 1 + at, event })));
}

/** Changes up to the snapshot are passed over; after it every version must follow the one before. */
export function replayChanges<S>(
  aggregate: string,
  changes: Iterable<Change>,
  reducer: Reducer<S>,
  from: Snapshot<S> = { state: reducer.initial, version: 0 },
): Result<Snapshot<S>, ReplayFailure> {
  let { state, version } = from;
  for (const change of changes) {
    const evidence = { expected: version + 1, found: change.version };
    if (change.aggregate !== aggregate) return fail({ reason: "foreign", ...evidence });
    if (change.version <= from.version) continue;
    if (change.version !== version + 1) return fail({ reason: "gap", ...evidence });
    state = reducer.apply(state, change.event);
    version = change.version;
  }
  return ok({ state, version });
}
