/**
 * What crosses the boundary of a conversation's Durable Object. Types only; every request carries `v`,
 * changes are additive, so that an old object and a new Worker (and the reverse) understand each other.
 */
import type { OutboundContent, StepResponse } from "./outbound.ts";
import type { ParsedMessage, Responder } from "./parsed.ts";
import type { TurnPolicy } from "./policy.ts";
import type { Route } from "./route.ts";

/** What a conversation has to know of its connection. Kept with it, so that its alarm can act alone. */
export interface ConversationConfig {
  readonly tenant: string;
  readonly connection: string;
  readonly conversation: string;
  readonly conversationKey: string;
  readonly policy: TurnPolicy;
  readonly sessionIdleMs: number;
  /** Silence after a person typed on the connected phone. 0 = never pause. */
  readonly humanPauseMs: number;
  /** Whether an edit of an already answered message starts a turn. */
  readonly editTurns: boolean;
  readonly backlogMax: number;
  readonly ringAfterMs: number;
  /** As in `vars.ts`; the defaults are those of `domain/conversation/limits.ts`. */
  readonly attemptsMax?: number;
  readonly uncertainHoldMs?: number;
}

/** A question of a workflow that is open in a conversation: what a reply is read by. */
export interface TaskAsk {
  readonly run: string;
  /** Unique within the run. */
  readonly task: string;
  readonly title: string;
  readonly choices: readonly { readonly id: string; readonly label?: string }[];
  /** Who may answer; absent: anybody. */
  readonly assignees?: readonly string[];
  /** Ids of the messages that asked, newest last. */
  readonly messages: readonly string[];
}

/** A conversation's own settings, over those of its connection. Set by operators. */
export interface ConversationOverride {
  readonly route?: Route;
  readonly policy?: TurnPolicy;
  /** Not a setting, but kept with them: the hub's own, for every worker that gets the conversation. */
  readonly asks?: readonly TaskAsk[];
}

export interface AcceptRequest {
  readonly v: 1;
  readonly config: ConversationConfig;
  readonly nowMs: number;
  readonly messages: readonly ParsedMessage[];
  readonly traceparent?: string;
  /** How deep in a chain of events (`EventMetadata`); absent: at its beginning. */
  readonly depth?: number;
}

export interface Accepted {
  readonly eventKey: string;
  readonly id: string;
  readonly duplicate: boolean;
}

export type AcceptReply =
  | {
      readonly ok: true;
      readonly value: {
        readonly accepted: readonly Accepted[];
        readonly ring: boolean;
        readonly dropped: readonly Dropped[];
      };
    }
  | {
      readonly ok: false;
      readonly failure: {
        readonly reason: "backlog_full";
        readonly pending: number;
        readonly retryAfterSeconds: number;
      };
    };

/** An item that will have no turn, and why. Stored all the same. */
export interface Dropped {
  readonly id: string;
  readonly reason: "busy" | "queue_full" | "paused" | "deleted";
}

/** A stored inbound (or echoed outbound) message as the object keeps it. */
export interface InboxItem {
  /** Strictly rising within the conversation, about ms since the epoch; never used twice. */
  readonly seq: number;
  readonly id: string;
  readonly atMs: number;
  readonly wantsTurn: boolean;
  readonly session: string;
  readonly message: ParsedMessage;
  readonly traceparent?: string;
  /** How deep in a chain of events (`EventMetadata`); absent: at its beginning. */
  readonly depth?: number;
}

export interface Turn {
  readonly id: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly attempt: number;
  readonly session: string;
  readonly items: readonly InboxItem[];
}

/** Something to send, in the order of `seq`. */
export interface OutboxItem {
  readonly seq: number;
  readonly id: string;
  readonly turnId?: string;
  /** Ids of the inbound messages this answers, newest last; for the timeline. */
  readonly answers: readonly string[];
  readonly content: OutboundContent;
  readonly replyTo?: string;
  readonly thread?: string;
  readonly group: boolean;
  readonly responder?: Responder;
  readonly createdAtMs: number;
  readonly attempt: number;
  readonly steps: readonly StepResponse[];
  readonly state: OutboxState;
  readonly history: readonly AttemptNote[];
  readonly traceparent?: string;
  /** How deep in a chain of events (`EventMetadata`); absent: at its beginning. */
  readonly depth?: number;
  readonly traits?: {
    readonly receivedAtMs?: number;
    readonly agentStartMs?: number;
    readonly agentEndMs?: number;
    readonly routedAtMs?: number;
    readonly route?: string;
  };
}

