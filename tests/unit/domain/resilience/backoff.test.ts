import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  decorrelatedJitterMs,
  fullJitterMs,
  parseRetryAfter,
  RETRY_AFTER_MS_MAX,
} from "../../../../domain/resilience/backoff.ts";

const BOUNDS = { baseMs: 1000, capMs: 300_000 };
const ALMOST_ONE = 1 - Number.EPSILON;

describe("fullJitterMs", () => {
  test.each([
    [1, 1000],
    [2, 2000],
    [5, 16_000],
    [9, 256_000],
    [10, 300_000],
    [1_000_000, 300_000],
    [0, 1000],
    [-3, 1000],
  ])("attempt %i waits at most %i ms and may not wait at all", (attempt, most) => {
    expect(fullJitterMs(attempt, BOUNDS, () => ALMOST_ONE)).toBe(most);
    expect(fullJitterMs(attempt, BOUNDS, () => 0)).toBe(0);
  });
});

describe("decorrelatedJitterMs", () => {
  test("lies between the base and three times the last wait, never above the cap", () => {
    expect(decorrelatedJitterMs(1000, BOUNDS, () => 0)).toBe(1000);
    expect(decorrelatedJitterMs(1000, BOUNDS, () => ALMOST_ONE)).toBe(3000);
    expect(decorrelatedJitterMs(200_000, BOUNDS, () => ALMOST_ONE)).toBe(300_000);
    expect(decorrelatedJitterMs(0, BOUNDS, () => ALMOST_ONE)).toBe(1000);
  });
});

const NOW_MS = Date.parse("2015-10-21T07:27:00Z");

describe("parseRetryAfter", () => {
  test.each([
    ["7", 7000],
    [" 7 ", 7000],
    ["0", 0],
    ["120.1", 121_000],
    ["120.0", 120_000],
    ["999999999", RETRY_AFTER_MS_MAX],
    ["Wed, 21 Oct 2015 07:28:00 GMT", 60_000],
    ["Wed, 21 Oct 2015 07:00:00 GMT", 0],
    ["Wed, 21 Oct 2099 07:00:00 GMT", RETRY_AFTER_MS_MAX],
    ["-1", undefined],
    ["soon", undefined],
    ["", undefined],
    [null, undefined],
    ["1e3", undefined],
    ["Infinity", undefined],
    ["0x10", undefined],
    ["2015-10-21T07:28:00Z", undefined],
    ["Wed, 99 Xyz 2015 07:28:00 GMT", undefined],
    ["7, 7", undefined],
    [`${"9".repeat(400)}`, undefined],
  ])("%s is %s", (header, ms) => {
    expect(parseRetryAfter(header, NOW_MS)).toBe(ms);
  });

  test("the caller may set a lower bound of its own", () => {
    expect(parseRetryAfter("30", NOW_MS, 5000)).toBe(5000);
  });
});

const POLICY = join(
  import.meta.dirname,
  "../../../../../shared/fixtures/events/delivery-policy.json",
);
const present = existsSync(POLICY);

describe.skipIf(!present)(`delivery policy fixture${present ? "" : " (skipped: not here)"}`, () => {
  test("every Retry-After header reads as listed", () => {
    const { retry_after_header } = JSON.parse(readFileSync(POLICY, "utf8")) as {
      retry_after_header: { value: string; seconds?: number; instant?: string }[];
    };
    expect(retry_after_header.length).toBeGreaterThan(0);
    for (const { value, seconds, instant } of retry_after_header) {
      const atMs = instant === undefined ? undefined : Date.parse(instant) - NOW_MS;
      const expected = seconds === undefined ? atMs : seconds * 1000;
      expect([value, parseRetryAfter(value, NOW_MS)]).toEqual([value, expected]);
    }
  });
});
