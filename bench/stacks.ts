/**
 * The stacks of `--peers`, each with a simulated Slack of its own: the hub with many Slack apps, and Node with
 * PostgreSQL and Redis behind it.
 */
import { rmSync } from "node:fs";
import { freePort } from "../dev/ports.ts";
import { startSimulators } from "../dev/simulators.ts";
import { temporaryState } from "../dev/state.ts";
import { devTenant, ECHO_ROUTE } from "../dev/tenants.ts";
import { startWorld } from "../dev/world.ts";
import { TenantInput } from "../schema/tenant.ts";
import type { Simulator } from "../simulators/simulator.ts";
import { startNode } from "./contenders.ts";
import { startDatabases } from "./databases.ts";
import type { SlackSource } from "./hub-target.ts";

export const STACKS = {
  hub: "this hub on workerd: objects, D1 and queue included",
  express: "Express + BullMQ + Redis + PostgreSQL",
  bolt: "Bolt + BullMQ + Redis + PostgreSQL",
} as const;
export type StackName = keyof typeof STACKS;

/** A stack under measurement. */
export interface Stack {
  readonly url: string;
  /** Whose webhooks it takes in; messages go round over them. */
  readonly sources: readonly SlackSource[];
  /** Processes whose trees are the stack. */
  pids(): readonly number[];
  /** Whether the row of the message with this text is there. */
  hasRow(text: string): Promise<boolean>;
  readonly platform: Simulator;
  stop(): Promise<void>;
}

/** The hub is given this many Slack apps, so that no reply waits for the pace of one (5 a second each). */
export const APPS = 16;
const MESSAGES_PER_MINUTE = 1_000_000;

/** This hub. Every message is answered; nothing is sent back by the platform. */
export async function startHubStack(): Promise<Stack> {
  const stateDir = temporaryState();
  const kits = Array.from({ length: APPS }, (_, index) =>
    devTenant({
      id: `hub${index}`,
      key: "bench",
      policy: { kind: "serial" },
      routes: { slack: ECHO_ROUTE },
    }),
  );
  const config = { limits: { messagesPerMinute: MESSAGES_PER_MINUTE } };
  const world = await startWorld({
    stateDir,
    tenants: kits.map(({ tenant }) => TenantInput.parse({ ...tenant, config })),
    onLog: () => undefined,
    quietPlatforms: true,
  });
  const { hub, simulators } = world;
  const platform = simulators.platforms.find((one) => one.name === "slack");
  const db = await hub.mf.getD1Database("DB");
  const row = db.prepare(
    "SELECT 1 FROM messages WHERE direction = 'inbound' AND instr(content, ?) > 0",
  );
  if (!platform) {
    throw new Error("no Slack");
  }
  return {
    url: hub.url,
    sources: kits.flatMap((kit) => kit.sources).filter((one) => one.channel === "slack"),
    platform,
    pids: () => [hub.workerdPid()],
    hasRow: async (text) => (await row.bind(text).first()) !== null,
    stop: async () => {
      await world.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

/** A peer with databases of its own and a simulated Slack. */
export async function startPeerStack(script: string): Promise<Stack> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.toReversed()) {
      await end();
    }
  };
  try {
    const databases = await startDatabases();
    stops.push(() => databases.stop());
    const simulators = await startSimulators({ quiet: true });
    stops.push(() => simulators.stop());
    const { tenant, sources } = devTenant({
      id: "peer",
      key: "bench",
      routes: { slack: ECHO_ROUTE },
    });
    simulators.open([TenantInput.parse(tenant)], "http://127.0.0.1:9");
    const [source] = sources;
    const platform = simulators.platforms.find((one) => one.name === "slack");
    if (source?.channel !== "slack" || !platform) {
      throw new Error("no Slack");
    }
    const rowsPort = await freePort();
    const target = await startNode(script, {
      ENDPOINT: `/webhooks/slack/${source.connection}`,
      SIGNING_SECRET: source.signingSecret,
      BOT_TOKEN: "xoxb-peer",
      SLACK_API: `${simulators.origins.slack}/api`,
      DATABASE_URL: databases.url,
      REDIS_PORT: String(databases.redisPort),
      ROWS_PORT: String(rowsPort),
    });
    stops.push(() => target.stop());
    return {
      url: target.url,
      sources: [source],
      platform,
      pids: () => [target.pid(), ...databases.pids],
      hasRow: async (text) =>
        (await fetch(`http://127.0.0.1:${rowsPort}/${encodeURIComponent(text)}`)).status === 200,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
