/**
 * The one object (named "hub") that adds up what all isolates counted. It adds in memory and writes a
 * snapshot at most every 10 s: a crash loses at most that window, which is the price of counting for
 * almost nothing. Decides nothing about what is counted or shown.
 */
import { DurableObject } from "cloudflare:workers";
import {
  addDelta,
  type Delta,
  deltaOf,
  newTally,
  type Tally,
} from "../domain/observability/tally.ts";

/** Series per metric over all isolates: bounds memory and the snapshot. */
const SERIES_PER_METRIC_MAX = 5000;
const SAVE_INTERVAL_MS = 10_000;
const SNAPSHOT = "snapshot";
/** A stored value holds at most 2 MB: a snapshot larger than this lies in several. ASCII only. */
const CHUNK_CHARS = 1_000_000;

export class Metrics extends DurableObject<Env> {
  readonly #tally: Tally;
  #savedAtMs = 0;
  #armed = false;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#tally = newTally(SERIES_PER_METRIC_MAX);
    const kept = this.#load();
    if (kept) addDelta(this.#tally, kept);
  }

  /** Takes an isolate's batch in. */
  async add(delta: Delta, nowMs: number): Promise<void> {
    addDelta(this.#tally, delta);
    if (nowMs - this.#savedAtMs >= SAVE_INTERVAL_MS) this.#save(nowMs);
    else if (!this.#armed) {
      this.#armed = true;
      await this.ctx.storage.setAlarm(this.#savedAtMs + SAVE_INTERVAL_MS);
    }
  }

  /** Everything counted so far; with `tenant` that tenant's series only. */
  snapshot(tenant?: string): Delta {
    return deltaOf(this.#tally, tenant);
  }

  override alarm(): void {
    this.#armed = false;
    this.#save(Date.now());
  }

  #load(): Delta | undefined {
    const chunks = this.ctx.storage.kv.get<number>(SNAPSHOT) ?? 0;
    let text = "";
    for (let at = 0; at < chunks; at++) {
      text += this.ctx.storage.kv.get<string>(`${SNAPSHOT}:${at}`) ?? "";
    }
    return text === "" ? undefined : (JSON.parse(text) as Delta);
  }

  #save(nowMs: number): void {
    const text = JSON.stringify(deltaOf(this.#tally));
    const chunks = Math.ceil(text.length / CHUNK_CHARS);
    this.ctx.storage.transactionSync(() => {
      for (let at = 0; at < chunks; at++) {
        const chunk = text.slice(at * CHUNK_CHARS, (at + 1) * CHUNK_CHARS);
        this.ctx.storage.kv.put(`${SNAPSHOT}:${at}`, chunk);
      }
      this.ctx.storage.kv.put(SNAPSHOT, chunks);
    });
    this.#savedAtMs = nowMs;
  }

  /** Answers that it lives; `/health` asks. */
  ping(): "ok" {
    return "ok";
  }
}
