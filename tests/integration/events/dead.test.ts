/** Dead letters of events: written once, found, grouped, put back once, edited, and followed when they die again. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { EventLetter } from "../../../domain/events/replay/letter.ts";
import {
  CLAIM_MS,
  claimDeadLetter,
  releaseClaims,
} from "../../../platform/repositories/dead-letters.ts";
import { createEventType } from "../../../platform/repositories/event-types.ts";
import { envelope, type ReplayHub, replayHub, shardEvent } from "./replay-api.ts";

vi.setConfig({ testTimeout: 20_000 });

let hub: ReplayHub;
beforeEach(async () => {
  hub = await replayHub();
  await hub.subscribe("sub");
});

/** Publishes, lets the deliveries die, and answers the letters, oldest first. */
async function died(events: readonly ReturnType<typeof envelope>[], reason = "http_500") {
  await hub.publish(...events.map((event) => shardEvent(event)));
  await hub.take("sub", "dead", reason);
  await hub.bury();
  const ids = new Set(events.map(({ event_id }) => event_id));
  return (await hub.letters()).filter(({ event }) => ids.has(String(event))).toReversed();
}

async function oneDead(over: Parameters<typeof envelope>[0] = {}) {
  const event = envelope(over);
  const [letter] = await died([event]);
  return { event, id: String(letter?.id) };
}

const detail = async (id: string) => {
  const { body } = await hub.ask("GET", `/dead-letters/${id}`);
  return body as { state: string; attempts: { reason: string }[]; payload: EventLetter };
};
const replay = (id: string, body?: unknown) => hub.ask("POST", `/dead-letters/${id}/replay`, body);

test("a delivery nobody took is a letter, once, with its event, its deaths and its failures", async () => {
  const event = envelope({ metadata: { partition_key: "p" } });
  const [letter, ...more] = await died([event], "http_503");
  expect(more).toEqual([]);
  expect(letter).toMatchObject({
    ...{ stage: "event", reason: "rejected", state: "dead", subscription: "sub" },
    ...{
      event_type: "order.created",
      event: event.event_id,
      fingerprint: "event:rejected:http_503",
    },
    attempts: [{ attempt: 1, reason: "http_503" }],
  });
  const { payload } = await detail(String(letter?.id));
  expect(payload).toMatchObject({ shard: "1.0", event, detail: "http_503", attempts: 1 });
  expect(payload.record.deaths).toMatchObject([{ queue: "sub", reason: "rejected", count: 1 }]);
  await hub.bury();
  expect(await hub.letters()).toHaveLength(1);
  expect(await hub.shard().deads(10)).toEqual([]);
});

test("said twice before the shard could forget, it is written once", async () => {
  await hub.publish(shardEvent(envelope()), shardEvent(envelope()));
  await hub.take("sub", "dead");
  const deads = await hub.shard().deads(10);
  await hub.bury();
  expect(await hub.letters()).toHaveLength(deads.length);
  const { results } = await hub.db
    .prepare("SELECT id FROM dead_letters WHERE tenant_id = ? ORDER BY id")
    .bind(hub.tenant)
    .all<{ id: string }>();
  expect(results.map(({ id }) => id)).toEqual(deads.map(({ id }) => id).toSorted());
});

test("a letter of half a megabyte of quotes is written beside small ones", async () => {
  const events = [envelope(), envelope({ data: '"'.repeat(500_000) }), envelope()];
  expect(await died(events)).toHaveLength(3);
});

describe("a query", () => {
  test("filters by subscription, type, fingerprint and time", async () => {
    await died([envelope({ event_type: "order.paid" }), envelope({ event_type: "order" })], "gone");
    await died([envelope({ event_type: "order.paid.late" }), envelope({ event_type: "order-x" })]);
    const types = async (query: string) =>
      (await hub.letters(query)).map(({ event_type }) => event_type).toSorted();
    expect(await types("&subscription=sub")).toHaveLength(4);
    expect(await types("&subscription=other")).toEqual([]);
    expect(await types("&type=order.paid")).toEqual(["order.paid"]);
    expect(await types("&type=order.%23")).toEqual(["order", "order.paid", "order.paid.late"]);
    expect(await types(`&fingerprint=${encodeURIComponent("event:rejected:gone")}`)).toEqual([
      "order",
      "order.paid",
    ]);
    expect(await types(`&until=${new Date(Date.now() + 5000).toISOString()}`)).toHaveLength(4);
    expect(await types(`&until=${new Date(Date.now() - 60_000).toISOString()}`)).toEqual([]);
    expect((await hub.ask("GET", "/dead-letters?type=%23.order")).status).toBe(400);
  });

  test("groups by fingerprint, the most frequent first", async () => {
    await died([envelope(), envelope()], "order 12345 unknown");
    await died([envelope()], "order 99999 unknown");
    const [newest] = await died([envelope()], "timeout");
    const { body } = await hub.ask("GET", "/dead-letters/groups?stage=event");
    expect(body.items).toMatchObject([
      { fingerprint: "event:rejected:order # unknown", count: 3, stage: "event" },
      { fingerprint: "event:rejected:timeout", count: 1, newest: newest?.id },
    ]);
  });
});

