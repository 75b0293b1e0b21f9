import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DeathRecord, recordDeath } from "../../../../domain/events/dead-letter.ts";
import { effectivePriority, effectiveTtlMs } from "../../../../domain/events/urgency.ts";

const facts = {
  queue: "q1",
  reason: "expired",
  exchange: "e",
  routingKeys: ["k"],
  nowMs: 5,
} as const;

describe("the record of deaths", () => {
  test("has one entry per queue and reason, whose counts are all deaths, newest first", () => {
    const death = fc.record({
      queue: fc.constantFrom("q1", "q2", "q3"),
      reason: fc.constantFrom("rejected" as const, "expired" as const, "maxlen" as const),
    });
    fc.assert(
      fc.property(fc.array(death, { minLength: 1 }), (deaths) => {
        let record: DeathRecord | undefined;
        for (const [nowMs, one] of deaths.entries())
          record = recordDeath(record, { ...facts, ...one, nowMs }).record;
        const entries = record?.deaths ?? [];
        expect(entries.reduce((sum, { count }) => sum + count, 0)).toBe(deaths.length);
        expect(new Set(entries.map(({ queue, reason }) => `${queue} ${reason}`)).size).toBe(
          entries.length,
        );
        expect(entries[0]).toMatchObject(deaths.at(-1) ?? {});
        expect(record?.first).toMatchObject(deaths[0] ?? {});
      }),
    );
  });

  test("the first time and expiration of a kind of death are kept", () => {
    const first = recordDeath(undefined, { ...facts, expiration: "500" }).record;
    const { record } = recordDeath(first, { ...facts, expiration: "900", nowMs: 9 });
    expect(record.deaths).toEqual([
      {
        queue: "q1",
        reason: "expired",
        count: 2,
        atMs: 5,
        exchange: "e",
        routingKeys: ["k"],
        originalExpiration: "500",
      },
    ]);
  });

  test("a rejected message may go round: somebody has looked at it", () => {
    expect(recordDeath(undefined, { ...facts, reason: "rejected", target: "q1" }).dropped).toBe(
      false,
    );
    expect(recordDeath(undefined, { ...facts, target: "q1" }).dropped).toBe(true);
    expect(recordDeath(undefined, facts).dropped).toBe(false);
  });
});

describe("urgency", () => {
  test("the shorter time to live counts; negative ones are refused", () => {
    expect(effectiveTtlMs(undefined, 0)).toEqual({ ok: true, value: 0 });
    expect(effectiveTtlMs(-1, 5)).toEqual({ ok: false, failure: { reason: "negative" } });
  });

  test("priorities are whole levels", () => {
    expect(effectivePriority(3.9)).toEqual({ ok: true, value: 3 });
    expect(effectivePriority(Number.POSITIVE_INFINITY)).toEqual({ ok: true, value: 9 });
  });
});
