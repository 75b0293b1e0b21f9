/** Whatever happens, no slot fires twice and none is lost. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Slots } from "../../../../../domain/workflows/schedule/cron.ts";
import { due, ended, freshState } from "../../../../../domain/workflows/schedule/due.ts";
import { nextSlots } from "../../../../../domain/workflows/schedule/slots.ts";
import { DAY, HOUR, MIN, parsed, slotted, T0 } from "./support.ts";

/** On a busy machine. */
const SLOW_MS = 30_000;

describe("whatever happens", () => {
  const scheduleOf = fc.record({
    timing: fc.constantFrom(
      { kind: "cron" as const, cron: "*/7 * * * *", timezone: "Europe/Berlin" },
      { kind: "cron" as const, cron: "30 2 * * *", timezone: "America/New_York" },
      { kind: "interval" as const, every_ms: 13 * MIN },
    ),
    overlap: fc.constantFrom(
      "skip" as const,
      "queue_one" as const,
      "queue" as const,
      "allow" as const,
      "cancel_other" as const,
    ),
    missed: fc.record({
      policy: fc.constantFrom("skip" as const, "latest" as const, "all" as const),
      window_ms: fc.constantFrom(0, HOUR, DAY),
    }),
    jitter_ms: fc.constantFrom(0, 5 * MIN, HOUR),
  });
  const step = fc.record({
    waitMs: fc.oneof(fc.integer({ min: 0, max: 20 * MIN }), fc.integer({ min: 0, max: DAY })),
    ends: fc.nat(2),
    paused: fc.boolean(),
  });
  const from = fc.constantFrom(
    T0,
    Date.parse("2026-03-07T20:00:00Z"),
    Date.parse("2026-03-28T20:00:00Z"),
    Date.parse("2026-10-24T20:00:00Z"),
  );

  test(
    "each slot fires once, waits, or is left out for one reason, in order, however often and late one looks",
    () => {
      fc.assert(
        fc.property(scheduleOf, fc.array(step, { maxLength: 25 }), from, (part, steps, start) => {
          const schedule = parsed(part);
          const slots = slotted(schedule);
          let state = freshState(start);
          let nowMs = start;
          const fates = new Map<number, string>();
          const settle = (slot: number, fate: string) => {
            if (fates.get(slot) !== "waiting")
              expect([slot, fates.get(slot)]).toEqual([slot, undefined]);
            fates.set(slot, fate);
          };
          for (const { waitMs, ends, paused } of steps) {
            nowMs += waitMs;
            for (const id of state.open.slice(0, ends)) state = ended(state, id);
            const before = state;
            const decision = due({ ...schedule, paused }, slots, state, nowMs);
            expect(due({ ...schedule, paused }, slots, before, nowMs)).toEqual(decision);
            expect(decision.state.decidedMs).toBeGreaterThanOrEqual(before.decidedMs);
            for (const { slotMs } of decision.fire) settle(slotMs, "fired");
            for (const run of decision.skipped)
              for (const slot of within(slots, run.fromMs, run.untilMs)) settle(slot, run.reason);
            for (const slot of decision.state.waiting)
              if (fates.get(slot) === undefined) settle(slot, "waiting");
            expect(decision.fire.every(({ slotMs }) => slotMs <= nowMs)).toBe(true);
            if (!["allow"].includes(part.overlap))
              expect(decision.state.open.length).toBeLessThanOrEqual(1);
            if (decision.wakeAtMs !== undefined)
              expect(decision.wakeAtMs).toBeGreaterThanOrEqual(nowMs);
            state = decision.state;
          }
          for (const slot of within(slots, start + 1, state.decidedMs))
            expect(fates.has(slot)).toBe(true);
        }),
        { numRuns: 40 },
      );
    },
    SLOW_MS,
  );

  test(
    "looking whenever asked to: every slot fires within its jitter and before the next slot",
    () => {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: HOUR }), from, (jitter_ms, start) => {
          const schedule = parsed({
            timing: { kind: "cron", cron: "*/20 * * * *", timezone: "Europe/Berlin" },
            overlap: "allow",
            jitter_ms,
          });
          const slots = slotted(schedule);
          let decision = due(schedule, slots, freshState(start), start);
          const fired: number[] = [];
          while (fired.length < 30 && decision.wakeAtMs !== undefined) {
            const nowMs = decision.wakeAtMs;
            decision = due(schedule, slots, decision.state, nowMs);
            for (const { slotMs } of decision.fire) {
              fired.push(slotMs);
              expect(nowMs - slotMs).toBeLessThanOrEqual(jitter_ms);
              expect(nowMs).toBeLessThan(slots.next(slotMs) ?? 0);
            }
            expect(decision.skipped).toEqual([]);
          }
          expect(fired).toEqual(nextSlots(slots, start, 30));
        }),
        { numRuns: 20 },
      );
    },
    SLOW_MS,
  );
});

function within(slots: Slots, fromMs: number, untilMs: number): readonly number[] {
  const found: number[] = [];
  for (
    let slot = slots.next(fromMs - 1);
    slot !== undefined && slot <= untilMs;
    slot = slots.next(slot)
  )
    found.push(slot);
  return found;
}
