/** A hub of the test's own: fresh temporary state, removed afterwards. */
import { rmSync } from "node:fs";
import { type Hub, type HubOptions, startHub } from "../../dev/runtime.ts";
import { temporaryState } from "../../dev/state.ts";

export interface TestHub {
  readonly hub: Hub;
  readonly stateDir: string;
  /** Stops the hub and removes its state. */
  remove(): Promise<void>;
}

/** Starts a hub on a fresh state. Remember `remove` in `afterAll`. */
export async function startTestHub(options: Omit<HubOptions, "stateDir"> = {}): Promise<TestHub> {
  const stateDir = temporaryState();
  const hub = await startHub({ stateDir, ...options });
  return {
    hub,
    stateDir,
    remove: async () => {
      await hub.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

/** A busy machine is slow and not wrong: how long a condition is waited for. */
export const PATIENCE_MS = 30_000;

/** Asks `probe` every 20 ms until it answers something else than undefined. Throws after `timeoutMs`, naming `what`. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined>,
  timeoutMs = PATIENCE_MS,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const answer = await probe();
    if (answer !== undefined) {
      return answer;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what}: not within ${timeoutMs} ms`);
}
