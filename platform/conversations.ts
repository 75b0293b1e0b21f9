/**
 * The calls a conversation's object answers, typed by hand: workerd's own derivation gives up on messages
 * whose metadata is open (`unknown`). Rejects as the object does: `overloaded`, `retryable`, or lost.
 */
import type {
  AcceptReply,
  AcceptRequest,
  CommitRequest,
  ConversationOverride,
  ConversationStatus,
  EnqueueRequest,
  LeaseReply,
  ReplayRequest,
  TakenTurn,
  TurnResult,
  WorkReply,
} from "../schema/conversation.ts";
import type { StepResponse } from "../schema/outbound.ts";
import { conversationName } from "./conversation-id.ts";

/** See `durable-objects/conversation.ts`, which implements it. Times in ms since the epoch. */
export interface ConversationRpc {
  accept(request: AcceptRequest): Promise<AcceptReply>;
  lease(nowMs: number): Promise<LeaseReply>;
  commit(request: CommitRequest): Promise<WorkReply>;
  progress(
    token: string,
    seq: number,
    attempt: number,
    steps: readonly StepResponse[],
    nowMs: number,
  ): Promise<boolean>;
  giveUp(token: string, nowMs: number): Promise<void>;
  takeTurn(nowMs: number): Promise<TakenTurn>;
  beatTurn(fence: number, nowMs: number): Promise<boolean>;
  finishTurn(fence: number, result: TurnResult, nowMs: number): Promise<WorkReply>;
  enqueue(
    request: EnqueueRequest,
  ): Promise<{ readonly ring: boolean; readonly duplicate: boolean }>;
  replay(request: ReplayRequest): Promise<{ readonly ring: boolean }>;
  pause(untilMs: number, nowMs: number): Promise<void>;
  setOverride(override: ConversationOverride, nowMs: number): Promise<void>;
  status(): Promise<ConversationStatus>;
  sweep(
    nowMs: number,
  ): Promise<{ readonly forgotten: boolean; readonly behind: boolean; readonly nextMs: number }>;
}

/** The one object of a conversation. A stub that has failed is not used again: ask for a new one. */
export function conversationOf(
  env: Pick<Env, "CONVERSATION">,
  tenant: string,
  conversation: string,
): ConversationRpc {
  return env.CONVERSATION.getByName(
    conversationName(tenant, conversation),
  ) as unknown as ConversationRpc;
}
