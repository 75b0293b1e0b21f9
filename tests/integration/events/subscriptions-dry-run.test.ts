/** What would become of an event, and why. */
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { EVENT_DEPTH_MAX } from "../../../schema/event-depth.ts";
import { slack } from "../api/hub-api.ts";
import { answerAs, aPull, aWebhook, type EventsApi, eventsApi } from "./events-api.ts";
import { publishApi } from "./publish-api.ts";

let api: EventsApi;

beforeAll(async () => {
  api = await eventsApi();
  const { tenant } = api;
  await api.ask("POST", `/tenants/${tenant}/connections`, slack("chat-of-events"));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const refuse = () => new Response("no", { status: 500 });

describe("a dry run", () => {
  test("says of each what would become of the event, and why; nothing is published", async () => {
    answerAs(refuse);
    const dry = await eventsApi();
    const sub = (id: string, more: Record<string, unknown>) =>
      dry.subscribe(aPull({ id, ...more }));
    await sub("a-wants", {
      bindings: [
        { kind: "direct", key: "x" },
        { kind: "topic", key: "order.*" },
      ],
    });
    await sub("b-other", { bindings: [{ kind: "topic", key: "invoice.#" }] });
    await sub("c-filter", { filter: { data: { total: { $gt: 100 }, kind: "a/b" } } });
    await sub("d-paused", { paused: true });
    await sub("e-short", { ttl_ms: 60_000, filter: { source: "/shop" } });
    await dry.subscribe(aWebhook({}, { id: "f-unverified" }));
    const event = { event_type: "order.created", source: "/shop", data: { total: 5, kind: "a/b" } };
    const { status, body } = await dry.ask("POST", "/subscriptions/dry-run", event);
    expect(status).toBe(200);
    const told = body.items.map((item: Record<string, unknown>) => [
      item.subscription,
      item.outcome,
      item.why,
      item.binding,
      item.filter,
    ]);
    expect(told).toEqual([
      ["a-wants", "deliver", "wanted", "/bindings/1", null],
      ["b-other", "no", "binding", null, null],
      ["c-filter", "no", "filter", "/bindings/0", "/filter/data/total/$gt"],
      ["d-paused", "hold", "paused", "/bindings/0", null],
      ["e-short", "deliver", "wanted", "/bindings/0", null],
      ["f-unverified", "hold", "unverified", "/bindings/0", null],
    ]);
    const expiries = body.items.map((item: { expires_at: string | null }) => item.expires_at);
    expect(expiries.filter(Boolean)).toHaveLength(1);
    const over = { ...event, metadata: { expires_at: "2020-01-01T00:00:00Z" } };
    const late = await dry.ask("POST", "/subscriptions/dry-run", over);
    expect(late.body.items[0]).toMatchObject({ outcome: "expire", why: "expired" });
    const stats = (await dry.ask("GET", "/subscriptions/stats")).body;
    expect(stats.items.map((item: { total: number }) => item.total)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("says who would refuse an event at the end of its chain", async () => {
    answerAs(() => new Response());
    const dry = await eventsApi();
    const made = await dry.ask(
      "POST",
      `/tenants/${dry.tenant}/connections`,
      slack(`chat-of-${dry.tenant}`),
    );
    expect(made.status).toBe(201);
    const connection = `chat-of-${dry.tenant}`;
    const target = { kind: "conversation", connection, conversation_key: "C1", text: "{{type}}" };
    for (const one of [aPull({ id: "a-talk", target }), aPull({ id: "b-pull" })])
      expect((await dry.subscribe(one)).status).toBe(201);
    const ask = async (depth: number) => {
      const event = { event_type: "order.created", metadata: { depth } };
      const { body } = await dry.ask("POST", "/subscriptions/dry-run", event);
      return body.items.map(({ outcome, why }: Record<string, unknown>) => [outcome, why]);
    };
    const delivered = ["deliver", "wanted"];
    expect(await ask(EVENT_DEPTH_MAX - 1)).toEqual([delivered, delivered]);
    expect(await ask(EVENT_DEPTH_MAX)).toEqual([["refuse", "chain_too_long"], delivered]);
  });

  test("says whether the event could be published at all, beside what would become of it", async () => {
    const hub = await publishApi();
    const properties = { n: { type: "integer" } };
    await hub.declare("dry.declared", { type: "object", required: ["n"], properties });
    const refusedOf = async (event: Record<string, unknown>) =>
      (await hub.ask("POST", "/subscriptions/dry-run", event)).body.refused;
    expect(await refusedOf({ event_type: "dry.declared", data: { n: 1 } })).toBe(null);
    expect(await refusedOf({ event_type: "dry.declard", data: { n: 1 } })).toEqual({
      reason: "unknown_type",
      detail: "dry.declard: did you mean dry.declared?",
    });
    const odd = { event_type: "dry.declared", event_version: "9.0" };
    expect(await refusedOf(odd)).toMatchObject({ reason: "unknown_version" });
    const unfit = { event_type: "dry.declared", data: { n: "one" } };
    expect(await refusedOf(unfit)).toMatchObject({ reason: "invalid_data" });
    expect(await refusedOf({ event_type: "message.received", data: {} })).toBe(null);
    const typo = await refusedOf({ event_type: "message.recieved" });
    expect(typo.detail).toBe("message.recieved: did you mean message.received?");
  });

  test("refuses what could not be published", async () => {
    const event = { event_type: "order.created", priority: 1, metadata: { priority: 2 } };
    const twice = await api.ask("POST", "/subscriptions/dry-run", event);
    expect([twice.status, twice.body.errors[0].pointer]).toEqual([400, "#/priority"]);
    const odd = await api.ask("POST", "/subscriptions/dry-run", { event_type: "no type!" });
    expect(odd.status).toBe(400);
  });
});
