/** Makes sure that every Discord bot that wants a Gateway socket has one: bots are packed, many to an object. */
import { hash32 } from "../../platform/queues.ts";

/** Objects the bots are spread over: each holds one socket per bot and stays awake for all of them. */
const GATEWAY_OBJECTS = 4;
const BOTS_MAX = 2000;

interface GatewayRpc {
  ensure(bots: { readonly tenant: string; readonly connectionId: string }[]): Promise<unknown>;
}

export async function watchGateways(env: Env): Promise<void> {
  const rows = await env.DB.prepare(
    "SELECT id, tenant_id FROM connections WHERE channel = 'discord' AND active = 1 AND json_extract(config, '$.gateway') = 1 LIMIT ?",
  )
    .bind(BOTS_MAX)
    .all<{ id: string; tenant_id: string }>();
  const groups = Map.groupBy(rows.results, (row) => gatewayName(row.id));
  await Promise.all([...groups].map(([name, bots]) => gateway(env, name).ensure(bots.map(botOf))));
}

/** Starts (or restarts) the socket of one bot now, rather than at the next run. */
export async function ensureGateway(env: Env, tenant: string, connectionId: string): Promise<void> {
  await gateway(env, gatewayName(connectionId)).ensure([{ tenant, connectionId }]);
}

function gateway(env: Env, name: string): GatewayRpc {
  return env.DISCORD_GATEWAY.getByName(name) as unknown as GatewayRpc;
}

function gatewayName(connectionId: string): string {
  return `gateway:${hash32(connectionId) % GATEWAY_OBJECTS}`;
}

function botOf(row: { readonly id: string; readonly tenant_id: string }) {
  return { tenant: row.tenant_id, connectionId: row.id };
}