describe("a replay", () => {
  test("by two operators at once happens once, marked, and to nobody else", async () => {
    await hub.subscribe("other");
    const { event, id } = await oneDead();
    await hub.take("other");
    const answers = await Promise.all([replay(id), replay(id), replay(id)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409, 409]);
    const late = answers.find(({ status }) => status === 409);
    expect(late?.body.reason).toBe("taken");
    expect(late?.body.detail).toContain("was replayed or given up already");
    const [again, ...more] = await hub.take("sub");
    expect(more).toEqual([]);
    expect(again).toEqual({ ...event, metadata: { replay_id: id } });
    expect(await hub.take("other")).toEqual([]);
    expect(await detail(id)).toMatchObject({ state: "replayed" });
    expect((await replay(id)).status).toBe(409);
  });

  test("that dies again is tied to its first letter", async () => {
    const { id } = await oneDead();
    await replay(id);
    await hub.take("sub", "dead");
    await hub.bury();
    const [second] = await hub.letters("&state=dead");
    await replay(String(second?.id));
    await hub.take("sub", "dead");
    await hub.bury();
    const [third] = await hub.letters("&state=dead");
    expect(new Set([id, second?.id, third?.id]).size).toBe(3);
    expect((await detail(String(third?.id))).payload.first_letter).toBe(id);
  });

  test("lets an expired one live again", async () => {
    const event = envelope({ metadata: { expires_at: new Date(Date.now() + 50).toISOString() } });
    await hub.publish(shardEvent(event));
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(await hub.take("sub")).toEqual([]);
    await hub.bury();
    const [letter] = await hub.letters();
    expect(letter).toMatchObject({ reason: "expired" });
    expect((await replay(String(letter?.id))).status).toBe(202);
    expect(await hub.take("sub")).toMatchObject([{ event_id: event.event_id }]);
  });

  test("to a subscription that is gone: 422, and the letter is dead as before", async () => {
    const { id } = await oneDead();
    await hub.unsubscribe("sub");
    const refused = await replay(id);
    expect([refused.status, refused.body.reason]).toEqual([422, "subscription_gone"]);
    expect(refused.body.detail).toContain("is gone: replay the event to another one");
    expect((await detail(id)).state).toBe("dead");
  });
});

describe("a replay of which nobody has said how it went", () => {
  const claim = (id: string, atMs: number) =>
    claimDeadLetter(hub.db, { tenant: hub.tenant, id, atMs });

  test("may not be repeated while it may still be running, then it may", async () => {
    const { id } = await oneDead();
    const nowMs = Date.now();
    expect(await claim(id, nowMs)).toBe(true);
    expect((await replay(id)).status).toBe(409);
    expect(await claim(id, nowMs + CLAIM_MS + 1)).toBe(true);
    expect(await claim(id, nowMs + CLAIM_MS + 2)).toBe(false);
  });

  test("is found by the sweep; another replay does nothing twice", async () => {
    const { id } = await oneDead();
    expect((await replay(id)).status).toBe(202);
    // The last mark was lost.
    await hub.db
      .prepare("UPDATE dead_letters SET state = 'replaying' WHERE tenant_id = ? AND id = ?")
      .bind(hub.tenant, id)
      .run();
    await releaseClaims(hub.db, Date.now());
    expect((await detail(id)).state).toBe("replaying");
    await releaseClaims(hub.db, Date.now() + CLAIM_MS + 1000);
    expect((await detail(id)).state).toBe("dead");
    expect((await replay(id)).status).toBe(202);
    expect(await hub.take("sub")).toHaveLength(1);
    expect((await detail(id)).attempts.map(({ reason }) => reason)).toEqual([
      ...["http_500", "replay", "replay"],
    ]);
  });
});

