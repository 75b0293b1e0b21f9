/**
 * Runs the scenarios of `DIR/workflows/definitions` (`*-scenarios.json`) through the planner of runs, with an executor
 * that fails as they say. Time is a number: the clock jumps to the next timer when nothing else goes on.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { AuditEntry } from "../../domain/workflows/run/audit.ts";
import { type Command, outstanding } from "../../domain/workflows/run/commands.ts";
import { decide, type LogEntry } from "../../domain/workflows/run/decide.ts";
import { expressionEvaluator } from "../../domain/workflows/run/evaluator.ts";
import type { RunEvent } from "../../domain/workflows/run/events.ts";
import { foldLog } from "../../domain/workflows/run/fold.ts";
import { type Plan, planOf } from "../../domain/workflows/run/plan.ts";
import type { Json, RunState } from "../../domain/workflows/run/state.ts";
import { WorkflowDefinition } from "../../schema/workflow.ts";
import { type CaseLine, caseLineOf } from "./case-file.ts";
import { type Tally, tally } from "./events-tally.ts";

const START_MS = Date.UTC(2026, 0, 5);
/** Events of one scenario: more means that it does not end. */
const EVENTS_MAX = 1000;

/** One call of an action, or of an undo, as the executor saw it. */
export interface Call {
  readonly action: string;
  readonly attempt: number;
  readonly input: Json;
  readonly idempotencyKey: string;
  readonly atMs: number;
}

/** `fail`: leading failing attempts by action, -1 = always; `audit` stands for the sink of the trail. */
export interface Faults {
  readonly fail?: Readonly<Record<string, number>>;
  /** The process dies while this action runs for the first time: its answer is lost, the state is read back. */
  readonly crashDuring?: string;
}

export interface Played {
  readonly state: RunState;
  readonly calls: readonly Call[];
  readonly log: readonly LogEntry[];
  /** What the sink of the trail took. */
  readonly audit: readonly AuditEntry[];
  readonly auditLost: number;
}

type Runnable = Extract<Command, { is: "run_action" | "compensate" }>;

/** Plays one run to its end, or until it waits for what nobody sends. Throws where an event is refused. */
export function play(
  definition: WorkflowDefinition,
  { fail = {}, crashDuring }: Faults = {},
): Played {
  const plan = planOf(definition);
  const calls: Call[] = [];
  const log: LogEntry[] = [];
  const audit: AuditEntry[] = [];
  let auditLost = 0;
  let nowMs = START_MS;
  let state: RunState | undefined;
  const take = (event: RunEvent) => {
    const decided = decide(plan, state, event, {
      nowMs,
      random: () => 0,
      evaluator: expressionEvaluator,
    });
    if (!decided.ok) throw new Error(`${event.is}: ${decided.failure.reason}`);
    // Whatever is decided is kept before anything is done, as JSON.
    state = JSON.parse(JSON.stringify(decided.value.state)) as RunState;
    log.push(decided.value.entry);
    if (fail.audit === -1) auditLost += decided.value.audit.length;
    else audit.push(...decided.value.audit);
    return state;
  };
  let current = take({ is: "started", run: "run", tenant: "tenant", input: { person: "Ana" } });
  let crashed = crashDuring === undefined;
  while (log.length < EVENTS_MAX) {
    const [next] = outstanding(plan, current).filter(isRunnable);
    if (!next) {
      const [timer] = Object.values(current.timers).sort((one, other) => one.atMs - other.atMs);
      if (!timer) break;
      nowMs = Math.max(nowMs, timer.atMs);
      current = take({ is: "timer", id: timer.id });
      continue;
    }
    calls.push(callOf(next, nowMs));
    if (!crashed && next.action === crashDuring) {
      crashed = true;
      continue;
    }
    current = take(answer(next, calls, fail));
  }
  return { state: current, calls, log, audit, auditLost };
}

function isRunnable(command: Command): command is Runnable {
  return command.is === "run_action" || command.is === "compensate";
}

function callOf({ action, attempt, input, idempotencyKey }: Runnable, atMs: number): Call {
  return { action, attempt, input, idempotencyKey, atMs };
}

function answer(
  command: Runnable,
  calls: readonly Call[],
  fail: NonNullable<Faults["fail"]>,
): RunEvent {
  const { step, attempt, action } = command;
  const failing = fail[action] ?? 0;
  const made = calls.filter((call) => call.action === action).length;
  const fails = failing === -1 || made <= failing;
  const error = { reason: "injected" };
  if (command.is === "compensate")
    return fails
      ? { is: "compensation_failed", step, attempt, error }
      : { is: "compensation_succeeded", step, attempt };
  return fails
    ? { is: "step_failed", step, attempt, error }
    : { is: "step_succeeded", step, attempt, output: outputOf(action) };
}

function outputOf(action: string): Json {
  return { made: `by ${action}` };
}

interface Expected {
  readonly status?: string;
  readonly calls?: readonly (string | { readonly anyOrder: readonly string[] })[];
  readonly neverCalled?: readonly string[];
  readonly attempts?: Readonly<Record<string, number>>;
  readonly minDelayBeforeAttemptMs?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly callsContainInOrder?: readonly string[];
  readonly calledBefore?: Readonly<Record<string, readonly string[]>>;
  readonly atLeastOnce?: readonly string[];
  readonly inputOf?: Readonly<Record<string, string>>;
}

interface Scenarios {
  readonly definition: string;
  readonly scenarios: readonly (Faults & { readonly name: string; readonly expect: Expected })[];
}

/** One line a file, in a stable order; none where there is no such folder. */
export function runDefinitionScenarios(directory: string): readonly CaseLine[] {
  const folder = join(directory, "workflows/definitions");
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith("-scenarios.json"));
  return names.sort().map((name) => runFile(folder, name));
}

