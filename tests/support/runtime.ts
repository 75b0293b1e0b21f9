/** A hub of the test's own: fresh state under the system's temporary directory (tmpfs where there is one), removed afterwards. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Hub, type HubOptions, startHub } from "../../dev/runtime.ts";

/** SQLite on a disk is five times slower; memory is as good for a test. */
const TMPFS = "/dev/shm";

export interface TestHub {
  readonly hub: Hub;
  readonly stateDir: string;
  /** Stops the hub and removes its state. */
  remove(): Promise<void>;
}

/** A new, empty state directory. */
export function temporaryState(): string {
  return mkdtempSync(join(existsSync(TMPFS) ? TMPFS : tmpdir(), "omni-edge-"));
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

/** Asks `probe` every 20 ms until it answers something else than undefined. Throws after `timeoutMs`, naming `what`. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined>,
  timeoutMs = 10_000,
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
