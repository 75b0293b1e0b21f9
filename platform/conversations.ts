/**
 * The calls a conversation's object answers, typed by hand: workerd's own derivation gives up on messages
 * whose metadata is open (`unknown`). Rejects as the object does: `overloaded`, `retryable`, or lost.
 */

import type {
  AcceptReply,
  AcceptRequest,
  CommitRequest,
  ConversationOverride,
  LeaseReply,
  TakenTurn,
  TaskAsk,
  TurnResult,
  WorkReply,
} from "../schema/conversation.ts";
import type {
  ConversationStatus,
  EnqueueRequest,
  ReplayRequest,
} from "../schema/conversation-operator.ts";
import type { StepResponse } from "../schema/outbound.ts";
import { conversationName } from "./conversation-id.ts";

/** See `durable-objects/conversation.ts`, which implements it. Times in ms since the epoch. */
export interface ConversationRpc {
  accept(request: AcceptRequest): Promise<AcceptReply>;
  lease(nowMs: number, call?: string): Promise<LeaseReply>;
  commit(request: CommitRequest): Promise<WorkReply>;
  progress(
    token: string,
    seq: number,
    attempt: number,
    steps: readonly StepResponse[],
    nowMs: number,
  ): Promise<boolean>;
  giveUp(token: string, nowMs: number): Promise<void>;
  takeTurn(nowMs: number, call?: string): Promise<TakenTurn>;
  beatTurn(fence: number, nowMs: number): Promise<boolean>;
  finishTurn(fence: number, result: TurnResult, nowMs: number, call?: string): Promise<WorkReply>;
  enqueue(
    request: EnqueueRequest,
  ): Promise<{ readonly ring: boolean; readonly duplicate: boolean }>;
  replay(request: ReplayRequest): Promise<{ readonly ring: boolean }>;
  pause(untilMs: number, nowMs: number): Promise<void>;
  setOverride(override: ConversationOverride, nowMs: number): Promise<void>;
  /** A question is open here from now on, or is so with another message; the same again changes nothing. */
  ask(ask: TaskAsk, nowMs: number): Promise<void>;
  /** A question is over here. */
  unask(task: Pick<TaskAsk, "run" | "task">, nowMs: number): Promise<void>;
  status(): Promise<ConversationStatus>;
  sweep(
    nowMs: number,
  ): Promise<{ readonly forgotten: boolean; readonly behind: boolean; readonly nextMs: number }>;
  forget(nowMs: number): Promise<void>;
}

/** Waits before a lost call is made again, in ms (Cloudflare docs: retry with backoff, on a new stub). */
const RETRY_WAITS_MS = [50, 200, 800] as const;

/**
 * A worker's call, made again where it is lost. `call` names it, so that an object that did it and could not
 * say so gives its first answer again: what must happen only once has to carry the name along.
 */
export async function insist<T>(make: (call: string) => Promise<T>): Promise<T> {
  const call = crypto.randomUUID();
  for (const waitMs of RETRY_WAITS_MS) {
    try {
      return await make(call);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
  return make(call);
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
