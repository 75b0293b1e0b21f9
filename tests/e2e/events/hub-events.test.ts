/**
 * The hub's own events over the running hub, its bus, queues and databases failing now and then: a consumer that pulls
 * hears of every message and every reply once, in the order of their conversation, and of the administration too.
 */
import { Validator } from "@cfworker/json-schema";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { HUB_EVENT_TYPES } from "../../../domain/events/catalogue.ts";
import type { Fault } from "../../../domain/faults/plan.ts";
import type { EventEnvelope } from "../../../schema/event.ts";
import { type FaultWorld, markOf, pause, startFaultWorld, until } from "../../support/faults.ts";

const MESSAGES = 6;
const CONVERSATIONS = 3;
/** Quiet for so long means that nothing more comes, in ms: twice the longest wait of an alarm here, and a lease. */
const QUIET_MS = 4000;
const GIVE_UP_MS = 50_000;

let hub: FaultWorld;

beforeAll(async () => {
  hub = await startFaultWorld({ lively: true });
});
afterEach(() => hub.plan([]));
afterAll(() => hub?.stop());

async function post(path: string, body: unknown): Promise<Record<string, unknown>> {
  const answer = await hub.api(path, { method: "POST", body: JSON.stringify(body) });
  return (await answer.json()) as Record<string, unknown>;
}

/** A pull subscription of acme to these types; answers its id. */
async function subscribe(key: string): Promise<string> {
  const { id } = await post("/subscriptions?tenant=acme", {
    name: key,
    bindings: [{ kind: "topic", key }],
    target: { kind: "pull" },
    prefetch: 100,
  });
  return String(id);
}

interface Lease {
  readonly token?: string;
  readonly deliveries?: readonly { readonly seq: number; readonly event: EventEnvelope }[];
}

/** Takes and acknowledges what is there. */
async function pull(subscription: string, heard: EventEnvelope[]): Promise<number> {
  const at = `/subscriptions/${subscription}`;
  const lease = (await post(`${at}/lease?tenant=acme`, { max: 50 })) as Lease;
  if (!lease.deliveries || lease.deliveries.length === 0) return 0;
  heard.push(...lease.deliveries.map(({ event }) => event));
  const { deliveries, token } = lease;
  const results = deliveries.map(({ seq }) => ({ seq, is: "ack" }));
  await post(`${at}/settle?tenant=acme`, { token, results });
  return deliveries.length;
}

async function pullUntil(
  subscription: string,
  enough: (heard: readonly EventEnvelope[]) => boolean,
) {
  const heard: EventEnvelope[] = [];
  const deadline = Date.now() + GIVE_UP_MS;
  for (let quietMs = 0; !(enough(heard) && quietMs >= QUIET_MS); quietMs += 100) {
    if ((await pull(subscription, heard)) > 0) quietMs = 0;
    if (Date.now() > deadline) break;
    await pause(100);
  }
  return heard;
}

function expectValid(events: readonly EventEnvelope[]): void {
  for (const { event_type, data } of events) {
    const type = HUB_EVENT_TYPES.find(({ name }) => name === event_type);
    const schema = type?.versions[0].schema as object;
    expect(new Validator(schema, "2020-12").validate(data).errors).toEqual([]);
  }
}

const textOf = ({ data }: EventEnvelope) =>
  (data as { message: { content: { text: string } } }).message.content.text;
const texts = (events: readonly EventEnvelope[], type: string, containing: string) =>
  events
    .filter(({ event_type }) => event_type === type)
    .map(textOf)
    .filter((text) => text.includes(containing));

const FAULTS: readonly Partial<Fault>[] = [
  { target: "EVENT_SHARD", op: "publish", p: 0.3, when: "after" },
  { target: "EVENT_SHARD", op: "publish", p: 0.2 },
  { target: "EVENTS", p: 0.3, error: "drop" },
  { target: "DB", op: "batch", p: 0.05, when: "after" },
  { target: "DB", match: "outbox", p: 0.1 },
  { target: "CONVERSATION", p: 0.05, when: "after" },
];

test("every message and every reply once, in order, whatever fails on the way", async () => {
  const subscription = await subscribe("message.#");
  await hub.plan(FAULTS as never, 7);
  const inAll = Array.from({ length: CONVERSATIONS }, (_, n) => n + 1);
  await Promise.all(
    inAll.map(async (conversation) => {
      for (let number = 1; number <= MESSAGES; number++)
        while ((await hub.say({ in: conversation, number })).status !== 200) await pause(30);
    }),
  );
  await until(() => hub.replies(), MESSAGES * CONVERSATIONS, GIVE_UP_MS);
  await hub.plan([]);
  const count = (heard: readonly EventEnvelope[], type: string) =>
    heard.filter(({ event_type }) => event_type === type).length;
  const all = MESSAGES * CONVERSATIONS;
  const heard = await pullUntil(
    subscription,
    (some) => count(some, "message.received") >= all && count(some, "message.sent") >= all,
  );
  expectValid(heard);
  const keys = heard.map(({ event_id }) => event_id);
  expect(keys).toEqual([...new Set(keys)]);
  for (const conversation of inAll) {
    const marks = Array.from({ length: MESSAGES }, (_, n) =>
      markOf({ in: conversation, number: n + 1 }),
    );
    const of = marks[0]?.replace(/:1\]\]$/, ":") ?? "";
    expect(texts(heard, "message.received", of)).toEqual(marks);
    const replies = texts(heard, "message.sent", of);
    expect(replies.map((text) => marks.findIndex((mark) => text.includes(mark)))).toEqual(
      marks.map((_, n) => n),
    );
  }
  const sent = new Map(heard.map(({ event_id }, at) => [event_id, at]));
  for (const [at, { event_type, metadata }] of heard.entries()) {
    if (event_type === "message.received") continue;
    expect(sent.get(metadata.causation_id ?? ""), event_type).toBeLessThan(at);
  }
}, 120_000);

test("what an operator does is told within a moment, and nothing of it to another tenant", async () => {
  const subscription = await subscribe("access_rule.*");
  const heard: EventEnvelope[] = [];
  for (const tenant of ["acme", "globex"])
    await post(`/tenants/${tenant}/access-rules`, { effect: "block", pattern: "5511999999999" });
  await until(() => {
    void pull(subscription, heard);
    return heard;
  }, 1);
  expectValid(heard);
  expect(heard.map(({ event_type, source }) => [event_type, source])).toEqual([
    ["access_rule.created", "/tenants/acme"],
  ]);
});
