/**
 * Plays runs without an engine: keeps the state, the log, the commands and the trail, and moves the clock to the next
 * timer. Every accepted event is checked: the log gives the state again, and a state read back from JSON decides alike.
 */
import { expect } from "vitest";
import type { AuditEntry } from "../../../../../domain/workflows/run/audit.ts";
import { type Command, outstanding } from "../../../../../domain/workflows/run/commands.ts";
import { decide, type LogEntry } from "../../../../../domain/workflows/run/decide.ts";
import {
  type Evaluator,
  expressionEvaluator,
} from "../../../../../domain/workflows/run/evaluator.ts";
import type { Refusal, RunEvent } from "../../../../../domain/workflows/run/events.ts";
import { type Plan, planOf } from "../../../../../domain/workflows/run/plan.ts";
import type { Json, RunState } from "../../../../../domain/workflows/run/state.ts";
import { WorkflowDefinition } from "../../../../../schema/workflow.ts";

export const START_MS = Date.UTC(2026, 0, 5, 12);

type Step = Readonly<Record<string, unknown>>;

/** A definition that the schema takes. */
export function defined(steps: readonly Step[], more: object = {}): WorkflowDefinition {
  return WorkflowDefinition.parse({ id: "flow", name: "Flow", version: "1.0.0", steps, ...more });
}

export const action = (id: string, more: object = {}) => ({
  id,
  type: "action",
  action: `do.${id}`,
  ...more,
});

export interface Game {
  readonly plan: Plan;
  state: RunState | undefined;
  nowMs: number;
  roll: number;
  readonly evaluator: Evaluator;
  readonly log: LogEntry[];
  readonly commands: Command[];
  readonly audit: AuditEntry[];
}

export function begin(
  steps: readonly Step[],
  {
    more = {},
    input = {},
    evaluator = expressionEvaluator,
    start = {},
  }: {
    readonly more?: object;
    readonly input?: Json;
    readonly evaluator?: Evaluator;
    readonly start?: object;
  } = {},
): Game {
  const game = idle(steps, more, evaluator);
  send(game, { is: "started", run: "r1", tenant: "t1", input, ...start });
  return game;
}

function idle(steps: readonly Step[], more: object, evaluator: Evaluator): Game {
  const plan = planOf(defined(steps, more));
  return {
    plan,
    state: undefined,
    nowMs: START_MS,
    roll: 0,
    evaluator,
    log: [],
    commands: [],
    audit: [],
  };
}

/** The refusal, where there is one. */
export function offer(game: Game, event: RunEvent): Refusal | undefined {
  const { plan, state, nowMs, roll, evaluator } = game;
  const decided = decide(plan, state, event, { nowMs, random: () => roll, evaluator });
  if (!decided.ok) return decided.failure;
  const { value } = decided;
  game.state = JSON.parse(JSON.stringify(value.state));
  game.log.push(value.entry);
  game.commands.push(...value.commands);
  game.audit.push(...value.audit);
  expect(game.state).toEqual(value.state);
  return undefined;
}

export function send(game: Game, event: RunEvent): void {
  expect(offer(game, event)).toBeUndefined();
}

export function now(game: Game): RunState {
  if (!game.state) throw new Error("not started");
  return game.state;
}

/** Keys of the actions and undos that go on now. */
export function running(game: Game): readonly string[] {
  return outstanding(game.plan, now(game)).flatMap((command) =>
    command.is === "run_action" || command.is === "compensate" || command.is === "start_child"
      ? [command.is === "compensate" ? `undo ${command.step}` : command.step]
      : [],
  );
}

export function done(game: Game, step: string, output: Json = null): void {
  send(game, { is: "step_succeeded", step, attempt: now(game).steps[step]?.attempt ?? 0, output });
}

export function failed(game: Game, step: string, reason = "boom", more: object = {}): void {
  const attempt = now(game).steps[step]?.attempt ?? 0;
  send(game, { is: "step_failed", step, attempt, error: { reason, ...more } });
}

export function undone(game: Game, step: string): void {
  const attempt = now(game).undos.find(({ key }) => key === step)?.attempt ?? 0;
  send(game, { is: "compensation_succeeded", step, attempt });
}

export function undoFailed(game: Game, step: string, reason = "boom"): void {
  const attempt = now(game).undos.find(({ key }) => key === step)?.attempt ?? 0;
  send(game, { is: "compensation_failed", step, attempt, error: { reason } });
}

/** Moves the clock to the first timer and fires it; its id. */
export function tick(game: Game): string {
  const timers = Object.values(now(game).timers).toSorted((one, other) => one.atMs - other.atMs);
  const [first] = timers;
  if (!first) throw new Error("no timer");
  game.nowMs = Math.max(game.nowMs, first.atMs);
  send(game, { is: "timer", id: first.id });
  return first.id;
}

/** `key: status` of every step. */
export function statuses(game: Game): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.values(now(game).steps).map(({ key, status }) => [key, status]));
}

export function commandOf<T extends Command["is"]>(
  game: Game,
  is: T,
): Extract<Command, { is: T }>[] {
  return game.commands.filter(
    (command): command is Extract<Command, { is: T }> => command.is === is,
  );
}
