/**
 * `npm run crash`: proves under SIGKILLs that what was acknowledged is answered once and in order. The last
 * line is a JSON report; the exit code is 0 only when nothing was lost, doubled, swapped, stuck or misdirected.
 */
import { rmSync } from "node:fs";
import type { Route } from "../schema/route.ts";
import { TenantInput } from "../schema/tenant.ts";
import { PLAN_BINDING } from "./crash/bindings.ts";
import { type CrashReport, runCrash } from "./crash/run.ts";
import { type Subscribers, startSubscribers } from "./crash/subscribers.ts";
import { intOption, parseOptions, UsageError } from "./options.ts";
import { temporaryState } from "./state.ts";
import { type DevTenantKit, devTenant, ECHO_ROUTE, hiveRoute } from "./tenants.ts";
import { startWorld } from "./world.ts";

const BREAKS = ["dedup", "order", "durability", "isolation"] as const;
/** A hung answer is one of the planned failures; the run should not wait for it as long as a person would. */
const HIVE_TIMEOUT_MS = 2000;
const USAGE = `npm run crash -- [options]
  --seed N       repeats a run's random choices (default: from the clock)
  --seconds N    how long messages are sent and the hub is killed (default 20)
  --messages N   messages to send (default 1000)
  --kills N      SIGKILLs of the runtime (default 10)
  --faults N     planned failures of the platforms (default 5 % of the messages)
  --bindings     the hub's own database, store, queues and objects fail as well, one call in a hundred
  --no-events    without customers' webhooks, which each message has to reach as an event
  --break WHAT   switches one guarantee off, to see the test fail: ${BREAKS.join(", ")}
  --verbose      shows what the hub logs`;

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : error);
  process.exitCode = 1;
}

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const report = await crash(options);
  const bad = faultsOf(report);
  for (const example of report.examples) {
    console.log(`  ${example}`);
  }
  console.log(
    bad.length === 0
      ? `✓ ${report.acked} acknowledged through ${report.kills} kills: nothing lost, doubled or out of order`
      : `✗ ${bad.join(", ")} (seed ${report.seed})`,
  );
  const { examples: _, lostMarks: __, ...figures } = report;
  console.log(JSON.stringify(figures));
  return bad.length === 0 ? 0 : 1;
}

/** The counters that have to be zero and are not, as "3 lost". */
function faultsOf(report: CrashReport): string[] {
  const { lost, duplicated, inversions, stuck, foreign, events } = report;
  const ofEvents = {
    "events missing": events?.missing ?? 0,
    "events doubled": events?.doubled ?? 0,
    "events out of order": events?.inversions ?? 0,
    "events misdirected": events?.foreign ?? 0,
  };
  return Object.entries({ lost, duplicated, inversions, stuck, foreign, ...ofEvents })
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`);
}

type Options = ReturnType<typeof readOptions>;

/** `injected`: calls of the hub's own bindings that were made to fail. */
async function crash(options: Options): Promise<CrashReport & { readonly injected: number }> {
  const stateDir = temporaryState();
  let injected = 0;
  const kits = [
    crashTenant("acme", ECHO_ROUTE),
    crashTenant("globex", hiveRoute("globex", HIVE_TIMEOUT_MS)),
  ];
  const world = await startWorld({
    stateDir,
    tenants: kits.map((kit) => TenantInput.parse(kit.tenant)),
    sources: kits.flatMap((kit) => kit.sources),
    bindings: {
      RING_AFTER_MS: "1000",
      ...(options.breaks && { BREAK: options.breaks }),
      ...(options.bindings && { FAULT_PLAN: PLAN_BINDING }),
    },
    onLog: ({ message }) => {
      if (message.includes('"fault.injected"')) injected += 1;
      if (options.verbose) console.log(message);
    },
  });
  let subscribers: Subscribers | undefined;
  try {
    const tenants = kits.map((kit) => kit.tenant.id);
    if (options.events) subscribers = await startSubscribers(world.hub, tenants);
    const lanes = kits.flatMap((kit) =>
      kit.sources.map((source) => ({ tenant: kit.tenant.id, source })),
    );
    const run = { ...options, ...(subscribers && { subscribers }) };
    const report = await runCrash(world, lanes, run, (line) => console.log(`  ${line}`));
    return { ...report, injected };
  } finally {
    await subscribers?.receiver.stop();
    await world.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** One turn per message, so that every message is owed exactly one reply. */
function crashTenant(id: string, slack: Route): DevTenantKit {
  return devTenant({
    id,
    key: "crash",
    policy: { kind: "serial" },
    routes: { whatsapp: ECHO_ROUTE, slack, discord: ECHO_ROUTE },
  });
}

function readOptions(args: readonly string[]) {
  const values = parseOptions(args, {
    seed: { type: "string" },
    seconds: { type: "string" },
    messages: { type: "string" },
    kills: { type: "string" },
    faults: { type: "string" },
    bindings: { type: "boolean", default: false },
    "no-events": { type: "boolean", default: false },
    break: { type: "string" },
    verbose: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  });
  const breaks = BREAKS.find((known) => known === values.break);
  if (values.break !== undefined && breaks === undefined) {
    throw new UsageError(`--break: expected one of ${BREAKS.join(", ")}, not "${values.break}"`);
  }
  const messages = intOption("messages", values.messages, { fallback: 1000, min: 1, max: 50_000 });
  return {
    seed: intOption("seed", values.seed, {
      fallback: Date.now() % 1_000_000,
      min: 0,
      max: 2 ** 31,
    }),
    seconds: intOption("seconds", values.seconds, { fallback: 20, min: 1, max: 3600 }),
    messages,
    kills: intOption("kills", values.kills, { fallback: 10, min: 0, max: 1000 }),
    faults: intOption("faults", values.faults, {
      fallback: Math.round(messages / 20),
      min: 0,
      max: 50_000,
    }),
    bindings: values.bindings,
    events: !values["no-events"],
    breaks,
    verbose: values.verbose,
    help: values.help,
  };
}
