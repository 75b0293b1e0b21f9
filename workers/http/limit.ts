/**
 * Holds each tenant to its requests per minute and its number at once, per isolate and in memory.
 * The operator is not limited. The memory is bounded: idle tenants leave it first.
 */
import { HubError } from "../../domain/errors.ts";
import { admit, type RateState, release } from "../../domain/security/rate.ts";
import type { Caller } from "./authenticate.ts";

export interface RequestLimiter {
  /** Takes a slot and returns what gives it back. Throws rate_limited or too_many_concurrent. */
  admit(caller: Caller, nowMs: number): () => void;
}

const TENANTS_MAX = 5000;

export function createRequestLimiter(concurrentMax: number): RequestLimiter {
  const states = new Map<string, RateState>();

  return {
    admit(caller, nowMs) {
      if (caller.kind === "operator") return () => undefined;
      const { tenant, requestsPerMinute: perMinute } = caller;
      const decision = admit(states.get(tenant), { perMinute, concurrentMax }, nowMs);
      if (!decision.admitted) throw refusal(decision.reason, decision.afterMs);
      // Set anew, so that the map's order is the order of use.
      states.delete(tenant);
      states.set(tenant, decision.state);
      if (states.size > TENANTS_MAX) dropIdle(states);
      return () => {
        const state = states.get(tenant);
        if (state) states.set(tenant, release(state));
      };
    },
  };
}

function refusal(reason: "rate" | "concurrency", afterMs: number): HubError {
  const code = reason === "rate" ? "rate_limited" : "too_many_concurrent";
  return new HubError(code, undefined, {
    extensions: { retryAfterSeconds: Math.ceil(afterMs / 1000) },
  });
}

function dropIdle(states: Map<string, RateState>): void {
  for (const [tenant, state] of states) {
    if (state.inFlight === 0) {
      states.delete(tenant);
      return;
    }
  }
}
