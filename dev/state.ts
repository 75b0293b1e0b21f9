/** Where a hub keeps its state when nobody said: in memory where the system has a file system there. */
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** SQLite on a disk is five times slower, and a crash of a process is not a loss of power. */
const TMPFS = "/dev/shm";

/** A new, empty directory. The caller removes it. */
export function temporaryState(): string {
  return mkdtempSync(join(existsSync(TMPFS) ? TMPFS : tmpdir(), "omni-edge-"));
}
