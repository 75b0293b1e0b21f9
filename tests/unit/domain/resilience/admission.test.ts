import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AdmitRequest,
  admit,
  DOWNSTREAM_LIMITS_DEFAULT,
  type Downstream,
  IDLE_DOWNSTREAM,
} from "../../../../domain/resilience/admission.ts";
import { SLOT_LEASE_MS } from "../../../../domain/resilience/bulkhead.ts";

const LIMITS = { ...DOWNSTREAM_LIMITS_DEFAULT, ratePerSecond: 1000, burst: 1000 };

/** A downstream under test with its own clock. */
function aDownstream(limits = LIMITS) {
  let state: Downstream = IDLE_DOWNSTREAM;
  let minted = 0;
  return {
    state: () => state,
    ask(nowMs: number, wants: number, outcomes: AdmitRequest["outcomes"] = []) {
      const next = admit(state, { wants, outcomes, limits }, nowMs, () => String(++minted));
      state = next.downstream;
      return next.reply;
    },
  };
}

const ended = (verdict: "success" | "failure" | "neutral", ...slots: { slotId: string }[]) =>
  slots.map(({ slotId }) => ({ slotId, verdict }));

describe("admit", () => {
  test("lends up to ten slots and takes them back with outcomes", () => {
    const downstream = aDownstream();
    const first = downstream.ask(0, 12);
    expect(first.granted).toHaveLength(10);
    expect(first).toMatchObject({ refused: "busy", retryAfterMs: 500, state: "closed" });
    expect(downstream.ask(1, 1).granted).toHaveLength(0);
    const next = downstream.ask(2, 3, ended("success", ...first.granted.slice(0, 2)));
    expect(next.granted).toHaveLength(2);
    expect(new Set([...first.granted, ...next.granted].map(({ slotId }) => slotId)).size).toBe(12);
  });

  test("a slot nobody gives back returns when its lease ends", () => {
    const downstream = aDownstream();
    const { granted } = downstream.ask(0, 10);
    expect(granted[0]?.leaseUntilMs).toBe(SLOT_LEASE_MS);
    expect(downstream.ask(SLOT_LEASE_MS - 1, 1).granted).toHaveLength(0);
    expect(downstream.ask(SLOT_LEASE_MS, 10).granted).toHaveLength(10);
  });

  test("an outcome reported twice gives back one slot", () => {
    const downstream = aDownstream();
    const { granted } = downstream.ask(0, 10);
    const [first] = granted;
    if (!first) throw new Error("no slot");
    downstream.ask(1, 0, ended("success", first));
    downstream.ask(1, 0, ended("success", first));
    expect(downstream.ask(1, 5).granted).toHaveLength(1);
  });

  test("opens after five failures, says when to come back, lets exactly three probes through", () => {
    const downstream = aDownstream();
    const { granted } = downstream.ask(0, 5);
    const open = downstream.ask(1000, 1, ended("failure", ...granted));
    expect(open).toEqual({
      granted: [],
      state: "open",
      refused: "breaker_open",
      retryAfterMs: 60_000,
    });
    expect(downstream.ask(60_999, 1)).toMatchObject({ granted: [], retryAfterMs: 1 });
    const probes = downstream.ask(61_000, 8);
    expect(probes).toMatchObject({ state: "half_open", refused: "breaker_open" });
    expect(probes.granted).toHaveLength(3);
    expect(downstream.ask(61_001, 5).granted).toHaveLength(0);
    const [one, two, three] = probes.granted;
    if (!(one && two && three)) throw new Error("no probes");
    expect(downstream.ask(61_002, 5, ended("success", one)).granted).toHaveLength(0);
    expect(downstream.ask(61_003, 1, ended("neutral", two)).granted).toHaveLength(1);
    const fourth = downstream.ask(61_004, 0, ended("success", three));
    expect(fourth.state).toBe("half_open");
  });

  test("closes when three probes have succeeded, opens at one failure", () => {
    for (const [last, state] of [
      ["success", "closed"],
      ["failure", "open"],
    ] as const) {
      const downstream = aDownstream();
      downstream.ask(0, 0, ended("failure", ...downstream.ask(0, 5).granted));
      const probes = downstream.ask(60_000, 3).granted;
      downstream.ask(60_001, 0, ended("success", ...probes.slice(0, 2)));
      expect(downstream.ask(60_002, 0, ended(last, ...probes.slice(2))).state).toBe(state);
    }
  });

  test("calls from before it opened do not count as probes", () => {
    const downstream = aDownstream();
    const old = downstream.ask(0, 8).granted;
    downstream.ask(0, 0, ended("failure", ...old.slice(0, 5)));
    downstream.ask(60_000, 0);
    const late = downstream.ask(59_999, 0, ended("success", ...old.slice(5)));
    expect(late.state).not.toBe("closed");
  });

  test("honours the pause a platform asks for, within an hour", () => {
    const downstream = aDownstream();
    const [slot] = downstream.ask(0, 1).granted;
    if (!slot) throw new Error("no slot");
    const paused = downstream.ask(0, 1, [
      { slotId: slot.slotId, verdict: "neutral", pauseMs: 7000 },
    ]);
    expect(paused).toMatchObject({ granted: [], refused: "paused", retryAfterMs: 7000 });
    expect(downstream.ask(6999, 1).granted).toHaveLength(0);
    expect(downstream.ask(7000, 1).granted).toHaveLength(1);
    downstream.ask(7000, 0, [{ slotId: "x", verdict: "neutral", pauseMs: 1e12 }]);
    expect(downstream.ask(7000, 1).retryAfterMs).toBe(3_600_000);
  });

  test.each([[-5], [Number.NaN], [0]])("a pause of %d is none", (pauseMs) => {
    const downstream = aDownstream();
    downstream.ask(0, 0, [{ slotId: "x", verdict: "neutral", pauseMs }]);
    expect(downstream.ask(0, 1).granted).toHaveLength(1);
  });

  test("a shorter pause does not shorten a longer one", () => {
    const downstream = aDownstream();
    downstream.ask(0, 0, [{ slotId: "x", verdict: "neutral", pauseMs: 9000 }]);
    downstream.ask(0, 0, [{ slotId: "y", verdict: "neutral", pauseMs: 1000 }]);
    expect(downstream.ask(5000, 1).refused).toBe("paused");
  });

  test("keeps the pace of the token bucket", () => {
    const downstream = aDownstream({ ...LIMITS, ratePerSecond: 1, burst: 2 });
    const first = downstream.ask(0, 3);
    expect(first.granted).toHaveLength(2);
    expect(first).toMatchObject({ refused: "rate_limited", retryAfterMs: 1000 });
    expect(downstream.ask(1000, 3, ended("success", ...first.granted)).granted).toHaveLength(1);
  });

  test("never lends more than its concurrency, nor more than three while half-open", () => {
    const step = fc.record({
      afterMs: fc.integer({ min: 0, max: 40_000 }),
      wants: fc.integer({ min: 0, max: 20 }),
      back: fc.array(fc.constantFrom("success", "failure", "neutral"), { maxLength: 8 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const downstream = aDownstream();
        let out: { slotId: string; leaseUntilMs: number; probe?: boolean }[] = [];
        let nowMs = 0;
        for (const { afterMs, wants, back } of steps) {
          nowMs += afterMs;
          const returned = out.splice(0, back.length);
          const outcomes = returned.map(({ slotId }, i) => ({
            slotId,
            verdict: back[i] ?? "neutral",
          }));
          const reply = downstream.ask(nowMs, wants, outcomes);
          out = [...out, ...reply.granted].filter((slot) => slot.leaseUntilMs > nowMs);
          expect(out.length).toBeLessThanOrEqual(LIMITS.concurrency);
          expect(reply.granted.length).toBeLessThanOrEqual(wants);
          if (reply.state === "open") expect(reply.granted).toHaveLength(0);
          if (reply.state === "half_open")
            expect(reply.granted.length).toBeLessThanOrEqual(LIMITS.probes);
          if (reply.granted.length < wants) expect(reply.retryAfterMs).toBeGreaterThan(0);
        }
      }),
      { numRuns: 500, seed: 20_261_121 },
    );
  });
});
