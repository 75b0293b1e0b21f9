/** A running hub with the two tenants of the hostile cases, and what can be counted in it from outside. */
import { rmSync } from "node:fs";
import { type Hub, startHub } from "../../../dev/runtime.ts";
import { type DevSimulators, startSimulators } from "../../../dev/simulators.ts";
import { temporaryState } from "../../../dev/state.ts";
import { nastyTenants, type SignedRequest } from "./cases.ts";

export interface Counts {
  readonly messages: number;
  readonly effects: number;
  readonly quarantined: number;
  /** Rows of any other tenant. */
  readonly foreign: number;
}

export interface NastyWorld {
  readonly hub: Hub;
  readonly simulators: DevSimulators;
  readonly logs: string[];
  counts(): Promise<Counts>;
  rows(): Promise<readonly Record<string, unknown>[]>;
  stop(): Promise<void>;
}

export async function startNastyWorld(): Promise<NastyWorld> {
  const simulators = await startSimulators({ quiet: true });
  const stateDir = temporaryState();
  const logs: string[] = [];
  const hub = await startHub({
    stateDir,
    simulators: simulators.origins,
    bindings: { RING_AFTER_MS: "1000" },
    onLog: (line) => logs.push(line.message),
  });
  const tenants = nastyTenants();
  for (const tenant of tenants) await addTenant(hub, tenant);
  simulators.open(tenants as never, hub.url);
  const db = await hub.mf.getD1Database("DB");
  return {
    hub,
    simulators,
    logs,
    counts: async () => {
      const row = await db
        .prepare(
          `SELECT (SELECT count(*) FROM messages WHERE tenant_id = 'acme' AND (direction = 'inbound' OR json_extract(metadata, '$.turn') IS NULL)) AS messages,
           (SELECT count(*) FROM messages WHERE tenant_id = 'acme' AND direction = 'outbound' AND json_extract(metadata, '$.turn') IS NOT NULL) AS effects,
           (SELECT count(*) FROM dead_letters WHERE tenant_id = 'acme' AND stage = 'quarantine') AS quarantined,
           (SELECT count(*) FROM messages WHERE tenant_id <> 'acme') + (SELECT count(*) FROM dead_letters WHERE tenant_id <> 'acme') AS "foreign"`,
        )
        .first<Counts>();
      if (!row) throw new Error("no counts");
      return row;
    },
    rows: async () =>
      (await db.prepare("SELECT * FROM messages ORDER BY id").all<Record<string, unknown>>())
        .results,
    stop: async () => {
      await hub.stop();
      await simulators.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

async function addTenant(hub: Hub, tenant: unknown): Promise<void> {
  const response = await fetch(`${hub.url}/tenants`, {
    method: "POST",
    headers: { authorization: `Bearer ${hub.adminKey}`, "content-type": "application/json" },
    body: JSON.stringify(tenant),
  });
  if (response.status !== 201)
    throw new Error(`tenant not added: ${response.status} ${await response.text()}`);
}

/** Sends one signed request as it is. */
export function knock(hub: Hub, request: SignedRequest): Promise<Response> {
  const headers = new Headers();
  for (const [name, value] of request.headers) headers.append(name, value);
  const bodyless = request.method === "GET" || request.method === "HEAD";
  return fetch(`${hub.url}${request.path}`, {
    method: request.method,
    headers,
    redirect: "manual",
    ...(bodyless ? {} : { body: request.body }),
  });
}
