/** Properties over random definitions, failures, orders, repetitions and operators. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { taskText } from "../../../../../domain/workflows/run/advance.ts";
import type { AuditEntry } from "../../../../../domain/workflows/run/audit.ts";
import { type Command, outstanding } from "../../../../../domain/workflows/run/commands.ts";
import { decide, type LogEntry } from "../../../../../domain/workflows/run/decide.ts";
import { charsOf } from "../../../../../domain/workflows/run/draft.ts";
import { expressionEvaluator } from "../../../../../domain/workflows/run/evaluator.ts";
import type { RunEvent } from "../../../../../domain/workflows/run/events.ts";
import { foldLog } from "../../../../../domain/workflows/run/fold.ts";
import { type Plan, planOf } from "../../../../../domain/workflows/run/plan.ts";
import { isOver, type Json, type RunState } from "../../../../../domain/workflows/run/state.ts";
import { START_MS } from "./play.ts";
import { dice, randomDefinition, seeds } from "./random.ts";

/** Random events before everything is answered well, and events until it must be over. */
const WILD = 40;
const TAME_MAX = 2000;
const RUNS = 200;
/** Ms for one property: a busy machine is slow. */
const PATIENCE_MS = 60_000;

interface World {
  readonly plan: Plan;
  readonly roll: () => number;
  state: RunState;
  nowMs: number;
  readonly log: LogEntry[];
  readonly commands: Command[];
  readonly audit: AuditEntry[];
  readonly sent: RunEvent[];
  signals: number;
}

function start(roll: () => number): World {
  const plan = planOf(randomDefinition(roll));
  const event: RunEvent = { is: "started", run: "r1", tenant: "t1", input: { n: 1 } };
  const facts = { nowMs: START_MS, random: roll, evaluator: expressionEvaluator };
  const first = decide(plan, undefined, event, facts);
  if (!first.ok) throw new Error(first.failure.reason);
  const { state, entry, commands, audit } = first.value;
  return {
    plan,
    roll,
    state,
    nowMs: START_MS,
    log: [entry],
    commands: [...commands],
    audit: [...audit],
    sent: [],
    signals: 0,
  };
}

/** True where the event was taken. A refusal must leave the state as it was. */
function send(world: World, event: RunEvent): boolean {
  const { plan, state, nowMs, roll } = world;
  const before = JSON.stringify(state);
  const decided = decide(plan, state, event, {
    nowMs,
    random: roll,
    evaluator: expressionEvaluator,
  });
  expect(JSON.stringify(state)).toBe(before);
  world.sent.push(event);
  if (!decided.ok) return false;
  world.state = JSON.parse(JSON.stringify(decided.value.state));
  world.log.push(decided.value.entry);
  world.commands.push(...decided.value.commands);
  world.audit.push(...decided.value.audit);
  named(world);
  return true;
}

/** A run that is not over is paused, or waits for something that has a name. */
function named({ plan, state }: World): void {
  if (isOver(state) || state.paused) return;
  expect(outstanding(plan, state).length).toBeGreaterThan(0);
}

/** What the outside could answer to one command. */
function answerTo(world: World, command: Command, well: boolean): RunEvent | undefined {
  const error = { reason: "boom" };
  switch (command.is) {
    case "run_action":
      return well
        ? {
            is: "step_succeeded",
            step: command.step,
            attempt: command.attempt,
            output: command.attempt,
          }
        : { is: "step_failed", step: command.step, attempt: command.attempt, error };
    case "compensate":
      return well
        ? { is: "compensation_succeeded", step: command.step, attempt: command.attempt }
        : { is: "compensation_failed", step: command.step, attempt: command.attempt, error };
    case "start_child": {
      const { step, attempt } = command;
      if (command.detached) return { is: "child_started", step, attempt, child: "r2" };
      return { is: "child_ended", step, attempt, outcome: well ? "completed" : "failed" };
    }
    case "start_timer":
      return { is: "timer", id: command.id };
    case "open_task":
      return { is: "task_answered", task: command.task, choice: well ? "approve" : "reject" };
    case "await_event":
      world.signals += 1;
      return { is: "signal", id: `g${world.signals}`, name: "go", payload: world.signals };
    default:
      return undefined;
  }
}

function wildEvent(world: World): RunEvent | undefined {
  const { roll, state, plan } = world;
  const what = roll();
  const pick = <T>(all: readonly T[]): T | undefined => all[Math.floor(roll() * all.length)];
  if (what < 0.1) return pick(world.sent);
  if (what < 0.14) return { is: "pause" };
  if (what < 0.2) return { is: "resume" };
  if (what < 0.22) return { is: "cancel", compensate: roll() < 0.7 };
  if (what < 0.25) return { is: "retry_from", step: pick(Object.keys(state.steps)) ?? "" };
  if (what < 0.27) return { is: "retry_compensation" };
  if (what < 0.3) {
    world.signals += 1;
    return { is: "signal", id: `g${world.signals}`, name: "go", payload: null };
  }
  const command = pick(what < 0.4 ? world.commands : outstanding(plan, state));
  const event = command && answerTo(world, command, roll() < 0.7);
  if (event?.is === "timer") world.nowMs = Math.max(world.nowMs, state.timers[event.id]?.atMs ?? 0);
  return event?.is === "task_answered" ? noteInstead(event, roll()) : event;
}

