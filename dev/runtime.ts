/**
 * Runs the Worker of the one `wrangler.toml` on this machine: Miniflare with everything it needs kept in a
 * state directory, the Worker answering on its own socket (Miniflare's entry proxy is 4 to 5 times slower),
 * and a `kill` that is a real SIGKILL of the runtime, for crash tests. Not a server for production.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  convertV4MiniflareOptions,
  Log,
  LogLevel,
  Miniflare,
  type V4WorkerOptionsShape,
} from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { bundleWorker } from "./bundle.ts";
import { applyMigrations } from "./migrate.ts";
import { freePort } from "./ports.ts";
import { loadSecrets } from "./secrets.ts";

/** Base URLs behind the word "simulator" in connections and routes. */
export type SimulatorOrigins = Partial<Record<"evolution" | "slack" | "discord" | "hive", string>>;

export interface HubLogLine {
  readonly level: string;
  readonly message: string;
}

export interface HubOptions {
  /** Where D1, Durable Objects, R2 and the development secrets live; made when absent. */
  readonly stateDir: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Variables and secrets over those of `wrangler.toml` and the development defaults. */
  readonly bindings?: Readonly<Record<string, string>>;
  readonly simulators?: SimulatorOrigins;
  /** Name of an environment of `wrangler.toml`. */
  readonly env?: string;
  /** Another Worker module than the hub's, absolute; it must export the same classes. */
  readonly entry?: string;
  /** Gets every line the Worker logs. Default: errors and warnings go to stderr. */
  readonly onLog?: (line: HubLogLine) => void;
}

export interface Hub {
  readonly url: string;
  readonly adminKey: string;
  /** The cron expressions of `wrangler.toml`. Nothing runs them here but `triggerScheduled`. */
  readonly crons: readonly string[];
  readonly mf: Miniflare;
  /** Process id of the running workerd. Throws while it is down. */
  workerdPid(): number;
  /** Ends workerd at once; nothing gets a chance to finish. The hub is down until `restart`. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** A fresh workerd on the same state and port (stops the running one first). */
  restart(): Promise<void>;
  /** Runs the scheduled handler as if `cron` were due now. Throws when the handler failed. */
  triggerScheduled(cron: string): Promise<void>;
  stop(): Promise<void>;
}

/** The repository's root. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");
/** The module that `dev/build.ts` makes the deployed Worker of. */
export const HUB = join(ROOT, "workers/hub.ts");
/** As in `wrangler.toml`: the Worker reaches itself by this name. */
const WORKER_NAME = "omni-edge";
const LOOPBACK = "127.0.0.1";

export interface Running {
  readonly mf: Miniflare;
  /** Every runtime process of this Miniflare, newest last: it replaces one that died by itself. */
  readonly processes: readonly ChildProcess[];
}

/** Bundles the Worker, starts it and applies the migrations. Throws when any of these fails. */
export async function startHub(options: HubOptions): Promise<Hub> {
  mkdirSync(options.stateDir, { recursive: true });
  const port = options.port ?? (await freePort());
  const url = `http://${LOOPBACK}:${port}`;
  const bindings = hubBindings(options, url);
  const { build, crons } = await workerOptions(options, port, bindings);
  let running: Running | undefined = await launch(build);
  await migrate(running, options.stateDir);

  const current = (): Running => {
    if (!running) {
      throw new Error("the hub is down");
    }
    return running;
  };
  const down = async (signal: NodeJS.Signals): Promise<void> => {
    const ended = running;
    running = undefined;
    await end(ended, signal);
  };
  return {
    url,
    adminKey: bindings.ADMIN_API_KEY ?? "",
    crons,
    get mf() {
      return current().mf;
    },
    workerdPid: () => pidOf(current()),
    kill: (signal = "SIGKILL") => down(signal),
    restart: async () => {
      await down("SIGKILL");
      running = await launch(build);
    },
    triggerScheduled: (cron) => triggerScheduled(current().mf, cron),
    stop: () => down("SIGKILL"),
  };
}

