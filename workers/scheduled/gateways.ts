/** Makes sure that every Discord bot that wants a Gateway socket has one: bots are packed, many to an object. */
import { gauge } from "../../platform/metrics.ts";
import { hash32 } from "../../platform/queues.ts";

/** Objects the bots are spread over by hash. Each holds up to 50 sockets; with 64, some 2000 bots find room. */
const GATEWAY_OBJECTS = 64;
const BOTS_MAX = 2000;

interface Bot {
  readonly tenant: string;
  readonly connectionId: string;
}

interface GatewayRpc {
  ensure(bots: readonly Bot[]): Promise<{ readonly full: readonly string[] }>;
  drop(connectionId: string): Promise<void>;
}

export async function watchGateways(env: Env): Promise<void> {
  const rows = await env.DB.prepare(
    "SELECT id, tenant_id FROM connections WHERE channel = 'discord' AND active = 1 AND json_extract(config, '$.gateway') = 1 LIMIT ?",
  )
    .bind(BOTS_MAX)
    .all<{ id: string; tenant_id: string }>();
  const bots = rows.results.map((row) => ({ tenant: row.tenant_id, connectionId: row.id }));
  gauge("gateway_sessions", { state: "wanted" }, bots.length);
  const groups = Map.groupBy(bots, (bot) => objectOf(bot.connectionId));
  await Promise.all([...groups].map(([object, group]) => place(env, object, group)));
}

/** Starts, restarts or ends the socket of one bot now: its connection was added, changed or removed. */
export async function renewGateway(env: Env, bot: Bot, wanted: boolean): Promise<void> {
  const object = objectOf(bot.connectionId);
  await Promise.all(
    [object, nextObject(object)].map((one) => gateway(env, one).drop(bot.connectionId)),
  );
  if (wanted) await place(env, object, [bot]);
}

/** An object that is full passes the rest to its neighbour. */
async function place(env: Env, object: number, bots: readonly Bot[]): Promise<void> {
  const { full } = await gateway(env, object).ensure(bots);
  if (full.length === 0) return;
  const rest = bots.filter((bot) => full.includes(bot.connectionId));
  await gateway(env, nextObject(object)).ensure(rest);
}

function gateway(env: Env, object: number): GatewayRpc {
  return env.DISCORD_GATEWAY.getByName(`gateway:${object}`) as unknown as GatewayRpc;
}

function objectOf(connectionId: string): number {
  return hash32(connectionId) % GATEWAY_OBJECTS;
}

function nextObject(object: number): number {
  return (object + 1) % GATEWAY_OBJECTS;
}
