/**
 * The turns queue: turns that wait for somebody else's server or for files. The turn was frozen when it was
 * handed over, so every attempt sees the same messages under the same id.
 */
import { TURN_BEAT_MS } from "../../domain/conversation/limits.ts";
import { conversationOf, insist } from "../../platform/conversations.ts";
import { databaseFor } from "../../platform/database.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import { QueueToken } from "../../platform/queue-tokens.ts";
import type { TakenTurn, TurnResult } from "../../schema/conversation.ts";
import { isolateOf } from "../isolate.ts";
import { mapBounded } from "./bounded.ts";
import { visit } from "./drain.ts";
import { runTurn } from "./run-turn.ts";

const CONCURRENCY_MAX = 5;

export async function consumeTurns(batch: MessageBatch, env: Env): Promise<void> {
  await mapBounded(batch.messages, CONCURRENCY_MAX, async (message) => {
    const token = QueueToken.safeParse(message.body);
    if (!token.success) {
      count("queue_tokens_total", { queue: "turns", outcome: "unknown" });
      message.retry({ delaySeconds: 60 });
      return;
    }
    message.ack();
    await work(env, token.data);
  });
}

/** Whatever goes wrong here, the frozen turn's own deadline brings it back. */
async function work(env: Env, of: QueueToken): Promise<void> {
  try {
    const object = () => conversationOf(env, of.tenant, of.conversation);
    const taken = await insist((call) => object().takeTurn(Date.now(), call));
    if (taken.is === "none") return;
    const result = await whileAlive(env, of, taken.fence, resultOf(env, of, taken));
    const ended = await insist((call) =>
      object().finishTurn(taken.fence, result, Date.now(), call),
    );
    if (ended.is === "fenced")
      count("messages_dropped_total", { tenant: of.tenant, reason: "interrupted" });
    await visit(env, of, databaseFor(env, of.tenant));
  } catch (error) {
    const code = error instanceof Error ? error.name : "unknown";
    logLine("turn.stalled", { tenant: of.tenant, conversation: of.conversation, code });
  }
}

/** Says again and again that this worker is alive, until the work is done. */
async function whileAlive<T>(
  env: Env,
  of: QueueToken,
  fence: number,
  work: Promise<T>,
): Promise<T> {
  const beats = setInterval(() => {
    conversationOf(env, of.tenant, of.conversation)
      .beatTurn(fence, Date.now())
      .catch(() => count("turn_beats_lost_total", { tenant: of.tenant }));
  }, TURN_BEAT_MS);
  try {
    return await work;
  } finally {
    clearInterval(beats);
  }
}

async function resultOf(
  env: Env,
  of: QueueToken,
  taken: Extract<TakenTurn, { is: "taken" }>,
): Promise<TurnResult> {
  const { id } = taken.turn;
  const located = await isolateOf(env).directory.byId(taken.config.connection, Date.now());
  if (located?.tenant.id !== of.tenant)
    return { id, is: "failed", reason: "connection_gone", retryable: false };
  try {
    return await runTurn(env, located, taken);
  } catch {
    return { id, is: "failed", reason: "internal", retryable: true };
  }
}
