/** The doorbells: tokens that say "this conversation has something to do", and nothing else. */
import type { EventToken, QueueToken } from "./queue-tokens.ts";

type InboundBindings = Pick<Env, "INBOUND_0" | "INBOUND_1" | "INBOUND_2" | "INBOUND_3">;

/** Rings for a conversation on the inbound queue its tenant always uses. Rejects as the queue does. */
export async function ringInbound(
  env: InboundBindings,
  tenant: string,
  conversation: string,
): Promise<void> {
  const queues = [env.INBOUND_0, env.INBOUND_1, env.INBOUND_2, env.INBOUND_3] as const;
  const queue = queues[hash32(tenant) % queues.length] ?? env.INBOUND_0;
  await queue.send({ v: 1, tenant, conversation } satisfies QueueToken);
}

/** Rings for a turn that was handed on because its route is slow. */
export async function ringTurns(
  env: Pick<Env, "TURNS">,
  tenant: string,
  conversation: string,
): Promise<void> {
  await env.TURNS.send({ v: 1, tenant, conversation } satisfies QueueToken);
}

/** Rings for subscriptions of one shard. Rejects as the queue does. */
export async function ringEvents(
  env: Pick<Env, "EVENTS">,
  of: Pick<EventToken, "tenant" | "shard">,
  subscriptions: readonly string[],
): Promise<void> {
  const { tenant, shard } = of;
  for (let at = 0; at < subscriptions.length; at += SEND_BATCH_MAX) {
    const tokens = subscriptions.slice(at, at + SEND_BATCH_MAX).map((subscription) => ({
      body: { v: 1, tenant, shard, subscription } satisfies EventToken,
    }));
    await env.EVENTS.sendBatch(tokens);
  }
}

/** Messages in one `sendBatch` (Queues limits). */
const SEND_BATCH_MAX = 100;

/** FNV-1a: stable over deploys, which is all that is asked of it. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++)
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
