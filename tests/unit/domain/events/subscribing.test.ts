import { describe, expect, test } from "vitest";
import { publishingOf } from "../../../../domain/events/publishing.ts";
import {
  checkSubscription,
  shardSubscriptionOf,
  subscriptionIndex,
} from "../../../../domain/events/subscribing.ts";
import { EventEnvelope, PublishInput } from "../../../../schema/event.ts";
import { Subscription } from "../../../../schema/subscription.ts";

const NOW_MS = Date.UTC(2026, 10, 21);
const POLICY = { allow: [], production: true };

function aSubscription(over: Partial<Subscription> = {}): Subscription {
  return Subscription.parse({
    id: "sub",
    name: "orders",
    bindings: [{ kind: "topic", key: "order.#" }],
    target: { kind: "pull" },
    ...over,
  });
}

function published(input: Partial<PublishInput>) {
  const parsed = PublishInput.parse({ event_type: "order.created", ...input });
  const result = publishingOf(parsed, "evt_minted", NOW_MS);
  if (!result.ok) throw new Error(result.failure.reason);
  return result.value;
}

describe("subscriptions", () => {
  test.each([
    [{ bindings: [{ kind: "topic", key: "#.#.#" }] }, "too_many_hashes", "/bindings/0/key"],
    [{ bindings: [{ kind: "topic", key: "order.pa#" }] }, "never_matches", "/bindings/0/key"],
    [{ bindings: [{ kind: "topic", key: "order paid" }] }, "never_matches", "/bindings/0/key"],
    [{ bindings: [{ kind: "topic", key: "" }] }, "never_matches", "/bindings/0/key"],
    [{ bindings: [{ kind: "topic", key: "order..paid" }] }, "never_matches", "/bindings/0/key"],
    [{ bindings: [{ kind: "direct", key: "order.*" }] }, "never_matches", "/bindings/0/key"],
    [{ filter: { data: { $near: 1 } } }, "unknown_operator", "/filter/data/$near"],
    [{ filter: { total: { $gt: 5 } } }, "unknown_member", "/filter/total"],
    [{ filter: { "a/b": 1 } }, "unknown_member", "/filter/a~1b"],
    [{ filter: { $or: [{ type: "a" }, { kind: "b" }] } }, "unknown_member", "/filter/$or/1/kind"],
    [{ filter: { $not: { payload: 1 } } }, "unknown_member", "/filter/$not/payload"],
    [{ filter: "order.paid" }, "unknown_member", "/filter"],
    [{ filter: null }, "unknown_member", "/filter"],
    [{ filter: [{ type: "a" }] }, "unknown_member", "/filter"],
    [
      { target: { kind: "webhook", url: "https://10.0.0.1/", secrets: ["whsec_x"] } },
      "private_address",
      "/target/url",
    ],
    [
      { target: { kind: "webhook", url: "http://example.com/", secrets: ["whsec_x"] } },
      "scheme",
      "/target/url",
    ],
  ] as const)("%j is refused: %s at %s", (over, reason, pointer) => {
    const subscription = aSubscription(over as unknown as Partial<Subscription>);
    expect(checkSubscription(subscription, POLICY)).toEqual({
      ok: false,
      failure: { reason, pointer },
    });
  });

  test("one that can be taken is", () => {
    const target = { kind: "webhook", url: "https://example.com/", secrets: ["whsec_x"] } as const;
    const filter = { data: { total: { $gt: 5 } } };
    const three = { kind: "topic", key: "*.order-1.#" } as const;
    const subscription = aSubscription({
      target: { ...target, secrets: ["x"] },
      filter,
      bindings: [three],
    });
    expect(checkSubscription(subscription, POLICY)).toEqual({ ok: true, value: undefined });
  });

  test.each([
    [{ type: "order.created" }, true],
    [{ event_type: "order.created", event_version: "1.0", event_id: "evt_minted" }, true],
    [{ $and: [{ event_type: "order.created" }, { $not: { data: { a: 1 } } }] }, true],
    [{ event_type: "order.paid" }, false],
  ])("a filter takes the envelope's names and the short ones: %j", (filter, wanted) => {
    const subscription = aSubscription({ filter: filter as NonNullable<Subscription["filter"]> });
    expect(checkSubscription(subscription, POLICY).ok).toBe(true);
    const index = subscriptionIndex([subscription]);
    expect(index.match(published({}).envelope)).toEqual(wanted ? ["sub"] : []);
  });

  test("want what a binding and the filter want, each once", () => {
    const index = subscriptionIndex([
      aSubscription({ id: "all", bindings: [{ kind: "fanout" }, { kind: "topic", key: "#" }] }),
      aSubscription({ id: "large", filter: { data: { total: { $gte: 100 } } } }),
      aSubscription({
        id: "shop",
        filter: { source: { $startsWith: "/shop" }, type: "order.created" },
      }),
      aSubscription({ id: "users", bindings: [{ kind: "topic", key: "user.*" }] }),
      aSubscription({ id: "broken", filter: { $no: 1 } }),
    ]);
    const match = (input: Partial<PublishInput>) =>
      [...index.match(published(input).envelope)].sort();
    expect(match({ data: { total: 100 }, source: "/shop/1" })).toEqual(["all", "large", "shop"]);
    expect(match({ data: { total: 99 } })).toEqual(["all"]);
    expect(match({ event_type: "user.created" })).toEqual(["all", "users"]);
  });

  test("a shard knows their limits, with defaults", () => {
    expect(shardSubscriptionOf(aSubscription(), 7)).toEqual({
      id: "sub",
      version: 7,
      headPolicy: { is: "dead_letter" },
      expired: "dead_letter",
      prefetch: 10,
      inFlightMax: 100,
      attemptsMax: 8,
      depthMax: 100_000,
      pull: true,
    });
    const retry = { kind: "listed", waits_s: [1, 2] } as const;
    const own = aSubscription({ retry: { ...retry, waits_s: [1, 2] }, ttl_ms: 0, prefetch: 3 });
    expect(shardSubscriptionOf(own, 8)).toMatchObject({ attemptsMax: 3, ttlMs: 0, prefetch: 3 });
  });
});