/** Every other time a task is commented on, or asked of others. */
function noteInstead(event: Extract<RunEvent, { is: "task_answered" }>, what: number): RunEvent {
  const noted = { task: event.task, by: "boss", via: "key:1" };
  if (what < 0.25) return { is: "task_commented", ...noted, text: "x".repeat(what * 400) };
  if (what < 0.5) return { is: "task_reassigned", ...noted, assignees: [`p${what}`, "ana"] };
  return event;
}

function playWild(world: World): void {
  for (let at = 0; at < WILD; at++) {
    const event = wildEvent(world);
    if (event) send(world, event);
  }
}

/** Everything is answered well from now on; timers only where nothing else goes on. */
function playTame(world: World): void {
  send(world, { is: "resume" });
  for (let at = 0; at < TAME_MAX && !isOver(world.state); at++) {
    const open = outstanding(world.plan, world.state);
    const next = open.find((one) => one.is !== "start_timer") ?? earliest(open);
    const event = next && answerTo(world, next, true);
    if (event?.is === "timer")
      world.nowMs = Math.max(world.nowMs, world.state.timers[event.id]?.atMs ?? 0);
    if (!event || !send(world, event)) throw new Error(`stuck at ${JSON.stringify(next)}`);
  }
}

function earliest(commands: readonly Command[]): Command | undefined {
  const timers = commands.filter((one) => one.is === "start_timer");
  return timers.toSorted((one, other) => one.atMs - other.atMs)[0];
}

/** Everything whose size is counted. */
function charsHeld({ input, vars, steps, arrivals, undos }: RunState): number {
  const held: (Json | undefined)[] = [input, vars, ...arrivals.map(({ data }) => data)];
  for (const record of Object.values(steps)) {
    held.push(record.input, record.output, record.error?.message);
    if (record.task) held.push(taskText(record));
    held.push(
      record.group?.items && [...record.group.items],
      ...Object.values(record.group?.outputs ?? {}),
    );
  }
  held.push(...undos.map(({ error }) => error?.message));
  return held.reduce<number>((sum, value) => sum + charsOf(value), 0);
}

const worlds = (more: (world: World) => void) =>
  fc.assert(
    fc.property(seeds, (seed) => {
      const world = start(dice(seed));
      playWild(world);
      more(world);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );

describe("whatever happens", { timeout: PATIENCE_MS }, () => {
  test("a run ends once everything is answered", () => {
    worlds((world) => {
      playTame(world);
      expect(isOver(world.state)).toBe(true);
      expect(world.state).toMatchObject({ frames: {}, timers: {} });
      const open = Object.values(world.state.steps).filter(({ ended }) => ended === undefined);
      expect(open).toEqual([]);
    });
  });

  test("folding the log gives the state, every time", () => {
    worlds((world) => {
      const folded = foldLog(
        world.plan,
        JSON.parse(JSON.stringify(world.log)),
        expressionEvaluator,
      );
      expect(folded.ok && JSON.stringify(folded.value)).toBe(JSON.stringify(world.state));
    });
  });

  test("one key is one command; one attempt of a step has one idempotency key", () => {
    worlds((world) => {
      playTame(world);
      const { commands } = world;
      for (const [, same] of Map.groupBy(commands, ({ key }) => key))
        for (const one of same) expect(JSON.stringify(one)).toBe(JSON.stringify(same[0]));
      const runs = commands.filter((one) => one.is === "run_action");
      for (const [, same] of Map.groupBy(runs, ({ step }) => step))
        expect(new Set(same.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
      const executions = new Map(runs.map(({ step, idempotencyKey }) => [step, idempotencyKey]));
      expect(new Set(executions.values()).size).toBe(executions.size);
    });
  });

  test("what is held is what is counted", () => {
    worlds((world) => expect(world.state.chars).toBe(charsHeld(world.state)));
  });
});

describe("compensation", { timeout: PATIENCE_MS }, () => {
  test("undos are begun exactly in the reverse order of completion", () => {
    worlds((world) => {
      playTame(world);
      const { log, audit, plan, state } = world;
      const again = log.some(({ event }) => event.is === "retry_from");
      const kept = state.ending?.is === "cancelled" && !state.ending.compensate;
      if (again || kept || state.status === "completed") return;
      const told = (what: AuditEntry["what"]) => audit.filter((entry) => entry.what === what);
      const skipped = new Set(told("compensation_skipped").map(({ step }) => step));
      const main = audit.slice(
        0,
        audit.findIndex(({ what }) => what.startsWith("compensation_")),
      );
      const completed = main
        .filter(
          ({ what, step = "" }) =>
            what === "step_completed" && plan.undos.has(state.steps[step]?.id ?? ""),
        )
        .map(({ step }) => step);
      const begun = [...new Set(told("compensation_started").map(({ step }) => step))];
      const due = completed.toReversed().filter((step) => !skipped.has(step));
      expect(begun).toEqual(
        begun.length === 0 && told("compensation_skipped").length === 0 ? [] : due,
      );
      if (due.length > 0 && begun.length === 0)
        expect(completed.every((step) => skipped.has(step))).toBe(true);
    });
  });
});
