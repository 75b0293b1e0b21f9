import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fullBucket, take } from "../../../../domain/resilience/token-bucket.ts";

const LIMITS = { ratePerSecond: 2, burst: 5 };

describe("take", () => {
  test("gives the burst, then the rate", () => {
    const first = take(fullBucket(LIMITS, 0), 7, LIMITS, 0);
    expect(first).toMatchObject({ taken: 5, retryAfterMs: 500 });
    expect(take(first.bucket, 1, LIMITS, 499)).toMatchObject({ taken: 0, retryAfterMs: 1 });
    expect(take(first.bucket, 1, LIMITS, 500)).toMatchObject({ taken: 1 });
    expect(take(first.bucket, 9, LIMITS, 60_000)).toMatchObject({ taken: 5 });
  });

  test("rates below one a second and bursts below one still let calls through", () => {
    const slow = { ratePerSecond: 0.1, burst: 0.1 };
    const first = take(fullBucket(slow, 0), 1, slow, 0);
    expect(first.taken).toBe(1);
    expect(take(first.bucket, 1, slow, 0)).toMatchObject({ taken: 0, retryAfterMs: 10_000 });
    expect(take(first.bucket, 1, slow, 10_000).taken).toBe(1);
  });

  test("a clock that steps back neither gives nor takes", () => {
    const { bucket } = take(fullBucket(LIMITS, 10_000), 5, LIMITS, 10_000);
    const back = take(bucket, 1, LIMITS, 3000);
    expect(back.taken).toBe(0);
    expect(take(back.bucket, 1, LIMITS, 10_400).taken).toBe(0);
    expect(take(back.bucket, 1, LIMITS, 10_500).taken).toBe(1);
  });

  test("never gives more than burst plus rate, and the advised wait is enough", () => {
    const step = fc.record({
      afterMs: fc.integer({ min: 0, max: 3000 }),
      wants: fc.integer({ min: 0, max: 10 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let bucket = fullBucket(LIMITS, 0);
        let nowMs = 0;
        let given = 0;
        for (const { afterMs, wants } of steps) {
          nowMs += afterMs;
          const result = take(bucket, wants, LIMITS, nowMs);
          bucket = result.bucket;
          given += result.taken;
          expect(given).toBeLessThanOrEqual(
            LIMITS.burst + (nowMs / 1000) * LIMITS.ratePerSecond + 1e-6,
          );
          if (result.retryAfterMs === undefined) continue;
          expect(take(bucket, 1, LIMITS, nowMs + result.retryAfterMs).taken).toBe(1);
        }
      }),
      { numRuns: 500, seed: 20_261_121 },
    );
  });
});
