/** How a turn ends: committed with its replies, handed on, tried again later, or dead. */
import type {
  AttemptNote,
  DeadItem,
  OutboxItem,
  TakenTurn,
  TurnResult,
  TurnVerdict,
  WorkReply,
} from "../../schema/conversation.ts";
import { deepest } from "../events/chain.ts";
import { mintId } from "../messaging/message-id.ts";
import { shouldRing } from "./due.ts";
import { judgeFailure } from "./failure.ts";
import { HANDED_MS, HISTORY_MAX, TURN_ALIVE_MS } from "./limits.ts";
import {
  type ConversationState,
  type FrozenTurn,
  nextSeq,
  putOutbox,
  type Step,
  trimmed,
  waitingItems,
} from "./state.ts";
import { formTurn } from "./turns.ts";

/** Applies the result of the turn now frozen or leased. The caller has checked that it is this very turn. */
export function applyTurnResult(
  state: ConversationState,
  result: TurnResult,
  nowMs: number,
  random: () => number,
): Step<TurnVerdict> {
  const range = rangeOf(result.id);
  switch (result.is) {
    case "committed":
      return commitReplies(state, result, range.lastSeq, nowMs, random);
    case "handed":
      return handOver(state, result, range, nowMs);
    case "failed":
      return failTurn(state, result, range, nowMs, random);
  }
}

/** The turns queue's worker takes the handed turn, once; a second worker gets "none" until the lease is over. */
export function takeTurn(before: ConversationState, nowMs: number): Step<TakenTurn> {
  const none: Step<TakenTurn> = { state: before, writes: [], reply: { is: "none" } };
  const frozen = before.flow.turn;
  if (!before.config || frozen?.phase.is !== "handed" || frozen.phase.taken) return none;
  const fence = before.flow.fence + 1;
  const phase = { is: "handed", fence, untilMs: nowMs + TURN_ALIVE_MS, taken: true } as const;
  const flow = { ...before.flow, fence, turn: { ...frozen, phase } };
  const state = { ...before, flow };
  const turn = formTurn(
    { ...state, flow: { ...flow, turn: { ...frozen, phase: { is: "retry", dueMs: 0 } } } },
    nowMs,
  );
  if (!turn) return none;
  const reply: TakenTurn = {
    is: "taken",
    fence,
    turn: { ...turn, attempt: frozen.attempt },
    config: before.config,
    override: flow.override,
  };
  return { state, writes: [{ put: "flow", flow }], reply };
}

/**
 * The worker of a taken turn is alive: its deadline moves on, in memory only. After a crash of either side the
 * written deadline counts again, so that nobody waits long for a worker that is gone.
 */
export function beat(before: ConversationState, fence: number, nowMs: number): Step<boolean> {
  const frozen = before.flow.turn;
  if (frozen?.phase.is !== "handed" || frozen.phase.fence !== fence) {
    return { state: before, writes: [], reply: false };
  }
  const phase = { ...frozen.phase, untilMs: nowMs + TURN_ALIVE_MS };
  const state = { ...before, flow: { ...before.flow, turn: { ...frozen, phase } } };
  return { state, writes: [], reply: true };
}

/** Ends a taken turn. A stale fence is refused: the turn was interrupted, or somebody else has it. */
export function finishTaken(
  before: ConversationState,
  fence: number,
  result: TurnResult,
  nowMs: number,
  random: () => number,
): Step<WorkReply & { readonly ring?: boolean }> {
  const frozen = before.flow.turn;
  const ours =
    frozen?.phase.is === "handed" && frozen.phase.fence === fence && frozen.id === result.id;
  if (!ours) return { state: before, writes: [], reply: { is: "fenced" } };
  const applied = applyTurnResult(before, result, nowMs, random);
  const writes = [...applied.writes, { put: "flow", flow: applied.state.flow } as const];
  const state = trimmed({ ...applied.state, rings: 0 });
  const more = shouldRing({ ...state, tokenUntilMs: 0 }, nowMs);
  return { state, writes, reply: { is: "ok", deads: [], more, turn: applied.reply } };
}

/** A handed turn whose worker never came back counts as one failed attempt. */
export function recoverHanded(
  state: ConversationState,
  nowMs: number,
  random: () => number,
): Step<undefined> {
  const frozen = state.flow.turn;
  if (frozen?.phase.is !== "handed" || frozen.phase.untilMs > nowMs) {
    return { state, writes: [], reply: undefined };
  }
  // One that nobody has taken yet has not been tried: its token was lost, or the queue is long.
  const { taken } = frozen.phase;
  const reason = taken ? "worker_lost" : "not_taken";
  const result = {
    id: frozen.id,
    is: "failed",
    reason,
    retryable: true,
    afterMs: 0,
    counts: taken,
  } as const;
  const failed = failTurn(state, result, rangeOf(frozen.id), nowMs, random);
  return {
    ...failed,
    writes: [...failed.writes, { put: "flow", flow: failed.state.flow }],
    reply: undefined,
  };
}

type Range = { readonly firstSeq: number; readonly lastSeq: number };

