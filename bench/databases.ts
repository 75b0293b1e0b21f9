/**
 * PostgreSQL and Redis of the Debian packages, each on a port of its own with its files in memory (tmpfs). They are
 * installed with apt-get only where they are absent, and stopped by whoever started them, also on failure.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "../dev/ports.ts";
import { ended } from "./contenders.ts";

const run = promisify(execFile);
const PACKAGES = ["postgresql", "redis-server"] as const;
const POSTGRES_ROOT = "/usr/lib/postgresql";
const REDIS = "/usr/bin/redis-server";
const MEMORY = "/dev/shm";
const INSTALL_MAX_MS = 300_000;
const START_MAX_MS = 20_000;

export interface Databases {
  readonly url: string;
  readonly redisPort: number;
  /** Process ids of PostgreSQL's postmaster and of Redis. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** Why the packages are not there, after trying to install them; undefined when they are. */
export async function installDatabases(): Promise<string | undefined> {
  if (postgresBin() !== undefined && existsSync(REDIS)) {
    return undefined;
  }
  console.log(`installing ${PACKAGES.join(" and ")} with apt-get …`);
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const flags = ["install", "-y", "--no-install-recommends", ...PACKAGES];
    await run("apt-get", flags, { env, timeout: INSTALL_MAX_MS });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return `Debian packages ${PACKAGES.join(", ")} are absent and could not be installed: ${reason}`;
  }
  return postgresBin() === undefined ? "PostgreSQL's programs were not found" : undefined;
}

/** Starts both, empty. Nothing is left running or lying about when it throws. */
export async function startDatabases(): Promise<Databases> {
  const directory = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), "omni-edge-bench-"));
  // PostgreSQL does not run as root: its own user has to get in.
  chmodSync(directory, 0o777);
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    // At once, but so that PostgreSQL's own processes end with it.
    await Promise.all(children.map((child) => ended(child, "SIGQUIT")));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const [postgresPort, redisPort] = [await freePort(), await freePort()];
    children.push(await startPostgres(join(directory, "postgres"), postgresPort));
    children.push(startRedis(directory, redisPort));
    await Promise.all([listening(postgresPort), listening(redisPort)]);
    return {
      url: `postgres://bench@127.0.0.1:${postgresPort}/postgres`,
      redisPort,
      pids: children.map((child) => child.pid ?? 0),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The newest version's programs. */
function postgresBin(): string | undefined {
  const versions = existsSync(POSTGRES_ROOT) ? readdirSync(POSTGRES_ROOT) : [];
  const newest = versions.toSorted((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : join(POSTGRES_ROOT, newest, "bin");
}

/** As PostgreSQL's user where we are root: `setpriv` becomes the program, so its id is the program's. */
function asPostgres(program: string, flags: readonly string[]): readonly [string, string[]] {
  const command = join(postgresBin() ?? "", program);
  if (process.getuid?.() !== 0) {
    return [command, [...flags]];
  }
  const user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"];
  return ["setpriv", [...user, command, ...flags]];
}

async function startPostgres(data: string, port: number): Promise<ChildProcess> {
  const init = ["-D", data, "-U", "bench", "--auth=trust", "-E", "UTF8", "--no-locale"];
  await run(...asPostgres("initdb", init));
  const address = ["-p", String(port), "-k", data, "-c", "listen_addresses=127.0.0.1"];
  // All its files lie in its directory, which goes with it.
  const flags = ["-D", data, ...address, "-c", "dynamic_shared_memory_type=mmap"];
  const [command, all] = asPostgres("postgres", flags);
  return spawn(command, all, { stdio: "ignore" });
}

/** Every job is in its log before it counts; the log is flushed every second, as Redis' own page advises. */
function startRedis(directory: string, port: number): ChildProcess {
  const address = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory];
  const durable = ["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"];
  const flags = [...address, ...durable, "--maxmemory-policy", "noeviction"];
  return spawn(REDIS, flags, { stdio: "ignore" });
}

async function listening(port: number): Promise<void> {
  const untilMs = performance.now() + START_MAX_MS;
  while (!(await answers(port))) {
    if (performance.now() > untilMs) {
      throw new Error(`nothing listens on port ${port}`);
    }
    await sleep(50);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
