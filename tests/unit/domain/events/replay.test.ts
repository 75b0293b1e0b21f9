/** The decisions of a replay: its pace, its orders, what it wants, and dead letters going back. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ordered } from "../../../../domain/events/replay/job.ts";
import {
  editedEvent,
  errorClass,
  eventFingerprint,
  eventLetter,
  revived,
} from "../../../../domain/events/replay/letter.ts";
import {
  advance,
  headroomOf,
  nextStepMs,
  openProgress,
  type Progress,
  restart,
  STEP_EVENTS_MAX,
  secondsLeft,
  stepBudget,
} from "../../../../domain/events/replay/pace.ts";
import { replayed, selectorOf, sourcesOf } from "../../../../domain/events/replay/selection.ts";
import type { EventEnvelope } from "../../../../schema/event.ts";
import type { Subscription } from "../../../../schema/subscription.ts";

function anEvent(over: Partial<EventEnvelope> = {}): EventEnvelope {
  return {
    event_id: "evt_1",
    event_type: "order.created",
    event_version: "1.0",
    timestamp: "2026-11-21T00:00:00Z",
    source: "/shop",
    data: { n: 1 },
    metadata: {},
    ...over,
  };
}

describe("the pace", () => {
  test.each([
    [1000, 10_000, STEP_EVENTS_MAX],
    [20, 10_000, 20],
    [0.1, 10_000, 1],
    [1000, 3, 3],
    [1000, 0, 0],
  ])("at %d a second with room for %d, a step hands over %d", (rate, room, budget) => {
    expect(stepBudget(rate, room)).toBe(budget);
  });

  test.each([
    [100_000, 0, 10_000],
    [100_000, 9999, 1],
    [100_000, 20_000, 0],
    [1, 0, 1],
    [1, 1, 0],
    [10, 2, 3],
  ])("of a depth of %d with %d in it, %d may be used", (max, depth, room) => {
    expect(headroomOf(max, depth)).toBe(room);
  });

  test("never goes faster than asked, over any steps", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 5000, noNaN: true }),
        fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 30 }),
        (rate, rooms) => {
          let nowMs = 0;
          let sent = 0;
          for (const room of rooms) {
            const budget = stepBudget(rate, room);
            sent += budget;
            nowMs = nextStepMs(nowMs, budget, rate);
          }
          expect(sent).toBeLessThanOrEqual((rate * nowMs) / 1000 + 1e-6);
        },
      ),
    );
  });

  test("knows what is left as soon as it knows its rate", () => {
    const open = { ...openProgress(0), total: 1000 };
    expect(secondsLeft(open)).toBeUndefined();
    const first = advance(open, { looked: 100, sent: 40 }, 1000);
    expect(first).toMatchObject({ looked: 100, sent: 40, ratePerSecond: 100 });
    expect(secondsLeft(first)).toBe(9);
    const later = advance(first, { looked: 100, sent: 0 }, 6000);
    expect(later.ratePerSecond).toBeCloseTo(33.3, 1);
    expect(later.window).toEqual({ atMs: 6000, looked: 200 });
    expect(secondsLeft(restart(later, 9000))).toBeUndefined();
    expect(secondsLeft({ ...later, total: 10 })).toBe(0);
  });

  test("is measured over the waits that the rate imposes, and over no less than a page", () => {
    const open = { ...openProgress(0), total: 1000 };
    const slow = { perSecond: 10, page: 50 };
    let progress: Progress = open;
    let atMs = 0;
    for (let step = 0; step < 20; step++) {
      const looked = step % 5 === 0 ? slow.page : 0;
      atMs = nextStepMs(atMs, slow.perSecond, slow.perSecond);
      progress = advance(progress, { looked, sent: slow.perSecond }, atMs);
    }
    expect(progress.ratePerSecond).toBeCloseTo(10, 0);
    const waits = advance(progress, { looked: 0, sent: 1 }, atMs + 60_000);
    expect(waits.ratePerSecond).toBe(progress.ratePerSecond);
    expect(waits.window).toEqual(progress.window);
  });
});

test.each([
  ["running", "pause", "paused"],
  ["paused", "pause", "paused"],
  ["paused", "resume", "running"],
  ["running", "resume", "running"],
  ["running", "cancel", "cancelled"],
  ["paused", "cancel", "cancelled"],
  ["cancelled", "cancel", "cancelled"],
  ["done", "cancel", "ended"],
  ["done", "pause", "ended"],
  ["cancelled", "resume", "ended"],
  ["failed", "resume", "ended"],
] as const)("a %s job that is told to %s is %s", (state, order, after) => {
  const said = ordered(state, order);
  expect(said.ok ? said.value : said.failure.reason).toBe(after);
});

describe("the selection", () => {
  const sub = (over: Partial<Subscription> = {}): Subscription => ({
    id: "sub",
    name: "sub",
    bindings: [{ kind: "topic", key: "order.#" }],
    target: { kind: "pull" },
    ...over,
  });

  test.each([
    [{}, {}, true],
    [{}, { event_type: "page.seen" }, false],
    [{ types: ["order.paid", "*.created"] }, {}, true],
    [{ types: ["order.paid"] }, {}, false],
    [{ partition: "p" }, { metadata: { partition_key: "p" } }, true],
    [{ partition: "p" }, {}, false],
  ])("of %j wants %j: %s", (spec, event, wants) => {
    expect(selectorOf(spec, sub())(anEvent(event))).toBe(wants);
  });

  test.each([
    [1, false],
    [2, true],
  ])("asks the subscription's filter, which n = %d passes: %s", (n, passes) => {
    const wants = selectorOf({}, sub({ filter: { data: { n: { $gt: 1 } } } }));
    expect(wants(anEvent({ data: { n } }))).toBe(passes);
  });

  test.each([
    ["order.#", undefined, ["log"]],
    ["message.sent", undefined, ["log", "messages"]],
    ["#", undefined, ["log", "messages"]],
    ["#", ["order.*"], ["log"]],
    ["#", ["message.*"], ["log", "messages"]],
  ])("of %s with types %j goes through %j", (key, types, sources) => {
    const bound = sub({ bindings: [{ kind: "topic", key }] });
    expect(sourcesOf(types ? { types } : {}, bound)).toEqual(sources);
  });

  test("marks what it delivers, and takes its old expiry away", () => {
    const event = anEvent({ metadata: { partition_key: "p", expires_at: "2020-01-01T00:00:00Z" } });
    expect(replayed(event, "rpl_1").metadata).toEqual({ partition_key: "p", replay_id: "rpl_1" });
    expect(event.metadata.expires_at).toBe("2020-01-01T00:00:00Z");
  });
});

describe("a dead event", () => {
  const dead = (event: EventEnvelope) => ({
    ...{ id: "dl_2", subscription: "sub", seq: 7, event, attempts: 3, notes: [], atMs: 1 },
    ...({ reason: "delivery_limit", detail: "http_503" } as const),
    record: {
      deaths: [],
      first: { queue: "sub", reason: "delivery_limit", exchange: "events" } as const,
      last: { queue: "sub", reason: "delivery_limit", exchange: "events" } as const,
    },
  });

  test("that a replay brought back is tied to its first letter, however often it dies", () => {
    expect(eventLetter(dead(anEvent()), "1.0")).not.toHaveProperty("first_letter");
    const second = revived(anEvent(), "dl_1");
    expect(eventLetter(dead(second), "1.0").first_letter).toBe("dl_1");
    expect(revived(second, "dl_2").metadata.replay_id).toBe("dl_1");
    const fromJob = anEvent({ metadata: { replay_id: "rpl_1" } });
    expect(eventLetter(dead(fromJob), "1.0")).not.toHaveProperty("first_letter");
    expect(revived(fromJob, "dl_9").metadata.replay_id).toBe("dl_9");
  });

  test("goes back without the expiry it died of", () => {
    const event = anEvent({ metadata: { expires_at: "2020-01-01T00:00:00Z", priority: 3 } });
    expect(revived(event, "dl_1").metadata).toEqual({ priority: 3, replay_id: "dl_1" });
  });

  test("edited is a new event that names the old one", () => {
    const event = anEvent({
      metadata: { correlation_id: "c", data_encoding: "text", extensions: { own: "x" } },
    });
    expect(editedEvent(event, "evt_2", { n: 2 })).toMatchObject({
      ...{ event_id: "evt_2", event_type: "order.created", data: { n: 2 } },
      metadata: {
        correlation_id: "c",
        causation_id: "evt_1",
        extensions: { own: "x", edited: true },
      },
    });
    expect(editedEvent(event, "evt_2", { n: 2 }).metadata).not.toHaveProperty("data_encoding");
  });

  test.each([
    ["http_503", "http_503"],
    ["Timeout after 30000 ms", "timeout after # ms"],
    ["row 0b5c2f66-1111-2222-3333-444455556666 gone", "row # gone"],
    ["user 1234567 of deadbeef01", "user # of #"],
  ])("%s has the class %s", (detail, expected) => {
    expect(errorClass(detail)).toBe(expected);
  });

  test("has one fingerprint for equal failures", () => {
    const of = (detail: string) => eventFingerprint({ reason: "rejected", detail });
    expect(of("order 12345 unknown")).toBe(of("order 99999 unknown"));
    expect(of("http_500")).not.toBe(of("http_503"));
    expect(of("x".repeat(5000)).length).toBeLessThan(100);
  });
});
