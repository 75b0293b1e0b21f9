/** Events that were delivered once, to be sent again: from the tenant's log, or made anew from a stored message. */
import { messagesBehind } from "../../domain/events/resending.ts";
import { databaseFor } from "../../platform/database.ts";
import { messageEventsOf } from "../../platform/message-events.ts";
import { findEvents, type LoggedEvent } from "../../platform/repositories/events.ts";
import { readMessages } from "../../platform/repositories/message-outbox.ts";
import type { EventEnvelope } from "../../schema/event.ts";

/** What names an event: its id, and its place in the log, since another source may use the same id. */
export interface EventPlace {
  readonly event_id: string;
  readonly shard: string;
  readonly seq: number;
}

/** By id; those that nobody keeps any more are left out. Rejects as D1 does. */
export async function storedEvents(
  env: Env,
  tenant: string,
  places: readonly EventPlace[],
): Promise<ReadonlyMap<string, EventEnvelope>> {
  const db = databaseFor(env, tenant);
  const logged = Map.groupBy(
    await findEvents(db, tenant, [...new Set(places.map(({ event_id }) => event_id))]),
    ({ event }) => event.event_id,
  );
  const found = new Map<string, EventEnvelope>();
  for (const place of places) {
    const event = meant(logged.get(place.event_id) ?? [], place);
    if (event) found.set(place.event_id, event);
  }
  const missing = places.filter(({ event_id }) => !found.has(event_id));
  for (const event of await viewsOf(db, tenant, missing)) found.set(event.event_id, event);
  return found;
}

/** The one of that place, else the first: what was sent again has a place of its own. */
function meant(events: readonly LoggedEvent[], { shard, seq }: EventPlace) {
  return (events.find((one) => one.seq === seq && one.shard === shard) ?? events[0])?.event;
}

async function viewsOf(
  db: D1Database,
  tenant: string,
  places: readonly EventPlace[],
): Promise<readonly EventEnvelope[]> {
  const wanted = new Set(places.map(({ event_id }) => event_id));
  const messages = [...wanted].flatMap(messagesBehind);
  if (messages.length === 0) return [];
  const rows = await readMessages(db, tenant, messages);
  return rows
    .flatMap((row) => messageEventsOf(row).map(({ event }) => event))
    .filter(({ event_id }) => wanted.has(event_id));
}
