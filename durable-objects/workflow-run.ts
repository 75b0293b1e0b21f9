/**
 * One run of a workflow: its memory. Everything that happens to the run comes here as an event, is decided upon by
 * `domain/workflows/run`, and is durable with all that follows from it before anybody is answered. Its alarm fires the
 * run's timers, wakes the hands, and lets tables, bus and archive follow; a crash at any point loses nothing, for
 * what is to be done is read off what is stored.
 */
import { DurableObject } from "cloudflare:workers";
import { fail, ok, type Result } from "../domain/result.ts";
import { type Decision, decide, type LogEntry } from "../domain/workflows/run/decide.ts";
import type { Refusal, RunEvent } from "../domain/workflows/run/events.ts";
import { type Plan, planOf } from "../domain/workflows/run/plan.ts";
import { isOver, type RunState, shownStatus } from "../domain/workflows/run/state.ts";
import { throughSeam } from "../platform/fault-seam.ts";
import { logLine } from "../platform/log.ts";
import { flushMetrics } from "../platform/metrics.ts";
import { taskNow } from "../platform/task-now.ts";
import { foldPrefix } from "../platform/workflow-archive.ts";
import { runEvaluator } from "../platform/workflow-evaluator.ts";
import { logRowOf } from "../platform/workflow-log.ts";
import { countDecision, countRefusal } from "../platform/workflow-metrics.ts";
import type {
  BegunRun,
  HandCommand,
  HandTask,
  HandWork,
  StartRun,
  TakenCommand,
  TaskNow,
} from "../platform/workflow-runs.ts";
import type { WorkflowDefinition } from "../schema/workflow.ts";
import { SingleFlight } from "./single-flight.ts";
import { handCommands, nextTimerMs, takenCommand, taskOf } from "./workflow-run-commands.ts";
import { Duties } from "./workflow-run-duties.ts";
import { Hands } from "./workflow-run-hands.ts";
import { handsPlaces, owedOf } from "./workflow-run-owed.ts";
import { openRunStorage, type RunStorage } from "./workflow-run-storage.ts";

/** How long after a report tables and bus follow, ms: what comes close together goes out together. */
const FOLLOW_AFTER_MS = 150;
/** The alarm that stands behind everything that is done at once, ms; also the longest that one alarm waits for others. */
const NET_MS = 2000;
/** Timers fired by one alarm. */
const TIMERS_MAX = 200;
/** Characters of one run's log: its archive is made in one piece (128 MB of memory; Workers, limits). */
const LOG_CHARS_MAX = 8_388_608;
const LOG_CHECK_EVERY = 50;

