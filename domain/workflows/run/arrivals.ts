/** Signals and published events: given to the step that has waited longest, else kept for one that is still to come. */
import { type Draft, take } from "./draft.ts";
import type { Refusal } from "./events.ts";
import { ARRIVAL_IDS_MAX, ARRIVALS_MAX, RUN_DATA_CHARS_MAX } from "./limits.ts";
import { isEverAwaited, stepOf } from "./plan.ts";
import { type Arrival, openRecords } from "./state.ts";
import { offer } from "./waiting.ts";

/** One id is taken once; what nobody would ever take is refused, not swallowed. */
export function arrive(d: Draft, arrival: Arrival): Refusal | undefined {
  if (d.state.arrivalIds.includes(arrival.id))
    return { reason: "duplicate_arrival", id: arrival.id };
  if (!isEverAwaited(d.plan, arrival)) return { reason: "not_awaited" };
  if (!hand(d, arrival)) {
    if (d.state.arrivals.length >= ARRIVALS_MAX)
      return { reason: "too_many_arrivals", max: ARRIVALS_MAX };
    if (!take(d, arrival.data)) return { reason: "too_large", max: RUN_DATA_CHARS_MAX };
    d.state.arrivals = [...d.state.arrivals, arrival];
  }
  d.state.arrivalIds = [...d.state.arrivalIds, arrival.id].slice(-ARRIVAL_IDS_MAX);
  return undefined;
}

function hand(d: Draft, arrival: Arrival): boolean {
  const waiting = openRecords(d.state).filter(({ awaits }) => awaits);
  waiting.sort((one, other) => one.begun - other.begun);
  return waiting.some(({ key, id }) => {
    const step = stepOf(d.plan, id);
    return step?.type === "event" && offer(d, key, step, arrival);
  });
}
