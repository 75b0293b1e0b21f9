import { describe, expect, test } from "vitest";
import { sessionAt } from "../../../../domain/messaging/session.ts";

const IDLE_MS = 1_800_000;

describe("sessionAt", () => {
  test("the first message starts one, the same each time it is asked", () => {
    const first = sessionAt(undefined, "cnv_abc", 1000, IDLE_MS);
    expect(first).toEqual({ id: "ses_abc_rs", startedAtMs: 1000, lastAtMs: 1000 });
    expect(sessionAt(undefined, "cnv_abc", 1000, IDLE_MS)).toEqual(first);
  });

  test("lasts as long as silences are within the limit, then a new one starts", () => {
    const first = sessionAt(undefined, "cnv_abc", 1000, IDLE_MS);
    const second = sessionAt(first, "cnv_abc", 1000 + IDLE_MS, IDLE_MS);
    expect(second).toEqual({ ...first, lastAtMs: 1000 + IDLE_MS });
    const third = sessionAt(second, "cnv_abc", 1000 + 2 * IDLE_MS + 1, IDLE_MS);
    expect(third.id).not.toBe(first.id);
    expect(third.startedAtMs).toBe(1000 + 2 * IDLE_MS + 1);
  });

  test("a clock that steps back keeps the session and its latest moment", () => {
    const first = sessionAt(undefined, "cnv_abc", 10_000, IDLE_MS);
    expect(sessionAt(first, "cnv_abc", 4000, IDLE_MS)).toEqual(first);
  });
});
