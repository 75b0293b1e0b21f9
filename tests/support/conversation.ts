/** A conversation's object without workerd: the real rows, the real decisions, a clock and a kill switch. */
import { accept } from "../../domain/conversation/accept.ts";
import { alarmAtMs, shouldRing } from "../../domain/conversation/due.ts";
import { enqueue, pause, replay } from "../../domain/conversation/operator.ts";
import type { ConversationState, Step } from "../../domain/conversation/state.ts";
import { beat, finishTaken, takeTurn } from "../../domain/conversation/turn-results.ts";
import { commit, giveUp, lease } from "../../domain/conversation/work.ts";
import {
  applyWrites,
  createTables,
  findOutbox,
  knownKeys,
  loadState,
} from "../../durable-objects/conversation-storage.ts";
import type {
  AcceptRequest,
  CommitRequest,
  ConversationConfig,
  LeaseReply,
  TurnResult,
} from "../../schema/conversation.ts";
import type { EnqueueRequest, ReplayRequest } from "../../schema/conversation-operator.ts";
import type { ParsedMessage } from "../../schema/parsed.ts";
import { fakeStorage } from "./sql-storage.ts";

export const CONFIG: ConversationConfig = {
  tenant: "acme",
  connection: "acme-wa",
  conversation: "cnv_00000000000000000000000000",
  conversationKey: "5511900000001@s.whatsapp.net",
  policy: { kind: "burst" },
  sessionIdleMs: 1_800_000,
  humanPauseMs: 600_000,
  editTurns: false,
  backlogMax: 1000,
  ringAfterMs: 5000,
};

export function aMessage(
  over: Partial<ParsedMessage> & { readonly eventKey: string },
): ParsedMessage {
  return {
    kind: "message",
    origin: "contact",
    conversationKey: CONFIG.conversationKey,
    platformId: over.eventKey,
    sender: { id: "5511900000001", aliases: [] },
    group: false,
    content: { text: over.eventKey, media: [], metadata: {} },
    mentions: [],
    ...over,
  };
}

export function conversation(
  config: ConversationConfig = CONFIG,
  random: () => number = Math.random,
) {
  const storage = fakeStorage();
  createTables(storage.sql);
  let nowMs = 1_795_000_000_000;
  let state: ConversationState = loadState(storage.sql, nowMs);
  let written = 0;
  let tokens = 0;

  function apply<R>(step: Step<R>): R {
    storage.transactionSync(() =>
      applyWrites(storage.sql, step.writes, state.flow.generation.index),
    );
    written += step.writes.length;
    state = step.state;
    return step.reply;
  }

  return {
    get state() {
      return state;
    },
    get nowMs() {
      return nowMs;
    },
    /** Rows written so far. */
    get written() {
      return written;
    },
    wait(ms: number) {
      nowMs += ms;
    },
    /** Forgets all that is not in a table, as a killed process does. */
    crash() {
      createTables(storage.sql);
      state = loadState(storage.sql, nowMs);
    },
    accept(
      messages: readonly ParsedMessage[],
      over: Partial<ConversationConfig> = {},
      facts: Pick<AcceptRequest, "depth"> = {},
    ) {
      const known = knownKeys(
        storage.sql,
        messages.map((message) => message.eventKey),
      );
      return apply(
        accept(
          state,
          { ...facts, v: 1, config: { ...config, ...over }, nowMs, messages },
          known,
          random,
        ),
      );
    },
    lease: (): LeaseReply => apply(lease(state, nowMs, `token-${tokens++}`, random)),
    commit: (request: Omit<CommitRequest, "v" | "nowMs">) =>
      apply(commit(state, { v: 1, nowMs, ...request }, random)),
    pause: (untilMs: number) => apply(pause(state, untilMs, nowMs)),
    giveUp: (token: string) => apply(giveUp(state, token)),
    takeTurn: () => apply(takeTurn(state, nowMs)),
    beat: (fence: number) => apply(beat(state, fence, nowMs)),
    finishTurn: (fence: number, result: TurnResult) =>
      apply(finishTaken(state, fence, result, nowMs, random)),
    enqueue: (request: Omit<EnqueueRequest, "v" | "nowMs" | "config">) =>
      apply(
        enqueue(
          state,
          { v: 1, nowMs, config, ...request },
          findOutbox(storage.sql, request.id) !== undefined,
        ),
      ),
    replay: (
      request:
        | Pick<Extract<ReplayRequest, { stage: "turn" }>, "stage" | "items">
        | Pick<Extract<ReplayRequest, { stage: "send" }>, "stage" | "item">,
    ) => apply(replay(state, { v: 1, nowMs, config, ...request } as ReplayRequest)),
    shouldRing: () => shouldRing(state, nowMs),
    alarmAtMs: () => alarmAtMs(state, nowMs),
  };
}