function hubBindings(options: HubOptions, url: string): Record<string, string> {
  return {
    ENVIRONMENT: "development",
    PUBLIC_URL: url,
    EGRESS_ALLOW: "127.0.0.1,localhost",
    SIMULATORS: JSON.stringify(options.simulators ?? {}),
    ...loadSecrets(options.stateDir),
    ...options.bindings,
  };
}

/** What `launch` takes: `convertV4MiniflareOptions` makes it of the familiar shape. */
export type MiniflareOptions = ReturnType<typeof convertV4MiniflareOptions>;

async function workerOptions(
  options: HubOptions,
  port: number,
  bindings: Record<string, string>,
): Promise<{ readonly build: MiniflareOptions; readonly crons: readonly string[] }> {
  const config = unstable_getMiniflareWorkerOptions(join(ROOT, "wrangler.toml"), options.env);
  const { modules } = await bundleWorker(options.entry ?? HUB, { sourcemap: "inline" });
  const { modulesRules: _, ...worker } = config.workerOptions as V4WorkerOptionsShape;
  const build = convertV4MiniflareOptions({
    host: LOOPBACK,
    port: 0,
    cf: false,
    log: new Log(LogLevel.ERROR),
    logRequests: false,
    telemetry: { enabled: false },
    unsafeTriggerHandlers: true,
    resourcePersistencePath: join(options.stateDir, "storage"),
    handleStructuredLogs: options.onLog ?? logProblems,
    workers: [
      {
        ...worker,
        name: WORKER_NAME,
        rootPath: ROOT,
        modules: modules.map(({ path, code }) => ({ type: "ESModule", path, contents: code })),
        bindings: { ...worker.bindings, ...bindings },
        unsafeDirectSockets: [{ host: LOOPBACK, port }],
      },
    ],
  });
  return { build, crons: (worker.cronTriggers as readonly string[] | undefined) ?? [] };
}

function logProblems(line: HubLogLine): void {
  if (line.level === "error" || line.level === "warn") {
    console.error(line.message);
  }
}

/** Miniflare runs a Worker's schedule there. */
const SCHEDULED_PATH = "/cdn-cgi/local/scheduled";

const spawned = new AsyncLocalStorage<ChildProcess[]>();
subscribe("child_process", (event) => {
  const { process: child } = event as { process: ChildProcess };
  spawned.getStore()?.push(child);
});

/** Starts Miniflare; its runtime is what it starts as a process meanwhile, in this asynchronous context. */
export async function launch(options: MiniflareOptions): Promise<Running> {
  const processes: ChildProcess[] = [];
  const mf = await spawned.run(processes, async () => {
    const instance = new Miniflare(options);
    await instance.ready;
    return instance;
  });
  return { mf, processes };
}

async function migrate(running: Running, stateDir: string): Promise<void> {
  try {
    await applyMigrations(await running.mf.getD1Database("DB"), join(ROOT, "migrations"));
  } catch (cause) {
    await end(running, "SIGKILL");
    throw new Error(`cannot migrate the database in ${stateDir}`, { cause });
  }
}

function pidOf(running: Running): number {
  const pid = running.processes.findLast((child) => !hasEnded(child))?.pid;
  if (pid === undefined) {
    throw new Error("no workerd is running");
  }
  return pid;
}

/** Signals workerd, lets Miniflare go (or it would start another), and waits until no process is left. */
export async function end(running: Running | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!running) {
    return;
  }
  for (const child of running.processes) {
    child.kill(signal);
  }
  await running.mf.dispose();
  await Promise.all(running.processes.map(exited));
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function exited(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) {
    return Promise.resolve();
  }
  return new Promise((resolve) => child.once("exit", () => resolve()));
}

/**
 * By a request: Miniflare's own proxy waits for the runtime with the thread that reads the runtime's log, and the
 * runtime waits for a full log to be read.
 */
async function triggerScheduled(mf: Miniflare, cron: string): Promise<void> {
  const query = new URLSearchParams({ cron, time: String(Date.now()) });
  const answer = await mf.dispatchFetch(`http://localhost${SCHEDULED_PATH}?${query}`);
  const outcome = await answer.text();
  if (outcome !== "ok") throw new Error(`scheduled handler for "${cron}" ended ${outcome}`);
}
