/**
 * One conversation: the queue, the deduplication and the order of it, in one single-threaded place. Loads,
 * lets `domain/conversation` decide, saves; no decision is taken here and nothing is sent from here but
 * the ring of a doorbell. Everything that matters is in SQLite before an answer leaves (output gate).
 */
import { DurableObject } from "cloudflare:workers";
import { accept } from "../domain/conversation/accept.ts";
import { closeAsk, openAsk, overrideWith } from "../domain/conversation/asks.ts";
import { alarmAtMs, nextDueMs, shouldRing } from "../domain/conversation/due.ts";
import { FORGET_AFTER_MS } from "../domain/conversation/limits.ts";
import { enqueue, pause, replay } from "../domain/conversation/operator.ts";
import {
  type ConversationState,
  emptyState,
  type Step,
  type Write,
} from "../domain/conversation/state.ts";
import { beat, finishTaken, takeTurn } from "../domain/conversation/turn-results.ts";
import { commit, giveUp, lease, progress } from "../domain/conversation/work.ts";
import type { ConversationRpc } from "../platform/conversations.ts";
import { throughSeam } from "../platform/fault-seam.ts";
import { ringInbound } from "../platform/queues.ts";
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
import {
  applyWrites,
  createTables,
  findOutbox,
  isOneRow,
  knownKeys,
  loadState,
  seqsOf,
} from "./conversation-storage.ts";

/** The same calls on this side of the wire, where most of them answer at once. */
type Synchronous<T> = {
  [K in keyof T]: T[K] extends (...given: infer A) => Promise<infer R>
    ? (...given: A) => R | Promise<R>
    : never;
};

/** As many workers may miss an answer at once: one with a lease, one with a turn, one fenced off. */
const ANSWERS_KEPT = 3;

