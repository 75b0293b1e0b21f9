/**
 * Publishing a sequence: one call after the other, and none behind one that did not arrive, so that no event of a
 * partition overtakes another however often the rest is tried again.
 */
import { type BusDeps, type Published, publishEvents } from "./event-bus.ts";
import { SHARD_CALL_BYTES_MAX, SHARD_CALL_EVENTS_MAX, type ShardEvent } from "./event-shards.ts";

/** Larger events are refused: a row of a Durable Object has 2 MB (Cloudflare docs: Durable Objects, limits). */
const EVENT_BYTES_MAX = 1_900_000;

export type Outcome = Published | { readonly is: "refused"; readonly reason: "too_large" };

/** In the order of the events; what was not tried any more is `unavailable`. Never rejects. */
export async function publishInOrder(
  deps: BusDeps,
  tenant: string,
  events: readonly ShardEvent[],
): Promise<readonly Outcome[]> {
  const outcomes = events.map(
    ({ bytes }): Outcome =>
      bytes > EVENT_BYTES_MAX ? { is: "refused", reason: "too_large" } : { is: "unavailable" },
  );
  const fitting = events
    .map((event, at) => ({ event, at }))
    .filter(({ at }) => outcomes[at]?.is !== "refused");
  for (const slice of slicesOf(fitting)) {
    const published = await publishEvents(
      deps,
      tenant,
      slice.map(({ event }) => event),
    );
    for (const [n, { at }] of slice.entries()) outcomes[at] = published[n] ?? { is: "unavailable" };
    if (published.some(({ is }) => is === "unavailable")) break;
  }
  return outcomes;
}

interface Placed {
  readonly event: ShardEvent;
  readonly at: number;
}

/** Parts that each fit one call, whatever their shards. */
function slicesOf(events: readonly Placed[]): readonly (readonly Placed[])[] {
  const slices: Placed[][] = [];
  let bytes = 0;
  for (const one of events) {
    const last = slices.at(-1);
    bytes += one.event.bytes;
    if (last && last.length < SHARD_CALL_EVENTS_MAX && bytes <= SHARD_CALL_BYTES_MAX)
      last.push(one);
    else {
      slices.push([one]);
      bytes = one.event.bytes;
    }
  }
  return slices;
}
