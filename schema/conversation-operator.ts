/**
 * What operators and API clients ask of a conversation's object, beside the work of `conversation.ts`: sends,
 * its present state, dead letters going back. Types only; changes are additive.
 */
import type {
  ConversationConfig,
  ConversationOverride,
  InboxItem,
  OutboxItem,
  OutboxState,
  ReplyDraft,
} from "./conversation.ts";

export interface EnqueueRequest {
  readonly v: 1;
  readonly config: ConversationConfig;
  readonly nowMs: number;
  readonly id: string;
  readonly draft: Omit<ReplyDraft, "answers" | "responder">;
  readonly group: boolean;
  readonly traceparent?: string;
  /** How deep in a chain of events (`EventMetadata`); absent: at its beginning. */
  readonly depth?: number;
}

/** Everything about a conversation's present, ids and counts only. */
export interface ConversationStatus {
  readonly pending: number;
  readonly unpersisted: number;
  readonly outbox: number;
  readonly head?: {
    readonly id: string;
    readonly state: OutboxState["is"];
    readonly attempt: number;
  };
  readonly turn?: { readonly id: string; readonly attempt: number; readonly untilMs: number };
  readonly session?: string;
  readonly pausedUntilMs?: number;
  readonly override: ConversationOverride;
  readonly oldestPendingMs?: number;
  readonly alarmAtMs?: number;
}

/** A dead letter going back to where it failed. The ids stay, so that nothing takes effect twice. */
export type ReplayRequest = {
  readonly v: 1;
  readonly nowMs: number;
  readonly config: ConversationConfig;
} & (
  | { readonly stage: "turn"; readonly items: readonly InboxItem[] }
  | { readonly stage: "send"; readonly item: OutboxItem }
);
