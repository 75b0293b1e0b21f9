import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { ROOT } from "../../dev/runtime.ts";
import { temporaryState } from "../../dev/state.ts";
import { eventually } from "../support/runtime.ts";

/** `npm run dev` as a process of its own, as a person or a harness starts it. */
interface Dev {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  out(): string;
  err(): string;
}

const started: Dev[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const dev of started.splice(0)) {
    dev.child.kill("SIGKILL");
    await dev.ended;
  }
  for (const folder of folders.splice(0)) {
    rmSync(folder, { recursive: true, force: true });
  }
});

function folder(): string {
  const made = temporaryState();
  folders.push(made);
  return made;
}

function start(...args: readonly string[]): Dev {
  const child = spawn(process.execPath, [join(ROOT, "dev/main.ts"), ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const dev = { child, ended, out: () => out, err: () => err };
  started.push(dev);
  return dev;
}

function seed(value: unknown): string {
  const path = join(folder(), "seed.json");
  writeFileSync(path, JSON.stringify(value));
  return path;
}

/** The processes whose parent is this one, where the system shows them. */
function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  return existsSync(path)
    ? readFileSync(path, "utf8").trim().split(" ").filter(Boolean).map(Number)
    : [];
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function ready(dev: Dev) {
  const line = await eventually(
    "the line that says it is ready",
    async () => (dev.out().includes("\n") ? dev.out() : undefined),
    30_000,
  );
  return JSON.parse(line) as {
    url: string;
    adminKey: string;
    simulators: Record<string, string>;
  };
}

async function tenantsOf(hub: { url: string; adminKey: string }): Promise<string[]> {
  const response = await fetch(`${hub.url}/tenants`, {
    headers: { authorization: `Bearer ${hub.adminKey}` },
  });
  const page = (await response.json()) as { items: { id: string }[] };
  return page.items.map((tenant) => tenant.id);
}

test("quiet: one line of JSON, a hub that knows its tenants, and an end that leaves nothing", async () => {
  const dev = start("--quiet", "--port", "0", "--state", folder());
  const hub = await ready(dev);
  expect(Object.keys(hub)).toEqual(["url", "adminKey", "simulators"]);
  expect(Object.keys(hub.simulators).toSorted()).toEqual(["discord", "evolution", "hive", "slack"]);
  for (const url of Object.values(hub.simulators)) {
    expect(await (await fetch(`${url}/_sim/calls`)).json()).toEqual([]);
  }
  expect(await tenantsOf(hub)).toEqual(["acme", "globex"]);

  const children = childrenOf(dev.child.pid ?? 0);
  dev.child.kill("SIGTERM");
  expect(await dev.ended).toBe(0);
  expect(dev.out().trim().split("\n")).toHaveLength(1);
  expect(children.length).toBeGreaterThanOrEqual(existsSync("/proc/self") ? 1 : 0);
  for (const pid of children) {
    await eventually(`the end of process ${pid}`, async () => (isRunning(pid) ? undefined : true));
  }
});

test("the demonstration shows a reply on every channel, again after a restart on its state", async () => {
  const state = folder();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const dev = start("--port", "0", "--state", state);
    await eventually(
      "the end of the demonstration",
      async () => (dev.out().includes("Ctrl-C ends everything.") ? true : undefined),
      40_000,
    );
    expect(dev.out().match(/←/g)).toHaveLength(3);
    expect(dev.out()).toMatch(/received \+0 · .*sent \+\d+ ms/);
    expect(dev.out()).not.toContain("\u001b[");
    dev.child.kill(signal);
    expect(await dev.ended).toBe(0);
  }
});

test("a seed file's tenants take the place of the built-in ones", async () => {
  const path = seed({
    tenants: [
      {
        id: "initech",
        name: "Initech",
        apiKeys: [{ key: "any-long-test-key", scopes: ["*"] }],
        connections: [
          {
            id: "initech-wa",
            channel: "whatsapp",
            provider: "evolution",
            instance: "initech-support",
            baseUrl: "simulator",
            credentials: { apiKey: "k", webhookSecret: "s", jwtKey: "j" },
            route: { kind: "direct", rules: [{ match: ".*", reply: "echo: {{text}}" }] },
            policy: { kind: "serial" },
          },
        ],
      },
    ],
  });
  const dev = start("--quiet", "--port", "0", "--state", folder(), "--seed", path);
  expect(await tenantsOf(await ready(dev))).toEqual(["initech"]);
});

test("an unknown key of a seed file and an unknown option are refused by name", async () => {
  const path = seed({ tenants: [{ id: "initech", colour: "red" }] });
  const bad = start("--quiet", "--state", folder(), "--seed", path);
  expect(await bad.ended).toBe(1);
  expect(bad.err()).toContain("tenants.0.colour: unknown key");
  expect(bad.out()).toBe("");

  const odd = start("--prot", "1");
  expect(await odd.ended).toBe(1);
  expect(odd.err()).toContain("'--prot'");
});
