import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  appendChanges,
  type Change,
  type Reducer,
  replayChanges,
  type Snapshot,
} from "../../../../domain/events/aggregate.ts";
import type { EventEnvelope } from "../../../../schema/event.ts";

/** A conversation as its events tell it: order matters, so that a swap shows. */
interface Conversation {
  readonly open: boolean;
  readonly agent?: string;
  readonly messages: number;
}

const reducer: Reducer<Conversation> = {
  initial: { open: false, messages: 0 },
  apply(state, { event_type, data }) {
    switch (event_type) {
      case "conversation.opened":
        return { ...state, open: true };
      case "conversation.closed":
        return { open: false, messages: state.messages };
      case "conversation.assigned":
        return state.open ? { ...state, agent: String(data) } : state;
      case "message.received":
        return { ...state, messages: state.messages + 1 };
      default:
        return state;
    }
  },
};
const TYPES = ["conversation.opened", "conversation.closed", "conversation.assigned"];
const event: fc.Arbitrary<EventEnvelope> = fc.record({
  event_id: fc.uuid(),
  event_type: fc.constantFrom(...TYPES, "message.received", "unknown.event"),
  event_version: fc.constant("1.0"),
  timestamp: fc.constant("2026-11-21T00:00:00Z"),
  source: fc.constant("/"),
  data: fc.constantFrom("ana", "bo"),
  metadata: fc.constant({}),
});

describe("an aggregate made of events", () => {
  test("replayed, from the start or from any snapshot, is what it was", () => {
    const writes = fc.array(fc.array(event, { maxLength: 4 }), { maxLength: 12 });
    fc.assert(
      fc.property(writes, (batches) => {
        let current: Snapshot<Conversation> = { state: reducer.initial, version: 0 };
        const stored: Change[] = [];
        const snapshots = [current];
        for (const events of batches) {
          const added = appendChanges("cnv", stored.length, current.version, events);
          if (!added.ok) throw new Error(added.failure.reason);
          stored.push(...added.value);
          const state = events.reduce(reducer.apply, current.state);
          current = { state, version: stored.length };
          snapshots.push(current);
        }
        for (const snapshot of snapshots) {
          expect(replayChanges("cnv", stored, reducer, snapshot)).toEqual({
            ok: true,
            value: current,
          });
        }
        expect(replayChanges("cnv", stored, reducer)).toEqual({ ok: true, value: current });
      }),
    );
  });

  test("a writer that has not seen the latest change is refused", () => {
    expect(appendChanges("cnv", 4, 3, [])).toEqual({
      ok: false,
      failure: { reason: "conflict", version: 4 },
    });
  });

  test("a missing, doubled or foreign change stops the replay", () => {
    const [one] = fc.sample(event, 1);
    const change = (version: number, aggregate = "cnv") => {
      if (!one) throw new Error("no event");
      return { aggregate, version, event: one };
    };
    const reasonOf = (changes: readonly Change[]) => {
      const result = replayChanges("cnv", changes, reducer);
      return result.ok ? "ok" : result.failure;
    };
    expect(reasonOf([change(1), change(3)])).toEqual({ reason: "gap", expected: 2, found: 3 });
    expect(reasonOf([change(1), change(1)])).toEqual({ reason: "gap", expected: 2, found: 1 });
    expect(reasonOf([change(1), change(2, "other")])).toMatchObject({ reason: "foreign" });
  });
});
