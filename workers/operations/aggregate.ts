/**
 * The state that the events of one partition add up to: read from the log in their order, laid over each other. The
 * same events give the same state; nothing is kept but the events.
 */
import { HubError } from "../../domain/errors.ts";
import { type Change, type Reducer, replayChanges } from "../../domain/events/aggregate.ts";
import { mergePatch } from "../../domain/events/merge-patch.ts";
import { type LoggedEvent, type LogPlace, listEvents } from "../../platform/repositories/events.ts";

/** Events that one aggregate may have. */
const AGGREGATE_EVENTS_MAX = 10_000;
/** Rows of the tenant's log that are looked through for them, in pages of so many. */
const SEARCHED_PAGES_MAX = 50;
const SEARCHED_ROWS = 10_000;
const PAGE_EVENTS = 500;

export interface Aggregate {
  readonly version: number;
  /** Of the last event in it. */
  readonly seq: number | undefined;
  readonly state: unknown;
}

/** Each event's data is laid over the state before it. */
const MERGED: Reducer<unknown> = {
  initial: null,
  apply: (state, event) => (event.data === undefined ? state : mergePatch(state, event.data)),
};

/** Up to and with `toSeq`. Throws unprocessable for an aggregate of too many events, or in a log that is too long. */
export async function aggregateOf(
  db: D1Database,
  tenant: string,
  partition: string,
  toSeq: number,
): Promise<Aggregate> {
  let snapshot = { state: MERGED.initial, version: 0 };
  let last: LoggedEvent | undefined;
  let after: LogPlace | undefined;
  for (let pages = 0; pages < SEARCHED_PAGES_MAX; pages++) {
    const page = await listEvents(db, {
      ...{ tenant, partition, fromSeq: 0, toSeq, order: "oldest", limit: PAGE_EVENTS },
      searchedRows: SEARCHED_ROWS,
      ...(after ? { after } : {}),
    });
    const replayed = replayChanges(
      partition,
      changes(partition, snapshot.version, page.events),
      MERGED,
      snapshot,
    );
    if (!replayed.ok) throw new HubError("internal", `aggregate ${replayed.failure.reason}`);
    snapshot = replayed.value;
    last = page.events.at(-1) ?? last;
    if (!page.next) return { ...snapshot, seq: last?.seq };
    if (snapshot.version >= AGGREGATE_EVENTS_MAX) break;
    after = page.next;
  }
  throw new HubError("unprocessable", "more events than can be read at once");
}

/** The order of the log numbers them. */
function changes(
  aggregate: string,
  version: number,
  events: readonly LoggedEvent[],
): readonly Change[] {
  return events.map(({ event }, at) => ({ aggregate, version: version + 1 + at, event }));
}
