/** Replays of events in workerd: from the log and the archive as one, merged with messages, through evictions and orders. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { SLOT_MS } from "../../../domain/messaging/message-id.ts";
import { writeSegment } from "../../../platform/archive-writer.ts";
import { hotSinceMs } from "../../../platform/replay-log.ts";
import { insertMessages, type MessageRow } from "../../../platform/repositories/messages.ts";
import { putSegment } from "../../../platform/repositories/segments.ts";
import { env } from "../api/hub-api.ts";
import {
  byPartition,
  DAY_MS,
  envelope,
  HOUR_MS,
  idsOf,
  iso,
  over,
  type ReplayHub,
  replayHub,
  rows,
  shardEvent,
} from "./replay-api.ts";

vi.setConfig({ testTimeout: 20_000 });

let hub: ReplayHub;
/** A full hour of yesterday. */
let startMs = 0;
beforeEach(async () => {
  hub = await replayHub();
  await hub.subscribe("sub");
  startMs = Math.floor((Date.now() - DAY_MS) / HOUR_MS) * HOUR_MS;
});

test("what was accepted in the span comes once more, in order, marked, and to nobody else", async () => {
  await hub.subscribe("other");
  const all = rows(50, startMs);
  await hub.log(all);
  const { id } = await hub.replay(over(startMs + 100, startMs + 400));
  const ended = await hub.ended(id);
  expect(ended).toMatchObject({ state: "done", done: 30, total: 30, replayed: 30, reason: null });
  const taken = await hub.take("sub");
  expect(idsOf(taken)).toEqual(idsOf(all.slice(10, 40).map(({ event }) => event)));
  expect(new Set(taken.map(({ metadata }) => metadata.replay_id))).toEqual(new Set([id]));
  expect(await hub.take("other")).toEqual([]);
});

test("the same span again is delivered again: no deduplication swallows it, nor what was delivered live", async () => {
  const events = [envelope(), envelope(), envelope()];
  await hub.publish(...events.map((event) => shardEvent(event)));
  expect(await hub.take("sub")).toHaveLength(3);
  const body = { subscription: "sub", since: iso(Date.now() - 60_000) };
  for (let round = 0; round < 2; round++) {
    const { id } = await hub.replay(body);
    expect(await hub.ended(id)).toMatchObject({ state: "done", replayed: 3 });
    expect(idsOf(await hub.take("sub"))).toEqual(idsOf(events));
  }
});

test("chooses by the bindings of its subscription, types and partition, and may go to another", async () => {
  await hub.subscribe("paid", { bindings: [{ kind: "topic", key: "order.paid" }] });
  const types = ["order.paid", "order.created", "order.paid", "page.seen", "order.paid"];
  const all = types.map((event_type, n) => ({
    seq: startMs + n,
    event: envelope({ event_type, metadata: n === 4 ? { partition_key: "p" } : {} }),
  }));
  await hub.log(all);
  const run = async (more: Record<string, unknown>, from = "sub") => {
    const { id } = await hub.replay(over(startMs, startMs + 10, more));
    await hub.ended(id);
    const places = new Map(all.map(({ event }, n) => [event.event_id, n]));
    return (await hub.take(from)).map(({ event_id }) => places.get(event_id));
  };
  expect(await run({})).toEqual([0, 1, 2, 4]);
  expect(await run({ types: ["*.created"] })).toEqual([1]);
  expect(await run({ partition: "p" })).toEqual([4]);
  expect(await run({ subscription: "paid", target: "sub" })).toEqual([0, 2, 4]);
  expect(await run({ subscription: "paid" }, "paid")).toEqual([0, 2, 4]);
});

test("a dry run counts, names the first and hands nothing over", async () => {
  const all = rows(20, startMs);
  await hub.log(all);
  const body = over(startMs, startMs + DAY_MS / 2, { dry_run: true, partition: "p1" });
  const { status, body: found } = await hub.ask("POST", "/replays", body);
  expect(status).toBe(200);
  const first = all.filter((_, n) => n % 3 === 1).map(({ event }) => event.event_id);
  expect(found).toEqual({ dry_run: true, matched: 7, looked: 20, complete: true, first });
  expect(await hub.take("sub")).toEqual([]);
  expect((await hub.ask("GET", "/replays")).body.items).toEqual([]);
});

test.each<[string, object, number]>([
  ["an unknown subscription", { subscription: "nobody" }, 422],
  ["an unknown target", { target: "nobody" }, 422],
  ["a span that ends before it begins", { until: iso(0) }, 400],
  ["a span that ends in the future", { until: iso(Date.now() + DAY_MS) }, 400],
  ["three hashes", { types: ["#.#.#"] }, 400],
  ["no types", { types: [] }, 400],
  ["a rate of nothing", { rate: 0 }, 400],
  ["an unknown member", { shard: "1.0" }, 400],
])("%s is refused", async (_, more, status) => {
  const body = { ...over(startMs, startMs + 1), ...more };
  expect((await hub.ask("POST", "/replays", body)).status).toBe(status);
});

/** So that their order beside the messages' is the partition's. */
const IN_CONVERSATION = { metadata: { partition_key: "cnv_1" } };

