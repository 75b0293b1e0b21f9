/** Chains of events end, whatever leads to what; nobody makes one look shorter than it is. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { carried, chainDepth, deepened, depthBehind } from "../../../../domain/events/chain.ts";
import { toCloudEvent, toEnvelope } from "../../../../domain/events/envelope.ts";
import { hubEnvelope } from "../../../../domain/events/hub-event.ts";
import { messageEvents } from "../../../../domain/events/hub-message.ts";
import { publishingOf } from "../../../../domain/events/publishing.ts";
import { EventEnvelope, type EventMetadata, PublishInput } from "../../../../schema/event.ts";
import { EVENT_DEPTH_MAX } from "../../../../schema/event-depth.ts";
import type { UnifiedMessage } from "../../../../schema/message.ts";

const AT = 1_795_000_000_000;

function anEvent(metadata: EventMetadata = {}): EventEnvelope {
  return {
    event_id: "e",
    event_type: "order.paid",
    event_version: "1.0",
    timestamp: new Date(AT).toISOString(),
    source: "/shop",
    metadata,
  };
}

const metadata = fc.record(
  { depth: fc.integer({ min: 0, max: EVENT_DEPTH_MAX }), subject: fc.constant("s") },
  { requiredKeys: [] },
);

describe("a chain", () => {
  test("of things that each lead to the next has a last one", () => {
    let depth: number | undefined;
    let steps = 0;
    for (let next = depthBehind(depth); next.ok; next = depthBehind(depth)) {
      depth = next.value;
      steps += 1;
    }
    expect([steps, depth]).toEqual([EVENT_DEPTH_MAX, EVENT_DEPTH_MAX]);
    expect(depthBehind(depth)).toEqual({ ok: false, failure: { reason: "chain_too_long" } });
  });

  test("ends in every net of workflows that start one another", () => {
    const types = ["a", "b", "c", "d"];
    const workflow = fc.record({
      hears: fc.constantFrom(...types),
      tells: fc.constantFrom(...types),
    });
    const begin = fc.constantFrom(...types);
    fc.assert(
      fc.property(
        fc.uniqueArray(workflow, { selector: ({ hears }) => hears }),
        begin,
        (net, first) => {
          let runs = 0;
          let refused = 0;
          const hear = (type: string, depth: number): void => {
            const started = net.find(({ hears }) => hears === type);
            if (!started) return;
            const behind = depthBehind(depth);
            if (behind.ok) {
              runs += 1;
              hear(started.tells, behind.value);
            } else refused += 1;
          };
          hear(first, 0);
          expect(runs).toBeLessThanOrEqual(EVENT_DEPTH_MAX);
          expect(refused).toBe(runs === EVENT_DEPTH_MAX ? 1 : 0);
        },
      ),
    );
  });
});

describe("what somebody hands in", () => {
  test("is as deep as they say, and behind all that caused it", () => {
    fc.assert(
      fc.property(metadata, fc.array(metadata), (said, causes) => {
        const known = causes.map((one) => ({ metadata: one }));
        const least = Math.max(said.depth ?? 0, ...known.map((one) => chainDepth(one) + 1));
        const deep = deepened(said, known);
        if (least > EVENT_DEPTH_MAX) {
          expect(deep).toEqual({ ok: false, failure: { reason: "chain_too_long" } });
          return;
        }
        const { depth: _, ...rest } = said;
        expect(deep).toEqual({ ok: true, value: { ...rest, ...carried(least) } });
      }),
    );
  });

  test.each([-1, 1.5, EVENT_DEPTH_MAX + 1, "3"])("is refused with a depth of %j", (depth) => {
    const input = { event_type: "order.paid", metadata: { depth } };
    expect(PublishInput.safeParse(input).success).toBe(false);
  });

  test("keeps its depth on its way into the log", () => {
    const made = publishingOf({ event_type: "order.paid", metadata: { depth: 4 } }, "id", AT);
    expect(made.ok && chainDepth(made.value.envelope)).toBe(4);
  });
});

describe("an event", () => {
  test("that was stored before there were depths begins its chain", () => {
    const stored = EventEnvelope.parse(JSON.parse(JSON.stringify(anEvent({ causation_id: "x" }))));
    expect([chainDepth(stored), depthBehind(chainDepth(stored))]).toEqual([
      0,
      { ok: true, value: 1 },
    ]);
  });

  test("at the beginning of its chain says nothing of it", () => {
    const event = hubEnvelope("acme", { type: "tenant.created", data: {}, subject: "s" }, "id", AT);
    expect(event.metadata).toEqual({ subject: "s", partition_key: "s" });
  });

  test("of the hub, and of a message in all its states, has the depth of what it tells of", () => {
    const told = { type: "workflow.run.started", data: {}, subject: "run_1", depth: 3 } as const;
    expect(chainDepth(hubEnvelope("acme", told, "id", AT))).toBe(3);
    const message = { id: "msg_01m7yabcdefghjkmnpqrst", tenant: "acme", connection: "c" };
    const facts = {
      ...{ message: message as UnifiedMessage, depth: 7 },
      hops: { sent: AT, delivered: AT, read: AT },
    };
    expect(messageEvents(facts).map(({ event }) => chainDepth(event))).toEqual([7, 7, 7]);
  });

  test("carries its depth through CloudEvents as the extension causationdepth", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: EVENT_DEPTH_MAX }), (depth) => {
        const cloud = toCloudEvent(anEvent({ depth }));
        expect(cloud.attributes.get("causationdepth")).toBe(depth);
        expect(toEnvelope(cloud, AT)).toEqual({ ok: true, value: anEvent({ depth }) });
      }),
    );
  });

  test.each<[string | number | boolean, number | undefined]>([
    ["5", 5],
    [99, EVENT_DEPTH_MAX],
    [-3, undefined],
    ["deep", undefined],
    [true, undefined],
  ])("that says causationdepth %j is %j deep", (value, depth) => {
    const { attributes, data } = toCloudEvent(anEvent());
    const read = toEnvelope(
      { attributes: new Map([...attributes, ["causationdepth", value]]), data },
      AT,
    );
    expect(read).toMatchObject({ ok: true });
    expect(read.ok && read.value.metadata).toEqual(depth === undefined ? {} : { depth });
  });
});
