/**
 * The state of one conversation: what its Durable Object keeps (durable) and what it may forget with
 * its memory (volatile). Every decision in this folder takes a state and `nowMs` and returns the next
 * state with the rows to write; a crash between two decisions loses the volatile part and nothing else.
 */
import type {
  AttemptNote,
  ConversationConfig,
  ConversationOverride,
  DeadItem,
  InboxItem,
  OutboxItem,
} from "../../schema/conversation.ts";

/** A turn that outlives its lease: handed to the turns queue, or waiting to be tried again. */
export interface FrozenTurn {
  readonly id: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly attempt: number;
  readonly history: readonly AttemptNote[];
  readonly phase:
    | {
        readonly is: "handed";
        readonly fence: number;
        readonly untilMs: number;
        readonly taken: boolean;
      }
    | { readonly is: "retry"; readonly dueMs: number };
}

/** The one row of state that is not a message. Watermarks are also carried by outbox rows; the highest counts. */
export interface Flow {
  readonly v: 1;
  /** Everything up to here is in D1. */
  readonly persistedSeq: number;
  /** Everything up to here has had its effect, or will have none. */
  readonly settledSeq: number;
  readonly fence: number;
  readonly turn?: FrozenTurn;
  readonly pausedUntilMs?: number;
  readonly session?: string;
  readonly override: ConversationOverride;
  readonly registered: boolean;
  /** Which pair of tables takes new rows, and since when. */
  readonly generation: { readonly index: 0 | 1; readonly startedMs: number };
}

export interface ConversationState {
  readonly config?: ConversationConfig;
  readonly flow: Flow;
  /** Items above either watermark, by seq. */
  readonly inbox: readonly InboxItem[];
  /** Items not done, by seq. */
  readonly outbox: readonly OutboxItem[];
  readonly deads: readonly DeadItem[];
  /** Platform ids of what was sent lately, newest last. */
  readonly ownPlatformIds: readonly string[];
  readonly lastSeq: number;
  readonly lastAtMs: number;
  /** Volatile: who works on this conversation now, and on which turn. */
  readonly lease?: { readonly token: string; readonly untilMs: number; readonly turnId?: string };
  /** Volatile: a queue token is on its way until then. */
  readonly tokenUntilMs: number;
  /** Volatile: rings since something last moved. */
  readonly rings: number;
}

/** A row to write, in one transaction with the others of its decision. */
export type Write =
  /** `fresh`: not in any table yet. */
  | { readonly put: "inbox"; readonly item: InboxItem; readonly fresh: boolean }
  | {
      readonly put: "outbox";
      readonly item: OutboxItem;
      readonly persistedSeq: number;
      readonly settledSeq: number;
    }
  | { readonly put: "flow"; readonly flow: Flow }
  | { readonly put: "config"; readonly config: ConversationConfig }
  | { readonly put: "dead"; readonly item: DeadItem }
  | { readonly drop: "dead"; readonly id: string }
  /** Empty the older pair of tables and write to it from now on; `carry` moves along. */
  | {
      readonly rotate: 0 | 1;
      readonly inbox: readonly InboxItem[];
      readonly outbox: readonly OutboxItem[];
    };

export interface Step<R> {
  readonly state: ConversationState;
  readonly writes: readonly Write[];
  readonly reply: R;
}

/** A conversation that has never been spoken in. */
export function emptyState(nowMs: number): ConversationState {
  return {
    flow: {
      v: 1,
      persistedSeq: 0,
      settledSeq: 0,
      fence: 0,
      override: {},
      registered: false,
      generation: { index: 0, startedMs: nowMs },
    },
    inbox: [],
    outbox: [],
    deads: [],
    ownPlatformIds: [],
    lastSeq: 0,
    lastAtMs: 0,
    tokenUntilMs: 0,
    rings: 0,
  };
}

/** The next sequence number: strictly rising, and never below the clock, so that a forgotten conversation starts above its past. */
export function nextSeq(lastSeq: number, nowMs: number): number {
  return Math.max(lastSeq + 1, Math.floor(nowMs));
}

/** Items that want a turn and have not had it, oldest first. */
export function waitingItems(state: ConversationState): readonly InboxItem[] {
  return state.inbox.filter((item) => item.wantsTurn && item.seq > state.flow.settledSeq);
}

/** True while a turn is being worked on, anywhere. */
export function turnRuns(state: ConversationState, nowMs: number): boolean {
  return (
    state.flow.turn !== undefined || (leased(state, nowMs) && state.lease?.turnId !== undefined)
  );
}

export function leased(state: ConversationState, nowMs: number): boolean {
  return state.lease !== undefined && state.lease.untilMs > nowMs;
}

/** Lets go of items that both watermarks have passed. */
export function trimmed(state: ConversationState): ConversationState {
  const low = Math.min(state.flow.persistedSeq, state.flow.settledSeq);
  const inbox = state.inbox.filter(
    (item) => item.seq > low && (item.seq > state.flow.persistedSeq || item.wantsTurn),
  );
  return { ...state, inbox, outbox: state.outbox.filter((item) => item.state.is !== "done") };
}

/** Also carries the watermarks, so that a committed turn with a reply needs no row of its own. */
export function putOutbox(state: ConversationState, item: OutboxItem): Write {
  const { persistedSeq, settledSeq } = state.flow;
  return { put: "outbox", item, persistedSeq, settledSeq };
}
