/** How deep an event of somebody outside is: as they say, and behind what caused it where the log has that. */
import { beforeAll, expect, test, vi } from "vitest";
import { databaseFor } from "../../../platform/database.ts";
import { findEvents, insertEvents } from "../../../platform/repositories/events.ts";
import type { EventEnvelope } from "../../../schema/event.ts";
import { EVENT_DEPTH_MAX } from "../../../schema/event-depth.ts";
import { env } from "../api/hub-api.ts";
import { type PublishApi, publishApi } from "./publish-api.ts";

let api: PublishApi;
beforeAll(async () => {
  api = await publishApi();
  await api.declare("order.paid");
});

let events = 0;
/** An event that the log has. */
async function aCause(depth: number | undefined): Promise<string> {
  events += 1;
  const event: EventEnvelope = {
    ...{ event_id: `cause-${events}`, event_type: "order.paid", event_version: "1.0" },
    ...{ timestamp: new Date().toISOString(), source: "/shop" },
    metadata: depth === undefined ? {} : { depth },
  };
  const db = databaseFor(env, api.tenant);
  const row = { tenant: api.tenant, shard: "1.0", seq: Date.now() + events, event };
  await db.batch([...insertEvents(db, [row])]);
  return event.event_id;
}

async function published(metadata: Record<string, unknown>): Promise<number | undefined> {
  events += 1;
  const event_id = `published-${events}`;
  const body = { event_type: "order.paid", event_id, metadata };
  expect((await api.ask("POST", "/events", body)).status).toBe(202);
  const found = await vi.waitFor(async () => {
    const [one] = await findEvents(databaseFor(env, api.tenant), api.tenant, [event_id]);
    if (!one) throw new Error("not in the log yet");
    return one.event;
  }, 20_000);
  return found.metadata.depth;
}

test.each<[string, number | undefined, number | undefined, number | undefined]>([
  ["begins a chain", undefined, undefined, undefined],
  ["is behind an event that began one", undefined, 0, 1],
  ["is behind an event that was stored without a depth", 0, 0, 1],
  ["is behind a deep one, whatever it says", 2, 6, 7],
  ["is as deep as it says", 9, 6, 9],
  ["is as deep as it says where nothing caused it", 9, undefined, 9],
])("an event %s", async (_, depth, cause, wanted) => {
  const caused = cause === undefined ? {} : { causation_id: await aCause(cause || undefined) };
  expect(await published({ ...(depth === undefined ? {} : { depth }), ...caused })).toBe(wanted);
});

test("a cause that the log has not counts for nothing", async () => {
  expect(await published({ causation_id: "never-heard-of" })).toBeUndefined();
});

test("behind the end of a chain an event is refused, and the others of its call are not", async () => {
  const last = { metadata: { causation_id: await aCause(EVENT_DEPTH_MAX) } };
  const event = { event_type: "order.paid", data: crypto.randomUUID() };
  const alone = await api.ask("POST", "/events", { ...event, ...last });
  expect([alone.status, alone.body.reason]).toEqual([422, "chain_too_long"]);
  expect(alone.body.detail).toContain(`${EVENT_DEPTH_MAX} deep`);
  const both = await api.ask("POST", "/events", { events: [{ ...event, ...last }, event] });
  expect([both.status, both.body.accepted, both.body.refused]).toEqual([207, 1, 1]);
  expect(both.body.items[0]).toMatchObject({ status: "refused", reason: "chain_too_long" });
});

test("a CloudEvent brings its depth", async () => {
  const headers = { "content-type": "application/cloudevents+json" };
  const id = crypto.randomUUID();
  const event = { specversion: "1.0", id, source: "/shop", type: "order.paid" };
  const said = { ...event, causationdepth: 3, causationid: await aCause(7) };
  expect((await api.ask("POST", "/events", JSON.stringify(said), { headers })).status).toBe(202);
  await vi.waitFor(async () => {
    const [one] = await findEvents(databaseFor(env, api.tenant), api.tenant, [id]);
    expect(one?.event.metadata.depth).toBe(8);
  }, 20_000);
});

test("where the log does not answer, what names a cause is asked for again", async () => {
  const batch = vi.fn(() => Promise.reject(new Error("away")));
  const DB = new Proxy(env.DB, {
    get: (db, name) => {
      if (name === "batch") return batch;
      const value = Reflect.get(db, name);
      return typeof value === "function" ? value.bind(db) : value;
    },
  });
  const away = await publishApi({}, { DB });
  await away.declare("order.paid").catch(() => undefined);
  const caused = { event_type: "order.paid", metadata: { causation_id: "x" } };
  const answer = await away.ask("POST", "/events", caused);
  expect([answer.status, answer.body.code]).toEqual([503, "unavailable"]);
  expect(batch).toHaveBeenCalled();
});
