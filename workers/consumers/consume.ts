/** Every queue of the hub and who works it off. An unknown queue is a deploy mistake: its messages come back. */
import { flushOutcomes } from "../../platform/admission.ts";
import { count, flushMetrics } from "../../platform/metrics.ts";
import { consumeInbound } from "./inbound.ts";
import { exportJourneys } from "./journey.ts";
import { consumeTurns } from "./turns.ts";

export async function consume(batch: MessageBatch, env: Env): Promise<void> {
  if (batch.queue.startsWith("inbound-")) await consumeInbound(batch, env);
  else if (batch.queue === "turns") await consumeTurns(batch, env);
  else if (batch.queue === "tokens-dead") countDead(batch);
  else batch.retryAll({ delaySeconds: 60 });
  await Promise.all([flushOutcomes(env), exportJourneys(env)]);
  await flushMetrics(env, Date.now());
}

/** A token is a doorbell: what it rang for is safe in its conversation, whose alarm rings again. */
function countDead(batch: MessageBatch): void {
  count("queue_tokens_total", { queue: "tokens-dead", outcome: "dead" }, batch.messages.length);
  batch.ackAll();
}
