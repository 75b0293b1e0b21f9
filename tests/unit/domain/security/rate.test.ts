import { describe, expect, test } from "vitest";
import { admit, type RateState, release } from "../../../../domain/security/rate.ts";

const LIMITS = { perMinute: 60, concurrentMax: 3 };

/** Asks `times` times, each request ending before the next. */
function ask(times: number, nowMs: number, state?: RateState) {
  let current = state;
  let admitted = 0;
  for (let n = 0; n < times; n += 1) {
    const decision = admit(current, LIMITS, nowMs);
    if (!decision.admitted) continue;
    admitted += 1;
    current = release(decision.state);
  }
  return { admitted, state: current };
}

describe("requests of a tenant", () => {
  test("a minute's worth at once, then one a second", () => {
    const first = ask(100, 0);
    expect(first.admitted).toBe(60);
    expect(ask(100, 999, first.state).admitted).toBe(0);
    expect(ask(100, 10_000, first.state).admitted).toBe(10);
  });

  test("a refusal says when the next token comes", () => {
    const { state } = ask(60, 0);
    expect(admit(state, LIMITS, 400)).toEqual({ admitted: false, reason: "rate", afterMs: 600 });
  });

  test("no more at once than allowed, and a slot comes back with each end", () => {
    let state: RateState | undefined;
    for (let n = 0; n < 3; n += 1) {
      const decision = admit(state, LIMITS, 0);
      if (!decision.admitted) throw new Error("refused");
      state = decision.state;
    }
    expect(admit(state, LIMITS, 0)).toMatchObject({ admitted: false, reason: "concurrency" });
    if (!state) throw new Error("no state");
    expect(admit(release(state), LIMITS, 0).admitted).toBe(true);
  });

  test("a clock that steps back gives nothing and takes nothing", () => {
    const { state } = ask(60, 10_000);
    expect(ask(10, 0, state).admitted).toBe(0);
    expect(ask(10, 11_000, state).admitted).toBe(1);
  });
});
