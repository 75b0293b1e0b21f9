/**
 * One hub with every simulator beside it, as a user of the product would run them: tenants come in through
 * `POST /tenants`, people act at the platforms, and what happened is read from the simulators' call logs
 * and from the REST API.
 */
import { rmSync } from "node:fs";
import { type Hub, startHub } from "../../../dev/runtime.ts";
import { temporaryState } from "../../../dev/state.ts";
import { type AllOptions, type Simulators, startAll } from "../../../simulators/all.ts";
import { eventually, PATIENCE_MS } from "../runtime.ts";
import { type Api, apiOf } from "./api.ts";

/** Waits between a platform's retries and delivery states are thousandths of the real ones. */
const TIME_SCALE = 0.001;

export interface ChannelWorld extends Simulators {
  readonly hub: Hub;
  /** Everything the hub logged so far. */
  readonly logs: readonly string[];
  /** The operator's REST API. */
  readonly operator: Api;
  /** The REST API with a tenant's own key. */
  api(tenant: string): Api;
  /** Creates a tenant as the operator does; it gets a key with every scope. Throws when it is refused. */
  addTenant(tenant: Readonly<Record<string, unknown>> & { readonly id: string }): Promise<void>;
  /** What the side door of a simulator answers. */
  side(simulator: string, path: string, body?: unknown): Promise<unknown>;
}

export interface WorldOptions extends AllOptions {
  readonly bindings?: Readonly<Record<string, string>>;
}

/** Starts all of it. Remember `stopWorld` in `afterAll`. */
export async function startWorld(options: WorldOptions = {}): Promise<ChannelWorld> {
  const { bindings, ...simulated } = options;
  const simulators = await startAll({
    ...simulated,
    evolution: { timeScale: TIME_SCALE, ...simulated.evolution },
    slack: { timeScale: TIME_SCALE, ...simulated.slack },
    discord: { timeScale: TIME_SCALE, heartbeatMs: 2_000, ...simulated.discord },
  });
  const stateDir = temporaryState();
  const logs: string[] = [];
  const { evolution, slack, discord, hive } = simulators.urls;
  const hub = await startHub({
    stateDir,
    simulators: { evolution, slack, discord, hive },
    bindings: { RING_AFTER_MS: "1000", ...bindings },
    onLog: (line) => logs.push(line.message),
  });
  const operator = apiOf(hub.url, hub.adminKey);
  return {
    ...simulators,
    hub,
    logs,
    operator,
    api: (tenant) => apiOf(hub.url, keyOf(tenant)),
    addTenant: async (tenant) => {
      const apiKeys = [{ key: keyOf(tenant.id), scopes: ["*"] }];
      const answer = await operator.post("/tenants", { apiKeys, ...tenant });
      if (answer.status !== 201) throw new Error(JSON.stringify(answer));
    },
    side: (simulator, path, body) => side(simulator, path, body),
    stop: async () => {
      await hub.stop();
      await simulators.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

function keyOf(tenant: string): string {
  return `key-of-tenant-${tenant}`;
}

async function side(simulator: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${simulator}/_sim/${path}`, {
    method: body === undefined ? "GET" : "POST",
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    headers: { "content-type": "application/json" },
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** Echoes every text. */
export const ECHO = { kind: "direct", rules: [{ match: "", reply: "echo: {{text}}" }] } as const;

/** One turn for each message, so that every text has its own answer. */
export const SERIAL = { kind: "serial" } as const;

/** Waits until `probe` gives a value; the last state is in the error. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
  timeoutMs = PATIENCE_MS,
): Promise<T> {
  return eventually(what, async () => probe(), timeoutMs);
}

/** Gives what should not come a moment in which it would have come. */
export function moment(ms = 300): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