describe("an edited replay", () => {
  test("is a new event caused by the old one; the letter keeps both", async () => {
    const { event, id } = await oneDead();
    const sent = await replay(id, { data: { n: 99 } });
    expect(sent.status).toBe(202);
    const [again] = await hub.take("sub");
    expect(sent.body.replayed_as).toBe(again?.event_id);
    expect(again).toMatchObject({
      data: { n: 99 },
      metadata: { causation_id: event.event_id, replay_id: id, extensions: { edited: true } },
    });
    expect(again?.event_id).not.toBe(event.event_id);
    const { payload } = await detail(id);
    expect(payload.event).toEqual(event);
    expect(payload.edited).toMatchObject({ event_id: again?.event_id, data: { n: 99 } });
  });

  test("has to fit the schema of its type", async () => {
    const schema = { type: "object", required: ["n"], properties: { n: { type: "integer" } } };
    const type = { name: "order.checked", description: "", compatibility: "none" } as const;
    await createEventType(hub.db, hub.tenant, type, { version: "1.0", schema }, Date.now());
    const { id } = await oneDead({ event_type: "order.checked" });
    const refused = await replay(id, { data: { n: "many" } });
    expect(refused.status).toBe(422);
    expect(refused.body.errors[0].pointer).toBe("#/data/n");
    expect((await detail(id)).state).toBe("dead");
    expect((await replay(id, { data: { n: 3 } })).status).toBe(202);
  });

  test("refuses members it does not know, and is as it was with none", async () => {
    const { event, id } = await oneDead();
    expect((await replay(id, { date: 1 })).status).toBe(400);
    expect((await replay(id, {})).status).toBe(202);
    expect(await hub.take("sub")).toMatchObject([{ event_id: event.event_id, data: event.data }]);
  });
});

describe("a job over letters", () => {
  test("puts back what matches, each once, beside an operator who does the same", async () => {
    const letters = await died(Array.from({ length: 30 }, () => envelope()));
    const dead = { filter: { subscription: "sub" }, dry_run: true };
    const counted = await hub.ask("POST", "/dead-letters/replays", dead);
    expect(counted.body).toMatchObject({ dry_run: true, matched: 30, complete: true });
    expect(counted.body.first).toEqual(letters.slice(0, 10).map(({ id }) => id));
    const { id } = await hub.replay({ filter: { subscription: "sub" }, rate: 100 }, PATH);
    await Promise.all(letters.slice(20).map((letter) => replay(String(letter.id))));
    const ended = await hub.ended(id);
    expect(ended).toMatchObject({ state: "done", kind: "dead_letters" });
    const back = (await hub.take("sub")).map(({ event_id }) => event_id);
    expect(back.toSorted()).toEqual(letters.map(({ event }) => event).toSorted());
    expect(await hub.letters("&state=replayed")).toHaveLength(30);
  });

  test("keeps to its limit and its ids, and passes over what is not dead", async () => {
    const letters = await died(Array.from({ length: 6 }, () => envelope()));
    const ids = letters.map(({ id }) => String(id));
    await hub.ask("DELETE", `/dead-letters/${ids[1]}`);
    const some = await hub.replay({ ids: ids.slice(0, 3), rate: 100 }, PATH);
    expect(await hub.ended(some.id)).toMatchObject({ done: 3, total: 3, replayed: 2 });
    const few = await hub.replay({ filter: {}, limit: 2, rate: 100 }, PATH);
    expect(await hub.ended(few.id)).toMatchObject({ done: 2, total: 2, replayed: 2 });
    expect(await hub.letters("&state=dead")).toHaveLength(1);
    expect((await hub.ask("POST", PATH, { ids, filter: {} })).status).toBe(400);
    expect((await hub.ask("POST", PATH, {})).status).toBe(400);
  });

  test("can be paused, resumed and cancelled", async () => {
    await died(Array.from({ length: 10 }, () => envelope()));
    const { id } = await hub.replay({ filter: {}, rate: 2 }, PATH);
    const paused = await hub.ask("POST", `/replays/${id}/pause`);
    expect(paused.body.state).toBe("paused");
    expect((await hub.ask("POST", `/replays/${id}/resume`)).body.state).toBe("running");
    expect((await hub.ask("POST", `/replays/${id}/cancel`)).body.state).toBe("cancelled");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await hub.take("sub")).length).toBeLessThan(10);
    expect((await hub.ask("POST", `/replays/${id}/resume`)).status).toBe(409);
  });
});

const PATH = "/dead-letters/replays";