describe("publishing", () => {
  test("fills in what is missing and keeps what was said", () => {
    const bare = published({});
    expect(bare.envelope).toEqual({
      event_id: "evt_minted",
      event_type: "order.created",
      event_version: "1.0",
      timestamp: "2026-11-21T00:00:00.000Z",
      source: "/",
      metadata: {},
    });
    const full = published({
      data: null,
      event_version: "2.1",
      partition_key: "p",
      priority: 3,
      ttl_ms: 5,
      delay_ms: 6,
      metadata: { correlation_id: "c", priority: 3 },
    });
    expect(full).toMatchObject({
      ttlMs: 5,
      delayMs: 6,
      envelope: { event_version: "2.1", data: null },
    });
    expect(full.envelope.metadata).toEqual({
      correlation_id: "c",
      partition_key: "p",
      priority: 3,
    });
    for (const { envelope } of [bare, full])
      expect(EventEnvelope.parse(envelope)).toEqual(envelope);
  });

  test("the publisher's key counts before its id; without either each is an event of its own", () => {
    const key = (input: PublishInput, id = "evt_1") => {
      const made = publishingOf(input, id, NOW_MS);
      return made.ok ? made.value.key : made.failure.reason;
    };
    const order = { event_type: "order.created", data: { a: 1 } };
    expect(key({ ...order, idempotency_key: "a", event_id: "b" })).toBe("k:a");
    expect(key({ ...order, event_id: "b", source: "/s" })).toBe('e:["/s","b"]');
    expect(key({ ...order, event_id: "b" })).toBe('e:["/","b"]');
    expect(key(order)).not.toBe(key(order, "evt_2"));
  });

  test("refuses data too deep and a priority told twice", () => {
    const deep: unknown = JSON.parse(`${"[".repeat(20_000)}${"]".repeat(20_000)}`);
    expect(publishingOf({ event_type: "a", data: deep }, "x", NOW_MS)).toMatchObject({
      failure: { reason: "too_deep" },
    });
    const twice = { event_type: "a", priority: 1, metadata: { priority: 2 } };
    expect(publishingOf(twice, "x", NOW_MS)).toEqual({
      ok: false,
      failure: { reason: "told_twice", pointer: "/priority" },
    });
  });

  test.each([
    [{ event_type: "a..b" }, "an empty word"],
    [{ event_type: "a.*" }, "a wildcard"],
    [{ event_type: "a", priority: 10 }, "a priority above 9"],
    [{ event_type: "a", ttl_ms: -1 }, "a negative time to live"],
    [{ event_type: "a", event_version: "one" }, "a version that is none"],
    [{ event_type: "a", unheard: 1 }, "an unknown field"],
  ] as const)("%j is no input: %s", (input, _) => {
    expect(PublishInput.safeParse(input).success).toBe(false);
  });
});