export class Conversation extends DurableObject<Env> implements Synchronous<ConversationRpc> {
  #state: ConversationState;
  #alarmAtMs: number | undefined;
  /** Answers to the last named calls, in memory: for callers whom an answer did not reach. */
  readonly #answers = new Map<string, LeaseReply | WorkReply | TakenTurn>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    createTables(ctx.storage.sql);
    this.#state = loadState(ctx.storage.sql, Date.now());
    ctx.blockConcurrencyWhile(async () => {
      this.#alarmAtMs = (await ctx.storage.getAlarm()) ?? undefined;
    });
  }

  /** Stores messages (once each) and says whether somebody has to ring. Fails only with `backlog_full`. */
  accept(request: AcceptRequest): AcceptReply {
    const known = knownKeys(
      this.ctx.storage.sql,
      request.messages.map((message) => message.eventKey),
    );
    return this.#apply(accept(this.#state, request, known, Math.random), request.nowMs);
  }

  /** Hands out what is due to one worker at a time. */
  lease(nowMs: number, call?: string): LeaseReply {
    return this.#once(call, () =>
      this.#apply(lease(this.#state, nowMs, crypto.randomUUID(), Math.random), nowMs),
    );
  }

  /** Takes in what a worker did and hands out the next send. */
  commit(request: CommitRequest): WorkReply {
    return this.#once(request.call, () =>
      this.#apply(commit(this.#state, request, Math.random), request.nowMs),
    );
  }

  /** Keeps the finished steps of a send of several. False: fenced, stop sending. */
  progress(
    token: string,
    seq: number,
    attempt: number,
    steps: readonly StepResponse[],
    nowMs: number,
  ): boolean {
    return this.#apply(progress(this.#state, { token, seq, attempt, steps }, nowMs), nowMs);
  }

  /** The worker could not get on (storage down): the alarm will try again, later each time. */
  giveUp(token: string, nowMs: number): void {
    this.#apply(giveUp(this.#state, token), nowMs);
  }

  takeTurn(nowMs: number, call?: string): TakenTurn {
    return this.#once(call, () => this.#apply(takeTurn(this.#state, nowMs), nowMs));
  }

  /** The worker of a taken turn is alive. False: it is not its turn any more. */
  beatTurn(fence: number, nowMs: number): boolean {
    return this.#apply(beat(this.#state, fence, nowMs), nowMs);
  }

  finishTurn(fence: number, result: TurnResult, nowMs: number, call?: string): WorkReply {
    return this.#once(call, () =>
      this.#apply(finishTaken(this.#state, fence, result, nowMs, Math.random), nowMs),
    );
  }

  /** Adds one API send to the outbox, once per message id. Says whether somebody has to ring. */
  enqueue(request: EnqueueRequest): { readonly ring: boolean; readonly duplicate: boolean } {
    const known = findOutbox(this.ctx.storage.sql, request.id) !== undefined;
    return this.#apply(enqueue(this.#state, request, known), request.nowMs);
  }

  /** Takes a dead letter's payload back in, under the ids it had; once, however often it is called. */
  replay(request: ReplayRequest): { readonly ring: boolean } {
    const { sql } = this.ctx.storage;
    const traces =
      request.stage === "send"
        ? { send: findOutbox(sql, request.item.id) }
        : {
            seqs: seqsOf(
              sql,
              request.items.map((item) => item.message.eventKey),
            ),
          };
    return this.#apply(replay(this.#state, request, traces), request.nowMs);
  }

  /** Silences the bot until then (0: at once back to work). */
  pause(untilMs: number, nowMs: number): void {
    this.#apply(pause(this.#state, untilMs, nowMs), nowMs);
  }

  setOverride(override: ConversationOverride, nowMs: number): void {
    this.#apply(overrideWith(this.#state, override), nowMs);
  }

  ask(ask: TaskAsk, nowMs: number): void {
    this.#apply(openAsk(this.#state, ask), nowMs);
  }

  unask(task: Pick<TaskAsk, "run" | "task">, nowMs: number): void {
    this.#apply(closeAsk(this.#state, task), nowMs);
  }

  status(): ConversationStatus {
    const { flow, inbox, outbox } = this.#state;
    const head = outbox[0];
    const turn = flow.turn;
    return {
      pending: inbox.filter((item) => item.wantsTurn && item.seq > flow.settledSeq).length,
      unpersisted: inbox.filter((item) => item.seq > flow.persistedSeq).length,
      outbox: outbox.length,
      override: flow.override,
      ...(head ? { head: { id: head.id, state: head.state.is, attempt: head.attempt } } : {}),
      ...(turn
        ? {
            turn: {
              id: turn.id,
              attempt: turn.attempt,
              untilMs: turn.phase.is === "retry" ? turn.phase.dueMs : turn.phase.untilMs,
            },
          }
        : {}),
      ...(flow.session ? { session: flow.session } : {}),
      ...(flow.pausedUntilMs ? { pausedUntilMs: flow.pausedUntilMs } : {}),
      ...(inbox[0] ? { oldestPendingMs: inbox[0].atMs } : {}),
      ...(this.#alarmAtMs ? { alarmAtMs: this.#alarmAtMs } : {}),
    };
  }

  /** Deletes everything once idle for 48 h (a conversation with settings of its own keeps those). Returns when to come back, in ms. */
  async sweep(
    nowMs: number,
  ): Promise<{ readonly forgotten: boolean; readonly behind: boolean; readonly nextMs: number }> {
    const behind = nextDueMs(this.#state) !== undefined;
    if (behind) {
      this.#arm(nowMs);
      return { forgotten: false, behind, nextMs: nowMs + FORGET_AFTER_MS };
    }
    const idleUntilMs = this.#state.lastAtMs + FORGET_AFTER_MS;
    if (idleUntilMs > nowMs || Object.keys(this.#state.flow.override).length > 0) {
      return {
        forgotten: false,
        behind,
        nextMs: Math.max(idleUntilMs, nowMs + FORGET_AFTER_MS / 4),
      };
    }
    await this.forget(nowMs);
    return { forgotten: true, behind, nextMs: nowMs };
  }

  /** Deletes everything, whatever it still waits for: its tenant is gone, or it has been silent for long. */
  async forget(nowMs: number): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    createTables(this.ctx.storage.sql);
    this.#state = emptyState(nowMs);
    this.#alarmAtMs = undefined;
  }

  /** Rings while anything is behind. Never throws (six failures in a row would end an alarm for good). */
  override async alarm(): Promise<void> {
    const nowMs = Date.now();
    this.#alarmAtMs = undefined;
    try {
      if (shouldRing(this.#state, nowMs)) await this.#ring(nowMs);
    } catch {
      // The queue is down: the alarm below is the next try.
    } finally {
      this.#arm(nowMs);
    }
  }

  async #ring(nowMs: number): Promise<void> {
    const config = this.#state.config;
    if (!config) return;
    this.#state = {
      ...this.#state,
      rings: this.#state.rings + 1,
      tokenUntilMs: nowMs + config.ringAfterMs,
    };
    await ringInbound(await throughSeam(this.env), config.tenant, config.conversation);
  }

  #once<R extends LeaseReply | WorkReply | TakenTurn>(call: string | undefined, work: () => R): R {
    const known = call === undefined ? undefined : this.#answers.get(call);
    if (known) return known as R;
    const reply = work();
    if (call === undefined || reply.is === "idle" || reply.is === "none") return reply;
    this.#answers.set(call, reply);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > ANSWERS_KEPT && oldest) this.#answers.delete(oldest);
    return reply;
  }

  #apply<R>(step: Step<R>, nowMs: number): R {
    this.#write(step.writes);
    this.#state = step.state;
    this.#arm(nowMs);
    return step.reply;
  }

  /** All rows or none; nearly every decision writes one row, which needs no transaction for that. */
  #write(writes: readonly Write[]): void {
    const { sql } = this.ctx.storage;
    const { index } = this.#state.flow.generation;
    if (isOneRow(writes)) applyWrites(sql, writes, index);
    else if (writes.length > 0) {
      this.ctx.storage.transactionSync(() => applyWrites(sql, writes, index));
    }
  }

  /** One alarm for everything: moved only if it would come too late. Written with the rows of the same turn. */
  #arm(nowMs: number): void {
    const atMs = alarmAtMs(this.#state, nowMs);
    if (atMs === undefined || (this.#alarmAtMs !== undefined && this.#alarmAtMs <= atMs)) return;
    this.#alarmAtMs = atMs;
    void this.ctx.storage.setAlarm(atMs);
  }

  /** Answers that it lives; `/health` asks. */
  ping(): "ok" {
    return "ok";
  }
}