export class WorkflowRun extends DurableObject<Env> {
  readonly #storage: RunStorage;
  readonly #hands: Hands;
  readonly #duties: Duties;
  #plan: Plan | undefined;
  #state: RunState | undefined;
  #alarmAtMs: number | undefined;
  readonly #handsFlight = new SingleFlight(() => this.#attendHands());
  #follow: ReturnType<typeof setTimeout> | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#storage = openRunStorage(ctx.storage);
    this.#hands = new Hands(this.#storage);
    this.#duties = new Duties({
      storage: this.#storage,
      state: () => this.#state,
      removeHands: (bindings) => this.#hands.remove(bindings, this.#state?.run ?? ""),
      forget: () => this.destroy(),
    });
    const definition = this.#storage.definition();
    if (definition) {
      this.#plan = planOf(definition);
      this.#state = this.#storage.state(this.#plan);
    }
    ctx.blockConcurrencyWhile(async () => {
      this.#alarmAtMs = (await ctx.storage.getAlarm()) ?? undefined;
    });
  }

  async start({ tenant, run, definition, event }: StartRun): Promise<Result<BegunRun, Refusal>> {
    if (this.#state) return ok({ duplicate: true, version: this.#state.version });
    const plan = planOf(definition);
    const decided = this.#decide(plan, event);
    if (!decided.ok) return decided;
    this.#storage.begin({ tenant, run }, definition);
    this.#plan = plan;
    this.#commit(plan, decided.value);
    this.#attendSoon();
    return ok({ duplicate: false, version: definition.version });
  }

  async send(event: RunEvent): Promise<Result<{ readonly status: string }, Refusal>> {
    const applied = this.#apply(event);
    if (!applied.ok) return applied;
    this.#attendSoon();
    return ok({ status: shownStatus(applied.value) });
  }

  async work(generation: number, accepted: readonly string[]): Promise<HandWork> {
    if (!this.#hands.isCurrent(generation)) return { tasks: [], over: true };
    return this.#handOut(accepted);
  }

  async take(generation: number, key: string): Promise<TakenCommand | undefined> {
    const [plan, state] = [this.#plan, this.#state];
    if (!plan || !state || !this.#hands.isCurrent(generation)) return undefined;
    this.#hands.heard(Date.now());
    const command = this.#commands().find((one) => one.key === key);
    if (!command) return undefined;
    this.#hands.taken(key, Date.now());
    // Maps of a state have no prototype, and RPC takes none of those.
    return structuredClone(takenCommand(plan, state, command));
  }

  async report(generation: number, key: string, event?: RunEvent): Promise<HandWork> {
    // A report that comes again, or too late, is refused, and that is all.
    if (event) this.#apply(event);
    const place = handsPlaces(this.#storage.owed()).find(({ owed }) => owed.command.key === key);
    if (place) this.#storage.settle(place.n);
    this.#followSoon();
    if (!this.#hands.isCurrent(generation)) return { tasks: [], over: true };
    return this.#handOut();
  }

  async handOver(generation: number): Promise<void> {
    if (!this.#hands.isCurrent(generation)) return;
    this.#hands.ended();
    this.#attendSoon();
  }

  async state(entries?: number): Promise<RunState | undefined> {
    const definition = this.#storage.definition();
    if (!definition || !this.#state) return undefined;
    if (entries === undefined) return structuredClone(this.#state);
    const log = this.#storage.rows(0, entries).map(({ entry }) => entry);
    return structuredClone(foldPrefix(definition, log));
  }

  async log(): Promise<readonly LogEntry[]> {
    return this.#storage.rows(0, this.#state?.seq ?? 0).map(({ entry }) => entry);
  }

  async task(name: string): Promise<TaskNow | undefined> {
    const [plan, state] = [this.#plan, this.#state];
    return plan && state ? taskNow(plan, state, name) : undefined;
  }

  async definition(): Promise<WorkflowDefinition | undefined> {
    return this.#storage.definition();
  }

  async destroy(): Promise<void> {
    const name = this.#storage.name();
    if (name)
      await this.#hands.remove(await throughSeam(this.env), name.run).catch(() => undefined);
    clearTimeout(this.#follow);
    this.#state = undefined;
    this.#plan = undefined;
    this.#alarmAtMs = undefined;
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#storage.forgotten();
  }

  /** Answers that it lives; `/health` asks. */
  ping(): "ok" {
    return "ok";
  }

  /**
   * Never throws: six failures in a row would end an alarm for good. Nor does it wait for long: no timer fires while
   * an alarm is at work.
   */
  override async alarm(): Promise<void> {
    this.#alarmAtMs = undefined;
    try {
      this.#fireTimers();
    } catch (error) {
      const { tenant = "", run = "" } = this.#storage.name() ?? {};
      const code = error instanceof Error ? error.name : "unknown";
      logLine("run.stalled", { tenant, job: run, code });
    }
    this.#wakeAt(Math.max(this.#nextMs(), Date.now() + NET_MS));
    await Promise.race([
      this.#attend(),
      new Promise<void>((resolve) => setTimeout(resolve, NET_MS)),
    ]);
  }

  #decide(plan: Plan, event: RunEvent): Result<Decision, Refusal> {
    const facts = { nowMs: Date.now(), random: Math.random, evaluator: runEvaluator };
    return decide(plan, this.#state, event, facts);
  }

  #apply(event: RunEvent): Result<RunState, Refusal> {
    const plan = this.#plan;
    if (!plan) return fail({ reason: "not_started" });
    const decided = this.#decide(plan, event);
    if (!decided.ok) {
      countRefusal(event.is, decided.failure);
      return decided;
    }
    this.#commit(plan, decided.value);
    this.#keepLogSmall(plan);
    return ok(decided.value.state);
  }

  #commit(plan: Plan, decision: Decision): void {
    const { state } = decision;
    this.#storage.commit(logRowOf(plan, decision), state, owedOf(plan, decision));
    this.#state = state;
    countDecision(state, decision.audit);
    this.#wakeAt(Math.min(Date.now() + NET_MS, nextTimerMs(state)));
  }

  /** A loop may forget what it put out, the log does not. */
  #keepLogSmall(plan: Plan): void {
    const state = this.#state;
    if (!state || state.ending || state.seq % LOG_CHECK_EVERY !== 0) return;
    if (this.#storage.logChars() <= LOG_CHARS_MAX) return;
    const decided = this.#decide(plan, { is: "cancel", reason: "log_full" });
    if (decided.ok) this.#commit(plan, decided.value);
  }

  #fireTimers(): void {
    for (let fired = 0; fired < TIMERS_MAX; fired++) {
      const due = Object.values(this.#state?.timers ?? {})
        .filter(({ atMs }) => atMs <= Date.now())
        .sort((one, other) => one.atMs - other.atMs)[0];
      if (!due) return;
      const applied = this.#apply({ is: "timer", id: due.id });
      if (!applied.ok) throw new Error(`a timer was refused: ${applied.failure.reason}`);
    }
  }

  /** Everything that hands have to carry out now. */
  #commands(): readonly HandCommand[] {
    const [plan, state] = [this.#plan, this.#state];
    return plan && state ? handCommands(plan, state, this.#storage.owed()) : [];
  }

  #isDone(tasks: readonly HandTask[]): boolean {
    return this.#state === undefined || (isOver(this.#state) && tasks.length === 0);
  }

  #handOut(accepted?: readonly string[]): HandWork {
    const tasks = this.#commands().map(taskOf);
    const over = this.#isDone(tasks);
    this.#hands.heard(Date.now());
    this.#hands.offered(tasks, Date.now(), accepted);
    if (over) this.#hands.ended();
    return { tasks, over };
  }

  #followSoon(): void {
    if (this.#state && isOver(this.#state)) this.#attendSoon();
    else
      this.#follow ??= setTimeout(() => {
        this.#follow = undefined;
        this.#attendSoon();
      }, FOLLOW_AFTER_MS);
  }

  #attendSoon(): void {
    this.ctx.waitUntil(this.#attend());
  }

  /** Hands first, and everything at its own pace. Never rejects. */
  async #attend(): Promise<void> {
    const env = await throughSeam(this.env);
    await Promise.all([this.#handsFlight.run(), this.#duties.attend(env)]);
    this.#wakeAt(this.#nextMs());
    await flushMetrics(env, Date.now());
  }

  async #attendHands(): Promise<void> {
    const name = this.#storage.name();
    if (!name) return;
    const tasks = this.#commands().map(taskOf);
    try {
      await this.#hands.attend(await throughSeam(this.env), name, tasks, this.#isDone(tasks));
    } catch (error) {
      const code = error instanceof Error ? error.name : "unknown";
      logLine("hands.unreachable", { tenant: name.tenant, job: name.run, code });
    }
  }

  #nextMs(): number {
    if (!this.#state) return Infinity;
    const tasks = this.#commands().map(taskOf);
    const handsMs = this.#hands.dueMs(tasks, this.#isDone(tasks));
    // What is about to be followed needs no alarm but the net.
    const dutiesMs = this.#follow === undefined ? this.#duties.dueMs() : undefined;
    return Math.min(nextTimerMs(this.#state), handsMs ?? Infinity, dutiesMs ?? Infinity);
  }

  #wakeAt(atMs: number): void {
    if (atMs === Infinity || (this.#alarmAtMs !== undefined && this.#alarmAtMs <= atMs)) return;
    this.#alarmAtMs = atMs;
    void this.ctx.storage.setAlarm(Math.max(atMs, Date.now()));
  }
}
