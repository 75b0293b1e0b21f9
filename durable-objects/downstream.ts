/**
 * One downstream of one tenant (`tenant:connection` or `tenant:url:host`): breaker, token bucket and
 * bulkhead in one object. Counters live in memory and may be lost; the breaker's state and a long pause
 * are written when they change, so that a restart never closes an open breaker. The decision itself is
 * `domain/resilience/admission.ts`.
 */
import { DurableObject } from "cloudflare:workers";
import {
  type AdmitReply,
  type AdmitRequest,
  admit,
  type Downstream as DownstreamState,
} from "../domain/resilience/admission.ts";
import type { Slot } from "../domain/resilience/bulkhead.ts";
import { type Breaker, CLOSED } from "../domain/resilience/circuit-breaker.ts";

const BREAKER = "breaker";
const PAUSE = "pause";
/** Shorter pauses are not worth a write: an object is not evicted that soon. */
const PAUSE_WRITTEN_MS_MIN = 10_000;

/** What a restart must not forget: a breaker that is not closed, and the probes under way. */
interface Kept {
  readonly breaker: Breaker;
  readonly probes: readonly Slot[];
}

const NOTHING_KEPT: Kept = { breaker: CLOSED, probes: [] };

export class Downstream extends DurableObject<Env> {
  #state: DownstreamState;
  readonly #boot = crypto.randomUUID().slice(0, 8);
  #minted = 0;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#state = this.#load();
  }

  /** Settles finished calls and lends slots for new ones. */
  admit(request: AdmitRequest): AdmitReply {
    const nowMs = request.nowMs ?? Date.now();
    const before = this.#state;
    const { downstream, reply } = admit(before, request, nowMs, () => this.#mintId());
    this.#save(before, downstream, nowMs);
    this.#state = downstream;
    return reply;
  }

  #load(): DownstreamState {
    const { breaker, probes } = this.ctx.storage.kv.get<Kept>(BREAKER) ?? NOTHING_KEPT;
    const pausedUntilMs = this.ctx.storage.kv.get<number>(PAUSE) ?? 0;
    return { breaker, bulkhead: probes, pausedUntilMs };
  }

  #save(before: DownstreamState, after: DownstreamState, nowMs: number): void {
    const kept = keptOf(after);
    if (JSON.stringify(kept) !== JSON.stringify(keptOf(before))) {
      if (kept) this.ctx.storage.kv.put(BREAKER, kept);
      else this.ctx.storage.kv.delete(BREAKER);
    }
    const longer = after.pausedUntilMs > before.pausedUntilMs;
    if (longer && after.pausedUntilMs - nowMs >= PAUSE_WRITTEN_MS_MIN) {
      this.ctx.storage.kv.put(PAUSE, after.pausedUntilMs);
    }
  }

  #mintId(): string {
    this.#minted += 1;
    return `${this.#boot}-${this.#minted}`;
  }

  /** Answers that it lives; `/health` asks. */
  ping(): "ok" {
    return "ok";
  }
}

/** Undefined while closed: the usual state costs no row. */
function keptOf(state: DownstreamState): Kept | undefined {
  if (state.breaker.is === "closed") return undefined;
  if (state.breaker.is === "open") return { breaker: state.breaker, probes: [] };
  return { breaker: state.breaker, probes: state.bulkhead.filter((slot) => slot.probe) };
}
