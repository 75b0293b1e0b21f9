/**
 * `npm run dev`: simulators of every platform, the hub with two tenants on them, and a first message on each
 * channel. Stays up until Ctrl-C or SIGTERM; then nothing of it is left running.
 */
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { TenantInput } from "../schema/tenant.ts";
import { startClock } from "./clock.ts";
import { runDemo } from "./demo.ts";
import { intOption, parseOptions, UsageError } from "./options.ts";
import { outputTo } from "./output.ts";
import { freePort, isFree } from "./ports.ts";
import type { HubLogLine } from "./runtime.ts";
import { loadSecrets } from "./secrets.ts";
import { readSeed } from "./seed.ts";
import { type DevTenantKit, devTenant, ECHO_ROUTE, hiveRoute } from "./tenants.ts";
import { startWorld, type World } from "./world.ts";

const USAGE = `npm run dev -- [options]
  --port N      the hub's port (default 8787, or a free one where it is taken; 0: a free one)
  --state DIR   where tenants, messages and secrets are kept (default .state/dev)
  --seed FILE   tenants from a seed file instead of the built-in acme and globex
  --no-demo     sends no messages at the start
  --quiet       prints one line of JSON when ready, and nothing else
  --help        this text`;
const PORT_DEFAULT = 8787;
const PORT_MAX = 65_535;

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  if (error instanceof UsageError && !error.message.includes("\n")) {
    console.error(`\n${USAGE}`);
  }
  process.exit(1);
}

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const startedMs = Date.now();
  const kits = options.seed === undefined ? builtInTenants(options.state) : [];
  const tenants =
    options.seed === undefined
      ? kits.map((kit) => TenantInput.parse(kit.tenant))
      : readSeed(options.seed);
  const world = await startWorld({
    tenants,
    sources: kits.flatMap((kit) => kit.sources),
    stateDir: options.state,
    port: await portFor(options.port),
    onLog: logTo(options.state, options.quiet),
  });
  stopOnSignal(world);
  if (options.quiet) {
    console.log(readyLine(world));
    return;
  }
  await welcome(world, kits, options, Date.now() - startedMs);
}

type Options = ReturnType<typeof readOptions>;

function readOptions(args: readonly string[]) {
  const values = parseOptions(args, {
    port: { type: "string" },
    state: { type: "string", default: join(".state", "dev") },
    seed: { type: "string" },
    quiet: { type: "boolean", default: false },
    "no-demo": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  });
  const bounds = { fallback: -1, min: 0, max: PORT_MAX };
  return { ...values, port: intOption("port", values.port, bounds), demo: !values["no-demo"] };
}

/** acme and globex: WhatsApp and Discord answer with the text itself, Slack asks the Hive. */
function builtInTenants(stateDir: string): DevTenantKit[] {
  mkdirSync(stateDir, { recursive: true });
  const key = loadSecrets(stateDir).ID_SECRET;
  return ["acme", "globex"].map((id) =>
    devTenant({
      id,
      key,
      routes: { whatsapp: ECHO_ROUTE, slack: hiveRoute(id), discord: ECHO_ROUTE },
    }),
  );
}

async function portFor(wanted: number): Promise<number> {
  if (wanted > 0) {
    return wanted;
  }
  return wanted < 0 && (await isFree(PORT_DEFAULT)) ? PORT_DEFAULT : freePort();
}

/** Every line goes to `hub.log` in the state directory; what went wrong is shown as well. */
function logTo(stateDir: string, quiet: boolean): (line: HubLogLine) => void {
  const path = join(stateDir, "hub.log");
  return ({ level, message }) => {
    appendFileSync(path, `${message}\n`);
    if (!quiet && level === "error") {
      console.error(message);
    }
  };
}

function stopOnSignal(world: World): void {
  const stopClock = startClock(world.hub.crons, (cron) => {
    world.hub.triggerScheduled(cron).catch((error) => console.error(String(error)));
  });
  const stop = (): void => {
    stopClock();
    world.stop().then(
      () => process.exit(0),
      (error) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // Miniflare's own hook would exit at once with the signal's code; everything it does, `stop` does too.
    process.removeAllListeners(signal);
    process.once(signal, stop);
  }
}

function readyLine({ hub, simulators }: World): string {
  return JSON.stringify({
    url: hub.url,
    adminKey: hub.adminKey,
    simulators: simulators.origins,
  });
}

async function welcome(
  world: World,
  kits: readonly DevTenantKit[],
  options: Options,
  tookMs: number,
): Promise<void> {
  const { hub, simulators } = world;
  const output = outputTo(process.stdout);
  output.line();
  output.line(`${output.bold("omni-edge")} is up ${output.dim(`after ${tookMs} ms`)}`);
  output.fields([
    ["hub", hub.url],
    ["admin key", hub.adminKey],
    ["API", `${hub.url}/openapi.json`],
    ["state", options.state],
    ...Object.entries(simulators.origins).map(
      ([name, url]) => [`${name} (simulated)`, url] as const,
    ),
  ]);
  output.line();
  const [first] = kits;
  if (first && options.demo) {
    await runDemo({ hub, tenant: first.tenant.id, sources: first.sources, output });
    output.line();
  }
  output.line(output.dim("Ctrl-C ends everything."));
}
