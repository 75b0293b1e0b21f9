/**
 * Publishing to the running hub and reading back: by page and by filter, as the state that a partition's events add up
 * to, and across kills of the runtime.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mergePatch } from "../../../domain/events/merge-patch.ts";
import { type Publisher, startPublisher } from "../../support/publisher.ts";
import { eventually } from "../../support/runtime.ts";

/** Kills of the runtime while events are published. */
const KILLS = 3;
/** Batches that are published around each kill, and events in one. */
const BATCHES = 12;
const BATCH_EVENTS = 10;

let publisher: Publisher;

beforeAll(async () => {
  publisher = await startPublisher(["crash.test", "order.state", "page.a", "page.b.c"], {
    EVENT_SHARDS: "2",
  });
});
afterAll(() => publisher?.remove());

describe("the log", () => {
  test("is read by type, pattern, partition and time, either way round", async () => {
    const events = Array.from({ length: 30 }, (_, n) => ({
      ...{ event_type: n % 3 === 0 ? "page.a" : "page.b.c", event_id: `page-${n}`, data: n },
      ...(n % 2 === 0 ? { partition_key: `p${n % 4}` } : {}),
    }));
    const startMs = Date.now();
    for (const event of events) expect((await publisher.publish(event)).status).toBe(202);
    await eventually("all of them", async () => {
      return (await publisher.all("type=page.%23")).length === events.length || undefined;
    });
    const ids = async (query: string) =>
      (await publisher.all(query)).map(({ event }) => event.event_id);
    const of = (which: (n: number) => boolean) =>
      events
        .filter((_, n) => which(n))
        .map(({ event_id }) => event_id)
        .toSorted();
    expect((await ids("type=page.a")).toSorted()).toEqual(of((n) => n % 3 === 0));
    expect((await ids("type=page.*.c")).toSorted()).toEqual(of((n) => n % 3 !== 0));
    expect(await ids("partition=p2&type=page.%23")).toEqual(
      events.filter((_, n) => n % 4 === 2).map(({ event_id }) => event_id),
    );
    const seqs = (await publisher.all("type=page.%23")).map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    const newest = await publisher.send("GET", "/events?type=page.%23&limit=5");
    expect(newest.body.items.map(({ seq }: { seq: number }) => seq)).toEqual(
      seqs.toReversed().slice(0, 5),
    );
    const since = encodeURIComponent(new Date(startMs).toISOString());
    expect((await ids(`type=page.%23&since=${since}`)).length).toBe(30);
    expect(await ids(`type=page.%23&until=${since}`)).toEqual([]);
    const middle = seqs[10] ?? 0;
    const until = encodeURIComponent(new Date(middle).toISOString());
    expect((await publisher.all(`type=page.%23&until=${until}`)).map(({ seq }) => seq)).toEqual(
      seqs.filter((seq) => seq < middle),
    );
  });

  test("knows nothing of events there are not, and refuses patterns with three #", async () => {
    expect((await publisher.send("GET", "/events/nothing")).status).toBe(404);
    expect((await publisher.send("GET", "/events?type=%23.a.%23.b.%23")).status).toBe(400);
    expect((await publisher.send("GET", "/events?cursor=made.up")).status).toBe(400);
  });
});

test("what a partition's events add up to is what they left when they were laid over each other", async () => {
  const patches = [
    { id: "7", lines: [{ sku: "a" }], address: { city: "Olinda", zip: "1" } },
    { state: "paid", address: { zip: null } },
    { lines: [{ sku: "a" }, { sku: "b" }] },
    { state: "sent", address: { street: "Rua do Amparo" } },
  ];
  let current: unknown = null;
  let seq = 0;
  for (const data of patches) {
    const sent = await publisher.publish({
      event_type: "order.state",
      partition_key: "order 7",
      data,
    });
    current = mergePatch(current, data);
    seq = sent.body.seq;
  }
  const state = await eventually("the whole state", async () => {
    const { body } = await publisher.send("GET", "/aggregates/order%207");
    return body.version === patches.length ? body : undefined;
  });
  expect(state).toEqual({ partition: "order 7", version: 4, seq, state: current });
  const earlier = encodeURIComponent(new Date(seq).toISOString());
  const before = (await publisher.send("GET", `/aggregates/order%207?until=${earlier}`)).body;
  expect([before.version, before.state]).toEqual([
    3,
    patches.slice(0, 3).reduce(mergePatch, null as unknown),
  ]);
  expect((await publisher.send("GET", "/aggregates/nothing")).body).toMatchObject({
    version: 0,
    seq: null,
    state: null,
  });
});

test("every event that was accepted is in the log once, whenever the runtime was killed", async () => {
  const accepted = new Set<string>();
  let unanswered = 0;
  const attempt = async (events: readonly unknown[]) => {
    const answer = await publisher.publish({ events }).catch(() => undefined);
    if (answer?.status !== 202) return false;
    for (const { id } of answer.body.items) accepted.add(id);
    return true;
  };
  for (let kill = 0; kill < KILLS; kill++) {
    const batches = Array.from({ length: BATCHES }, (_, batch) =>
      Array.from({ length: BATCH_EVENTS }, (_, n) => ({
        ...{ event_type: "crash.test", event_id: `${kill}-${batch}-${n}`, data: n },
      })),
    );
    const sending = batches.map(async (events, batch) => {
      await new Promise((resolve) => setTimeout(resolve, batch * 15));
      return (await attempt(events)) ? [] : [events];
    });
    await new Promise((resolve) => setTimeout(resolve, 60 + kill * 30));
    await publisher.hub.kill();
    const lost = (await Promise.all(sending)).flat();
    unanswered += lost.length;
    await publisher.hub.restart();
    // Whoever got no answer sends it again: its key makes that harmless.
    for (const events of lost) expect(await attempt(events)).toBe(true);
  }
  expect(unanswered).toBeGreaterThan(0);
  expect(accepted.size).toBe(KILLS * BATCHES * BATCH_EVENTS);
  const found = await eventually(
    "the whole log",
    async () => {
      const events = await publisher.all("type=crash.test");
      return events.length >= accepted.size ? events : undefined;
    },
    // A consumer that was killed holds its lease for 45 s.
    100_000,
  );
  expect(found.map(({ event }) => event.event_id).toSorted()).toEqual([...accepted].toSorted());
}, 150_000);