export type OutboxState =
  | { readonly is: "ready" }
  /** `maybe`: an earlier attempt may have taken effect; send again only if the platform makes that harmless, else ask. */
  | { readonly is: "sending"; readonly untilMs: number; readonly maybe: boolean }
  | { readonly is: "waiting"; readonly dueMs: number }
  /** The platform may have it: asked until `giveUpMs`, then listed as uncertain. */
  | {
      readonly is: "uncertain";
      readonly dueMs: number;
      readonly giveUpMs: number;
      readonly reason: string;
    }
  /** Ended, not yet written to D1. */
  | { readonly is: "recording"; readonly end: SendEnd; readonly dueMs: number }
  | { readonly is: "done"; readonly end: SendEnd };

export type SendEnd =
  | { readonly status: "sent"; readonly platformId?: string; readonly atMs: number }
  | { readonly status: "failed"; readonly reason: string; readonly atMs: number }
  | { readonly status: "uncertain"; readonly reason: string; readonly atMs: number };

export interface AttemptNote {
  readonly atMs: number;
  readonly attempt: number;
  readonly reason: string;
  readonly detail?: string;
}

export type LeaseReply =
  /** Nothing to do, or another worker is at it. */
  | { readonly is: "idle" }
  | {
      readonly is: "leased";
      readonly token: string;
      readonly config: ConversationConfig;
      readonly override: ConversationOverride;
      /** First lease ever: the conversation's own row in D1 is still to be written. */
      readonly unregistered: boolean;
      readonly persist: readonly InboxItem[];
      readonly turn?: Turn;
      readonly send?: OutboxItem;
      readonly deads: readonly DeadItem[];
      /** Platform ids we sent lately: echoes of our own sends are matched against them. */
      readonly ownPlatformIds: readonly string[];
    };

/** A dead letter whose row in D1 is still to be written. */
export interface DeadItem {
  readonly id: string;
  readonly stage: "turn" | "send";
  readonly reason: string;
  readonly messageId: string;
  readonly payload: string;
  readonly history: readonly AttemptNote[];
  readonly createdAtMs: number;
}

export interface ReplyDraft {
  readonly content: OutboundContent;
  readonly replyTo?: string;
  readonly thread?: string;
  readonly answers: readonly string[];
  readonly responder?: Responder;
}

/** All that a worker has to say at one time. Reports of sends count even where the lease is gone. */
export interface CommitRequest {
  readonly v: 1;
  /** Names this call, so that making it again after its answer was lost gives the first answer. */
  readonly call?: string;
  readonly token: string;
  readonly nowMs: number;
  readonly persistedSeq?: number;
  readonly registered?: boolean;
  /** Ids of `deads` now in D1. */
  readonly projected?: readonly string[];
  readonly turn?: TurnResult;
  readonly reports?: readonly SendReport[];
}

export type TurnResult =
  | {
      readonly id: string;
      readonly is: "committed";
      readonly replies: readonly ReplyDraft[];
      readonly traits?: OutboxItem["traits"];
    }
  /** Slow route: freeze the turn and hand it to the turns queue. */
  | { readonly id: string; readonly is: "handed" }
  | {
      readonly id: string;
      readonly is: "failed";
      readonly reason: string;
      readonly detail?: string;
      readonly retryable: boolean;
      readonly afterMs?: number;
      /** False: a refusal that says nothing about the turn uses up no attempt. */
      readonly counts?: boolean;
    };

export type WorkReply =
  | { readonly is: "fenced" }
  | {
      readonly is: "ok";
      readonly send?: OutboxItem;
      readonly deads: readonly DeadItem[];
      /** Something else is due right now: lease again. */
      readonly more: boolean;
      /** What became of the turn that was reported. */
      readonly turn?: TurnVerdict;
    };

export type TurnVerdict = "committed" | "handed" | "retry" | "dead" | "interrupted";

export interface SendReport {
  readonly seq: number;
  readonly attempt: number;
  readonly steps: readonly StepResponse[];
  readonly result:
    | { readonly is: "ended"; readonly end: SendEnd; readonly recorded: boolean }
    | { readonly is: "failed"; readonly reason: string; readonly detail?: string }
    /** Its end could not be written to D1 yet. */
    | { readonly is: "unrecorded" }
    | {
        readonly is: "retry";
        readonly reason: string;
        readonly detail?: string;
        readonly afterMs?: number;
        readonly counts: boolean;
      }
    | { readonly is: "uncertain"; readonly reason: string }
    /** Asked the platform: it does not have it. */
    | { readonly is: "absent" };
}

/** The frozen turn, as the worker of the turns queue takes it. */
export type TakenTurn =
  | { readonly is: "none" }
  | {
      readonly is: "taken";
      readonly fence: number;
      readonly turn: Turn;
      readonly config: ConversationConfig;
      readonly override: ConversationOverride;
    };
