/** Why a subscription gets an event or not, and what a template can say of one. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventText } from "../../../../domain/events/event-text.ts";
import { explain } from "../../../../domain/events/explain.ts";
import { compileFilter } from "../../../../domain/events/filter.ts";
import { subscriptionIndex } from "../../../../domain/events/subscribing.ts";
import type { EventEnvelope } from "../../../../schema/event.ts";
import type { Subscription } from "../../../../schema/subscription.ts";

const NOW_MS = Date.UTC(2026, 10, 21);

function anEvent(data: unknown, over: Partial<EventEnvelope> = {}): EventEnvelope {
  return {
    event_id: "evt_1",
    event_type: "order.created",
    event_version: "1.0",
    timestamp: "2026-11-21T00:00:00Z",
    source: "/shop",
    data,
    metadata: {},
    ...over,
  };
}

function aSubscription(over: Partial<Subscription> = {}): Subscription {
  const target = { kind: "pull" } as const;
  return { id: "sub", name: "sub", bindings: [{ kind: "fanout" }], target, ...over };
}

const failing = (filter: unknown, data: unknown) =>
  explain(aSubscription({ filter: filter as never }), anEvent(data), undefined, NOW_MS).filter;

describe("the failing clause", () => {
  test.each([
    [{ data: { a: 1 } }, { a: 1 }, undefined],
    [{ data: { a: 1 } }, { a: 2 }, "/filter/data/a"],
    [{ data: { a: 1, b: 2 } }, { a: 1, b: 3 }, "/filter/data/b"],
    [{ data: { a: 1 } }, "text", "/filter/data/a"],
    [{ data: { a: { $gt: 1, $lt: 5 } } }, { a: 7 }, "/filter/data/a/$lt"],
    [{ data: { "a/b": { "c~d": 1 } } }, { "a/b": { "c~d": 2 } }, "/filter/data/a~1b/c~0d"],
    [{ data: { tags: ["x", "y"] } }, { tags: ["x"] }, "/filter/data/tags/1"],
    [{ data: { tags: ["x"] } }, { tags: "x" }, "/filter/data/tags/0"],
    [{ $or: [{ source: "/a" }, { source: "/b" }] }, {}, "/filter/$or"],
    [{ source: "/shop", $not: { type: "order.created" } }, {}, "/filter/$not"],
    [{ data: { list: { a: 1, b: 1 } } }, { list: [{ a: 1 }, { b: 1 }] }, "/filter/data/list"],
    [{ data: { $nope: 1 } }, {}, "/filter/data/$nope"],
  ])("%j of %j: %s", (filter, data, pointer) => {
    expect(failing(filter, data)).toBe(pointer);
  });

  const leaf = fc.oneof(
    fc.constantFrom(0, 1, "a", "b", true, null),
    fc.integer({ min: 0, max: 3 }),
  );
  const names = fc.constantFrom("a", "b", "c");
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie("json"), { maxLength: 3 }),
      fc.dictionary(names, tie("json"), { maxKeys: 3 }),
    ),
  }));
  const { filter } = fc.letrec((tie) => ({
    filter: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie("filter"), { maxLength: 2 }),
      fc.dictionary(fc.oneof(names, fc.constantFrom("$not")), tie("filter"), { maxKeys: 3 }),
      fc.record({ $gt: fc.integer({ min: 0, max: 2 }) }),
      fc.record({ $or: fc.array(tie("filter"), { minLength: 1, maxLength: 2 }) }),
    ),
  }));

  test("stands exactly where the routing leaves the subscription out", () => {
    fc.assert(
      fc.property(filter, json, (wanted, data) => {
        const subscription = aSubscription({ filter: { data: wanted } as never });
        fc.pre(compileFilter(subscription.filter).ok);
        const event = anEvent(data);
        const matched = subscriptionIndex([subscription]).match(event).length > 0;
        const told = explain(subscription, event, undefined, NOW_MS).filter;
        expect(told === undefined).toBe(matched);
        if (told !== undefined) expect(told.startsWith("/filter")).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

test("the first binding that wants it", () => {
  const bindings = [
    { kind: "direct", key: "order" },
    { kind: "topic", key: "order.*" },
    { kind: "fanout" },
  ] as const;
  const told = (some: readonly Subscription["bindings"][number][]) =>
    explain(aSubscription({ bindings: [...some] }), anEvent({}), undefined, NOW_MS).binding;
  expect(told(bindings)).toBe("/bindings/1");
  expect(told(bindings.slice(0, 1))).toBeUndefined();
});

test.each([
  [{}, undefined, {}, undefined],
  [{ ttl_ms: 5000 }, undefined, {}, NOW_MS + 5000],
  [{ ttl_ms: 5000 }, 1000, {}, NOW_MS + 1000],
  [{ ttl_ms: 5000 }, 0, {}, NOW_MS],
  [{}, 9000, { expires_at: new Date(NOW_MS + 10).toISOString() }, NOW_MS + 10],
])("the end of %j with %s and %j", (over, ttlMs, metadata, expiresMs) => {
  const event = anEvent({}, { metadata });
  expect(explain(aSubscription(over), event, ttlMs, NOW_MS).expiresMs).toBe(expiresMs);
});

test.each([
  ["type", "order.created"],
  ["source", "/shop"],
  ["id", "evt_1"],
  ["data.order.total", "5"],
  ["data.items.1", "b"],
  ["data.items", '["a","b"]'],
  ["data.none", undefined],
  ["data.nothing", undefined],
  ["data.order.total.deeper", undefined],
  ["metadata.subject", "s"],
  ["data.constructor", undefined],
  ["__proto__", undefined],
  ["", undefined],
])("a template's {{%s}}", (name, text) => {
  const data = { order: { total: 5 }, items: ["a", "b"], none: null };
  expect(eventText(anEvent(data, { metadata: { subject: "s" } }), name)).toBe(text);
});
