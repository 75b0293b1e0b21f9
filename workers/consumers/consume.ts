/** Every queue of the hub and who works it off. An unknown queue is a deploy mistake: its messages come back. */
import { flushOutcomes } from "../../platform/admission.ts";
import { flushAudit } from "../../platform/audit-buffer.ts";
import { count, flushMetrics } from "../../platform/metrics.ts";
import { isolateOf } from "../isolate.ts";
import { publishOwed } from "../operations/publish-owed.ts";
import { consumeEvents } from "./events.ts";
import { consumeInbound } from "./inbound.ts";
import { exportJourneys } from "./journey.ts";
import { consumeTurns } from "./turns.ts";

export async function consume(
  batch: MessageBatch,
  env: Env,
  context: ExecutionContext,
): Promise<void> {
  if (batch.queue.startsWith("inbound-"))
    await held(env, consumeInbound(batch, env), INBOUND_HOLD_MS, context);
  else if (batch.queue === "turns")
    await held(env, consumeTurns(batch, env), turnsHoldMs(env), context);
  else if (batch.queue === "events")
    await held(env, consumeEvents(batch, env), turnsHoldMs(env), context);
  else if (batch.queue === "tokens-dead") countDead(batch);
  else batch.retryAll({ delaySeconds: 60 });
  // Behind the batch: a trail that does not answer holds up no message.
  context.waitUntil(flushAudit(env, Date.now()));
  await Promise.all([flushOutcomes(env), exportJourneys(env), publishOwed(env)]);
  await flushMetrics(env, Date.now());
}

/**
 * Holds the batch until its work is done, but not for long: one platform that hangs must not keep the next
 * batch waiting. What is still under way goes on behind it; its conversations are leased to it as before, and what
 * it counts is handed over when it ends.
 */
async function held(
  env: Env,
  work: Promise<void>,
  holdMs: number,
  context: ExecutionContext,
): Promise<void> {
  let isBehind = false;
  const toItsEnd = async (): Promise<void> => {
    try {
      await work;
    } finally {
      if (isBehind) await Promise.all([flushAudit(env, Date.now()), flushMetrics(env, Date.now())]);
    }
  };
  context.waitUntil(toItsEnd());
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      isBehind = true;
      resolve();
    }, holdMs);
  });
  await Promise.race([work, over]);
  clearTimeout(timer);
}

/** A send ends within 15 s of its start, and work behind a finished handler may take 30 s (Workers limits). */
const INBOUND_HOLD_MS = 250;

/**
 * A slow turn may take longer than work behind a finished handler lives: in production its batch is held to
 * the end, and other batches run beside it (Queues: up to 250 consumers at once). The local broker has one
 * consumer only; there nothing ends work behind a handler, and it is let go to be as concurrent as production.
 */
function turnsHoldMs(env: Env): number {
  return isolateOf(env).vars.ENVIRONMENT === "production" ? TURNS_HOLD_MS : INBOUND_HOLD_MS;
}

/** Queues end a consumer after 15 minutes. */
const TURNS_HOLD_MS = 14 * 60_000;

/** A token is a doorbell: what it rang for is safe in its conversation, whose alarm rings again. */
function countDead(batch: MessageBatch): void {
  count("queue_tokens_total", { queue: "tokens-dead", outcome: "dead" }, batch.messages.length);
  batch.ackAll();
}