function runFile(folder: string, name: string): CaseLine {
  const to = tally();
  const file = `workflows/definitions/${name}`;
  try {
    const { definition, scenarios } = JSON.parse(
      readFileSync(join(folder, name), "utf8"),
    ) as Scenarios;
    const parsed = WorkflowDefinition.parse(
      JSON.parse(readFileSync(join(folder, definition), "utf8")),
    );
    for (const scenario of scenarios) runScenario(parsed, scenario, to);
    failEachStep(parsed, to);
  } catch (error) {
    const thrown = () => {
      throw error;
    };
    to.check("the whole file", thrown, undefined);
  }
  return caseLineOf(file, to);
}

function runScenario(
  definition: WorkflowDefinition,
  { name, expect, ...faults }: Scenarios["scenarios"][number],
  to: Tally,
): void {
  const played = play(definition, faults);
  const called = played.calls.map(({ action }) => action);
  const check = (what: string, actual: () => unknown, expected: unknown) =>
    to.check(`${name}: ${what}`, actual, expected);
  if (expect.status !== undefined) check("status", () => played.state.status, expect.status);
  if (expect.calls) check("calls", () => inOrder(called, expect.calls ?? []), true);
  for (const one of expect.neverCalled ?? []) check(one, () => called.includes(one), false);
  for (const [one, times] of Object.entries(expect.attempts ?? {}))
    check(`attempts of ${one}`, () => called.filter((action) => action === one).length, times);
  for (const [one, delays] of Object.entries(expect.minDelayBeforeAttemptMs ?? {}))
    check(`delays of ${one}`, () => areFar(played.calls, one, delays), true);
  if (expect.callsContainInOrder)
    check("order", () => isSubsequence(called, expect.callsContainInOrder ?? []), true);
  for (const [one, before] of Object.entries(expect.calledBefore ?? {}))
    check(`before ${one}`, () => before.every((other) => isBefore(called, other, one)), true);
  for (const one of expect.atLeastOnce ?? []) check(one, () => keysOf(played, one), 1);
  for (const [one, text] of Object.entries(expect.inputOf ?? {}))
    check(`input of ${one}`, () => holdsOutput(played.calls, one, text), true);
  checkLog(planOf(definition), played, check);
}

type Check = (what: string, actual: () => unknown, expected: unknown) => void;

/** The log gives the state again, and the trail names nobody. */
function checkLog(plan: Plan, { log, state, audit }: Played, check: Check): void {
  check(
    "the log gives the state",
    () => {
      const folded = foldLog(plan, log, expressionEvaluator);
      return folded.ok && JSON.stringify(folded.value) === JSON.stringify(state);
    },
    true,
  );
  check("the trail names nobody", () => /Ana|made/.test(JSON.stringify(audit)), false);
}

/** Every action fails for good, in turn: completed steps are undone, the last completed first, each once. */
function failEachStep(definition: WorkflowDefinition, to: Tally): void {
  const undos = new Map(Object.entries(definition.compensation ?? {}));
  const targets = new Set(undos.values());
  for (const step of definition.steps) {
    if (step.type !== "action" || targets.has(step.id)) continue;
    const { state, log } = play(definition, { fail: { [step.action]: -1 } });
    const name = `${step.id} fails for good`;
    const completed = Object.values(state.steps)
      .filter(({ status, id }) => status === "succeeded" && undos.has(id))
      .sort((one, other) => (other.ended ?? 0) - (one.ended ?? 0))
      .map(({ key }) => key);
    const undone = log.flatMap(({ event }) =>
      event.is === "compensation_succeeded" ? [event.step] : [],
    );
    to.check(`${name}: undone in reverse`, () => undone, completed);
    to.check(
      `${name}: status`,
      () => state.status,
      completed.length > 0 ? "compensated" : "failed",
    );
  }
}

function inOrder(called: readonly string[], expected: NonNullable<Expected["calls"]>): boolean {
  let at = 0;
  for (const one of expected) {
    const wanted = typeof one === "string" ? [one] : one.anyOrder;
    const got = called.slice(at, at + wanted.length);
    if (got.toSorted().join() !== wanted.toSorted().join()) return false;
    at += wanted.length;
  }
  return at === called.length;
}

function areFar(
  calls: readonly Call[],
  action: string,
  delays: Readonly<Record<string, number>>,
): boolean {
  const times = calls.filter((call) => call.action === action).map(({ atMs }) => atMs);
  return Object.entries(delays).every(([attempt, ms]) => {
    const at = Number(attempt) - 1;
    return (times[at] ?? 0) - (times[at - 1] ?? 0) >= ms;
  });
}

function isSubsequence(all: readonly string[], wanted: readonly string[]): boolean {
  let at = 0;
  for (const one of all) if (one === wanted[at]) at += 1;
  return at === wanted.length;
}

function isBefore(all: readonly string[], one: string, other: string): boolean {
  return all.includes(one) && all.indexOf(one) < all.indexOf(other);
}

/** Different idempotency keys of the calls of one action: repeated ones are one effect. */
function keysOf({ calls }: Played, action: string): number {
  return new Set(calls.filter((call) => call.action === action).map((call) => call.idempotencyKey))
    .size;
}

/** `contains output of X`. */
function holdsOutput(calls: readonly Call[], action: string, text: string): boolean {
  const made = JSON.stringify(outputOf(text.replace("contains output of ", "")));
  const inputs = calls
    .filter((call) => call.action === action)
    .map(({ input }) => JSON.stringify(input));
  return inputs.length > 0 && inputs.every((input) => input.includes(made));
}
