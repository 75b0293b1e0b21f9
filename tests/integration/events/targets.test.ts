/** Targets inside the hub: forwards into another queue, and messages to a conversation. */
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { conversationOf } from "../../../platform/conversations.ts";
import { databaseFor } from "../../../platform/database.ts";
import {
  findSubscription,
  replaceSubscription,
} from "../../../platform/repositories/subscriptions.ts";
import type { EventEnvelope } from "../../../schema/event.ts";
import { EVENT_DEPTH_MAX } from "../../../schema/event-depth.ts";
import { handlerOf } from "../../../workers/consumers/events/targets.ts";
import { consumeEvents } from "../../../workers/consumers/events.ts";
import { isolateOf } from "../../../workers/isolate.ts";
import { env, slack } from "../api/hub-api.ts";
import { anEvent, aPull, type EventsApi, eventsApi } from "./events-api.ts";

/** On a machine with other work. */
const PATIENCE_MS = 20_000;
let api: EventsApi;

beforeAll(async () => {
  api = await eventsApi();
  await api.ask("POST", `/tenants/${api.tenant}/connections`, slack("targets-chat"));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const tokenOf = (subscription: string) =>
  ({ v: 1, tenant: api.tenant, shard: "1.0", subscription }) as const;

/** Works on the tokens that the shard would ring with. */
async function work(subscription: string): Promise<void> {
  const message = { body: tokenOf(subscription), ack: () => undefined, retry: () => undefined };
  await consumeEvents({ messages: [message] } as unknown as MessageBatch, env);
}

async function target(target: Record<string, unknown>, more: Record<string, unknown> = {}) {
  const bindings = [{ kind: "direct", key: "none" }];
  return (await api.subscribe(aPull({ bindings, target, ...more }))).body.id as string;
}

const stats = async (id: string) => (await api.ask("GET", `/subscriptions/${id}/stats`)).body;
const publish = (id: string, over: Partial<EventEnvelope> = {}, more = {}) =>
  api.publish(anEvent(over, { only: [id], ...more }));
/** Handed over by hand: the queue has no say in when. */
async function handed(id: string, over: Partial<EventEnvelope> = {}, expiresMs?: number) {
  const handler = await handlerOf(env, tokenOf(id));
  if (!handler) throw new Error("nobody to hand it to");
  const late = expiresMs === undefined ? {} : { expiresMs };
  const deliveries = [{ seq: 7, attempt: 1, priority: 0, event: anEvent(over).event, ...late }];
  const leased = { is: "leased", token: "t", untilMs: 0, version: 1, more: false } as const;
  return () => handler.deliver({ ...leased, deliveries });
}

/** The tenant's connection was changed behind the isolate's back. */
const forget = () => isolateOf(env).directory.forget(api.tenant);

describe("a forward", () => {
  test("is one however often the attempt is made", async () => {
    const end = await target({ kind: "pull" });
    const deliver = await handed(await target({ kind: "queue", subscription: end }));
    for (let n = 0; n < 2; n += 1) expect(await deliver()).toEqual([{ seq: 7, is: "ack" }]);
    expect((await stats(end)).totals.published).toBe(1);
  });

  test("keeps its order and its end", async () => {
    const end = await target({ kind: "pull" });
    const from = await target({ kind: "queue", subscription: end });
    const metadata = { partition_key: "p" };
    await api.publish(
      ...[1, 2].map((number) =>
        anEvent({ data: { number }, metadata }, { only: [from], ttlMs: 600_000 }),
      ),
    );
    await work(from);
    await vi.waitFor(async () => {
      expect(await stats(from)).toMatchObject({ total: 0, totals: { acked: 2 } });
    }, PATIENCE_MS);
    expect((await stats(end)).totals.published).toBe(2);
    const order: unknown[] = [];
    for (let n = 0; n < 2; n += 1) {
      const { body } = await api.ask("POST", `/subscriptions/${end}/lease`, {});
      const [one] = body.deliveries;
      order.push(one.event.data.number);
      expect(Date.parse(one.expires_at) - Date.now()).toBeLessThanOrEqual(600_000);
      const results = [{ seq: one.seq, is: "ack" }];
      await api.ask("POST", `/subscriptions/${end}/settle`, { token: body.token, results });
    }
    expect(order).toEqual([1, 2]);
  });

  test("to one that forwards itself by now, or is gone, is a dead letter with its reason", async () => {
    const end = await target({ kind: "pull" });
    const from = await target({ kind: "queue", subscription: end });
    const db = databaseFor(env, api.tenant);
    const stored = await findSubscription(db, api.tenant, end);
    if (!stored) throw new Error("no such subscription");
    // Two changes at once could leave this behind; the API refuses each alone.
    const circle = { kind: "queue", subscription: from } as const;
    const subscription = { ...stored.subscription, target: circle };
    await replaceSubscription(db, { ...stored, subscription, version: stored.version + 1 }).run();
    await publish(from);
    await work(from);
    await vi.waitFor(async () => expect((await stats(from)).totals.dead).toBe(1), PATIENCE_MS);
    await db.prepare("DELETE FROM subscriptions WHERE id = ?").bind(end).run();
    await publish(from);
    await work(from);
    await vi.waitFor(async () => {
      expect(await stats(from)).toMatchObject({ total: 0, totals: { dead: 2, acked: 0 } });
    }, PATIENCE_MS);
  });

  test("waits, without losing an attempt, where the other queue is full; and retries where it is away", async () => {
    const end = await target({ kind: "pull" });
    const from = await target({ kind: "queue", subscription: end });
    const deliver = await handed(from);
    const refusing = (publishing: () => unknown) =>
      vi
        .spyOn(env.EVENT_SHARD, "getByName")
        .mockImplementation(() => ({ publish: async () => publishing() }) as never);
    const failure = { reason: "backlog_full", depth: 1, retryAfterSeconds: 5 };
    refusing(() => ({ ok: false, failure }));
    expect(await deliver()).toMatchObject([{ is: "later", afterMs: 5000 }]);
    refusing(() => {
      throw new Error("away");
    });
    expect(await deliver()).toMatchObject([{ is: "retry", reason: "unavailable" }]);
  });
});

describe("a message to a conversation", () => {
  const talk = (text: string, more = {}) => ({
    kind: "conversation",
    connection: "targets-chat",
    conversation_key: "C777",
    text,
    ...more,
  });

  async function accepted(key: string) {
    const { ids } = isolateOf(env);
    const address = `T_targets-chat:${key}`;
    const name = await ids.of(api.tenant, "targets-chat", address);
    const work = await conversationOf(env, api.tenant, name).lease(Date.now());
    return work.is === "idle" ? [] : work.persist;
  }

  async function taken(key: string) {
    return (await accepted(key)).map(({ message }) => message);
  }

  test("is the template filled in, taken in once however often the attempt is made", async () => {
    const text = "{{type}} of {{source}}: {{data.order.total}} {{data.items}} {{data.none}}!";
    const id = await target(talk(text, { conversation_key: "C701" }));
    const data = { order: { total: 5 }, items: [1, "{{type}}"] };
    const deliver = await handed(id, { event_id: "evt-told", data });
    for (let n = 0; n < 2; n += 1) expect(await deliver()).toEqual([{ seq: 7, is: "ack" }]);
    const messages = await taken("C701");
    expect(messages).toMatchObject([
      {
        content: {
          text: 'order.created of /shop: 5 [1,"{{type}}"] !',
          metadata: { event: { id: "evt-told", type: "order.created", source: "/shop" } },
        },
      },
    ]);
  });

  test("the same event of another subscription, and a replay of it, are messages of their own", async () => {
    const [one, two] = [
      await target(talk("one", { conversation_key: "C702" })),
      await target(talk("two", { conversation_key: "C702" })),
    ];
    const event = { event_id: "evt-shared" };
    await publish(one, event);
    await publish(two, event);
    await publish(one, { ...event, metadata: { replay_id: "rpl_1" } });
    for (const id of [one, two]) await work(id);
    await vi.waitFor(async () => expect((await stats(one)).totals.acked).toBe(2), PATIENCE_MS);
    await vi.waitFor(async () => expect((await stats(two)).totals.acked).toBe(1), PATIENCE_MS);
  });

  test("is not made of that conversation's own messages, but of another's", async () => {
    const id = await target(talk("{{type}}", { conversation_key: "C703" }));
    const of = (key: string) =>
      isolateOf(env).ids.of(api.tenant, "targets-chat", `T_targets-chat:${key}`);
    for (const [event_id, key] of [
      ["evt-own", "C703"],
      ["evt-others", "C704"],
    ] as const) {
      const metadata = { partition_key: await of(key) };
      const deliver = await handed(id, { event_id, event_type: "message.received", metadata });
      expect(await deliver()).toEqual([{ seq: 7, is: "ack" }]);
    }
    const told = (await taken("C703")).map(({ content }) => content.metadata.event);
    expect(told).toMatchObject([{ id: "evt-others" }]);
  });

  test("is one deeper than its event, and a dead letter where the chain of events ends", async () => {
    const id = await target(talk("{{type}}", { conversation_key: "C705" }));
    for (const [event_id, depth] of [
      ["evt-first", undefined],
      ["evt-deep", EVENT_DEPTH_MAX - 1],
    ] as const) {
      const metadata = depth === undefined ? {} : { depth };
      const deliver = await handed(id, { event_id, metadata });
      expect(await deliver()).toEqual([{ seq: 7, is: "ack" }]);
    }
    const deliver = await handed(id, { event_id: "evt-end", metadata: { depth: EVENT_DEPTH_MAX } });
    expect(await deliver()).toEqual([{ seq: 7, is: "dead", reason: "chain_too_long" }]);
    const depths = (await accepted("C705")).map(({ depth }) => depth);
    expect(depths).toEqual([1, EVENT_DEPTH_MAX]);
  });

  test("is a dead letter where its connection is gone or off", async () => {
    const gone = slack("targets-gone");
    await api.ask("POST", `/tenants/${api.tenant}/connections`, gone);
    const id = await target(talk("hi", { connection: "targets-gone" }));
    const path = `/tenants/${api.tenant}/connections/targets-gone`;
    expect((await api.ask("PATCH", path, { active: false })).status).toBe(200);
    forget();
    await publish(id);
    await work(id);
    await vi.waitFor(async () => expect((await stats(id)).totals.dead).toBe(1), PATIENCE_MS);
    await api.ask("DELETE", path);
    forget();
    await publish(id);
    await work(id);
    await vi.waitFor(async () => {
      expect(await stats(id)).toMatchObject({ total: 0, totals: { dead: 2 } });
    }, PATIENCE_MS);
  });

  test("is not told after its time to live", async () => {
    const id = await target(talk("late"));
    const deliver = await handed(id, {}, Date.now() - 1);
    expect(await deliver()).toEqual([{ seq: 7, is: "later", afterMs: 0 }]);
  });
});
