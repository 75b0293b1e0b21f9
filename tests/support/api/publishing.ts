/** Requests of events and their types. What they need is declared and planted in the database. */
import { insertEvents } from "../../../platform/repositories/events.ts";
import type { Planted } from "./plant.ts";
import type { ApiRequest } from "./requests.ts";
import type { PlantedWorld } from "./world.ts";

type Maker = (world: PlantedWorld, mine: Planted) => Promise<ApiRequest>;

let made = 0;

/** By operationId. */
export const PUBLISHING_REQUESTS: Readonly<Record<string, Maker>> = {
  publishEvents: async (world, mine) => ({
    body: { event_type: await declared(world, mine), data: { word: mine.word } },
  }),
  listEvents: async (world, mine) => {
    await logged(world, mine);
    return { query: { type: "planted.#" } };
  },
  getEvent: async (world, mine) => ({ params: { event: await logged(world, mine) } }),
  // Nobody owns a partition: a stranger who asks for it sees an empty one of his own.
  getAggregate: async (world, mine) => {
    await logged(world, mine);
    return { params: { partition: "planted" } };
  },
  listEventTypes: async () => ({}),
  createEventType: async () => ({ body: { name: fresh(), description: "a type" } }),
  getEventType: async (world, mine) => ({ params: { name: await declared(world, mine) } }),
  addEventTypeVersion: async (world, mine) => ({
    params: { name: await declared(world, mine) },
    body: { version: "2.0", schema: true },
  }),
  updateEventType: async (world, mine) => ({
    params: { name: await declared(world, mine) },
    body: { description: "changed" },
  }),
  deleteEventType: async (world, mine) => ({ params: { name: await declared(world, mine) } }),
};

function fresh(): string {
  made += 1;
  return `planted.type_${made}_${process.pid}`;
}

/** A type that takes anything. */
async function declared(world: PlantedWorld, { tenant, word }: Planted): Promise<string> {
  const name = fresh();
  const type = { name, description: word, version: "1.0", schema: true, compatibility: "none" };
  await world.must("POST", `/event-types?tenant=${tenant}`, type);
  return name;
}

/** An event of the log. */
async function logged(world: PlantedWorld, { tenant, word }: Planted): Promise<string> {
  const db = (await world.hub.mf.getD1Database("DB")) as unknown as D1Database;
  made += 1;
  const event = {
    event_id: `planted-${tenant}-${made}`,
    event_type: "planted.event",
    event_version: "1.0",
    timestamp: new Date().toISOString(),
    source: "/",
    data: { word },
    metadata: { partition_key: "planted" },
  };
  await db.batch([...insertEvents(db, [{ tenant, shard: "1.0", seq: Date.now() + made, event }])]);
  return event.event_id;
}
