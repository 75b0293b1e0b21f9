/** A conversation held by a worker, and the object it belongs to. */
import { type ConversationRpc, conversationOf, insist } from "../../platform/conversations.ts";
import type { Located } from "../../platform/directory.ts";
import { count } from "../../platform/metrics.ts";
import type { QueueToken } from "../../platform/queue-tokens.ts";
import type { LeaseReply } from "../../schema/conversation.ts";

/** A conversation held by this worker. */
export interface Leased {
  readonly of: QueueToken;
  readonly token: string;
  readonly work: Extract<LeaseReply, { is: "leased" }>;
  readonly located: Located;
}

export function conversationStub(env: Env, of: QueueToken): ConversationRpc {
  return conversationOf(env, of.tenant, of.conversation);
}

/** Gives a lease back. Where even that fails it ends by itself, after 30 s. Never rejects. */
export async function letGo(env: Env, of: QueueToken, token: string): Promise<void> {
  await insist(() => conversationStub(env, of).giveUp(token, Date.now())).catch(() =>
    count("queue_tokens_total", { queue: "inbound", outcome: "stuck" }),
  );
}
