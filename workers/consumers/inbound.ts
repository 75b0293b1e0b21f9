/**
 * The inbound queues: a batch of doorbells. Leases every conversation, writes what is new of all of them to
 * D1 in one statement, then works each conversation off on its own, so that none waits for another.
 */
import { databaseFor } from "../../platform/database.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import { QueueToken } from "../../platform/queue-tokens.ts";
import { mapBounded } from "./bounded.ts";
import { leaseConversation, workOff } from "./drain.ts";
import { type Leased, letGo } from "./leased.ts";
import { persistAll } from "./persist.ts";

/** Conversations leased, or worked on for one tenant, at the same time: workerd opens six connections at once. */
const CONCURRENCY_MAX = 6;

export async function consumeInbound(batch: MessageBatch, env: Env): Promise<void> {
  const startMs = Date.now();
  const tokens = readTokens(batch);
  const leased = await mapBounded(tokens, CONCURRENCY_MAX, (token) => leaseToken(env, token));
  const held = leased.filter((one) => one !== undefined);
  const persisted = await persistAll(env, held);
  await finishAll(env, held, persisted);
  logLine("batch.consumed", {
    queue: "inbound",
    tokens: batch.messages.length,
    conversations: held.length,
    durationMs: Date.now() - startMs,
  });
}

/** Bounded for each tenant on its own: one that waits for its platform's pace stands in nobody else's way. */
async function finishAll(
  env: Env,
  held: readonly Leased[],
  persisted: ReadonlyMap<string, boolean>,
): Promise<void> {
  const tenants = Map.groupBy(held, (one) => one.of.tenant);
  const finishOwn = (own: readonly Leased[]) =>
    mapBounded(own, CONCURRENCY_MAX, (one) => finish(env, one, persisted.get(one.token) ?? false));
  await Promise.all([...tenants.values()].map(finishOwn));
}

/** One token per conversation; the others of the same batch ring for the same work. Unknown versions come back. */
function readTokens(batch: MessageBatch): readonly QueueToken[] {
  const tokens = new Map<string, QueueToken>();
  for (const message of batch.messages) {
    const token = QueueToken.safeParse(message.body);
    if (!token.success) {
      count("queue_tokens_total", { queue: "inbound", outcome: "unknown" });
      message.retry({ delaySeconds: 60 });
      continue;
    }
    message.ack();
    tokens.set(`${token.data.tenant}:${token.data.conversation}`, token.data);
  }
  return [...tokens.values()];
}

/** A lease that can't be had is not an error of the token: the conversation's alarm rings again. */
async function leaseToken(env: Env, token: QueueToken): Promise<Leased | undefined> {
  try {
    return await leaseConversation(env, token);
  } catch {
    count("queue_tokens_total", { queue: "inbound", outcome: "unreachable" });
    return undefined;
  }
}

async function finish(env: Env, leased: Leased, persisted: boolean): Promise<void> {
  try {
    if (persisted) await workOff(env, leased, databaseFor(env, leased.of.tenant));
    else await letGo(env, leased.of, leased.work.token);
  } catch (error) {
    logLine("conversation.stalled", {
      tenant: leased.of.tenant,
      conversation: leased.of.conversation,
      code: errorName(error),
    });
    await letGo(env, leased.of, leased.work.token);
  }
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}
