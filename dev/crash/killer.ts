/** Kills the hub's runtime at random moments and starts it again on the same state, keeping the times. */
import type { Hub } from "../runtime.ts";
import type { Random } from "./random.ts";

export interface Kill {
  /** Times in ms since the epoch: the signal, and the first moment a fresh runtime listened. */
  readonly killedAtMs: number;
  readonly upAtMs: number;
}

export interface KillerOptions {
  readonly hub: Hub;
  readonly kills: number;
  /** The kills fall within this time from now. */
  readonly withinMs: number;
  readonly random: Random;
  readonly onKill: (kill: Kill, done: number) => void;
}

/** How long the runtime stays down at most. */
const DOWN_MAX_MS = 300;

/** Resolves after the last restart. Throws when a runtime does not come up again. */
export async function killRepeatedly(options: KillerOptions): Promise<Kill[]> {
  const { hub, random, withinMs } = options;
  const startMs = Date.now();
  const moments = Array.from({ length: options.kills }, () => random.next() * withinMs);
  const kills: Kill[] = [];
  for (const moment of moments.sort((a, b) => a - b)) {
    await sleep(startMs + moment - Date.now());
    const killedAtMs = Date.now();
    await hub.kill();
    await sleep(random.int(0, DOWN_MAX_MS));
    await hub.restart();
    const kill = { killedAtMs, upAtMs: Date.now() };
    kills.push(kill);
    options.onKill(kill, kills.length);
  }
  return kills;
}

/**
 * How long after each kill the first webhook was accepted again, ms. A kill whose fresh runtime was killed in
 * turn before it accepted anything says nothing and is left out.
 */
export function recoveries(kills: readonly Kill[], acceptedAtMs: readonly number[]): number[] {
  const accepted = [...acceptedAtMs].sort((a, b) => a - b);
  return kills.flatMap((kill, index) => {
    const nextMs = kills[index + 1]?.killedAtMs ?? Number.POSITIVE_INFINITY;
    const first = accepted.find((atMs) => atMs >= kill.upAtMs);
    return first === undefined || first > nextMs ? [] : [first - kill.killedAtMs];
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
