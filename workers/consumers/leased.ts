/** A conversation held by a worker, and the object it belongs to. */
import { type ConversationRpc, conversationOf } from "../../platform/conversations.ts";
import type { Located } from "../../platform/directory.ts";
import type { QueueToken } from "../../platform/queues.ts";
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
