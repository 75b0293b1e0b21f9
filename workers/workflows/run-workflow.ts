/**
 * The hands of a run: a Workflows instance that carries out what the run's object tells it to, each command in a step
 * of its own. It knows nothing of definitions. Names of its steps are the commands' keys and one counter, both out of
 * cached results, so that a replay after a crash walks the same way; a step that was cut off asks the object first
 * whether its command is still wanted, and repeats it under the same idempotency key.
 */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import { flushAudit } from "../../platform/audit-buffer.ts";
import { insist } from "../../platform/conversations.ts";
import { throughSeam } from "../../platform/fault-seam.ts";
import { logLine } from "../../platform/log.ts";
import { flushMetrics } from "../../platform/metrics.ts";
import {
  type HandsOf,
  type HandTask,
  type HandWork,
  workflowRun,
} from "../../platform/workflow-runs.ts";
import { execute } from "./execute.ts";

/** Commands at once; more wait (six connections are open at once in any case; Workers, limits). */
const FLYING_MAX = 32;
/** Commands of one instance, two steps each at most: the least an account may have is 1,024 (Workflows, limits). */
const COMMANDS_MAX = 400;
/** Over a command's own time, ms: what the object is told in. */
const GRACE_MS = 30_000;
/** Longest wait there is; the object wakes the hands long before. */
const WAIT = "365 days";
/** The object is asked for its command again before anything is done twice, so that hands need not give up. */
const RETRIES = { limit: 500, delay: "1 second", backoff: "linear" } as const;

export class RunWorkflow extends WorkflowEntrypoint<Env, HandsOf> {
  override async run({ payload }: WorkflowEvent<HandsOf>, step: WorkflowStep): Promise<void> {
    await new Carrier(await throughSeam(this.env), payload, step).run();
  }
}

class Carrier {
  readonly #env: Env;
  readonly #of: HandsOf;
  readonly #step: WorkflowStep;
  /** Commands accepted so far. */
  readonly #seen = new Set<string>();
  /** Those that are not reported yet. */
  readonly #open = new Set<string>();
  readonly #waiting: HandTask[] = [];
  readonly #flying = new Set<Promise<void>>();
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;

  constructor(env: Env, of: HandsOf, step: WorkflowStep) {
    this.#env = env;
    this.#of = of;
    this.#step = step;
  }

  async run(): Promise<void> {
    for (let n = 0; !this.#isOver && !this.#isFull(); n++) {
      this.#note(await this.#ask(n));
      if (this.#isOver || this.#isFull()) break;
      await Promise.race([this.#over.promise, this.#woken(n)]);
    }
    while (this.#flying.size > 0) await Promise.race(this.#flying);
    if (!this.#isOver) await this.#handOver();
  }

  #isFull(): boolean {
    return this.#seen.size >= COMMANDS_MAX;
  }

  #ask(n: number): Promise<HandWork> {
    const { generation } = this.#of;
    return this.#step.do(`work:${n}`, { retries: RETRIES, timeout: GRACE_MS }, () =>
      plain(insist(() => workflowRun(this.#env, this.#of).work(generation, [...this.#open]))),
    );
  }

  /** A wait that has run out asks again, like one that was ended. */
  async #woken(n: number): Promise<void> {
    await this.#step
      .waitForEvent(`wake:${n}`, { type: "wake", timeout: WAIT })
      .catch(() => undefined);
  }

  async #handOver(): Promise<void> {
    await this.#step.do("hand over", { retries: RETRIES, timeout: GRACE_MS }, () =>
      insist(() => workflowRun(this.#env, this.#of).handOver(this.#of.generation)),
    );
  }

  /** Every command once, whoever names it. */
  #note({ tasks, over }: HandWork): void {
    for (const task of tasks) {
      if (this.#seen.has(task.key) || this.#isFull()) continue;
      this.#seen.add(task.key);
      this.#open.add(task.key);
      this.#waiting.push(task);
    }
    if (over) this.#isOver = true;
    if (over || this.#isFull()) this.#over.resolve();
    this.#launch();
  }

  #launch(): void {
    while (this.#flying.size < FLYING_MAX) {
      const task = this.#waiting.shift();
      if (!task) return;
      const flight = this.#carry(task).finally(() => {
        this.#flying.delete(flight);
        this.#launch();
      });
      this.#flying.add(flight);
    }
  }

  /** A step that has failed for good leaves its command to the object, which offers it again. */
  async #carry({ key, timeoutMs }: HandTask): Promise<void> {
    const config = { retries: RETRIES, timeout: timeoutMs + GRACE_MS };
    const { tenant, run } = this.#of;
    try {
      const work = await this.#step.do(key, config, () => plain(this.#carryOut(key)));
      this.#open.delete(key);
      this.#note(work);
    } catch (error) {
      this.#open.delete(key);
      this.#seen.delete(key);
      const code = error instanceof Error ? error.name : "unknown";
      logLine("command.lost", { tenant, job: run, code });
    }
  }

  #others(key: string): readonly string[] {
    return [...this.#open].filter((one) => one !== key);
  }

  async #carryOut(key: string): Promise<HandWork> {
    const { generation } = this.#of;
    const object = () => workflowRun(this.#env, this.#of);
    const taken = await insist(() => object().take(generation, key));
    if (!taken) return insist(() => object().work(generation, this.#others(key)));
    const event = await execute(this.#env, this.#of, taken);
    const [work] = await Promise.all([
      insist(() => object().report(generation, key, event)),
      flushAudit(this.#env, Date.now()),
    ]);
    await flushMetrics(this.#env, Date.now());
    return work;
  }
}

/** A value of its own: what came over RPC must not outlive its call. */
async function plain(work: Promise<HandWork>): Promise<HandWork> {
  const { tasks, over } = await work;
  return { tasks: tasks.map(({ key, timeoutMs }) => ({ key, timeoutMs })), over };
}