describe("the archive and the log", () => {
  async function archived(kind: "events" | "messages", lines: readonly object[], hourMs: number) {
    const ids = lines.map((line) => line as { readonly id?: string; readonly seq?: number });
    const of = (at: number) => String(ids.at(at)?.seq ?? ids.at(at)?.id);
    const { segment } = await writeSegment(env, {
      ...{ tenant: hub.tenant, kind, hourMs, part: 0, lines },
      ...{ first: of(0), last: of(-1), nowMs: Date.now() },
    });
    await putSegment(hub.db, segment).run();
    return segment;
  }
  const lines = (some: ReturnType<typeof rows>) => some.map((row) => ({ shard: "1.0", ...row }));

  test("are one: what was dropped from the database comes before what is in it", async () => {
    const hotMs = hotSinceMs(Date.now());
    const cold = rows(700, hotMs - 2 * HOUR_MS, 1000);
    const colder = rows(30, hotMs - HOUR_MS, 1000);
    await archived("events", lines(cold), hotMs - 2 * HOUR_MS);
    await archived("events", lines(colder), hotMs - HOUR_MS);
    const hot = rows(40, hotMs, 1000);
    await hub.log(hot);
    const { id } = await hub.replay(over(hotMs - 2 * HOUR_MS + 5000, hotMs + 20_000));
    expect(await hub.ended(id)).toMatchObject({ state: "done", replayed: 695 + 30 + 20 });
    const wanted = [...cold.slice(5), ...colder, ...hot.slice(0, 20)];
    expect(byPartition(await hub.take("sub"))).toEqual(
      byPartition(wanted.map(({ event }) => event)),
    );
  });

  test("an object that is damaged ends it, nothing of it is handed over", async () => {
    const hotMs = hotSinceMs(Date.now());
    const { key } = await archived("events", lines(rows(3, hotMs - HOUR_MS)), hotMs - HOUR_MS);
    await env.STORE.put(key, "{}");
    const { id } = await hub.replay(over(hotMs - HOUR_MS, hotMs));
    expect(await hub.ended(id)).toMatchObject({ state: "failed", reason: "segment_damaged" });
    expect(await hub.take("sub")).toEqual([]);
  });

  test("messages: each hop at its time, between published events, hot and archived", async () => {
    await hub.subscribe("all", {
      bindings: [
        { kind: "topic", key: "message.*" },
        { kind: "topic", key: "order.*" },
      ],
    });
    const hotMs = hotSinceMs(Date.now());
    const old = message(hotMs - HOUR_MS, { sent: hotMs - HOUR_MS + 500 });
    await archived("messages", [lineOf(old)], hotMs - HOUR_MS);
    const young = message(hotMs + 1000, { sent: hotMs + 1500, read: hotMs + 9000 });
    const reply = message(hotMs + 2000, { sent: hotMs + 3000 });
    await hub.db.batch([...insertMessages(hub.db, [young, reply])]);
    await hub.log(
      [1200, 2500, 9500].map((ms) => ({ seq: hotMs + ms, event: envelope(IN_CONVERSATION) })),
    );
    const body = over(hotMs - HOUR_MS, hotMs + 20_000, { subscription: "all" });
    const { id } = await hub.replay(body);
    await hub.ended(id);
    const taken = await hub.take("all");
    expect(taken.map(({ event_type, metadata }) => [event_type, metadata.subject])).toEqual([
      ["message.sent", old.id],
      ["order.created", undefined],
      ["message.sent", young.id],
      ["order.created", undefined],
      ["message.sent", reply.id],
      ["message.read", young.id],
      ["order.created", undefined],
    ]);
    const part = over(hotMs + 1400, hotMs + 9001, { subscription: "all", types: ["message.*"] });
    await hub.ended((await hub.replay(part)).id);
    expect((await hub.take("all")).map(({ metadata }) => metadata.subject)).toEqual([
      ...[young.id, reply.id, young.id],
    ]);
  });

  function message(atMs: number, hops: MessageRow["metadata"]["hops"]): MessageRow {
    const encoded = atMs.toString(32).padStart(10, "0");
    const crockford = [...encoded].map((char) => ALPHABET[Number.parseInt(char, 32)]).join("");
    return {
      ...{ tenantId: hub.tenant, id: `msg_${crockford}000000000000`, conversationId: "cnv_1" },
      ...{ connectionId: "c", source: "slack", direction: "outbound", kind: "message" },
      content: { text: "hi", media: [], metadata: {} },
      metadata: {
        ...{ event_key: `${atMs}`, timestamp: iso(atMs), sender: { id: "hub", aliases: [] } },
        ...{ group: false, mentions: [], hops },
      },
      ...{ createdAt: atMs, processedAt: atMs, status: "sent" },
    };
  }

  function lineOf(row: MessageRow) {
    return {
      ...{ tenant_id: row.tenantId, id: row.id, conversation_id: row.conversationId },
      ...{ connection_id: row.connectionId, source: row.source, direction: row.direction },
      ...{ kind: row.kind, platform_id: null, target_id: null, content: row.content },
      ...{ metadata: row.metadata, created_at: row.createdAt, processed_at: row.processedAt },
      ...{ status: row.status, status_rank: 1 },
    };
  }
});

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

test("hot is what no job can have dropped yet: this period and the one before", () => {
  const nowMs = 100 * SLOT_MS;
  expect(hotSinceMs(nowMs)).toBe(99 * SLOT_MS);
  expect(hotSinceMs(nowMs + SLOT_MS - 2 * HOUR_MS)).toBe(99 * SLOT_MS);
  expect(hotSinceMs(nowMs + SLOT_MS - 1)).toBe(100 * SLOT_MS);
});