function rangeOf(turnId: string): Range {
  const [first, last] = turnId.split("_").slice(-2);
  return { firstSeq: Number.parseInt(first ?? "0", 36), lastSeq: Number.parseInt(last ?? "0", 36) };
}

function commitReplies(
  state: ConversationState,
  result: Extract<TurnResult, { is: "committed" }>,
  lastSeq: number,
  nowMs: number,
  random: () => number,
): Step<TurnVerdict> {
  const newest = state.inbox.find((item) => item.seq === lastSeq);
  const traits = { ...result.traits, ...(newest ? { receivedAtMs: newest.atMs } : {}) };
  const { turn: _, ...flow } = {
    ...state.flow,
    settledSeq: Math.max(state.flow.settledSeq, lastSeq),
  };
  let seq = state.lastSeq;
  const items = result.replies.map((draft): OutboxItem => {
    seq = nextSeq(seq, nowMs);
    return {
      ...draft,
      seq,
      id: mintId("msg", seq, random),
      turnId: result.id,
      group: newest?.message.group ?? false,
      createdAtMs: nowMs,
      attempt: 0,
      steps: [],
      state: { is: "ready" },
      history: [],
      traits,
      ...(newest?.traceparent ? { traceparent: newest.traceparent } : {}),
      ...depthOf(state, draft),
    };
  });
  const next = {
    ...state,
    flow,
    outbox: [...state.outbox, ...items],
    lastSeq: seq,
    lastAtMs: nowMs,
  };
  return { state: next, writes: items.map((item) => putOutbox(next, item)), reply: "committed" };
}

/** A reply belongs to the chains of events of the messages that it answers. */
function depthOf({ inbox }: ConversationState, { answers }: Pick<OutboxItem, "answers">) {
  const ids = new Set(answers);
  return deepest(inbox.filter(({ id }) => ids.has(id)).map(({ depth }) => depth));
}

function handOver(
  state: ConversationState,
  result: Extract<TurnResult, { is: "handed" }>,
  range: Range,
  nowMs: number,
): Step<TurnVerdict> {
  const fence = state.flow.fence + 1;
  const frozen: FrozenTurn = {
    id: result.id,
    ...range,
    attempt: (state.flow.turn?.attempt ?? 0) + 1,
    history: state.flow.turn?.history ?? [],
    phase: { is: "handed", fence, untilMs: nowMs + HANDED_MS, taken: false },
  };
  return {
    state: { ...state, flow: { ...state.flow, fence, turn: frozen } },
    writes: [],
    reply: "handed",
  };
}

function failTurn(
  state: ConversationState,
  result: Extract<TurnResult, { is: "failed" }>,
  range: Range,
  nowMs: number,
  random: () => number,
): Step<TurnVerdict> {
  const wasHanded = state.flow.turn?.phase.is === "handed";
  const counts = result.counts ?? true;
  const begun = (state.flow.turn?.attempt ?? 0) + (wasHanded ? 0 : 1);
  const attempt = counts ? begun : begun - 1;
  const note: AttemptNote = {
    atMs: nowMs,
    attempt,
    reason: result.reason,
    ...(result.detail ? { detail: result.detail } : {}),
  };
  const history = [...(state.flow.turn?.history ?? []), note].slice(-HISTORY_MAX);
  const first = state.inbox.find((item) => item.seq === range.firstSeq);
  const facts = {
    stage: "turn" as const,
    attempt,
    retryable: result.retryable,
    counts,
    ageMs: nowMs - (first?.atMs ?? nowMs),
    attemptsMax: state.config?.attemptsMax,
    ...(result.afterMs !== undefined ? { afterMs: result.afterMs } : {}),
  };
  const verdict = judgeFailure(facts, random);
  if (verdict.is === "dead") return buryTurn(state, result, range, history, nowMs, random);
  const phase = { is: "retry", dueMs: nowMs + verdict.afterMs } as const;
  const turn: FrozenTurn = { id: result.id, ...range, attempt, history, phase };
  return { state: { ...state, flow: { ...state.flow, turn } }, writes: [], reply: "retry" };
}

/** The conversation goes on without it: its messages are settled, the letter keeps them. */
function buryTurn(
  state: ConversationState,
  result: Extract<TurnResult, { is: "failed" }>,
  range: Range,
  history: readonly AttemptNote[],
  nowMs: number,
  random: () => number,
): Step<TurnVerdict> {
  const items = waitingItems(state).filter(
    (item) => item.seq >= range.firstSeq && item.seq <= range.lastSeq,
  );
  const dead: DeadItem = {
    id: mintId("dl", nowMs, random),
    stage: "turn",
    reason: result.reason,
    messageId: items.at(-1)?.id ?? "",
    payload: JSON.stringify({ turn: result.id, items }),
    history,
    createdAtMs: nowMs,
  };
  const { turn: _, ...flow } = {
    ...state.flow,
    settledSeq: Math.max(state.flow.settledSeq, range.lastSeq),
  };
  const next = { ...state, flow, deads: [...state.deads, dead] };
  return { state: next, writes: [{ put: "dead", item: dead }], reply: "dead" };
}
