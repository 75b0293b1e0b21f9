/**
 * Starts those the hub is measured beside: a bare Hono Worker and Chat SDK, each in a workerd of its own, and
 * Bolt in a Node process. The peers are installed in `bench/peers` when first needed, never with the hub.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { convertV4MiniflareOptions } from "miniflare";
import { bundleWorker, FOR_WORKERD } from "../dev/bundle.ts";
import { freePort } from "../dev/ports.ts";
import { end, launch, ROOT } from "../dev/runtime.ts";
import { temporaryState } from "../dev/state.ts";

/** Something that takes webhooks in and whose CPU time can be read. */
export interface Target {
  readonly url: string;
  pid(): number;
  stop(): Promise<void>;
  /** How many messages its handler has seen so far, where it counts them. */
  handled?(): Promise<number>;
}

async function handledBy(url: string): Promise<number> {
  const { handled } = (await (await fetch(url)).json()) as { readonly handled: number };
  return handled;
}

export const PEERS = join(ROOT, "bench/peers");
const INSTALL_MAX_MS = 180_000;
const START_MAX_MS = 15_000;
const END_MAX_MS = 10_000;

/** Installs the pinned peers unless they are there. Resolves to what went wrong, or nothing. */
export async function installPeers(): Promise<string | undefined> {
  if (["chat", "bullmq"].every((name) => existsSync(join(PEERS, "node_modules", name)))) {
    return undefined;
  }
  console.log("installing the peers in bench/peers …");
  try {
    const options = { cwd: PEERS, timeout: INSTALL_MAX_MS };
    const flags = ["--no-audit", "--no-fund", "--ignore-scripts"];
    // Not `npm ci`: it wants every platform's optional packages in the lock file, and registries may lack some.
    await promisify(execFile)("npm", ["install", "--no-save", ...flags], options);
    return undefined;
  } catch (error) {
    return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
  }
}

/** The least a receiver can do: verify, answer 200. `durable`: and write one row in an object before. */
export async function startBare(secret: string, durable = false): Promise<Target> {
  const { modules } = await bundleWorker(join(ROOT, "bench/bare-hono.ts"));
  return startWorker("bare", modules[0].code, [], secret, durable);
}

/** Chat SDK with its Slack adapter and memory state. */
export async function startChatSdk(secret: string): Promise<Target> {
  const code = await bundlePeer(join(PEERS, "chat-sdk.mjs"));
  const flags = ["nodejs_compat", "no_handle_cross_request_promise_resolution"];
  const target = await startWorker("chat-sdk", code, flags, secret);
  return { ...target, handled: () => handledBy(target.url) };
}

async function startWorker(
  name: string,
  code: string,
  flags: readonly string[],
  secret: string,
  durable = false,
): Promise<Target> {
  const port = await freePort();
  const stateDir = temporaryState();
  const running = await launch(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      logRequests: false,
      telemetry: { enabled: false },
      resourcePersistencePath: stateDir,
      workers: [
        {
          name,
          ...(durable && { durableObjects: { ROWS: { className: "Rows", useSQLite: true } } }),
          compatibilityDate: "2026-08-01",
          compatibilityFlags: [...flags],
          modules: [{ type: "ESModule", path: `${name}.mjs`, contents: code }],
          bindings: { SIGNING_SECRET: secret },
          unsafeDirectSockets: [{ host: "127.0.0.1", port }],
        },
      ],
    }),
  );
  return {
    url: `http://127.0.0.1:${port}`,
    pid: () => running.processes.at(-1)?.pid ?? 0,
    stop: async () => {
      await end(running, "SIGKILL");
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

const BUILTINS = new RegExp(`^(?:${builtinModules.join("|")})$`);

/** As `nodejs_compat` wants it: Node's modules by their `node:` names, left out of the bundle. */
async function bundlePeer(entry: string): Promise<string> {
  const result = await build({
    ...FOR_WORKERD,
    entryPoints: [entry],
    banner: { js: REQUIRE },
    write: false,
    plugins: [
      {
        name: "node-names",
        setup: ({ onResolve }) => {
          onResolve({ filter: BUILTINS }, ({ path }) => ({ path: `node:${path}`, external: true }));
        },
      },
    ],
  });
  return result.outputFiles[0]?.text ?? "";
}

/**
 * Older packages in the bundle ask for Node's modules by `require`. Chat SDK looks a person up at Slack before
 * it hands a message over: that call is answered at once and in place, so that no network is measured.
 */
const REQUIRE =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire("/"); const __answer = JSON.stringify({ ok: true, user: { id: "U", name: "person", real_name: "Person" } }); globalThis.fetch = async () => new Response(__answer, { headers: { "content-type": "application/json" } });';

/** Bolt's HTTP receiver in a Node process. Throws when it does not listen in time. */
export function startBolt(secret: string, endpoint: string): Promise<Target> {
  return startNode("bolt.mjs", { ENDPOINT: endpoint, SIGNING_SECRET: secret });
}

/** A peer's script in a Node process of its own, listening on `PORT`. Throws when it does not in time. */
export async function startNode(
  script: string,
  env: Readonly<Record<string, string>>,
): Promise<Target> {
  const port = await freePort();
  const child = spawn(process.execPath, [join(PEERS, script)], {
    env: { PATH: process.env.PATH, NODE_ENV: "production", PORT: String(port), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  await listening(child);
  return {
    url: `http://127.0.0.1:${port}`,
    pid: () => child.pid ?? 0,
    stop: () => ended(child),
  };
}

function listening(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    const late = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error("did not start in time"));
    }, START_MAX_MS);
    child.stdout?.once("data", () => {
      clearTimeout(late);
      resolve();
    });
    child.stderr?.on("data", (data: Buffer) => {
      said += data.toString();
    });
    child.once("exit", () => {
      clearTimeout(late);
      reject(new Error(said.split("\n").find((line) => line.includes("Error")) ?? "it ended"));
    });
  });
}

/** Ends a process and waits until it is gone; one that does not heed the signal is killed. */
export function ended(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve();
      return;
    }
    const late = setTimeout(() => child.kill("SIGKILL"), END_MAX_MS);
    child.once("exit", () => {
      clearTimeout(late);
      resolve();
    });
    child.kill(signal);
  });
}
